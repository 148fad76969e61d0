//! Maps of owners as the kernel takes them.

use std::fmt::Write as _;

use mountwright_core::mount::IdRange;

/// The most ranges of a map (`user_namespaces(7)`).
const MOST_RANGES: usize = 340;
/// A map is written at once, and shorter than a page.
const MOST_BYTES: usize = 4095;

/// The text of `uid_map` or `gid_map`.
pub(crate) fn lines(map: &[IdRange]) -> String {
    map.iter().fold(String::new(), |mut text, IdRange { stored, shown, count }| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{stored} {shown} {count}");
        text
    })
}

/// The reason why the kernel takes no such map.
pub(crate) fn refusal(map: &[IdRange]) -> Option<&'static str> {
    let end = |first: u32, count: u32| u64::from(first) + u64::from(count);
    let meet = |one: u32, one_count: u32, other: u32, other_count: u32| {
        u64::from(one) < end(other, other_count) && u64::from(other) < end(one, one_count)
    };
    let overlap = |one: &IdRange, other: &IdRange| {
        meet(one.stored, one.count, other.stored, other.count) || meet(one.shown, one.count, other.shown, other.count)
    };
    let is_beyond = |range: &IdRange| end(range.stored.max(range.shown), range.count) > u64::from(u32::MAX);
    let mut ranges = map.iter().enumerate();
    match map {
        [] => Some("there is no range"),
        _ if map.len() > MOST_RANGES => Some("there are more than 340 ranges"),
        _ if map.iter().any(|range| range.count == 0) => Some("a range is empty"),
        _ if map.iter().any(is_beyond) => Some("a range ends above the last id"),
        _ if ranges.any(|(at, one)| map[..at].iter().any(|other| overlap(one, other))) => Some("two ranges overlap"),
        _ if lines(map).len() > MOST_BYTES => Some("its lines have more than 4095 bytes"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(ranges: &[(u32, u32, u32)]) -> Vec<IdRange> {
        ranges.iter().map(|&(stored, shown, count)| IdRange { stored, shown, count }).collect()
    }

    #[test]
    fn maps_that_the_kernel_refuses_are_refused_by_name() {
        let many = |count: u32| (0..count).map(|id| (id, id, 1)).collect::<Vec<_>>();
        let long: Vec<_> = (0..200).map(|id| (4_000_000_000 + id, 4_100_000_000 + id, 1)).collect();
        for (ranges, reason) in [
            (&[][..], Some("no range")),
            (&many(341), Some("more than 340")),
            (&long, Some("4095 bytes")),
            (&[(0, 0, 0)], Some("empty")),
            (&[(u32::MAX, 0, 1)], Some("above the last id")),
            (&[(0, u32::MAX - 5, 6)], Some("above the last id")),
            (&[(0, 0, 2), (1, 5, 1)], Some("overlap")),
            (&[(0, 0, 2), (5, 1, 1)], Some("overlap")),
            (&[(0, u32::MAX - 5, 5), (5, 0, 1)], None),
            (&many(340), None),
        ] {
            let seen = refusal(&map(ranges));
            assert_eq!(seen.is_some(), reason.is_some(), "{ranges:?}: {seen:?}");
            assert!(seen.unwrap_or_default().contains(reason.unwrap_or_default()), "{seen:?}");
        }
        assert_eq!(lines(&map(&[(0, 100_000, 65_536), (7, 1, 1)])), "0 100000 65536\n7 1 1\n");
    }
}

//! Lines that differ between two lists.

/// The entries that are in one list alone, in order: `- ` before those of the first, `+ ` before those of the second. As few as
/// possible (the longest common subsequence stays out).
pub(crate) fn lines_that_differ<T: PartialEq + AsRef<str>>(before: &[T], after: &[T]) -> Vec<String> {
    let common = common_lengths(before, after);
    let (mut here, mut there) = (0, 0);
    let mut lines = Vec::new();
    while here < before.len() || there < after.len() {
        if here < before.len() && there < after.len() && before[here] == after[there] {
            (here, there) = (here + 1, there + 1);
        } else if here < before.len() && common[here + 1][there] == common[here][there] {
            lines.push(format!("- {}", before[here].as_ref()));
            here += 1;
        } else {
            lines.push(format!("+ {}", after[there].as_ref()));
            there += 1;
        }
    }
    lines
}

/// The length of the longest common subsequence of what follows each pair of places.
fn common_lengths<T: PartialEq>(before: &[T], after: &[T]) -> Vec<Vec<usize>> {
    let mut common = vec![vec![0; after.len() + 1]; before.len() + 1];
    for here in (0..before.len()).rev() {
        for there in (0..after.len()).rev() {
            common[here][there] = if before[here] == after[there] {
                common[here + 1][there + 1] + 1
            } else {
                common[here + 1][there].max(common[here][there + 1])
            };
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewest_lines_are_named() {
        let differ = |before: &str, after: &str| {
            let (before, after): (Vec<_>, Vec<_>) = (before.split(' ').collect(), after.split(' ').collect());
            lines_that_differ(&before, &after).join(" ")
        };
        assert_eq!(differ("a b c", "a b c"), "");
        assert_eq!(differ("a b c", "a x c d"), "- b + x + d");
        assert_eq!(differ("a b c d", "b d"), "- a - c");
        assert_eq!(differ("a", "b a"), "+ b");
        assert_eq!(differ("a b", "a"), "- b");
    }

    /// The longest common subsequence, by trying each.
    fn longest(before: &[&str], after: &[&str]) -> usize {
        let ([first, rest @ ..], [other, others @ ..]) = (before, after) else { return 0 };
        let both = usize::from(first == other) * (1 + longest(rest, others));
        both.max(longest(rest, after)).max(longest(before, others))
    }

    #[test]
    fn of_all_short_lists_as_few_lines_as_possible_differ() {
        let all: Vec<Vec<&str>> = (1..32_u32)
            .map(|bits| (0..bits.ilog2()).map(|at| if bits >> at & 1 == 0 { "a" } else { "b" }).collect())
            .collect();
        for before in &all {
            for after in &all {
                let lines = lines_that_differ(before, after);
                let common = longest(before, after);
                assert_eq!(lines.len(), before.len() + after.len() - 2 * common, "{before:?} {after:?} {lines:?}");
                let removed = lines.iter().filter(|line| line.starts_with("- ")).count();
                assert_eq!(removed, before.len() - common, "{before:?} {after:?} {lines:?}");
            }
        }
    }
}

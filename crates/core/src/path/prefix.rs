//! Component-wise prefixes of cleaned, absolute paths.

use crate::path::clean::clean_absolute;
use crate::path::swar::bytes_equal_to;

/// The rest of `path` below `prefix`, without a leading slash: empty where they are equal; `None` where `path` is
/// neither `prefix` nor below it. Both are clean and absolute.
pub(crate) fn rest_below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    if prefix == b"/" {
        return path.strip_prefix(b"/");
    }
    match path.strip_prefix(prefix)? {
        [] => Some(b""),
        [b'/', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// As [`rest_below`], for a prefix that is not clean yet: it is cleaned first. `None` where it is relative or empty.
pub(crate) fn rest_below_written<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    if prefix.first() != Some(&b'/') {
        return None;
    }
    // A prefix that matches byte by byte is clean, because the path is.
    rest_below(path, prefix).or_else(|| rest_below(path, &clean_absolute(prefix)?))
}

/// The directory and the last component of a clean, absolute path; the directory is empty where it is the root. `None`
/// for the root and for what has no slash.
pub(crate) fn split_last(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = last_slash(path)?;
    let name = &path[slash + 1..];
    (!name.is_empty()).then(|| (&path[..slash], name))
}

/// The position of the last slash, searched eight bytes at a time: the volume rules do little else.
fn last_slash(path: &[u8]) -> Option<usize> {
    let (head, words) = path.as_rchunks::<8>();
    for (index, word) in words.iter().enumerate().rev() {
        let slashes = bytes_equal_to(b'/', u64::from_le_bytes(*word));
        if slashes != 0 {
            return Some(head.len() + index * 8 + 7 - slashes.leading_zeros() as usize / 8);
        }
    }
    head.iter().rposition(|&b| b == b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_last_slash_is_found_wherever_it_is(
            path in prop::collection::vec(prop_oneof![9 => any::<u8>(), 1 => Just(b'/'), 1 => Just(b'.')], 0..40),
        ) {
            prop_assert_eq!(last_slash(&path), path.iter().rposition(|&b| b == b'/'));
        }
    }

    #[test]
    fn a_prefix_ends_at_a_component() {
        assert_eq!(rest_below(b"/proc", b"/proc"), Some(&b""[..]));
        assert_eq!(rest_below(b"/proc/1/fd", b"/proc"), Some(&b"1/fd"[..]));
        assert_eq!(rest_below(b"/process", b"/proc"), None);
        assert_eq!(rest_below(b"/pro", b"/proc"), None);
    }

    #[test]
    fn everything_is_below_the_root() {
        assert_eq!(rest_below(b"/", b"/"), Some(&b""[..]));
        assert_eq!(rest_below(b"/a/b", b"/"), Some(&b"a/b"[..]));
    }

    #[test]
    fn a_written_prefix_is_cleaned_first() {
        for prefix in ["/a/b", "/a/b/", "//a/./b", "/a/b/c/.."] {
            assert_eq!(rest_below_written(b"/a/b/c", prefix.as_bytes()), Some(&b"c"[..]), "{prefix}");
        }
        for prefix in ["", "a/b", "./a", "/a/bb", "/a/b/.."] {
            assert_ne!(rest_below_written(b"/a/b/c", prefix.as_bytes()), Some(&b"c"[..]), "{prefix}");
        }
        assert_eq!(rest_below_written(b"/a", b""), None);
        assert_eq!(rest_below_written(b"/a", b"//"), Some(&b"a"[..]));
    }

    #[test]
    fn last_component_is_removed() {
        assert_eq!(split_last(b"/a/b"), Some((&b"/a"[..], &b"b"[..])));
        assert_eq!(split_last(b"/a"), Some((&b""[..], &b"a"[..])));
        assert_eq!(split_last(b"/"), None);
        assert_eq!(split_last(b""), None);
    }
}

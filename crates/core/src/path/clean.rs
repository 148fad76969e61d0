//! Lexical cleaning of paths.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::path::swar::{bytes_equal_to, repeated};

/// The shortest path that is the same *text*, as Go's `filepath.Clean` defines it.
///
/// * Doubled and trailing slashes and `.` components go; `..` takes the component before it along.
/// * `..` at the root is the root. At the start of a relative path it stays. The empty path is `.`.
/// * Nothing is looked up: where a component is a symlink, `a/link/..` and `a` are different places and the same text.
/// * Borrowed where the path is clean already, or only ends in slashes. Bytes need not be UTF-8.
///
/// ```
/// use mountwright_core::path::clean_path;
///
/// assert_eq!(clean_path("/proc/../etc//passwd/".as_ref()).as_os_str(), "/etc/passwd");
/// assert_eq!(clean_path("../a/..".as_ref()).as_os_str(), "..");
/// assert_eq!(clean_path("".as_ref()).as_os_str(), ".");
/// ```
pub fn clean_path(path: &Path) -> Cow<'_, Path> {
    match clean(path.as_os_str().as_bytes()) {
        Cow::Borrowed(bytes) => Cow::Borrowed(Path::new(OsStr::from_bytes(bytes))),
        Cow::Owned(bytes) => Cow::Owned(PathBuf::from(OsString::from_vec(bytes))),
    }
}

/// The cleaned bytes of an absolute path; `None` for a relative or empty one.
pub(crate) fn clean_absolute(path: &[u8]) -> Option<Cow<'_, [u8]>> {
    (path.first() == Some(&b'/')).then(|| clean(path))
}

fn clean(path: &[u8]) -> Cow<'_, [u8]> {
    if path.is_empty() {
        return Cow::Borrowed(b".");
    }
    let trimmed = without_trailing_slashes(path);
    if is_clean(trimmed) { Cow::Borrowed(trimmed) } else { Cow::Owned(rebuilt(trimmed)) }
}

/// Removes the slashes at the end; a path of slashes alone keeps one.
fn without_trailing_slashes(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|&b| b != b'/') {
        Some(last) => &path[..=last],
        None => &path[..1],
    }
}

/// True of a path, not empty and without a slash at its end, that cleaning would not change.
fn is_clean(path: &[u8]) -> bool {
    if path[0] == b'/' {
        return is_clean_after_slashes(path);
    }
    // `..` stays only at the beginning of a relative path.
    let mut rest = path;
    while let Some(below) = rest.strip_prefix(b"../") {
        rest = below;
    }
    path == b"." || rest == b".." || (starts_clean(rest) && is_clean_after_slashes(rest))
}

/// True where cleaning would remove no component that follows a slash.
fn is_clean_after_slashes(path: &[u8]) -> bool {
    if !has_slash_before_slash_or_dot(path) {
        return true;
    }
    let mut rest = path;
    // Nine bytes are eight pairs of neighbours. Only a slash before a slash or a dot needs a closer check.
    while let Some(nine) = rest.first_chunk::<9>() {
        let ([first @ .., _], [_, second @ ..]) = (nine, nine);
        let slashes = bytes_equal_to(b'/', u64::from_le_bytes(*first));
        let slashes_or_dots = bytes_equal_to(b'/', u64::from_le_bytes(*second) | repeated(1));
        let mut pairs = slashes & slashes_or_dots;
        while pairs != 0 {
            let slash = pairs.trailing_zeros() as usize / 8;
            if !starts_clean(&rest[slash + 1..]) {
                return false;
            }
            pairs &= pairs - 1;
        }
        rest = &rest[8..];
    }
    (1..rest.len()).all(|at| rest[at - 1] != b'/' || starts_clean(&rest[at..]))
}

/// The quick check, which most paths pass: it has no branch, so the compiler handles many bytes in one step.
fn has_slash_before_slash_or_dot(path: &[u8]) -> bool {
    // `.` and `/` differ in the lowest bit alone.
    path.iter().zip(&path[1..]).fold(0, |found, (&a, &b)| found | (u8::from(a == b'/') & u8::from(b | 1 == b'/'))) != 0
}

/// True where the first component is a name: not empty, not `.`, not `..`.
fn starts_clean(path: &[u8]) -> bool {
    !matches!(path, [b'/', ..] | [b'.'] | [b'.', b'/', ..] | [b'.', b'.'] | [b'.', b'.', b'/', ..])
}

fn rebuilt(path: &[u8]) -> Vec<u8> {
    let floor = usize::from(path[0] == b'/');
    let mut clean = Vec::with_capacity(path.len());
    clean.extend_from_slice(&path[..floor]);
    // The number of components at the end of `clean` that a `..` may remove.
    let mut takeable = 0_usize;
    for component in path.split(|&b| b == b'/') {
        match component {
            b"" | b"." => continue,
            b".." if takeable > 0 => {
                takeable -= 1;
                let end = clean.iter().rposition(|&b| b == b'/').unwrap_or(0);
                clean.truncate(end.max(floor));
                continue;
            }
            b".." if floor == 1 => continue,
            b".." => {}
            _ => takeable += 1,
        }
        if clean.len() > floor {
            clean.push(b'/');
        }
        clean.extend_from_slice(component);
    }
    if clean.is_empty() {
        clean.push(b'.');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn assert_cleans(path: &str, clean: &str) {
        assert_eq!(clean_path(Path::new(path)).as_os_str(), clean, "{path:?}");
    }

    #[test]
    fn slashes_become_single_and_none_ends_it() {
        assert_cleans("//proc", "/proc");
        assert_cleans("/a//b///", "/a/b");
        assert_cleans("////", "/");
        assert_cleans("a//b/", "a/b");
    }

    #[test]
    fn dots_go() {
        assert_cleans("/./sys", "/sys");
        assert_cleans("./a/./b/.", "a/b");
        assert_cleans("./.", ".");
        assert_cleans("/.", "/");
    }

    #[test]
    fn dot_dot_takes_the_component_before_it_along() {
        assert_cleans("/proc/../etc", "/etc");
        assert_cleans("/a/b/../../c", "/c");
        assert_cleans("a/..", ".");
        assert_cleans("a/b/..", "a");
        assert_cleans("/a/..", "/");
    }

    #[test]
    fn dot_dot_ends_at_the_root_and_stays_in_front_of_a_relative_path() {
        assert_cleans("/..", "/");
        assert_cleans("/../../a", "/a");
        assert_cleans("../../a", "../../a");
        assert_cleans("a/../../b", "../b");
        assert_cleans("../a/../..", "../..");
    }

    #[test]
    fn names_that_only_start_with_dots_are_names() {
        for path in ["/v/..data/key", "/.hidden", "...", "..a/b", "/a/.../b", "/a/.."] {
            let expected = if path == "/a/.." { "/" } else { path };
            assert_cleans(path, expected);
        }
    }

    #[test]
    fn the_empty_path_is_a_dot() {
        assert_cleans("", ".");
    }

    #[test]
    fn a_clean_path_is_borrowed() {
        for path in ["/", ".", "..", "/a", "a/b", "../a", "/v/..data/key", "/a/b/", "/a///", "//"] {
            assert!(matches!(clean_path(Path::new(path)), Cow::Borrowed(_)), "{path:?}");
        }
        assert!(matches!(clean_path(Path::new("/a//b")), Cow::Owned(_)));
    }

    #[test]
    fn bytes_are_kept() {
        let path = Path::new(OsStr::from_bytes(b"/a//\xff/\xfe/../b"));
        assert_eq!(clean_path(path).as_os_str().as_bytes(), b"/a/\xff/b");
    }

    #[test]
    fn only_an_absolute_path_is_cleaned_for_the_rules() {
        assert_eq!(clean_absolute(b"/a/.").as_deref(), Some(&b"/a"[..]));
        assert_eq!(clean_absolute(b"a"), None);
        assert_eq!(clean_absolute(b""), None);
    }

    /// The definition, without any eye on speed: replace until nothing changes.
    fn model(path: &[u8]) -> Vec<u8> {
        let absolute = path.first() == Some(&b'/');
        let mut parts: Vec<&[u8]> = path.split(|&b| b == b'/').filter(|p| !p.is_empty() && *p != b".").collect();
        loop {
            if let Some(at) = parts.windows(2).position(|pair| pair[0] != b".." && pair[1] == b"..") {
                parts.drain(at..at + 2);
            } else if absolute && parts.first() == Some(&&b".."[..]) {
                parts.remove(0);
            } else {
                break;
            }
        }
        let joined = parts.join(&b'/');
        match (absolute, joined.is_empty()) {
            (true, _) => [b"/", &joined[..]].concat(),
            (false, true) => b".".to_vec(),
            (false, false) => joined,
        }
    }

    fn paths() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            Just(&b""[..]),
            Just(&b"."[..]),
            Just(&b".."[..]),
            Just(&b"a"[..]),
            Just(&b"..b"[..]),
            Just(&b"\xffc."[..]),
        ];
        prop::collection::vec(part, 0..9).prop_map(|parts| parts.join(&b'/'))
    }

    proptest! {
        #[test]
        fn cleaning_agrees_with_the_definition(path in paths()) {
            prop_assert_eq!(clean(&path).into_owned(), model(&path));
        }

        #[test]
        fn cleaning_twice_is_cleaning_once_and_the_second_borrows(path in paths()) {
            let once = clean(&path).into_owned();
            let twice = clean(&once);
            prop_assert!(matches!(twice, Cow::Borrowed(_)));
            prop_assert_eq!(twice.as_ref(), &once[..]);
        }

        #[test]
        fn long_paths_clean_as_defined(path in prop::collection::vec(paths(), 0..12)) {
            let path = path.join(&b"/0123456789/"[..]);
            prop_assert_eq!(clean(&path).into_owned(), model(&path));
        }

        #[test]
        fn any_bytes_clean_as_defined(path: Vec<u8>) {
            prop_assert_eq!(clean(&path).into_owned(), model(&path));
        }
    }
}

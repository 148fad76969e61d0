//! Names and paths from a small alphabet.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::path::{ContainerId, RelativePath};

/// The maximum depth of a path.
const DEEPEST: usize = 4;

const ODD_NAMES: &[&[u8]] =
    &[b"a b", b"\\040", b"a\\", b"...", b"..a", b"#", b"\n", b"\xff", b"\xc3", "\u{e9}".as_bytes(), b"-"];

fn plain_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&["a", "b", "c", "d"][..])
}

/// A name for a directory entry: mostly one letter, sometimes with a blank, a backslash, an octal escape, dots, a
/// newline or bytes that are not UTF-8.
pub(crate) fn name() -> impl Strategy<Value = OsString> {
    let odd = prop::sample::select(ODD_NAMES).prop_map(|bytes| OsStr::from_bytes(bytes).to_owned());
    prop_oneof![8 => plain_name().prop_map(OsString::from), 1 => odd]
}

/// A clean absolute path, up to four plain names deep; `/` too.
pub fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(plain_name(), 0..=DEEPEST)
        .prop_map(|names| PathBuf::from("/").join(names.iter().collect::<PathBuf>()))
}

/// A path that is not clean, of up to eight components: absolute or not, empty, with `.`, `..`, doubled and final
/// slashes and odd names.
#[cfg(test)]
pub(crate) fn odd_path() -> impl Strategy<Value = PathBuf> {
    let part = prop_oneof![
        5 => name(),
        1 => Just(OsString::from("")),
        1 => Just(OsString::from(".")),
        2 => Just(OsString::from("..")),
    ];
    (any::<bool>(), prop::collection::vec(part, 0..=2 * DEEPEST)).prop_map(|(absolute, parts)| {
        let mut text = OsString::from(if absolute { "/" } else { "" });
        text.push(parts.join(OsStr::new("/")));
        PathBuf::from(text)
    })
}

/// A path below a root, one to four names deep.
pub(crate) fn relative_path() -> impl Strategy<Value = RelativePath> {
    prop::collection::vec(name(), 1..=DEEPEST).prop_map(|names| {
        RelativePath::new(names.iter().collect::<PathBuf>()).expect("no name of the alphabet leaves its directory")
    })
}

/// A container's id: one of four.
pub(crate) fn container_id() -> impl Strategy<Value = ContainerId> {
    prop::sample::select(&["box", "b", "pod-1", "0.a_b"][..])
        .prop_map(|id| ContainerId::new(id).expect("the alphabet has valid ids"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    #[test]
    fn an_odd_path_has_up_to_eight_parts() {
        let mut runner = TestRunner::deterministic();
        let slashes = |path: PathBuf| path.as_os_str().as_bytes().split(|byte| *byte == b'/').count() - 1;
        let seen = (0..512).map(|_| slashes(odd_path().new_tree(&mut runner).unwrap().current()));
        // One before the first of the parts, one between each and the next.
        assert_eq!(seen.max(), Some(8));
    }
}

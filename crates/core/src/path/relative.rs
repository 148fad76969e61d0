//! Paths below a root.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::path::InvalidPath;

/// A path below a root, fit to be walked one component at a time.
///
/// * At least one component; relative; no component is `.` or `..`; no NUL.
/// * Slashes are single, and none ends it.
/// * Bytes, not necessarily UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(PathBuf);

impl RelativePath {
    /// Checks `path`. Doubled and trailing slashes are dropped; nothing else is changed.
    ///
    /// # Errors
    ///
    /// [`InvalidPath`] where the path is empty or absolute, has a `.` or `..` component, or holds a NUL byte.
    pub fn new(path: impl Into<PathBuf>) -> Result<Self, InvalidPath> {
        let path = path.into();
        match Self::fault(path.as_os_str().as_bytes()) {
            Some(reason) => Err(InvalidPath::below_a_root(path, reason)),
            None => Ok(Self(Self::with_single_slashes(path))),
        }
    }

    fn fault(bytes: &[u8]) -> Option<&'static str> {
        if bytes.is_empty() {
            return Some("it is empty");
        }
        if bytes[0] == b'/' {
            return Some("it is absolute");
        }
        if bytes.contains(&0) {
            return Some("it holds a NUL byte");
        }
        if bytes.split(|&b| b == b'/').any(|c| c == b"." || c == b"..") {
            return Some("it has a `.` or `..` component");
        }
        None
    }

    fn with_single_slashes(path: PathBuf) -> PathBuf {
        let bytes = path.as_os_str().as_bytes();
        if !bytes.ends_with(b"/") && !bytes.windows(2).any(|pair| pair == b"//") {
            return path;
        }
        let mut clean = Vec::with_capacity(bytes.len());
        for component in bytes.split(|&b| b == b'/').filter(|c| !c.is_empty()) {
            if !clean.is_empty() {
                clean.push(b'/');
            }
            clean.extend_from_slice(component);
        }
        PathBuf::from(OsString::from_vec(clean))
    }

    /// The path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// All but the last component; `None` where there is just one.
    pub fn parent(&self) -> Option<&Path> {
        let bytes = self.0.as_os_str().as_bytes();
        let slash = bytes.iter().rposition(|&b| b == b'/')?;
        Some(Path::new(OsStr::from_bytes(&bytes[..slash])))
    }

    /// The last component.
    pub fn name(&self) -> &OsStr {
        let bytes = self.0.as_os_str().as_bytes();
        let start = bytes.iter().rposition(|&b| b == b'/').map_or(0, |slash| slash + 1);
        OsStr::from_bytes(&bytes[start..])
    }

    /// The components, in order.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.as_os_str().as_bytes().split(|&b| b == b'/').map(OsStr::from_bytes)
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_leave_the_root() {
        for bad in ["", "/", "/a", ".", "..", "a/..", "../a", "a/./b", "./a", "a\0b"] {
            assert!(RelativePath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn slashes_become_single() {
        let path = RelativePath::new("a//b/").unwrap();
        assert_eq!(path.as_path().as_os_str(), "a/b");
        assert_eq!(path.parent(), Some(Path::new("a")));
        assert_eq!(path.name(), "b");
        assert_eq!(path.components().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn one_component_has_no_parent() {
        let path = RelativePath::new("...").unwrap();
        assert_eq!((path.parent(), path.name()), (None, OsStr::new("...")));
    }

    #[test]
    fn bytes_are_welcome() {
        let path = RelativePath::new(OsString::from_vec(vec![0xff, b'/', 0xfe])).unwrap();
        assert_eq!(path.name().as_bytes(), [0xfe]);
    }

    #[test]
    fn one_slash_too_many_is_enough() {
        for (given, single) in [("a//b", "a/b"), ("a/", "a"), ("a/b", "a/b"), ("a", "a")] {
            assert_eq!(RelativePath::new(given).unwrap().as_path().as_os_str(), single);
        }
    }
}

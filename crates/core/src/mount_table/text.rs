//! A text of a row of mountinfo.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::ops::Deref;

use crate::path::printable;

/// A text of a row: bytes of the kernel's, not necessarily UTF-8, without escapes; an [`OsStr`] that is compared with a literal.
///
/// `Display` is [`printable`].
///
/// ```
/// use mountwright_core::MountTable;
///
/// let table = MountTable::parse("28 1 0:24 / / rw - tmpfs scratch rw\n");
/// let row = table.iter().next().unwrap();
/// assert!(row.fs_type() == "tmpfs" && row.source() != "tmpfs");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowText<'a>(pub(crate) Cow<'a, OsStr>);

impl RowText<'_> {
    /// The text, owned.
    pub fn into_owned(self) -> OsString {
        self.0.into_owned()
    }
}

impl Deref for RowText<'_> {
    type Target = OsStr;

    fn deref(&self) -> &OsStr {
        &self.0
    }
}

impl AsRef<OsStr> for RowText<'_> {
    fn as_ref(&self) -> &OsStr {
        self
    }
}

impl PartialEq<str> for RowText<'_> {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for RowText<'_> {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<OsStr> for RowText<'_> {
    fn eq(&self, other: &OsStr) -> bool {
        **self == *other
    }
}

impl fmt::Display for RowText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&**self))
    }
}

impl fmt::Debug for RowText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount_table::MountTable;

    #[test]
    fn texts_of_a_row_are_compared_with_literals() {
        let table = MountTable::parse("1 0 0:2 / / rw - fuse.s\\040x a\\134b rw\n");
        let row = table.iter().next().unwrap();
        assert!(row.fs_type() == "fuse.s x" && *"fuse.s x" == *row.fs_type() && row.fs_type() != *"fuse");
        assert!(row.fs_type() != "fuse" && row.fs_type() == *"fuse.s x");
        assert!(row.fs_type() == *OsStr::new("fuse.s x") && row.fs_type() != *OsStr::new("fuse"));
        assert_eq!((row.source().to_string(), row.source().into_owned()), ("a\\\\b".to_owned(), "a\\b".into()));
    }
}

//! A file that is pinned for the change of its group.

use crate::error::OsError;
use crate::file::{FileMode, Metadata};
use crate::ports::{Directory, OpenEntry};

/// An open directory or a pinned file: its metadata is read and changed on the same file even if its name is moved.
#[derive(Clone, Copy)]
pub(super) enum Pinned<'a> {
    Directory(&'a dyn Directory),
    File(&'a dyn OpenEntry),
}

impl Pinned<'_> {
    pub(super) fn metadata(self) -> Result<Metadata, OsError> {
        match self {
            Self::Directory(directory) => directory.own_metadata(),
            Self::File(file) => file.metadata(),
        }
    }

    pub(super) fn set_group(self, gid: u32) -> Result<(), OsError> {
        match self {
            Self::Directory(directory) => directory.set_own_owner(None, Some(gid)),
            Self::File(file) => file.set_owner(None, Some(gid)),
        }
    }

    pub(super) fn set_mode(self, mode: FileMode) -> Result<(), OsError> {
        match self {
            Self::Directory(directory) => directory.set_own_mode(mode),
            Self::File(file) => file.set_mode(mode),
        }
    }
}

//! The root that steps act on: a tree that is not visible yet, or the root of the process.

use std::path::Path;

use crate::error::{Errno, OsError};
use crate::file::{FileMode, FinalSymlink, Metadata};
use crate::mount::{AttributeChange, AttributesRequest, BindRequest, MountRequest, Recursion};
use crate::path::Location;
use crate::ports::{Backend, DetachedTree, Directory};

/// The root that steps act on. Paths are those of the container, and symlinks are followed inside the root.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A tree that is not visible yet.
    Tree(&'a dyn DetachedTree),
    /// The root of the process.
    Root(&'a dyn Backend),
}

impl Place<'_> {
    pub(crate) fn at(self, path: impl AsRef<Path>) -> Location {
        match self {
            Self::Tree(_) => Location::in_tree(path.as_ref()),
            Self::Root(_) => Location::in_root("/", path.as_ref()),
        }
    }

    pub(crate) fn metadata(self, path: impl AsRef<Path>, link: FinalSymlink) -> Result<Metadata, OsError> {
        match self {
            Self::Tree(tree) => tree.metadata(path.as_ref(), link),
            Self::Root(backend) => backend.metadata(&self.at(path), link),
        }
    }

    /// The metadata of a path that may be missing.
    pub(crate) fn look(self, path: impl AsRef<Path>) -> Result<Option<Metadata>, OsError> {
        match self.metadata(path, FinalSymlink::Follow) {
            Ok(metadata) => Ok(Some(metadata)),
            Err(error) if error.errno() == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a directory of the tree, which is created with those above it where it is missing.
    pub(crate) fn directory(self, path: impl AsRef<Path>) -> Result<Box<dyn Directory>, OsError> {
        match self {
            Self::Tree(tree) => tree.open_dir(path.as_ref(), Some(FileMode::MOUNT_TARGET)),
            Self::Root(backend) => backend.open_dir(&self.at(path)),
        }
    }

    pub(crate) fn bind(self, request: &BindRequest) -> Result<(), OsError> {
        let report = match self {
            Self::Tree(tree) => tree.bind(request),
            Self::Root(backend) => backend.bind(request),
        };
        report.map(drop)
    }

    pub(crate) fn mount(self, request: &MountRequest) -> Result<(), OsError> {
        let report = match self {
            Self::Tree(tree) => tree.mount(request),
            Self::Root(backend) => backend.mount(request),
        };
        report.map(drop)
    }

    /// Changes the attributes of the mount on the root.
    pub(crate) fn change_root(self, change: AttributeChange) -> Result<(), OsError> {
        match self {
            Self::Tree(tree) => tree.change_attributes(change, Recursion::This),
            Self::Root(backend) => {
                backend.change_attributes(&AttributesRequest::new(Location::trusted("/"), change)).map(drop)
            }
        }
    }
}

//! Places in the filesystem.

use std::path::PathBuf;

use crate::path::{InvalidPath, RelativePath};

/// A place, and how far its path is trusted.
///
/// The choice is the caller's and the type makes it visible:
///
/// * [`Trusted`](Self::Trusted): no untrusted process can change any component of the path. It is resolved as mount(2)
///   does, the last component included, except that an unmount never follows the last one.
/// * [`Beneath`](Self::Beneath): an untrusted process (a guest, a container) can change what lies below `root`. `root`
///   itself is trusted. Below it no symlink is followed: a symlink is `ELOOP`, unless it is the last component and the
///   call is about the name itself (reading a symlink, removing a name, creating one: `EEXIST`). A component before the
///   last that is a mount point is `EXDEV`. No component is resolved twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Location {
    /// A path that no untrusted process can change.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Trusted(PathBuf),
    /// A path below a trusted root, which an untrusted process may be changing right now.
    Beneath {
        /// The trusted root; resolved once, symlinks followed.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        root: PathBuf,
        /// The path below the root; no symlink in it is followed.
        path: RelativePath,
    },
}

impl Location {
    /// A place at a path that no untrusted process can change.
    pub fn trusted(path: impl Into<PathBuf>) -> Self {
        Self::Trusted(path.into())
    }

    /// A place below `root`; only `root` itself is trusted.
    ///
    /// # Errors
    ///
    /// [`InvalidPath`] where `path` is not a [`RelativePath`].
    pub fn beneath(root: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Result<Self, InvalidPath> {
        Ok(Self::Beneath { root: root.into(), path: RelativePath::new(path)? })
    }

    /// The path as a person would write it, for messages. Resolving it again would undo what [`Beneath`](Self::Beneath)
    /// is for.
    pub fn for_display(&self) -> PathBuf {
        match self {
            Self::Trusted(path) => path.clone(),
            Self::Beneath { root, path } => root.join(path.as_path()),
        }
    }
}

//! Places that are looked at or written to.

use std::path::{Path, PathBuf};

use crate::path::{NotRelative, RelativePath};

/// A place, and how far its path is trusted.
///
/// The choice is the caller's and the type makes it visible:
///
/// * [`Trusted`](Self::Trusted): nobody hostile can change any component of the path. It is resolved as mount(2) does, the
///   last component included, except that an unmount never follows the last one.
/// * [`Beneath`](Self::Beneath): somebody (a guest, a container) can change what lies below `root`. `root` itself is
///   trusted; below it no symlink is ever followed: one is `ELOOP`, unless it is the last component and the call speaks of
///   the name itself (reading a link, removing a name, creating one: `EEXIST`). A component before the last that is a mount
///   point is `EXDEV`. Nothing is ever resolved twice.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Location {
    /// A path that nobody hostile can change.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Trusted(PathBuf),
    /// A path below a trusted root, which somebody hostile may be changing right now.
    Beneath {
        /// The trusted root; resolved once, symlinks followed.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        root: PathBuf,
        /// Where it is below the root; no symlink is followed.
        path: RelativePath,
    },
}

impl Location {
    /// A place at a path that nobody hostile can change.
    pub fn trusted(path: impl Into<PathBuf>) -> Self {
        Self::Trusted(path.into())
    }

    /// A place below `root`, of which nothing but `root` is trusted.
    ///
    /// # Errors
    ///
    /// [`NotRelative`] where `path` is not a [`RelativePath`].
    pub fn beneath(root: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Result<Self, NotRelative> {
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

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Self::Trusted(path.to_path_buf())
    }
}

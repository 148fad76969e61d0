//! Places in the filesystem.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

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
/// * [`InRoot`](Self::InRoot): the path is resolved as if `root` were `/`, and an untrusted process can change what lies
///   below `root`. Symlinks are followed inside the root, mounts are crossed, and nothing outside the root is reached.
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
    /// A path in the root directory of a container or an image, resolved as chroot(2) would, by descriptor.
    ///
    /// * A symlink is followed inside the root, an absolute one from the root; `..` at the root stays there. More than 40
    ///   symlinks are `ELOOP`.
    /// * A magic link (`/proc/PID/cwd`, `/proc/PID/fd/N`) is `ELOOP`: it leads out of any root.
    /// * Mounts are crossed.
    /// * A symlink as last component is followed, but where the call is about the name itself: unmounting, moving a mount,
    ///   reading a symlink, removing a name, creating one (`EEXIST`).
    /// * `""` and `/` are the root itself.
    /// * `EXDEV`: the file was moved out of the root during the call.
    InRoot {
        /// The trusted root; resolved once, symlinks followed.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        root: PathBuf,
        /// The path in the root; absolute and relative ones are the same.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        path: PathBuf,
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

    /// A place in `root`, resolved as if `root` were `/`; only `root` itself is trusted. Any path will do.
    pub fn in_root(root: impl Into<PathBuf>, path: impl Into<PathBuf>) -> Self {
        Self::InRoot { root: root.into(), path: path.into() }
    }

    /// A place in a tree that is not visible yet ([`DetachedTree`](crate::ports::DetachedTree)), as target and as source of the
    /// requests that are made in it: a place in the root `""`, which is `ENOENT` everywhere else.
    pub fn in_tree(path: impl Into<PathBuf>) -> Self {
        Self::in_root("", path)
    }

    /// The path as a person would write it, for messages. Resolving it again would undo what [`Beneath`](Self::Beneath)
    /// and [`InRoot`](Self::InRoot) are for.
    pub fn for_display(&self) -> PathBuf {
        match self {
            Self::Trusted(path) => path.clone(),
            Self::Beneath { root, path } => root.join(path.as_path()),
            Self::InRoot { root, path } => join_in_root(root, path),
        }
    }
}

/// `root`, and the path in it as it was given.
fn join_in_root(root: &Path, path: &Path) -> PathBuf {
    let bytes = path.as_os_str().as_bytes();
    let inside = bytes.iter().position(|&byte| byte != b'/').map_or(&b""[..], |start| &bytes[start..]);
    if inside.is_empty() { root.to_path_buf() } else { root.join(OsStr::from_bytes(inside)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_in_a_root_is_shown_below_the_root() {
        for (path, shown) in [("", "/r"), ("/", "/r"), ("//", "/r"), ("a/../b", "/r/a/../b"), ("//etc/x", "/r/etc/x")] {
            assert_eq!(Location::in_root("/r", path).for_display().as_os_str(), shown, "{path:?}");
        }
    }
}

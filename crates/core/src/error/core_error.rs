//! The error of functions that query or change through a port.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::error::{Errno, Leftover, OsError, Subject};
use crate::mount::{Conflict, WrongPropagation};
use crate::path::{InvalidPath, printable};

/// The error of a function that queries or changes something through a port.
///
/// A variant of its own exists for each case that a caller may want to handle; every other case is [`Os`](Self::Os).
/// `Display` is one sentence and never repeats the text of [`source`](std::error::Error::source).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A required path is empty.
    #[error("{what} must be specified")]
    Unspecified {
        /// The name of the path: `source`, `destination`, `path`.
        what: &'static str,
    },
    /// Every directory from the path up to `/` is on the same device, so no device is mounted there. Callers then share
    /// the path.
    #[error("mount point not found: {} is on the same device as every directory above it; share it instead of passing its device", printable(.path))]
    MountPointNotFound {
        /// The resolved path.
        path: PathBuf,
    },
    /// The directory that the guest sees is not on a shared mount: later mounts below it would not propagate to the
    /// guest.
    #[error("{} is not on a shared mount: mounts below it would not propagate to the guest; make it shared first", printable(.path))]
    NotShared {
        /// The directory.
        path: PathBuf,
    },
    /// The path exists and no mount has its root there.
    #[error("{} is not a mount point", printable(.path))]
    NotAMountPoint {
        /// The path.
        path: PathBuf,
    },
    /// The mount that holds the path has its mount point outside of this process's root directory, as in a chroot that is no
    /// mount point: the kernel gives it no path, and before statmount (6.8) nothing at all.
    #[error("{} is on a mount whose mount point lies outside of this process's root directory; make the root directory a mount point", printable(.path))]
    OutsideRoot {
        /// The path.
        path: PathBuf,
    },
    /// A tree is too deep to be read with a bounded number of descriptors.
    #[error("{} is deeper than the limit of {levels} directories", printable(.path))]
    TooDeep {
        /// The root of the tree.
        path: PathBuf,
        /// The number of allowed levels, the root included.
        levels: usize,
    },
    /// A path that has to be UTF-8 is not.
    #[error("path is not UTF-8, as paths of containers and volumes must be: {}", printable(OsStr::from_bytes(.bytes)))]
    NotUtf8 {
        /// The path as the kernel returned it.
        bytes: Vec<u8>,
    },
    /// A word that names no propagation type.
    #[error(transparent)]
    WrongPropagation(#[from] WrongPropagation),
    /// A path that cannot be used below a root, or a text that is no container id.
    #[error(transparent)]
    InvalidPath(#[from] InvalidPath),
    /// Two mounts would get the same name.
    #[error("two mounts have the name {name:?}")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A directory for preparing mounts is on a shared mount: other processes could see unfinished mounts.
    #[error("{} is on a shared mount: other processes would see unfinished mounts there; make it private first", printable(.path))]
    NotPrivate {
        /// The directory.
        path: PathBuf,
    },
    /// Other processes mounted on the place as fast as it was unmounted, or kept moving the mount.
    #[error(
        "could not unmount {mount}: other processes still mounted on it or moved it after {attempts} attempts; stop them, or retry"
    )]
    Unsettled {
        /// The mount, or its mount point.
        mount: Subject,
        /// The number of attempts of one call.
        attempts: u32,
    },
    /// Another mount is mounted at the place already.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// An operation failed, and some of its changes could not be rolled back.
    #[error("{error}; left behind: {}", Listed(.left))]
    LeftBehind {
        /// The cause of the failure.
        error: Box<Error>,
        /// The objects that are left; at least one.
        left: Vec<Leftover>,
    },
    /// The kernel, or the backend in its place, returned an error.
    #[error(transparent)]
    Os(#[from] OsError),
}

impl Error {
    /// The errno, where the kernel returned one.
    pub fn errno(&self) -> Option<Errno> {
        match self {
            Self::Os(error) => Some(error.errno()),
            Self::LeftBehind { error, .. } => error.errno(),
            _ => None,
        }
    }

    /// True where a result would have to wait for a server: see [`OsError::would_wait`].
    pub fn would_wait(&self) -> bool {
        matches!(self, Self::Os(error) if error.would_wait())
    }

    /// The changes that could not be rolled back; empty: nothing was changed.
    pub fn left(&self) -> &[Leftover] {
        match self {
            Self::Os(error) => error.left(),
            Self::LeftBehind { left, .. } => left,
            _ => &[],
        }
    }

    /// The same error without the leftovers for which `stays` is false.
    pub(crate) fn with_left(self, stays: impl FnMut(&Leftover) -> bool) -> Self {
        match self {
            Self::Os(error) => Self::Os(error.with_left(stays)),
            Self::LeftBehind { error, mut left } => {
                left.retain(stays);
                if left.is_empty() { *error } else { Self::LeftBehind { error, left } }
            }
            other => other,
        }
    }

    /// The same error with these leftovers added.
    #[must_use]
    pub(crate) fn leaving(self, left: Vec<Leftover>) -> Self {
        if left.is_empty() {
            return self;
        }
        match self {
            Self::Os(error) => Self::Os(left.into_iter().fold(error, OsError::leaving)),
            Self::LeftBehind { error, left: mut before } => {
                before.extend(left);
                Self::LeftBehind { error, left: before }
            }
            other => Self::LeftBehind { error: Box::new(other), left },
        }
    }
}

struct Listed<'a>(&'a [Leftover]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, left) in self.0.iter().enumerate() {
            write!(f, "{}{left}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;

    #[test]
    fn an_error_of_a_port_speaks_for_itself() {
        let os = OsError::new(Operation::Bind, "/t", Errno::EBUSY).leaving(Leftover::Directory("/t".into()));
        let error = Error::from(os.clone());
        assert_eq!(error.to_string(), os.to_string());
        assert_eq!((error.errno(), error.left()), (Some(Errno::EBUSY), os.left()));
        assert!(std::error::Error::source(&error).is_none() && !error.would_wait());
        assert!(Error::from(OsError::new(Operation::Metadata, "/s", Errno::EAGAIN)).would_wait());
        assert_eq!(Error::Unspecified { what: "source" }.to_string(), "source must be specified");
    }

    #[test]
    fn what_is_left_is_said_whatever_failed() {
        let left = vec![Leftover::Directory("/t".into()), Leftover::File("/f".into())];
        let error = Error::DuplicateName { name: "a".into() }.leaving(left.clone());
        assert_eq!(error.left(), left);
        assert_eq!(error.to_string(), "two mounts have the name \"a\"; left behind: directory /t, file /f");
        let error = Error::from(OsError::new(Operation::Bind, "/t", Errno::EBUSY)).leaving(left.clone());
        assert_eq!((error.left(), error.errno()), (&left[..], Some(Errno::EBUSY)));
        let plain = Error::Unspecified { what: "source" };
        assert_eq!(plain.clone().leaving(Vec::new()), plain);
        let os = Error::from(OsError::new(Operation::Bind, "/t", Errno::EBUSY));
        let behind = Error::LeftBehind { error: Box::new(os), left };
        assert_eq!(behind.errno(), Some(Errno::EBUSY));
    }
}

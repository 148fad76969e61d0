//! The steps of a sandbox's set-up.

use std::fmt;

use camino::Utf8PathBuf;

use crate::sandbox::IfNotShared;
use crate::share::Share;
use crate::share::step::Shown;

/// One step of a [`SandboxSetup`](crate::sandbox::SandboxSetup).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SetupStep {
    /// Creates a directory and those above it where they do not exist.
    MakeDirectories(Utf8PathBuf),
    /// Checks that the host's directory is on a shared mount.
    LookAtMounts(Utf8PathBuf, IfNotShared),
    /// Binds the host's directory onto itself, shared, in a peer group of its own.
    BindOntoItself(Utf8PathBuf),
    /// Makes an existing bind of the directory onto itself shared.
    MakeShared(Utf8PathBuf),
    /// Binds the directory that the guest sees.
    BindShared {
        /// The host's directory.
        mounts_dir: Utf8PathBuf,
        /// The guest's directory.
        shared_dir: Utf8PathBuf,
    },
    /// Makes the mount of the private directory private.
    MakePrivate(Utf8PathBuf),
    /// Binds a source for the whole sandbox, unless it is bound already.
    Share(Box<Share>),
}

impl fmt::Display for SetupStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeDirectories(path) => {
                write!(f, "create the directory {path} and its missing parents")
            }
            Self::LookAtMounts(path, IfNotShared::Fail) => {
                write!(f, "check that {path} is on a shared mount")
            }
            Self::LookAtMounts(path, IfNotShared::MakeShared) => {
                write!(f, "if {path} is not on a shared mount, bind it onto itself and make that mount shared")
            }
            Self::BindOntoItself(path) => write!(f, "bind {path} onto itself, shared"),
            Self::MakeShared(path) => write!(f, "make the mount on {path} shared"),
            Self::BindShared { mounts_dir, shared_dir } => {
                write!(f, "bind {mounts_dir} onto {shared_dir}, read-only, slave, unless it is mounted")
            }
            Self::MakePrivate(path) => {
                write!(f, "if {path} is on a shared mount, bind it onto itself, private")
            }
            Self::Share(share) => {
                write!(
                    f,
                    "bind {} onto {}, read-only, {}, unless it is mounted",
                    Shown(share.source()),
                    Shown(share.at()),
                    share.propagation()
                )
            }
        }
    }
}

//! Errors in reading a volume's files.

use std::path::PathBuf;

use crate::error::OsError;
use crate::file::FileKind;
use crate::kubernetes::atomic_writer::{AtomicVolumeLimits, VolumeGeneration};
use crate::path::printable;

/// The error when the files of a volume cannot be read as one version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AtomicVolumeError {
    /// There is no `..data`: the volume has another layout, or the kubelet has not written it yet.
    #[error("{} has no ..data: the kubelet has not written it yet, or it has another layout", printable(.volume))]
    NotWritten {
        /// The volume.
        volume: PathBuf,
    },
    /// The volume does not have the kubelet's layout.
    #[error("{} does not have the layout of the kubelet: {fault}", printable(.volume))]
    OtherLayout {
        /// The volume.
        volume: PathBuf,
        /// The fault in the layout.
        fault: LayoutFault,
    },
    /// The volume holds more than the caller's limits allow.
    #[error("{} exceeds the limit of {} files and directories, {} bytes or {} nested directories",
        printable(.volume), .limits.entries, .limits.bytes, .limits.depth)]
    TooMuch {
        /// The volume.
        volume: PathBuf,
        /// The limits, at least one of which is exceeded.
        limits: AtomicVolumeLimits,
    },
    /// Each version was replaced while it was read.
    #[error("{} was replaced {tries} times while it was read", printable(.volume))]
    Unsettled {
        /// The volume.
        volume: PathBuf,
        /// The number of attempts.
        tries: u32,
    },
    /// It could not be reached or read.
    #[error(transparent)]
    Os(#[from] OsError),
}

/// A fault in the layout of a volume.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutFault {
    /// `..data` is no symlink.
    #[error("..data is not a symlink")]
    NoLink,
    /// `..data` leads to a path that cannot be a version: out of the volume, or a name without the two dots.
    #[error("..data leads to {}", printable(.0))]
    Elsewhere(PathBuf),
    /// The directory that `..data` leads to is missing.
    #[error("{0} is missing")]
    VersionMissing(VolumeGeneration),
    /// The target of `..data` is no directory; a further symlink is not followed.
    #[error("{0} is not a directory")]
    VersionNoDirectory(VolumeGeneration),
    /// A version holds a file that is neither a regular file nor a directory.
    #[error("{} is a {kind}", printable(.path))]
    NotAFile {
        /// Its path in the version.
        path: PathBuf,
        /// Its type.
        kind: FileKind,
    },
}

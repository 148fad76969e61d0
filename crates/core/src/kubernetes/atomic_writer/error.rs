//! Why a volume's files could not be read.

use std::path::PathBuf;

use crate::error::OsError;
use crate::file::FileKind;
use crate::kubernetes::atomic_writer::{AtomicVolumeLimits, VolumeGeneration};
use crate::path::printable;

/// Why the files of a volume could not be read as one version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AtomicVolumeError {
    /// There is no `..data`: the volume has another layout, or the kubelet has not written it yet.
    #[error("{} has no ..data: it is not written yet, or not in versions", printable(.volume))]
    NotWritten {
        /// The volume.
        volume: PathBuf,
    },
    /// What is there is not what the kubelet writes.
    #[error("{} is no volume written in versions: {fault}", printable(.volume))]
    OtherLayout {
        /// The volume.
        volume: PathBuf,
        /// What is wrong with it.
        fault: LayoutFault,
    },
    /// There is more in it than the caller wants.
    #[error("{} holds more than {} files and directories, {} bytes or {} directories in each other",
        printable(.volume), .limits.entries, .limits.bytes, .limits.depth)]
    TooMuch {
        /// The volume.
        volume: PathBuf,
        /// The limits, one of which it passes.
        limits: AtomicVolumeLimits,
    },
    /// It was replaced each time while it was read.
    #[error("{} was replaced {tries} times while it was read", printable(.volume))]
    Unsettled {
        /// The volume.
        volume: PathBuf,
        /// How often it was tried.
        tries: u32,
    },
    /// It could not be reached or read.
    #[error(transparent)]
    Os(#[from] OsError),
}

/// What is wrong with a volume's layout.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutFault {
    /// `..data` is no symlink.
    #[error("..data is no symlink")]
    NoLink,
    /// `..data` leads to what cannot be a version: out of the volume, or a name without the two dots.
    #[error("..data leads to {}", printable(.0))]
    Elsewhere(PathBuf),
    /// The directory that `..data` leads to is missing.
    #[error("{0} is missing")]
    VersionMissing(VolumeGeneration),
    /// What `..data` leads to is no directory; a further symlink is not followed.
    #[error("{0} is no directory")]
    VersionNoDirectory(VolumeGeneration),
    /// A version holds something that is neither a regular file nor a directory.
    #[error("{} is a {kind}", printable(.path))]
    NotAFile {
        /// Where it is in the version.
        path: PathBuf,
        /// What it is.
        kind: FileKind,
    },
}

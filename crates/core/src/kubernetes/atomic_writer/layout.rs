//! The layout of a volume that the kubelet writes atomically.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::error::{Errno, OsError};
use crate::kubernetes::atomic_writer::VolumeGeneration;
use crate::ports::Directory;

/// The symlink to the directory of the present version.
const DATA: &str = "..data";

/// The state of [`DATA`] in a volume.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataLink {
    /// A symlink to a name that a version can have.
    Version(VolumeGeneration),
    /// There is no such name.
    Missing,
    /// A file that is no symlink.
    NoLink,
    /// A symlink to another path.
    Elsewhere(PathBuf),
}

impl DataLink {
    /// Reads the state of [`DATA`] in this volume.
    pub(super) fn read(volume: &dyn Directory) -> Result<Self, OsError> {
        match volume.read_link(OsStr::new(DATA)) {
            Ok(target) => Ok(VolumeGeneration::from_target(&target).map_or(Self::Elsewhere(target), Self::Version)),
            Err(error) if error.errno() == Errno::ENOENT => Ok(Self::Missing),
            Err(error) if error.errno() == Errno::EINVAL => Ok(Self::NoLink),
            Err(error) => Err(error),
        }
    }

    /// The version, where it is one.
    pub(super) fn version(self) -> Option<VolumeGeneration> {
        match self {
            Self::Version(generation) => Some(generation),
            Self::Missing | Self::NoLink | Self::Elsewhere(_) => None,
        }
    }
}

/// The target of the symlink `name` through which a volume shows the file or directory of this name.
pub(super) fn shown_through(name: &OsStr) -> OsString {
    let mut target = OsString::from(DATA);
    target.push("/");
    target.push(name);
    target
}

//! Where such a volume has its present version, and what it shows of it.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::error::{Errno, OsError};
use crate::kubernetes::atomic_writer::VolumeGeneration;
use crate::ports::Directory;

/// The symlink to the directory of the present version.
const DATA: &str = "..data";

/// What stands at [`DATA`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum DataLink {
    /// A link to what is named like a version.
    Version(VolumeGeneration),
    /// Nothing.
    Missing,
    /// Something that is no link.
    NoLink,
    /// A link to somewhere else.
    Elsewhere(PathBuf),
}

impl DataLink {
    /// What stands there in this volume.
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

/// Where the symlink `name` of a volume points that shows the file or directory of this name.
pub(super) fn shown_through(name: &OsStr) -> OsString {
    let mut target = OsString::from(DATA);
    target.push("/");
    target.push(name);
    target
}

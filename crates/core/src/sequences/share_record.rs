//! What a share leaves to remember.

use std::path::PathBuf;

use crate::{ContainerId, DeviceNumber, MountKey, Placeholder};

/// A share that was made: enough to find it again, whatever its name is then, to take off this mount and no other, and to
/// remove what was made for it and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ShareRecord {
    /// Whose it is.
    pub container: ContainerId,
    /// Its name below the container's directory.
    pub name: String,
    /// The mount's identity.
    pub mount: MountKey,
    /// The device number of the filesystem that is shared.
    pub device: DeviceNumber,
    /// What of that filesystem is shared.
    #[cfg_attr(feature = "serde", serde(with = "crate::values::forms::names"))]
    pub subpath: PathBuf,
    /// Where it was mounted, for a person to read.
    #[cfg_attr(feature = "serde", serde(with = "crate::values::forms::names"))]
    pub path: PathBuf,
    /// What was made for it, outermost first: the container's directory, and what the mount was put on.
    pub made: Vec<Placeholder>,
}

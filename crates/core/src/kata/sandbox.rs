//! A sandbox and its mounts.

use camino::Utf8PathBuf;

use crate::path::ContainerId;
use crate::share::ROOTFS_DIR;
use crate::spec::Mount;

/// The root filesystem type that nydus snapshotters announce (`NydusRootFSType` of the original).
pub const NYDUS_ROOTFS_TYPE: &str = "fuse.nydus-overlayfs";

/// A container and its mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Container {
    /// Its id.
    pub id: ContainerId,
    /// The type of the filesystem on the block device that is its root filesystem; empty where its root filesystem is a
    /// shared directory (`state.Fstype` of the original).
    pub fs_type: String,
    /// The type of its root filesystem, as the runtime received it.
    pub rootfs_type: String,
    /// The name of its root filesystem below its directory.
    pub rootfs_suffix: String,
    /// Its mounts, in the order in which they were mounted.
    pub mounts: Vec<Mount>,
}

impl Container {
    /// A container whose root filesystem is a shared directory, without mounts.
    pub fn new(id: ContainerId) -> Self {
        Self {
            id,
            fs_type: String::new(),
            rootfs_type: String::new(),
            rootfs_suffix: ROOTFS_DIR.to_owned(),
            mounts: Vec::new(),
        }
    }
}

/// A sandbox and its mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Sandbox {
    /// Its id.
    pub id: ContainerId,
    /// The directory on the host below which its containers' directories are bound.
    pub mounts_dir: Utf8PathBuf,
    /// The hypervisor, by its name in the configuration.
    pub hypervisor: String,
    /// Its containers, in the order in which they were created.
    pub containers: Vec<Container>,
}

impl Sandbox {
    /// A sandbox without containers.
    pub fn new(id: ContainerId, mounts_dir: impl Into<Utf8PathBuf>, hypervisor: impl Into<String>) -> Self {
        Self { id, mounts_dir: mounts_dir.into(), hypervisor: hypervisor.into(), containers: Vec::new() }
    }
}

//! A sandbox and its mounts.

use camino::Utf8PathBuf;

use crate::path::ContainerId;
use crate::share::ROOTFS_DIR;
use crate::spec::Mount;

/// The root filesystem type that nydus snapshotters announce (`NydusRootFSType` of the original). Since Kata 3.9 others are
/// taken for nydus too: [`Container::is_nydus`].
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

    /// True where the root filesystem is a nydus one: of type `fuse.` and a program, by name or path, whose name begins with
    /// `nydus-overlayfs` (Kata since 3.9).
    #[doc(alias = "IsNydusRootFSType")]
    pub fn is_nydus(&self) -> bool {
        let program = self.rootfs_type.strip_prefix("fuse.");
        let name = program.and_then(|program| program.trim_end_matches('/').rsplit('/').next());
        name.is_some_and(|name| name.starts_with("nydus-overlayfs"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_kata_takes_for_nydus_is_nydus() {
        let is_nydus = |rootfs_type: &str| {
            let mut container = Container::new(ContainerId::new("c").unwrap());
            container.rootfs_type = rootfs_type.to_owned();
            container.is_nydus()
        };
        for nydus in [
            NYDUS_ROOTFS_TYPE,
            "fuse./usr/local/bin/nydus-overlayfs",
            "fuse.nydus-overlayfs-e0ae398a2",
            "fuse./x/nydus-overlayfs/",
        ] {
            assert!(is_nydus(nydus), "{nydus}");
        }
        for other in [
            "",
            "overlay",
            "nydus-overlayfs",
            "fuse",
            "fuse.",
            "fuse.sshfs",
            "fuse./nydus-overlayfs/x",
            "fuse.my-nydus-overlayfs",
        ] {
            assert!(!is_nydus(other), "{other}");
        }
    }
}

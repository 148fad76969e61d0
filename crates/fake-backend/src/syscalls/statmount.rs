//! `statmount` and `listmount`.

use mountwright_core::Errno;

use crate::{Machine, Pid};

/// The answer of `statmount` (`struct statmount`), its strings unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statmount {
    /// Which fields are filled in (`STATMOUNT_*`).
    pub mask: u64,
    /// Device: major.
    pub sb_dev_major: u32,
    /// Device: minor.
    pub sb_dev_minor: u32,
    /// Filesystem magic.
    pub sb_magic: u64,
    /// `MS_RDONLY` and the like, of the superblock.
    pub sb_flags: u32,
    /// Filesystem type.
    pub fs_type: Vec<u8>,
    /// Unique id.
    pub mnt_id: u64,
    /// Unique id of the parent; its own for the root of a tree.
    pub mnt_parent_id: u64,
    /// Reused id.
    pub mnt_id_old: u32,
    /// Reused id of the parent.
    pub mnt_parent_id_old: u32,
    /// `MOUNT_ATTR_*`.
    pub mnt_attr: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE` (shared and slave together).
    pub mnt_propagation: u64,
    /// Peer group, 0 for none.
    pub mnt_peer_group: u64,
    /// Peer group that events come from, 0 for none.
    pub mnt_master: u64,
    /// The nearest dominating group with a mount under the caller's root, 0 for none.
    pub propagate_from: u64,
    /// The root of the mount inside its filesystem.
    pub mnt_root: Vec<u8>,
    /// The mount point, from the caller's root.
    pub mnt_point: Vec<u8>,
    /// The namespace's id.
    pub mnt_ns_id: u64,
    /// Options of the filesystem, as mountinfo's last field without `ro` or `rw`.
    pub mnt_opts: Vec<u8>,
    /// The source.
    pub sb_source: Vec<u8>,
}

impl Machine {
    /// `statmount` of the mount with this unique id in the namespace `ns` (`None`: the caller's). `ENOENT`: no such mount
    /// there. `EPERM`: out of the caller's sight (not below its root) and no privilege.
    pub fn statmount(&self, pid: Pid, mnt_id: u64, ns: Option<u64>, mask: u64, flags: u32) -> Result<Statmount, Errno> {
        Err(Errno::ENOSYS)
    }

    /// `listmount`: unique ids of the mounts below `mnt_id` (`LSMT_ROOT`: the caller's root), at most `most`, in order of
    /// age, beginning after `last` (0: from the start); with `LISTMOUNT_REVERSE` the other way round.
    pub fn listmount(
        &self,
        pid: Pid,
        mnt_id: u64,
        ns: Option<u64>,
        last: u64,
        most: usize,
        flags: u32,
    ) -> Result<Vec<u64>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// The text of `/proc/PID/mountinfo`: the mounts of the process's namespace below its root, in order of age, with the
    /// kernel's escapes.
    pub fn mountinfo(&self, pid: Pid) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }
}

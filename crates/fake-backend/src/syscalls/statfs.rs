//! `statfs` and `fstatfs`.

use mountwright_core::Errno;

use crate::abi::NAME_MAX;
use crate::model::machine::Machine;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

const ST_RDONLY: u64 = 0x1;
const ST_VALID: u64 = 0x20;
/// Each flag of a mount and what `statfs` calls it.
const ST_FLAGS: [(MountFlags, u64); 7] = [
    (MountFlags::NO_SUID, 0x2),
    (MountFlags::NO_DEV, 0x4),
    (MountFlags::NO_EXEC, 0x8),
    (MountFlags::NO_ATIME, 0x400),
    (MountFlags::NO_DIR_ATIME, 0x800),
    (MountFlags::REL_ATIME, 0x1000),
    (MountFlags::NO_SYMLINK_FOLLOW, 0x2000),
];

/// The result of `statfs`: the modelled fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statfs {
    /// The magic number of the filesystem type.
    pub f_type: u64,
    /// `ST_*` flags of mount and superblock, with `ST_VALID`.
    pub f_flags: u64,
    /// The longest name.
    pub f_namelen: u64,
}

impl Machine {
    /// `statfs` (follows symlinks); with an empty path and `At::Fd`, `fstatfs`.
    ///
    /// # Errors
    /// Those of the walk.
    pub fn statfs(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<Statfs, Errno> {
        let at = at.into();
        let empty = path.is_empty() && matches!(at, At::Fd(_));
        let place = self.walk(pid, at, path, WalkFlags { empty, ..WalkFlags::FOLLOW })?;
        self.ask_server_of(pid, place)?;
        let mount = &self.mounts[place.mount];
        let mut f_flags =
            ST_FLAGS.iter().filter(|(flag, _)| mount.flags.has(*flag)).fold(ST_VALID, |all, (_, bit)| all | bit);
        if self.is_read_only(place.mount) {
            f_flags |= ST_RDONLY;
        }
        let f_type = u64::from(self.superblocks[mount.superblock].magic);
        Ok(Statfs { f_type, f_flags, f_namelen: NAME_MAX as u64 })
    }
}

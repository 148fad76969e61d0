//! `statx`: metadata of a path or descriptor.

use mountwright_core::Errno;

use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, AT_STATX_FORCE_SYNC, AT_SYMLINK_NOFOLLOW, STATX__RESERVED,
    STATX_ATTR_AUTOMOUNT, STATX_ATTR_DAX, STATX_ATTR_MOUNT_ROOT, STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID,
    STATX_MNT_ID_UNIQUE,
};
use crate::model::machine::Machine;
use crate::model::objects::device_number::Device;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Content;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::user_namespace::OVERFLOW_ID;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

const PAGE: u64 = 4096;

/// A time. The model has no clock: it counts changes, one nanosecond each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatxTimestamp {
    /// Seconds.
    pub sec: i64,
    /// Nanoseconds.
    pub nsec: u32,
}

/// The result of `statx` (`struct statx`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statx {
    /// Which fields are filled in.
    pub mask: u32,
    /// Preferred block size.
    pub blksize: u32,
    /// `STATX_ATTR_*`.
    pub attributes: u64,
    /// Which attributes mean something.
    pub attributes_mask: u64,
    /// Hard links.
    pub nlink: u32,
    /// Owner, as the process's user namespace numbers it.
    pub uid: u32,
    /// Group, as the process's user namespace numbers it.
    pub gid: u32,
    /// Kind and permission bits.
    pub mode: u16,
    /// Inode number.
    pub ino: u64,
    /// Size in bytes.
    pub size: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Access time.
    pub atime: StatxTimestamp,
    /// Birth time.
    pub btime: StatxTimestamp,
    /// Change time.
    pub ctime: StatxTimestamp,
    /// Modification time.
    pub mtime: StatxTimestamp,
    /// Device a node stands for: major.
    pub rdev_major: u32,
    /// Device a node stands for: minor.
    pub rdev_minor: u32,
    /// Device of the filesystem: major.
    pub dev_major: u32,
    /// Device of the filesystem: minor.
    pub dev_minor: u32,
    /// Mount id: the unique one when `STATX_MNT_ID_UNIQUE` was asked for.
    pub mnt_id: u64,
}

impl Machine {
    /// `statx`; with `AT_EMPTY_PATH` and an empty path, of the descriptor (`fstat`).
    ///
    /// # Errors
    /// Those of the walk; `EINVAL`: unknown flags.
    pub fn statx(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32, mask: u32) -> Result<Statx, Errno> {
        const SYNC: u32 = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
        let known = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | SYNC;
        if mask & STATX__RESERVED != 0 || flags & !known != 0 || flags & SYNC == SYNC {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        if !self.is_served(pid, place) {
            let Statx { attributes, attributes_mask, dev_major, dev_minor, mnt_id, mask: filled, .. } =
                self.statx_of(pid, place, mask);
            let filled = filled & !(STATX_BASIC_STATS | STATX_BTIME);
            let shown =
                Statx { attributes, attributes_mask, dev_major, dev_minor, mnt_id, mask: filled, ..Statx::default() };
            // `fuse_getattr` refuses every request but an empty one.
            return if mask == 0 { Ok(shown) } else { Err(Errno::EACCES) };
        }
        if flags & AT_STATX_DONT_SYNC == 0 && mask & STATX_BASIC_STATS != 0 {
            self.ask_server_of(pid, place)?;
        }
        let (fields, attributes) = self.kernel_version.lacking_of_statx();
        let mut answer = self.statx_of(pid, place, mask & !fields);
        // The classic id is returned unasked.
        answer.mask &= !fields;
        answer.attributes &= !attributes;
        answer.attributes_mask &= !attributes;
        Ok(answer)
    }
}

/// A tick as a time.
fn time(tick: u64) -> StatxTimestamp {
    const BILLION: u64 = 1_000_000_000;
    // Both are far from their limits: a tick is a change, and there are no 2^63 seconds of them.
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    StatxTimestamp { sec: (tick / BILLION) as i64, nsec: (tick % BILLION) as u32 }
}

impl Machine {
    fn statx_of(&self, pid: Pid, place: Place, mask: u32) -> Statx {
        let inode = &self.inodes[self.dentries[place.dentry].inode];
        let mount = &self.mounts[place.mount];
        let superblock = &self.superblocks[inode.superblock];
        let device = inode.device.unwrap_or(superblock.device);
        let represents = match inode.content {
            Content::Block(device) | Content::Character(device) => device,
            _ => Device { major: 0, minor: 0 },
        };
        let (id_bit, mnt_id) = if mask & STATX_MNT_ID_UNIQUE != 0 {
            (STATX_MNT_ID_UNIQUE, mount.unique_id)
        } else {
            (STATX_MNT_ID, u64::from(mount.id))
        };
        let owner = self.owner(place.mount, inode);
        let seen = |ids, id: Option<u32>| {
            let ns = self.task(pid).map(|task| task.user_ns);
            ns.ok().and_then(|ns| self.user_namespaces.number_in(ns, ids, id?)).unwrap_or(OVERFLOW_ID)
        };
        let size = if inode.is_directory() && !superblock.counts_entries() { 0 } else { inode.size() };
        // A kind has four bits above twelve of permissions: sixteen in all.
        #[allow(clippy::cast_possible_truncation)]
        let mode = (inode.content.file_type() as u16) | inode.mode;
        Statx {
            mask: STATX_BASIC_STATS | STATX_BTIME | id_bit,
            // One page.
            blksize: 4096,
            attributes: if self.is_mount_root(place) { STATX_ATTR_MOUNT_ROOT } else { 0 },
            attributes_mask: STATX_ATTR_MOUNT_ROOT | STATX_ATTR_AUTOMOUNT | STATX_ATTR_DAX,
            nlink: inode.links,
            uid: seen(Ids::Users, owner.uid),
            gid: seen(Ids::Groups, owner.gid),
            mode,
            ino: inode.number,
            size,
            blocks: if inode.is_regular() { size.div_ceil(PAGE) * (PAGE / 512) } else { 0 },
            atime: time(inode.times.made),
            btime: time(inode.times.made),
            ctime: time(inode.times.changed),
            mtime: time(inode.times.modified),
            rdev_major: represents.major,
            rdev_minor: represents.minor,
            dev_major: device.major,
            dev_minor: device.minor,
            mnt_id,
        }
    }
}

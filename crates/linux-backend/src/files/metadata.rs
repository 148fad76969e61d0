//! Conversion of statx results to core's types.

use std::path::Path;

use mountwright_core::file::{FileIdentity, FileKind, FileTime, Metadata};
use mountwright_core::{DeviceNumber, Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::resolve::identity::{kind, mount_key};
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, S_IFBLK, S_IFCHR,
    S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK, STATX_BASIC_STATS, STATX_BTIME,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Stat};

/// The kind of file; `None` for a mode that names none.
pub(crate) fn file_kind(stat: &Stat) -> Option<FileKind> {
    Some(match kind(stat) {
        S_IFREG => FileKind::Regular,
        S_IFDIR => FileKind::Directory,
        S_IFLNK => FileKind::Symlink,
        S_IFBLK => FileKind::BlockDevice,
        S_IFCHR => FileKind::CharacterDevice,
        S_IFIFO => FileKind::Fifo,
        S_IFSOCK => FileKind::Socket,
        _ => return None,
    })
}

/// Returns the kind in a directory entry; `None` if the filesystem reports none.
pub(crate) fn entry_kind(kind: u8) -> Option<FileKind> {
    Some(match u32::from(kind) {
        DT_REG => FileKind::Regular,
        DT_DIR => FileKind::Directory,
        DT_LNK => FileKind::Symlink,
        DT_BLK => FileKind::BlockDevice,
        DT_CHR => FileKind::CharacterDevice,
        DT_FIFO => FileKind::Fifo,
        DT_SOCK => FileKind::Socket,
        _ => return None,
    })
}

impl<K: Kernel> LinuxBackend<K> {
    /// The fields of statx that metadata is made of.
    pub(crate) fn metadata_mask(&self) -> u32 {
        STATX_BASIC_STATS | STATX_BTIME | self.identity_mask()
    }

    /// The metadata of a path, with `AT_…` flags.
    pub(crate) fn metadata_at(&self, dir: At<'_, K::Fd>, path: &Path, flags: u32) -> Step<Metadata> {
        let stat = self.calls.statx(dir, path, flags | AT_NO_AUTOMOUNT, self.metadata_mask())?;
        metadata(&stat)
    }

    /// The metadata of an open descriptor. Before 5.8 its mount comes from fdinfo; without procfs it is unknown.
    pub(crate) fn metadata_of(&self, file: &K::Fd) -> Step<Metadata> {
        let mut found = self.metadata_at(At::Fd(file), "".as_ref(), AT_EMPTY_PATH)?;
        if found.mount.is_none() {
            found.mount = match self.mount_in_fdinfo(file) {
                Ok(mount) => Some(mount),
                Err(fault) if fault.errno() == Errno::EOPNOTSUPP => None,
                Err(fault) => return Err(fault),
            };
        }
        Ok(found)
    }
}

/// Returns the identity of the file.
pub(crate) fn file_identity(stat: &Stat) -> Step<FileIdentity> {
    let kind = file_kind(stat).ok_or(Fault::new(Call::Statx, Errno::EIO))?;
    Ok(FileIdentity { device: DeviceNumber::new(stat.device.0, stat.device.1), inode: stat.inode, kind })
}

/// Converts a statx result to core's metadata.
pub(crate) fn metadata(stat: &Stat) -> Step<Metadata> {
    let kind = file_kind(stat).ok_or(Fault::new(Call::Statx, Errno::EIO))?;
    let number = |(major, minor)| DeviceNumber::new(major, minor);
    let mut found = Metadata::new(kind, number(stat.device), stat.inode);
    found.represents =
        matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice).then(|| number(stat.represents));
    found.mode = FileMode::from_bits(stat.mode);
    found.uid = stat.uid;
    found.gid = stat.gid;
    found.size = stat.size;
    found.links = stat.links.into();
    found.mount = mount_key(stat);
    let (seconds, nanoseconds) = stat.birth;
    found.birth = (stat.mask & STATX_BTIME != 0).then_some(FileTime { seconds, nanoseconds });
    Ok(found)
}

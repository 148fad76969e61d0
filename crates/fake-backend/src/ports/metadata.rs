//! From the answers about files to core's values.

use mountwright_core::{DeviceNumber, FileKind, FileMode, Metadata};

use crate::Statx;
use crate::abi::{
    DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_SOCK, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK,
};

/// The kind of file: one of `S_IF…`.
pub(crate) fn kind(stat: &Statx) -> u32 {
    u32::from(stat.mode) & S_IFMT
}

fn file_kind(stat: &Statx) -> FileKind {
    match kind(stat) {
        S_IFDIR => FileKind::Directory,
        S_IFLNK => FileKind::Symlink,
        S_IFBLK => FileKind::BlockDevice,
        S_IFCHR => FileKind::CharacterDevice,
        S_IFIFO => FileKind::Fifo,
        S_IFSOCK => FileKind::Socket,
        _ => FileKind::Regular,
    }
}

/// The kind that a directory tells.
pub(crate) fn entry_kind(kind: u8) -> FileKind {
    match kind {
        DT_DIR => FileKind::Directory,
        DT_LNK => FileKind::Symlink,
        DT_BLK => FileKind::BlockDevice,
        DT_CHR => FileKind::CharacterDevice,
        DT_FIFO => FileKind::Fifo,
        DT_SOCK => FileKind::Socket,
        _ => FileKind::Regular,
    }
}

pub(crate) fn metadata(stat: &Statx) -> Metadata {
    let kind = file_kind(stat);
    let mut found = Metadata::new(kind, DeviceNumber::new(stat.dev_major, stat.dev_minor), stat.ino);
    found.represents = matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice)
        .then(|| DeviceNumber::new(stat.rdev_major, stat.rdev_minor));
    found.mode = FileMode::from_bits(stat.mode);
    found.uid = stat.uid;
    found.gid = stat.gid;
    found.size = stat.size;
    found.links = stat.nlink.into();
    found
}

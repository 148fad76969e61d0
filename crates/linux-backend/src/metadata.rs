//! From statx's answer to core's values.

use mountwright_core::{DeviceNumber, FileKind, FileMode, Metadata};

use crate::abi::{
    DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG,
    S_IFSOCK,
};
use crate::identity::kind;
use crate::kernel::Stat;

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

/// The kind that a directory tells; `None` where it does not.
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

pub(crate) fn metadata(stat: &Stat, kind: FileKind) -> Metadata {
    let number = |(major, minor)| DeviceNumber::new(major, minor);
    let mut found = Metadata::new(kind, number(stat.device), stat.inode);
    found.represents =
        matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice).then(|| number(stat.represents));
    found.mode = FileMode::from_bits(stat.mode);
    found.uid = stat.uid;
    found.gid = stat.gid;
    found.size = stat.size;
    found.links = stat.links.into();
    found
}

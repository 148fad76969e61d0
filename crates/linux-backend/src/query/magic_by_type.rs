//! Filesystem magic by type name; avoids `statfs`, which can block on a network filesystem.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::file::FilesystemMagic;

/// Returns the magic number of a filesystem type as mountinfo names it: all types with a server, and the usual others.
/// `None`: an unknown type, which is local.
///
/// From `include/uapi/linux/magic.h` and the filesystems' own headers.
pub(crate) fn magic_of_type(fs_type: &OsStr) -> Option<FilesystemMagic> {
    let whole = fs_type.as_bytes();
    let kind = whole.split(|&byte| byte == b'.').next().unwrap_or(whole);
    Some(match kind {
        b"tmpfs" => FilesystemMagic::TMPFS,
        b"hugetlbfs" => FilesystemMagic::HUGETLBFS,
        b"proc" => FilesystemMagic::PROC,
        b"sysfs" => FilesystemMagic::SYSFS,
        b"overlay" => FilesystemMagic::OVERLAY,
        b"ext2" | b"ext3" | b"ext4" => FilesystemMagic::EXT4,
        b"xfs" => FilesystemMagic::XFS,
        b"btrfs" => FilesystemMagic::BTRFS,
        b"fuse" | b"fuseblk" | b"fusectl" | b"virtiofs" => fuse(kind),
        b"nfs" | b"nfs4" => FilesystemMagic::NFS,
        b"cifs" => FilesystemMagic(0xff53_4d42),
        b"smb3" => FilesystemMagic(0xfe53_4d42),
        b"ceph" => FilesystemMagic(0x00c3_6400),
        b"9p" => FilesystemMagic(0x0102_1997),
        b"afs" => FilesystemMagic(0x6b41_4653),
        b"coda" => FilesystemMagic(0x7375_7245),
        b"gfs2" => FilesystemMagic(0x0116_1970),
        b"ocfs2" => FilesystemMagic(0x7461_636f),
        b"orangefs" => FilesystemMagic(0x2003_0528),
        _ => return None,
    })
}

fn fuse(kind: &[u8]) -> FilesystemMagic {
    // The control filesystem has a number of its own.
    if kind == b"fusectl" { FilesystemMagic(0x6573_5543) } else { FilesystemMagic::FUSE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtype_does_not_matter() {
        assert_eq!(magic_of_type(OsStr::new("fuse.sshfs")), Some(FilesystemMagic::FUSE));
        assert_eq!(magic_of_type(OsStr::new("fusectl")), Some(FilesystemMagic(0x6573_5543)));
        assert_eq!(magic_of_type(OsStr::new("minix")), None);
    }
}

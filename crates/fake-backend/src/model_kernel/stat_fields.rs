//! Conversion of the syscall face's arguments and results to those of the trait.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use mountwright_linux::{MountAttr, MountStat, Stat};

use crate::abi::STATMOUNT_SUPPORTED_MASK;
use crate::syscalls::statmount::Statmount;
use crate::syscalls::statx::Statx;

/// Fields of statmount that Linux 6.18 knows, those included that are always empty on the model.
const STATMOUNT_KNOWN: u64 = 0x7fff;

pub(super) fn mount_attr(attr: MountAttr) -> crate::syscalls::mount_setattr::MountAttr {
    let MountAttr { set, clear, propagation } = attr;
    crate::syscalls::mount_setattr::MountAttr { attr_set: set, attr_clr: clear, propagation, userns_fd: 0 }
}

pub(super) fn stat(answer: &Statx) -> Stat {
    Stat {
        mask: answer.mask,
        attributes: answer.attributes,
        attributes_mask: answer.attributes_mask,
        mode: answer.mode,
        links: answer.nlink,
        uid: answer.uid,
        gid: answer.gid,
        inode: answer.ino,
        size: answer.size,
        represents: (answer.rdev_major, answer.rdev_minor),
        device: (answer.dev_major, answer.dev_minor),
        mount_id: answer.mnt_id,
        birth: (answer.btime.sec, answer.btime.nsec),
    }
}

pub(super) fn mount_stat(answer: Statmount) -> MountStat {
    let supported = answer.mask & STATMOUNT_SUPPORTED_MASK;
    MountStat {
        mask: answer.mask,
        supported: if supported == 0 { 0 } else { STATMOUNT_KNOWN },
        device: (answer.sb_dev_major, answer.sb_dev_minor),
        magic: answer.sb_magic,
        sb_flags: answer.sb_flags,
        id: answer.mnt_id,
        old_id: answer.mnt_id_old,
        parent: answer.mnt_parent_id,
        old_parent: answer.mnt_parent_id_old,
        attributes: answer.mnt_attr,
        propagation: answer.mnt_propagation,
        peer_group: answer.mnt_peer_group,
        master: answer.mnt_master,
        propagate_from: answer.propagate_from,
        root: OsString::from_vec(answer.mnt_root),
        mount_point: OsString::from_vec(answer.mnt_point),
        fs_type: OsString::from_vec(answer.fs_type),
        subtype: OsString::new(),
        source: OsString::from_vec(answer.sb_source),
        options: OsString::from_vec(answer.mnt_opts),
    }
}

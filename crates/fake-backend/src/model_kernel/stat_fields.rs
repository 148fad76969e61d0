//! Conversion of the syscall face's arguments and results to those of the trait.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use mountwright_core::mount;
use mountwright_linux::{MountAttr, MountStat, Stat};

use crate::abi::{MOUNT_ATTR_IDMAP, STATMOUNT_SUPPORTED_MASK};
use crate::model::objects::credentials::IdRange;
use crate::model_kernel::model_fd::ModelFd;
use crate::syscalls::statmount::Statmount;
use crate::syscalls::statx::Statx;

/// Fields of statmount that Linux 6.18 knows, those included that are always empty on the model.
const STATMOUNT_KNOWN: u64 = 0x7fff;

/// A change of the map of owners: from any to that of this user namespace, or to none.
pub(super) fn owners(clear: bool, namespace: Option<&ModelFd>) -> crate::syscalls::mount_setattr::MountAttr {
    let bit = |is_set: bool| if is_set { MOUNT_ATTR_IDMAP } else { 0 };
    crate::syscalls::mount_setattr::MountAttr {
        attr_set: bit(namespace.is_some()),
        attr_clr: bit(clear),
        propagation: 0,
        // Descriptors are not negative.
        userns_fd: namespace.map_or(0, |file| u64::from(file.number().unsigned_abs())),
    }
}

pub(super) fn id_map(map: &[mount::IdRange]) -> Vec<IdRange> {
    let range = |range: &mount::IdRange| IdRange { inside: range.stored, outside: range.shown, count: range.count };
    map.iter().map(range).collect()
}

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

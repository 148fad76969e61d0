//! Conversion of statmount results to core's types.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use mountwright_core::mount::{AtimeMode, MountAttributes, MountId, PeerGroup, PropagationState, UniqueMountId};
use mountwright_core::{DeviceNumber, MountFlags, MountInfo};

use crate::query::attribute_bits::ATTRIBUTES;
use crate::syscalls::MountStat;
use crate::syscalls::abi::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME, MS_DIRSYNC, MS_LAZYTIME,
    MS_RDONLY, MS_SYNCHRONOUS, MS_UNBINDABLE, STATMOUNT_FS_SUBTYPE, STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC,
    STATMOUNT_MNT_OPTS, STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM, STATMOUNT_SB_BASIC,
    STATMOUNT_SB_SOURCE, STATMOUNT_SUPPORTED_MASK,
};

/// Every field of a [`MountInfo`].
#[allow(clippy::cast_lossless)] // `u64::from` is not const.
pub(crate) const EVERY_FIELD: u64 = (STATMOUNT_SB_BASIC
    | STATMOUNT_MNT_BASIC
    | STATMOUNT_PROPAGATE_FROM
    | STATMOUNT_MNT_ROOT
    | STATMOUNT_MNT_POINT
    | STATMOUNT_FS_TYPE
    | STATMOUNT_FS_SUBTYPE
    | STATMOUNT_MNT_OPTS
    | STATMOUNT_SB_SOURCE
    | STATMOUNT_SUPPORTED_MASK) as u64;

/// The fields that a result lacks only if they are empty or unsupported: all except those that few mounts have.
#[allow(clippy::cast_lossless)] // As above.
const NEVER_LEFT_OUT: u64 =
    EVERY_FIELD & !((STATMOUNT_PROPAGATE_FROM | STATMOUNT_FS_SUBTYPE | STATMOUNT_SUPPORTED_MASK) as u64);

/// Returns the fields that a result lacks. The kernel omits empty strings too: a field counts as empty, not as missing,
/// if the kernel lists it as supported or has returned it before.
pub(crate) fn missing_fields(answer: &MountStat, seen: u64) -> u64 {
    let supported = if answer.mask & u64::from(STATMOUNT_SUPPORTED_MASK) == 0 { 0 } else { answer.supported };
    NEVER_LEFT_OUT & !(answer.mask | supported | seen)
}

pub(crate) fn attributes_of(bits: u64) -> MountAttributes {
    let flags = ATTRIBUTES.iter().filter(|known| bits & u64::from(known.attr) != 0);
    let flags = flags.fold(MountFlags::NONE, |all, known| all | known.flag);
    let atime = match bits & u64::from(MOUNT_ATTR__ATIME) {
        bits if bits == u64::from(MOUNT_ATTR_NOATIME) => AtimeMode::Never,
        bits if bits == u64::from(MOUNT_ATTR_STRICTATIME) => AtimeMode::Strict,
        _ => AtimeMode::Relative,
    };
    MountAttributes { flags, atime }
}

/// A peer group's number as the kernel gives it; 0: none.
pub(crate) fn group(number: u64) -> Option<PeerGroup> {
    u32::try_from(number).ok().and_then(PeerGroup::new)
}

pub(crate) fn info_of(answer: MountStat) -> MountInfo {
    let device = DeviceNumber::new(answer.device.0, answer.device.1);
    let mut info = MountInfo::new(MountId(answer.old_id), MountId(answer.old_parent), device);
    info.unique_id = NonZeroU64::new(answer.id).map(UniqueMountId);
    info.attributes = attributes_of(answer.attributes);
    info.idmapped = answer.attributes & u64::from(MOUNT_ATTR_IDMAP) != 0;
    info.propagation = PropagationState {
        peers: group(answer.peer_group),
        master: group(answer.master),
        // Reported only where it differs from the master, as in mountinfo.
        propagate_from: group(answer.propagate_from).filter(|_| answer.propagate_from != answer.master),
        unbindable: answer.propagation & u64::from(MS_UNBINDABLE) != 0,
    };
    info.options = options(answer.sb_flags, answer.options);
    info.fs_type = answer.fs_type;
    if !answer.subtype.is_empty() {
        info.fs_type.push(".");
        info.fs_type.push(answer.subtype);
    }
    info.root = PathBuf::from(answer.root);
    info.mount_point = PathBuf::from(answer.mount_point);
    info.source = answer.source;
    info
}

/// The last column of mountinfo: the superblock's words, then the filesystem's own. It keeps the allocation of the latter.
fn options(sb_flags: u32, own: OsString) -> OsString {
    let mut text = own.into_vec();
    let own = text.len();
    text.extend_from_slice(if sb_flags & MS_RDONLY == 0 { b"rw" } else { b"ro" });
    for (flag, word) in [(MS_SYNCHRONOUS, ",sync"), (MS_DIRSYNC, ",dirsync"), (MS_LAZYTIME, ",lazytime")] {
        if sb_flags & flag != 0 {
            text.extend_from_slice(word.as_bytes());
        }
    }
    if own != 0 {
        text.push(b',');
    }
    text.rotate_left(own);
    OsString::from_vec(text)
}

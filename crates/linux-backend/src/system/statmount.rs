//! Decoding of the result of statmount(2).

use std::ffi::{CStr, OsString};
use std::mem::offset_of;
use std::os::unix::ffi::OsStringExt;

use linux_raw_sys::general::{
    STATMOUNT_FS_SUBTYPE, STATMOUNT_FS_TYPE, STATMOUNT_MNT_OPTS, STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT,
    STATMOUNT_SB_SOURCE, statmount,
};

use crate::syscalls::MountStat;

/// The offset of the strings: the size of the structure with its spare fields, the same on every kernel so far.
pub(super) const STRINGS: usize = offset_of!(statmount, str_);

// The layout is the same on every architecture: it needs no padding.
const _: () = assert!(STRINGS == 512 && offset_of!(statmount, supported_mask) == 144);

/// The superblock's words, which the table has before the filesystem's own: space for them in the same allocation.
const WORDS_TO_COME: usize = "rw,sync,dirsync,lazytime,".len();

/// `struct statmount`, and its strings.
pub(super) struct Answer<'a> {
    fields: &'a [u8; STRINGS],
    strings: &'a [u8],
}

impl<'a> Answer<'a> {
    /// Splits what the kernel wrote; `None` where it is shorter than the structure.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        bytes.split_first_chunk().map(|(fields, strings)| Self { fields, strings })
    }
}

impl Answer<'_> {
    #[inline]
    fn u32(&self, offset: usize) -> u32 {
        let bytes = self.fields.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    }

    #[inline]
    fn u64(&self, offset: usize) -> u64 {
        let bytes = self.fields.get(offset..offset + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    }

    /// Returns the string that the field at `offset` points to, if the result has the field.
    fn string(&self, mask: u64, bit: u32, offset: usize) -> OsString {
        if mask & u64::from(bit) == 0 {
            return OsString::new();
        }
        let start = usize::try_from(self.u32(offset)).unwrap_or(usize::MAX);
        let tail = self.strings.get(start..).unwrap_or_default();
        let text = CStr::from_bytes_until_nul(tail).map_or(tail, CStr::to_bytes);
        let mut copy = Vec::with_capacity(text.len() + WORDS_TO_COME);
        copy.extend_from_slice(text);
        OsString::from_vec(copy)
    }

    pub(super) fn read(&self) -> MountStat {
        let mask = self.u64(offset_of!(statmount, mask));
        MountStat {
            mask,
            supported: self.u64(offset_of!(statmount, supported_mask)),
            device: (self.u32(offset_of!(statmount, sb_dev_major)), self.u32(offset_of!(statmount, sb_dev_minor))),
            magic: self.u64(offset_of!(statmount, sb_magic)),
            sb_flags: self.u32(offset_of!(statmount, sb_flags)),
            id: self.u64(offset_of!(statmount, mnt_id)),
            old_id: self.u32(offset_of!(statmount, mnt_id_old)),
            parent: self.u64(offset_of!(statmount, mnt_parent_id)),
            old_parent: self.u32(offset_of!(statmount, mnt_parent_id_old)),
            attributes: self.u64(offset_of!(statmount, mnt_attr)),
            propagation: self.u64(offset_of!(statmount, mnt_propagation)),
            peer_group: self.u64(offset_of!(statmount, mnt_peer_group)),
            master: self.u64(offset_of!(statmount, mnt_master)),
            propagate_from: self.u64(offset_of!(statmount, propagate_from)),
            root: self.string(mask, STATMOUNT_MNT_ROOT, offset_of!(statmount, mnt_root)),
            mount_point: self.string(mask, STATMOUNT_MNT_POINT, offset_of!(statmount, mnt_point)),
            fs_type: self.string(mask, STATMOUNT_FS_TYPE, offset_of!(statmount, fs_type)),
            subtype: self.string(mask, STATMOUNT_FS_SUBTYPE, offset_of!(statmount, fs_subtype)),
            source: self.string(mask, STATMOUNT_SB_SOURCE, offset_of!(statmount, sb_source)),
            options: self.string(mask, STATMOUNT_MNT_OPTS, offset_of!(statmount, mnt_opts)),
        }
    }
}

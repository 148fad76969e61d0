//! Questions about mounts: by a look that asks no filesystem, then by the mount's id.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::os::unix::ffi::OsStringExt;

use mountwright_core::{
    DeviceNumber, Errno, FilesystemMagic, FilesystemOf, Location, MountId, MountInfo, MountKey, MountNamespaceId,
    MountTable, Origin, PathMount, PeerGroup, PropagationState, UniqueMountId,
};

use super::attribute_bits::attributes_of;
use super::calls::{Calls, path_buf};
use super::fault::{Fault, Step};
use super::identity::{IDENTITY, QUIETLY, is_mount_root, unique_id};
use super::metadata::kind;
use crate::abi::{
    AT_SYMLINK_NOFOLLOW, MS_RDONLY, MS_UNBINDABLE, S_IFLNK, STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_OPTS,
    STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM, STATMOUNT_SB_BASIC, STATMOUNT_SB_SOURCE,
};
use crate::{Statmount, Statx};

/// Every field of a [`MountInfo`].
const EVERY_FIELD: u64 = STATMOUNT_SB_BASIC
    | STATMOUNT_MNT_BASIC
    | STATMOUNT_PROPAGATE_FROM
    | STATMOUNT_MNT_ROOT
    | STATMOUNT_MNT_POINT
    | STATMOUNT_FS_TYPE
    | STATMOUNT_MNT_OPTS
    | STATMOUNT_SB_SOURCE;

impl Calls<'_> {
    /// statx of a location, for its mount. Below a root the last component is looked at, not followed.
    fn look(&mut self, at: &Location) -> Step<Statx> {
        let place = self.place_for_one_call(at)?;
        let follow = if matches!(at, Location::Beneath { .. }) { AT_SYMLINK_NOFOLLOW } else { 0 };
        let stat = self.statx(place.at, &place.name, QUIETLY | follow, IDENTITY)?;
        if follow != 0 && kind(&stat) == S_IFLNK {
            return Err(Fault::new("statx", Errno::ELOOP));
        }
        Ok(stat)
    }

    pub(crate) fn mount_of(&mut self, at: &Location) -> Step<PathMount> {
        let stat = self.look(at)?;
        let mount = self.unique_mount(unique_id(&stat)?)?;
        Ok(PathMount { mount, is_root: is_mount_root(&stat) })
    }

    pub(crate) fn filesystem_of(&mut self, at: &Location) -> Step<FilesystemOf> {
        let stat = self.look(at)?;
        let answer = self.statmount(unique_id(&stat)?.0.get(), STATMOUNT_SB_BASIC)?;
        // Every magic number has 32 bits; the field is wider.
        let magic = FilesystemMagic(u32::try_from(answer.sb_magic).unwrap_or_default());
        let device = DeviceNumber::new(answer.sb_dev_major, answer.sb_dev_minor);
        Ok(FilesystemOf::new(magic, device, is_mount_root(&stat)))
    }

    pub(crate) fn find_mount(&mut self, mount: MountKey) -> Step<MountInfo> {
        match mount {
            MountKey::Unique(id) => self.unique_mount(id),
            MountKey::Reused(id) => {
                let table = self.mounts()?;
                table.by_id(id).map(|row| row.to_info()).ok_or(Fault::new("mountinfo", Errno::ENOENT))
            }
        }
    }

    pub(crate) fn mounts(&mut self) -> Step<MountTable> {
        Ok(MountTable::parse(self.mountinfo()?))
    }

    pub(crate) fn origin(&mut self) -> Step<Origin> {
        let (boot, namespace) = self.boot_and_namespace()?;
        Ok(Origin { boot: Some(boot), namespace: Some(MountNamespaceId::Unique(namespace)) })
    }

    fn unique_mount(&mut self, id: UniqueMountId) -> Step<MountInfo> {
        self.statmount(id.0.get(), EVERY_FIELD).map(info_of)
    }
}

fn group(number: u64) -> Option<PeerGroup> {
    u32::try_from(number).ok().and_then(PeerGroup::new)
}

fn info_of(answer: Statmount) -> MountInfo {
    let device = DeviceNumber::new(answer.sb_dev_major, answer.sb_dev_minor);
    let mut info = MountInfo::new(MountId(answer.mnt_id_old), MountId(answer.mnt_parent_id_old), device);
    info.unique_id = NonZeroU64::new(answer.mnt_id).map(UniqueMountId);
    info.attributes = attributes_of(answer.mnt_attr);
    info.propagation = PropagationState {
        peers: group(answer.mnt_peer_group),
        master: group(answer.mnt_master),
        // Told only where it differs from the master, as mountinfo does.
        propagate_from: group(answer.propagate_from).filter(|_| answer.propagate_from != answer.mnt_master),
        unbindable: answer.mnt_propagation & MS_UNBINDABLE != 0,
    };
    let read_only = u64::from(answer.sb_flags) & MS_RDONLY != 0;
    let mut options = if read_only { b"ro".to_vec() } else { b"rw".to_vec() };
    if !answer.mnt_opts.is_empty() {
        options.push(b',');
        options.extend(answer.mnt_opts);
    }
    info.options = OsString::from_vec(options);
    info.fs_type = OsString::from_vec(answer.fs_type);
    info.root = path_buf(answer.mnt_root);
    info.mount_point = path_buf(answer.mnt_point);
    info.source = OsString::from_vec(answer.sb_source);
    info
}

//! `statmount` and `listmount`.

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    CAP_SYS_ADMIN, LISTMOUNT_REVERSE, LSMT_ROOT, MS_PRIVATE, MS_RDONLY, MS_SHARED, MS_SLAVE, MS_UNBINDABLE,
    STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_NS_ID, STATMOUNT_MNT_OPTS, STATMOUNT_MNT_POINT,
    STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM, STATMOUNT_SB_BASIC, STATMOUNT_SB_SOURCE, STATMOUNT_SUPPORTED_MASK,
};
use crate::model::keys::{MountKey, NamespaceKey};
use crate::model::machine::{BEFORE_FIRST_UNIQUE_ID, Machine};
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;

/// The fields that the model supports. A supported text that is empty is missing from a result.
const SUPPORTED: u64 = STATMOUNT_SB_BASIC
    | STATMOUNT_MNT_BASIC
    | STATMOUNT_PROPAGATE_FROM
    | STATMOUNT_MNT_ROOT
    | STATMOUNT_MNT_POINT
    | STATMOUNT_FS_TYPE
    | STATMOUNT_MNT_NS_ID
    | STATMOUNT_MNT_OPTS
    | STATMOUNT_SB_SOURCE
    | STATMOUNT_SUPPORTED_MASK;

/// The result of `statmount` (`struct statmount`), its strings unescaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statmount {
    /// Which fields are filled in (`STATMOUNT_*`).
    pub mask: u64,
    /// Device: major.
    pub sb_dev_major: u32,
    /// Device: minor.
    pub sb_dev_minor: u32,
    /// Filesystem magic.
    pub sb_magic: u64,
    /// `MS_RDONLY` and the like, of the superblock.
    pub sb_flags: u32,
    /// Filesystem type.
    pub fs_type: Vec<u8>,
    /// Unique id.
    pub mnt_id: u64,
    /// Unique id of the parent; its own for the root of a tree.
    pub mnt_parent_id: u64,
    /// Reused id.
    pub mnt_id_old: u32,
    /// Reused id of the parent.
    pub mnt_parent_id_old: u32,
    /// `MOUNT_ATTR_*`.
    pub mnt_attr: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE` (shared and slave together).
    pub mnt_propagation: u64,
    /// Peer group, 0 for none.
    pub mnt_peer_group: u64,
    /// Peer group that events come from, 0 for none.
    pub mnt_master: u64,
    /// The nearest dominating group with a mount under the caller's root, 0 for none.
    pub propagate_from: u64,
    /// The root of the mount inside its filesystem.
    pub mnt_root: Vec<u8>,
    /// The mount point, from the caller's root.
    pub mnt_point: Vec<u8>,
    /// The namespace's id.
    pub mnt_ns_id: u64,
    /// Options of the filesystem, as mountinfo's last field without `ro` or `rw`.
    pub mnt_opts: Vec<u8>,
    /// The source.
    pub sb_source: Vec<u8>,
    /// The fields that are supported.
    pub supported_mask: u64,
}

impl Machine {
    /// `statmount` of the mount with this unique id in the namespace `ns` (`None`: the caller's).
    ///
    /// # Errors
    /// `EINVAL`: flags, or a number that is no unique id. `ENOENT`: no such mount there. `EPERM`: out of the caller's sight (not
    /// below its root) and no privilege.
    pub fn statmount(&self, pid: Pid, mnt_id: u64, ns: Option<u64>, mask: u64, flags: u32) -> Result<Statmount, Errno> {
        self.check_has(Call::Statmount)?;
        if flags != 0 || mnt_id <= BEFORE_FIRST_UNIQUE_ID {
            return Err(Errno::EINVAL);
        }
        let (namespace, root) = self.namespace_to_ask(pid, ns)?;
        let mount = *self.namespaces[namespace].mounts.get(&mnt_id).ok_or(Errno::ENOENT)?;
        self.check_in_sight(pid, namespace, mount, root)?;
        Ok(self.statmount_of(mount, root, mask & self.kernel_version.fields_of_statmount()))
    }

    /// `listmount`: unique ids of the mounts below `mnt_id` (`LSMT_ROOT`: the caller's root), at most `most`, in order of
    /// age, beginning after `last` (0: from the start); with `LISTMOUNT_REVERSE` in reverse order.
    ///
    /// # Errors
    /// As [`Machine::statmount`].
    pub fn listmount(
        &self,
        pid: Pid,
        mnt_id: u64,
        ns: Option<u64>,
        last: u64,
        most: usize,
        flags: u32,
    ) -> Result<Vec<u64>, Errno> {
        self.check_has(Call::Listmount)?;
        if flags & !LISTMOUNT_REVERSE != 0
            || mnt_id <= BEFORE_FIRST_UNIQUE_ID
            || last != 0 && last <= BEFORE_FIRST_UNIQUE_ID
        {
            return Err(Errno::EINVAL);
        }
        let (namespace, root) = self.namespace_to_ask(pid, ns)?;
        let mounts = &self.namespaces[namespace].mounts;
        let top = if mnt_id == LSMT_ROOT {
            root
        } else {
            let mount = *mounts.get(&mnt_id).ok_or(Errno::ENOENT)?;
            Place { mount, dentry: self.mounts[mount].root }
        };
        self.check_in_sight(pid, namespace, top.mount, root)?;
        let below = |(&id, &mount): (&u64, &MountKey)| {
            let place = Place { mount, dentry: self.mounts[mount].root };
            (mount != top.mount && self.is_reachable(place, top)).then_some(id)
        };
        Ok(if flags & LISTMOUNT_REVERSE == 0 {
            mounts.after(&last).filter_map(below).take(most).collect()
        } else {
            mounts.iter().rev().filter(|&(&id, _)| last == 0 || id < last).filter_map(below).take(most).collect()
        })
    }
}

impl Machine {
    /// Returns the requested namespace, and the root that its paths are relative to.
    fn namespace_to_ask(&self, pid: Pid, id: Option<u64>) -> Result<(NamespaceKey, Place), Errno> {
        let task = self.task(pid)?;
        let own = task.namespace;
        let Some(id) = id.filter(|&id| id != self.namespaces[own].id) else { return Ok((own, task.root)) };
        let found = self.namespaces.iter().find(|(_, namespace)| namespace.id == id && !namespace.detached);
        let (key, namespace) = found.ok_or(Errno::ENOENT)?;
        if !self.capable(pid, namespace.user_ns, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        let mount = namespace.root;
        Ok((key, self.onto_mounts(Place { mount, dentry: self.mounts[mount].root })))
    }

    fn check_in_sight(&self, pid: Pid, namespace: NamespaceKey, mount: MountKey, root: Place) -> Result<(), Errno> {
        let place = Place { mount, dentry: self.mounts[mount].root };
        if self.is_reachable(place, root) || self.capable(pid, self.namespaces[namespace].user_ns, CAP_SYS_ADMIN) {
            Ok(())
        } else {
            Err(Errno::EPERM)
        }
    }

    fn statmount_of(&self, key: MountKey, root: Place, mask: u64) -> Statmount {
        let mount = &self.mounts[key];
        let superblock = &self.superblocks[mount.superblock];
        let mut answer = Statmount::default();
        if mask & STATMOUNT_SB_BASIC != 0 {
            answer.mask |= STATMOUNT_SB_BASIC;
            answer.sb_dev_major = superblock.device.major;
            answer.sb_dev_minor = superblock.device.minor;
            answer.sb_magic = u64::from(superblock.magic);
            // The lowest bit.
            #[allow(clippy::cast_possible_truncation)]
            let read_only = MS_RDONLY as u32;
            answer.sb_flags = if superblock.read_only { read_only } else { 0 };
        }
        if mask & STATMOUNT_MNT_BASIC != 0 {
            let parent = &self.mounts[mount.parent.unwrap_or(key)];
            answer.mask |= STATMOUNT_MNT_BASIC;
            answer.mnt_id = mount.unique_id;
            answer.mnt_parent_id = parent.unique_id;
            answer.mnt_id_old = mount.id;
            answer.mnt_parent_id_old = self.parent_id(key);
            answer.mnt_attr = mount.flags.to_attributes();
            answer.mnt_propagation = self.propagation_flags(key);
            answer.mnt_peer_group = if mount.shared { u64::from(mount.group) } else { 0 };
            answer.mnt_master = mount.master.map_or(0, |master| u64::from(self.mounts[master].group));
        }
        if mask & STATMOUNT_PROPAGATE_FROM != 0 {
            answer.mask |= STATMOUNT_PROPAGATE_FROM;
            answer.propagate_from = u64::from(self.dominating_group(key, root));
        }
        if let Some(namespace) = mount.namespace.filter(|_| mask & STATMOUNT_MNT_NS_ID != 0) {
            answer.mask |= STATMOUNT_MNT_NS_ID;
            answer.mnt_ns_id = self.namespaces[namespace].id;
        }
        if mask & STATMOUNT_SUPPORTED_MASK != 0 {
            answer.mask |= STATMOUNT_SUPPORTED_MASK;
            answer.supported_mask = SUPPORTED;
        }
        self.statmount_strings(key, root, mask, &mut answer);
        answer
    }

    /// Leaves out an empty text, and its bit.
    fn statmount_strings(&self, key: MountKey, root: Place, mask: u64, answer: &mut Statmount) {
        let mount = &self.mounts[key];
        let superblock = &self.superblocks[mount.superblock];
        let mut given = 0;
        let mut give = |bit: u64, text: &dyn Fn() -> Vec<u8>| {
            let text = if mask & bit != 0 { text() } else { Vec::new() };
            if !text.is_empty() {
                given |= bit;
            }
            text
        };
        answer.fs_type = give(STATMOUNT_FS_TYPE, &|| superblock.type_name.to_vec());
        answer.mnt_root = give(STATMOUNT_MNT_ROOT, &|| self.shown_root(key));
        let top = Place { mount: key, dentry: mount.root };
        answer.mnt_point = give(STATMOUNT_MNT_POINT, &|| self.path_from(top, root).unwrap_or_default());
        answer.mnt_opts = give(STATMOUNT_MNT_OPTS, &|| self.shown_options(key).get(1..).unwrap_or_default().to_vec());
        answer.sb_source = give(STATMOUNT_SB_SOURCE, &|| self.shown_source(key).into_owned());
        answer.mask |= given;
    }

    fn propagation_flags(&self, key: MountKey) -> u64 {
        let mount = &self.mounts[key];
        let mut flags = 0;
        if mount.shared {
            flags |= MS_SHARED;
        }
        if mount.master.is_some() {
            flags |= MS_SLAVE;
        }
        if mount.unbindable {
            flags |= MS_UNBINDABLE;
        }
        if flags == 0 { MS_PRIVATE } else { flags }
    }
}

//! The whole of a modelled machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use mountwright_core::mount::BootId;

use crate::model::mounts::mount::{Mount, MountKey};
use crate::model::mounts::namespace::{Namespace, NamespaceKey};
use crate::model::process::open_file::OpenFile;
use crate::model::process::task::Task;
use crate::model::process::user_namespace::{UserNamespaces, UserNs};
use crate::model::store::arena::Arena;
use crate::model::store::id_pool::IdPool;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::dentry::Dentry;
use crate::model::vfs::inode::{Content, Inode};
use crate::model::vfs::mount_flags::MountFlags;
use crate::model::vfs::path::Place;
use crate::model::vfs::superblock::{NewInode, NewSuperblock, SuperKey, Superblock};
use crate::{Credentials, KernelVersion, Pid};

/// A modelled Linux machine: a plain value.
///
/// See the [crate's page](crate) for what it is; the methods are grouped by system call.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) inodes: Arena<Inode>,
    pub(crate) dentries: Arena<Dentry>,
    pub(crate) superblocks: Arena<Superblock>,
    pub(crate) mounts: Arena<Mount>,
    pub(crate) namespaces: Arena<Namespace>,
    pub(crate) files: Arena<OpenFile>,
    pub(crate) tasks: BTreeMap<Pid, Arc<Task>>,
    pub(crate) last_pid: u32,
    pub(crate) user_namespaces: UserNamespaces,
    pub(crate) mount_ids: IdPool,
    pub(crate) last_unique_id: u64,
    pub(crate) group_ids: IdPool,
    pub(crate) anonymous_devices: IdPool,
    pub(crate) last_namespace_id: u64,
    pub(crate) mount_max: u32,
    pub(crate) boot_id: BootId,
    /// Where descriptors are that no filesystem has.
    pub(crate) anonymous_mount: Option<MountKey>,
    pub(crate) kernel_version: KernelVersion,
    /// The last token of a descriptor that is open at a port.
    pub(crate) last_port_token: u64,
    /// Stands for the time: one more with each change.
    pub(crate) tick: u64,
}

/// The first unique mount id is above every 32-bit one, so that neither is taken for the other.
pub(crate) const BEFORE_FIRST_UNIQUE_ID: u64 = 1 << 31;

/// The boot id of a machine that was not given another one; version and variant as the kernel's.
const FIRST_BOOT: BootId = BootId::from_bytes([0xb0, 0x07, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);

impl Machine {
    /// The first process: uid 0, every capability, the initial namespaces.
    pub const INIT: Pid = Pid(1);

    /// A machine with one process ([`Machine::INIT`]) and an empty root: a tmpfs mounted at `/`, upon a rootfs that, as on a
    /// real machine, no path leads to. The root mount is private, `rw,relatime`.
    pub fn new() -> Self {
        let mut machine = Self::bare();
        let rootfs = machine.empty_tmpfs(b"rootfs");
        let bottom = machine.new_mount(
            rootfs,
            machine.superblocks[rootfs].root,
            MountFlags::default(),
            Some(Arc::from(&b"rootfs"[..])),
        );
        let namespace = machine.first_namespace(bottom);
        let tmpfs = machine.empty_tmpfs(b"tmpfs");
        let source = Some(Arc::from(&b"tmpfs"[..]));
        let top = machine.new_mount(tmpfs, machine.superblocks[tmpfs].root, MountFlags::REL_ATIME, source);
        machine.attach(top, bottom, machine.mounts[bottom].root);
        machine.enter_namespace(top, namespace);
        machine.start(namespace, Place { mount: top, dentry: machine.mounts[top].root });
        machine
    }

    /// Nothing at all: no mount and no process.
    pub(crate) fn bare() -> Self {
        Self {
            inodes: Arena::default(),
            dentries: Arena::default(),
            superblocks: Arena::default(),
            mounts: Arena::default(),
            namespaces: Arena::default(),
            files: Arena::default(),
            tasks: BTreeMap::new(),
            last_pid: Self::INIT.0,
            user_namespaces: UserNamespaces::default(),
            mount_ids: IdPool::starting_at(1),
            last_unique_id: BEFORE_FIRST_UNIQUE_ID,
            group_ids: IdPool::starting_at(1),
            anonymous_devices: IdPool::starting_at(1),
            last_namespace_id: 0,
            mount_max: 100_000,
            boot_id: FIRST_BOOT,
            anonymous_mount: None,
            kernel_version: KernelVersion::default(),
            last_port_token: 0,
            tick: 0,
        }
    }

    /// The namespace of the first process, with its lowest mount.
    pub(crate) fn first_namespace(&mut self, bottom: MountKey) -> NamespaceKey {
        let namespace = self.new_namespace(UserNs::INITIAL, bottom);
        self.namespaces[namespace].processes = 1;
        self.enter_namespace(bottom, namespace);
        namespace
    }

    /// Starts the first process.
    pub(crate) fn start(&mut self, namespace: NamespaceKey, root: Place) {
        self.hold(root);
        self.hold(root);
        let init = Task {
            namespace,
            user_ns: UserNs::INITIAL,
            credentials: Credentials::root(),
            root,
            current_dir: root,
            descriptors: SortedMap::default(),
        };
        self.tasks.insert(Self::INIT, Arc::new(init));
    }

    pub(crate) fn empty_tmpfs(&mut self, type_name: &[u8]) -> SuperKey {
        let root = NewInode { content: Content::Directory(SortedMap::default()), mode: 0o755, uid: 0, gid: 0 };
        self.new_superblock(NewSuperblock {
            type_name: Arc::from(type_name),
            magic: 0x0102_1994,
            device: None,
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root,
        })
    }

    /// Sets the most mounts that a namespace may have (`fs.mount-max`; 100,000 at first). More is `ENOSPC`.
    pub fn set_mount_max(&mut self, most: u32) {
        self.mount_max = most;
    }

    /// The boot id (`/proc/sys/kernel/random/boot_id`): the same for each new machine.
    pub fn boot_id(&self) -> BootId {
        self.boot_id
    }

    /// Gives the machine another boot id: with a machine that is built again, a reboot.
    pub fn set_boot_id(&mut self, boot_id: BootId) {
        self.boot_id = boot_id;
    }

    /// A moment after every earlier one.
    pub(crate) fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

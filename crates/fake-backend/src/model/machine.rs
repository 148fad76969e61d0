//! The whole of a modelled machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use mountwright_core::mount::BootId;

use crate::model::keys::{Dentries, Files, Inodes, MountKey, Mounts, Namespaces, Superblocks};
use crate::model::objects::dentry::Dentry;
use crate::model::objects::inode::Inode;
use crate::model::objects::kernel_version::KernelVersion;
use crate::model::objects::mount::Mount;
use crate::model::objects::namespace::Namespace;
use crate::model::objects::open_file::OpenFile;
use crate::model::objects::pid::Pid;
use crate::model::objects::superblock::Superblock;
use crate::model::objects::task::Task;
use crate::model::objects::user_namespace::UserNamespaces;
use crate::model::store::arena::Arena;
use crate::model::store::id_pool::IdPool;

/// A modelled Linux machine: a plain value.
///
/// The [crate's page](crate) describes it; the methods are grouped by system call.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(crate) inodes: Arena<Inodes, Inode>,
    pub(crate) dentries: Arena<Dentries, Dentry>,
    pub(crate) superblocks: Arena<Superblocks, Superblock>,
    pub(crate) mounts: Arena<Mounts, Mount>,
    pub(crate) namespaces: Arena<Namespaces, Namespace>,
    pub(crate) files: Arena<Files, OpenFile>,
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
    /// The mount of descriptors that are on no filesystem.
    pub(crate) anonymous_mount: Option<MountKey>,
    /// A mount was given a map of its owners.
    pub(crate) maps_owners: bool,
    /// The mount of the files that stand for namespaces.
    pub(crate) nsfs_mount: Option<MountKey>,
    pub(crate) kernel_version: KernelVersion,
    /// The last token of a descriptor that is open at a port.
    pub(crate) last_port_token: u64,
    /// The clock: it advances with each change.
    pub(crate) tick: u64,
}

/// The first unique mount id is above every 32-bit one, so that neither is taken for the other.
pub(crate) const BEFORE_FIRST_UNIQUE_ID: u64 = 1 << 31;

/// The boot id of a machine that was not given another one; version and variant as the kernel's.
const FIRST_BOOT: BootId = BootId::from_bytes([0xb0, 0x07, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);

impl Machine {
    /// The first process: uid 0, every capability, the initial namespaces.
    pub const INIT: Pid = Pid(1);

    /// Returns a machine without mounts and processes.
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
            maps_owners: false,
            nsfs_mount: None,
            kernel_version: KernelVersion::default(),
            last_port_token: 0,
            tick: 0,
        }
    }

    /// Sets the limit of mounts per namespace (`fs.mount-max`; 100,000 at first). More is `ENOSPC`.
    pub fn set_mount_max(&mut self, most: u32) {
        self.mount_max = most;
    }

    /// The boot id (`/proc/sys/kernel/random/boot_id`): the same for each new machine.
    pub fn boot_id(&self) -> BootId {
        self.boot_id
    }

    /// Gives the machine another boot id: together with a newly built machine, this is a reboot.
    pub fn set_boot_id(&mut self, boot_id: BootId) {
        self.boot_id = boot_id;
    }

    /// Advances the clock.
    pub(crate) fn next_tick(&mut self) -> u64 {
        self.tick += 1;
        self.tick
    }
}

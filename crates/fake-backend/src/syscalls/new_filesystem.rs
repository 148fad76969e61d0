//! Mounting a new filesystem: types, options, disks.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::CAP_SYS_ADMIN;
use crate::model::filesystems::filesystem_type::{Backing, FilesystemType};
use crate::model::filesystems::options::SuperblockOptions;
use crate::model::keys::SuperKey;
use crate::model::machine::Machine;
use crate::model::objects::device_number::Device;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::superblock::{NewInode, NewSuperblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// The arguments of `mount` for a new filesystem.
pub(crate) struct NewFilesystem<'a> {
    pub(crate) fs_type: &'a [u8],
    pub(crate) source: Option<Arc<[u8]>>,
    pub(crate) read_only: bool,
    pub(crate) superblock_flags: u64,
    pub(crate) data: &'a [u8],
    pub(crate) mount_flags: MountFlags,
}

impl Machine {
    /// Gives the machine a disk with an empty filesystem of this type (`ext4`, `xfs`, …). A block node with this device
    /// number, wherever it is, can then be the source of a `mount`. Its contents stay when it is unmounted.
    ///
    /// # Errors
    /// `ENODEV`: no type of that name is a disk's. `EBUSY`: there is a disk with that number.
    pub fn add_disk(&mut self, major: u32, minor: u32, fs_type: &[u8]) -> Result<(), Errno> {
        let device = Device { major, minor };
        let kind = FilesystemType::named(fs_type).filter(|kind| kind.backing == Backing::Disk).ok_or(Errno::ENODEV)?;
        if self.disk(device).is_some() {
            return Err(Errno::EBUSY);
        }
        let disk = self.new_superblock(NewSuperblock {
            type_name: Arc::from(kind.name),
            magic: kind.magic,
            device: Some(device),
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root: NewInode { content: Content::Directory(SortedMap::default()), mode: 0o755, uid: 0, gid: 0 },
        });
        self.superblocks[disk].stays = true;
        Ok(())
    }

    fn disk(&self, device: Device) -> Option<SuperKey> {
        self.superblocks
            .iter()
            .find(|(_, object)| object.stays && object.device.major != 0 && object.device == device)
            .map(|(key, _)| key)
    }

    /// `mount` without a flag for another operation.
    pub(crate) fn mount_new(&mut self, pid: Pid, new: &NewFilesystem<'_>, target: Place) -> Result<(), Errno> {
        let kind = FilesystemType::named(new.fs_type).ok_or(Errno::ENODEV)?;
        let namespace = self.task(pid)?.namespace;
        let mut options = SuperblockOptions::default();
        options.flags = new.superblock_flags;
        options.source.clone_from(&new.source);
        options.set_all(kind, new.data, |ids, id| self.initial_id(pid, ids, id))?;
        // A word among the options has priority over the flag.
        options.read_only = Some(options.read_only.unwrap_or(new.read_only));
        self.may_make_superblock(pid, kind)?;
        let superblock = self.superblock_for(pid, kind, &options)?;
        let root = self.superblocks[superblock].root;
        let mount = self.new_mount(superblock, root, new.mount_flags, options.source);
        let attached = self.mount_point(target).and_then(|point| {
            if !self.is_in(point.parent, namespace) {
                return Err(Errno::EINVAL);
            }
            let parent = &self.mounts[point.parent];
            if parent.superblock == superblock && parent.root == point.dentry {
                return Err(Errno::EBUSY);
            }
            if !self.inodes[self.dentries[point.dentry].inode].is_directory() {
                return Err(Errno::ENOTDIR);
            }
            self.attach_tree(mount, point, namespace)
        });
        attached.inspect_err(|_| self.discard_tree(mount))
    }

    /// The initial user namespace's number of what the process calls `id`.
    pub(crate) fn initial_id(&self, pid: Pid, ids: Ids, id: u32) -> Option<u32> {
        self.task(pid).ok().and_then(|task| self.user_namespaces.to_initial(task.user_ns, ids, id))
    }

    /// # Errors
    /// `EPERM`: no privilege over the user namespace that a superblock of this type would belong to.
    pub(crate) fn may_make_superblock(&self, pid: Pid, kind: FilesystemType) -> Result<(), Errno> {
        let over = if kind.in_user_namespace { self.task(pid)?.user_ns } else { UserNs::INITIAL };
        if self.capable(pid, over, CAP_SYS_ADMIN) { Ok(()) } else { Err(Errno::EPERM) }
    }

    /// Returns a new superblock of this type, or the one of its source.
    ///
    /// # Errors
    /// Those of the walk to a disk's node; `EINVAL`, `ENOTBLK`, `EACCES`, `ENXIO`; `EBUSY`: it is there, and read-only where
    /// it was not to be or the reverse.
    pub(crate) fn superblock_for(
        &mut self,
        pid: Pid,
        kind: FilesystemType,
        options: &SuperblockOptions,
    ) -> Result<SuperKey, Errno> {
        let superblock = match kind.backing {
            Backing::Memory => self.memory_superblock(pid, kind, options)?,
            Backing::Processes => self.proc_superblock(kind, options),
            Backing::Disk => self.disk_superblock(pid, kind, options)?,
            Backing::Terminals => self.devpts_superblock(pid, kind, options)?,
            Backing::Kernel(names) => match self.superblock_of_machine(kind) {
                Some(there) => return Ok(there),
                None => self.kernel_superblock(kind, options, names),
            },
            // It is there, and read-write, since the machine was started.
            Backing::Queues => {
                return Ok(self.superblock_of_machine(kind).unwrap_or_else(|| self.queues_superblock(kind)));
            }
        };
        let read_only = options.read_only.unwrap_or_default();
        let object = &mut self.superblocks[superblock];
        if object.mounts > 0 && object.read_only != read_only {
            return Err(Errno::EBUSY);
        }
        object.read_only = read_only;
        Ok(superblock)
    }

    fn memory_superblock(
        &mut self,
        pid: Pid,
        kind: FilesystemType,
        options: &SuperblockOptions,
    ) -> Result<SuperKey, Errno> {
        let task = self.task(pid)?;
        let user_ns = task.user_ns;
        let root = NewInode {
            content: Content::Directory(SortedMap::default()),
            mode: options.mode.unwrap_or(kind.root_mode()),
            uid: options.uid.unwrap_or(task.credentials.uid),
            gid: options.gid.unwrap_or(task.credentials.gid),
        };
        Ok(self.new_superblock(NewSuperblock {
            type_name: Arc::from(kind.name),
            magic: kind.magic,
            device: None,
            options: Arc::from(options.text(kind)),
            user_ns,
            root,
        }))
    }

    /// The disk whose block node the source names.
    fn disk_superblock(
        &mut self,
        pid: Pid,
        kind: FilesystemType,
        options: &SuperblockOptions,
    ) -> Result<SuperKey, Errno> {
        let source = options.source.as_deref().filter(|source| !source.is_empty()).ok_or(Errno::EINVAL)?;
        let node = self.walk(pid, At::Cwd, source, WalkFlags::FOLLOW)?;
        let Content::Block(device) = self.inodes[self.dentries[node.dentry].inode].content else {
            return Err(Errno::ENOTBLK);
        };
        if !self.opens_devices(node) {
            return Err(Errno::EACCES);
        }
        let disk = self.disk(device).ok_or(Errno::ENXIO)?;
        if *self.superblocks[disk].type_name != *kind.name {
            return Err(Errno::EINVAL);
        }
        Ok(disk)
    }
}

//! A filesystem is mounted anew: types, options, disks.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{CAP_SYS_ADMIN, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_SYNCHRONOUS};
use crate::kernel::device_number::Device;
use crate::kernel::filesystem_type::{Backing, FilesystemType};
use crate::kernel::inode::Content;
use crate::kernel::mount_flags::MountFlags;
use crate::kernel::place::Place;
use crate::kernel::procfs::{ProcFile, ProcNode};
use crate::kernel::sorted_map::SortedMap;
use crate::kernel::superblock::{NewInode, NewSuperblock, SuperKey};
use crate::kernel::user_namespace::UserNs;
use crate::kernel::walk_flags::WalkFlags;
use crate::{At, Machine, Pid};

/// What `mount` was asked for.
pub(crate) struct NewFilesystem<'a> {
    pub(crate) fs_type: &'a [u8],
    pub(crate) source: Option<Arc<[u8]>>,
    pub(crate) read_only: bool,
    pub(crate) superblock_flags: u64,
    pub(crate) data: &'a [u8],
    pub(crate) mount_flags: MountFlags,
}

/// What the options of a memory filesystem say.
struct MemoryOptions {
    mode: u16,
    uid: u32,
    gid: u32,
    /// As mountinfo prints them.
    text: Vec<u8>,
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
        self.superblocks[disk].is_disk = true;
        Ok(())
    }

    fn disk(&self, device: Device) -> Option<SuperKey> {
        self.superblocks.iter().find(|(_, object)| object.is_disk && object.device == device).map(|(key, _)| key)
    }

    /// `mount` without a flag that says otherwise.
    pub(crate) fn mount_new(&mut self, pid: Pid, new: &NewFilesystem<'_>, target: Place) -> Result<(), Errno> {
        let kind = FilesystemType::named(new.fs_type).ok_or(Errno::ENODEV)?;
        let task = self.task(pid)?;
        let (namespace, user_ns) = (task.namespace, task.user_ns);
        let options = if kind.backing == Backing::Memory { Some(self.memory_options(pid, new)?) } else { None };
        let over = if kind.in_user_namespace { user_ns } else { UserNs::INITIAL };
        if !self.capable(pid, over, CAP_SYS_ADMIN) {
            return Err(Errno::EPERM);
        }
        let superblock = match options {
            Some(options) => self.memory_superblock(kind, user_ns, options),
            None if kind.backing == Backing::Processes => self.proc_superblock(kind),
            None => self.disk_superblock(pid, kind, new)?,
        };
        let object = &mut self.superblocks[superblock];
        if object.mounts > 0 && object.read_only != new.read_only {
            return Err(Errno::EBUSY);
        }
        object.read_only = new.read_only;
        let root = object.root;
        let mount = self.new_mount(superblock, root, new.mount_flags, new.source.clone());
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

    fn memory_superblock(&mut self, kind: FilesystemType, user_ns: UserNs, options: MemoryOptions) -> SuperKey {
        let content = Content::Directory(SortedMap::default());
        self.new_superblock(NewSuperblock {
            type_name: Arc::from(kind.name),
            magic: kind.magic,
            device: None,
            options: Arc::from(options.text),
            user_ns,
            root: NewInode { content, mode: options.mode, uid: options.uid, gid: options.gid },
        })
    }

    fn proc_superblock(&mut self, kind: FilesystemType) -> SuperKey {
        let content = Content::Proc(ProcNode::new(ProcFile::Root));
        self.new_superblock(NewSuperblock {
            type_name: Arc::from(kind.name),
            magic: kind.magic,
            device: None,
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root: NewInode { content, mode: 0o555, uid: 0, gid: 0 },
        })
    }

    /// The disk whose block node the source names.
    fn disk_superblock(&mut self, pid: Pid, kind: FilesystemType, new: &NewFilesystem<'_>) -> Result<SuperKey, Errno> {
        let source = new.source.as_deref().filter(|source| !source.is_empty()).ok_or(Errno::EINVAL)?;
        let node = self.walk(pid, At::Cwd, source, WalkFlags::FOLLOW)?;
        let Content::Block(device) = self.inodes[self.dentries[node.dentry].inode].content else {
            return Err(Errno::ENOTBLK);
        };
        if !self.opens_devices(node) {
            return Err(Errno::EACCES);
        }
        let disk = self.disk(device).ok_or(Errno::ENXIO)?;
        let object = &self.superblocks[disk];
        if *object.type_name != *kind.name || !new.data.is_empty() {
            return Err(Errno::EINVAL);
        }
        Ok(disk)
    }

    /// Options that tmpfs and its like know. What has no effect in the model (sizes, counts) is kept for mountinfo.
    fn memory_options(&self, pid: Pid, new: &NewFilesystem<'_>) -> Result<MemoryOptions, Errno> {
        let task = self.task(pid)?;
        // tmpfs makes its root for everybody, with the sticky bit, and for whoever mounts it.
        let mut options =
            MemoryOptions { mode: 0o1777, uid: task.credentials.uid, gid: task.credentials.gid, text: Vec::new() };
        for (flag, word) in
            [(MS_SYNCHRONOUS, ",sync"), (MS_DIRSYNC, ",dirsync"), (MS_MANDLOCK, ",mand"), (MS_LAZYTIME, ",lazytime")]
        {
            if new.superblock_flags & flag != 0 {
                options.text.extend_from_slice(word.as_bytes());
            }
        }
        let texts = new.data.split(|&byte| byte == b',').filter(|text| !text.is_empty());
        for text in texts {
            let text = std::str::from_utf8(text).map_err(|_| Errno::EINVAL)?;
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            let id = || {
                let inside = value.parse().map_err(|_| Errno::EINVAL)?;
                self.user_namespaces.to_initial(task.user_ns, inside).ok_or(Errno::EINVAL)
            };
            match key {
                "mode" => {
                    let mode = u16::from_str_radix(value, 8).map_err(|_| Errno::EINVAL)?;
                    options.mode = mode & 0o7777;
                }
                "uid" => options.uid = id()?,
                "gid" => options.gid = id()?,
                "size" | "nr_blocks" | "nr_inodes" | "huge" | "pagesize" | "min_size" if !value.is_empty() => {}
                "inode32" | "inode64" if value.is_empty() => {}
                _ => return Err(Errno::EINVAL),
            }
            options.text.push(b',');
            options.text.extend_from_slice(text.as_bytes());
        }
        Ok(options)
    }
}

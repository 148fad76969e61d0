//! `mkdirat`, `mknodat`, `symlinkat`, `linkat`: new names.

use mountwright_core::Errno;

use std::sync::Arc;

use crate::abi::{
    AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, CAP_DAC_READ_SEARCH, CAP_MKNOD, PATH_MAX, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO,
    S_IFMT, S_IFREG, S_IFSOCK,
};
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::superblock::{NamesRule, NewInode};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::LastKind;
use crate::model::vfs::permission::{EXECUTE, WRITE};
use crate::model::vfs::walk_flags::WalkFlags;

impl Machine {
    /// `mkdirat`.
    ///
    /// # Errors
    /// Those of the walk; `EEXIST` before `EROFS` before `EACCES`.
    pub fn mkdirat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32) -> Result<(), Errno> {
        let (directory, name) = self.new_name(pid, at.into(), path, true)?;
        let content = Content::Directory(SortedMap::default());
        let mode = self.without_umask(pid, mode & 0o1777)?;
        self.make_file(pid, directory, &name, content, mode).map(drop)
    }

    /// `mknodat`: `mode` with `S_IFREG`, `S_IFCHR`, `S_IFBLK`, `S_IFIFO` or `S_IFSOCK`; `device` as the kernel encodes it for
    /// user space (`makedev`).
    ///
    /// # Errors
    /// As [`Machine::mkdirat`]; `EPERM`: a device without `CAP_MKNOD` in the initial user namespace.
    pub fn mknodat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], mode: u32, device: u64) -> Result<(), Errno> {
        let device = Device::from_raw(device);
        let content = match mode & S_IFMT {
            0 | S_IFREG => Content::File(Arc::default()),
            S_IFCHR => Content::Character(device),
            S_IFBLK => Content::Block(device),
            S_IFIFO => Content::Fifo,
            S_IFSOCK => Content::Socket,
            S_IFDIR => return Err(Errno::EPERM),
            _ => return Err(Errno::EINVAL),
        };
        let (directory, name) = self.new_name(pid, at.into(), path, false)?;
        self.may_create(pid, directory)?;
        let whiteout = matches!(content, Content::Character(Device { major: 0, minor: 0 }));
        let is_device = matches!(content, Content::Character(_) | Content::Block(_));
        if is_device && !whiteout && !self.capable(pid, UserNs::INITIAL, CAP_MKNOD) {
            return Err(Errno::EPERM);
        }
        let mode = self.without_umask(pid, mode & 0o7777)?;
        self.make_file(pid, directory, &name, content, mode).map(drop)
    }

    /// `symlinkat`: makes `path` a symlink with the text `target`.
    ///
    /// # Errors
    /// As [`Machine::mkdirat`]; `ENOENT`: an empty target.
    pub fn symlinkat(&mut self, pid: Pid, target: &[u8], at: impl Into<At>, path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if target.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let (directory, name) = self.new_name(pid, at.into(), path, false)?;
        self.make_file(pid, directory, &name, Content::Symlink(Arc::from(target)), 0o777).map(drop)
    }

    /// `linkat`: another name for a file.
    ///
    /// # Errors
    /// As [`Machine::mkdirat`]; `EXDEV`: two mounts, even of one filesystem. `EPERM`: a directory.
    pub fn linkat(
        &mut self,
        pid: Pid,
        from_at: impl Into<At>,
        from: &[u8],
        to_at: impl Into<At>,
        to: &[u8],
        flags: u32,
    ) -> Result<(), Errno> {
        if flags & !(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH) != 0 {
            return Err(Errno::EINVAL);
        }
        let empty = flags & AT_EMPTY_PATH != 0;
        if empty && from.is_empty() && !self.capable(pid, UserNs::INITIAL, CAP_DAC_READ_SEARCH) {
            return Err(Errno::ENOENT);
        }
        let walk = WalkFlags { follow: flags & AT_SYMLINK_FOLLOW != 0, empty, ..WalkFlags::default() };
        let original = self.walk(pid, from_at.into(), from, walk)?;
        let (directory, name) = self.new_name(pid, to_at.into(), to, false)?;
        if original.mount != directory.mount {
            return Err(Errno::EXDEV);
        }
        self.check_mapped(original)?;
        self.may_create(pid, directory)?;
        let inode = self.dentries[original.dentry].inode;
        let object = &self.inodes[inode];
        if object.is_directory() || matches!(object.content, Content::Proc(_)) {
            return Err(Errno::EPERM);
        }
        if self.superblocks[object.superblock].names != NamesRule::Free {
            return Err(Errno::EPERM);
        }
        if object.links == 0 {
            return Err(Errno::ENOENT);
        }
        let tick = self.next_tick();
        let object = &mut self.inodes[inode];
        object.links += 1;
        object.times.changed = tick;
        self.link_name(directory.dentry, Name::new(&name), inode);
        Ok(())
    }
}

impl Machine {
    /// Returns the parent directory and the free name of a new file's path.
    ///
    /// # Errors
    /// `EEXIST` before `EROFS`; `ENOENT`: slashes at the end of what will be no directory.
    fn new_name(&mut self, pid: Pid, at: At, path: &[u8], makes_directory: bool) -> Result<(Place, Vec<u8>), Errno> {
        let walk = self.walk_to_parent(pid, at, path)?;
        if walk.kind != LastKind::Name {
            return Err(Errno::EEXIST);
        }
        if self.find_name(walk.directory.dentry, &walk.last, pid)?.is_some() {
            return Err(Errno::EEXIST);
        }
        if walk.slash && !makes_directory || self.is_proc(walk.directory) {
            return Err(Errno::ENOENT);
        }
        self.want_write(walk.directory)?;
        Ok((walk.directory, walk.last))
    }

    /// The mode of a new file that a process asks for with `mode`.
    pub(crate) fn without_umask(&self, pid: Pid, mode: u32) -> Result<u32, Errno> {
        Ok(mode & !self.task(pid)?.umask)
    }

    pub(crate) fn is_proc(&self, directory: Place) -> bool {
        matches!(self.inodes[self.dentries[directory.dentry].inode].content, Content::Proc(_))
    }

    /// Checks that the process may create a name in the directory.
    ///
    /// # Errors
    /// `ENOENT`: the directory was removed. `EOVERFLOW`: the filesystem does not know the process's ids. `EACCES`.
    pub(crate) fn may_create(&self, pid: Pid, directory: Place) -> Result<(), Errno> {
        let key = self.dentries[directory.dentry].inode;
        let inode = &self.inodes[key];
        if inode.dead {
            return Err(Errno::ENOENT);
        }
        self.check_owners(directory)?;
        let who = &self.task(pid)?.credentials;
        let home = self.superblocks[inode.superblock].user_ns;
        let known = |ids, id| {
            let stored = self.stored_id(directory.mount, inode.superblock, ids, id);
            stored.is_some_and(|id| self.user_namespaces.number_in(home, ids, id).is_some())
        };
        if !known(Ids::Users, who.uid) || !known(Ids::Groups, who.gid) {
            return Err(Errno::EOVERFLOW);
        }
        self.check_permission(pid, directory.mount, key, WRITE | EXECUTE)
    }

    /// # Errors
    /// `EOPNOTSUPP`: the mount maps owners, by a map that the model does not know.
    pub(crate) fn check_owners(&self, place: Place) -> Result<(), Errno> {
        let mount = &self.mounts[place.mount];
        let unknown = mount.flags.has(MountFlags::ID_MAPPED) && mount.id_map.is_none();
        if unknown { Err(Errno::EOPNOTSUPP) } else { Ok(()) }
    }

    /// Makes a file of any kind under a name that is free.
    pub(crate) fn make_file(
        &mut self,
        pid: Pid,
        directory: Place,
        name: &[u8],
        content: Content,
        mode: u32,
    ) -> Result<DentryKey, Errno> {
        const SET_GROUP_ID: u16 = 0o2000;
        self.may_create(pid, directory)?;
        let who = &self.task(pid)?.credentials;
        let superblock = self.inodes[self.dentries[directory.dentry].inode].superblock;
        let stored = |ids, id| self.stored_id(directory.mount, superblock, ids, id).ok_or(Errno::EOVERFLOW);
        let (uid, mut gid) = (stored(Ids::Users, who.uid)?, stored(Ids::Groups, who.gid)?);
        // Masked by every caller.
        #[allow(clippy::cast_possible_truncation)]
        let mut mode = mode as u16;
        let parent = &self.inodes[self.dentries[directory.dentry].inode];
        if parent.mode & SET_GROUP_ID != 0 {
            gid = parent.gid;
            if matches!(content, Content::Directory(_)) {
                mode |= SET_GROUP_ID;
            }
        }
        let names = self.superblocks[superblock].names;
        names.allow_new(&content)?;
        let content = if names == NamesRule::Queues { Content::Opaque } else { content };
        let inode = self.new_inode(superblock, NewInode { content, mode, uid, gid });
        Ok(self.link_name(directory.dentry, Name::new(name), inode))
    }
}

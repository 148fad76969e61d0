//! `openat`, `openat2` and calls on open files.

use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_linux::Call;

use crate::abi::{
    LOCK_EX, LOCK_NB, O_ACCMODE, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOATIME, O_NOFOLLOW, O_NONBLOCK,
    O_PATH, O_RDONLY, O_RDWR, O_TMPFILE, O_TRUNC, O_WRONLY, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_IN_ROOT,
    RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};
use crate::model::keys::InodeKey;
use crate::model::machine::Machine;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::open_file::OpenFile;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::superblock::NamesRule;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::LastKind;
use crate::model::vfs::path_walk::Walk;
use crate::model::vfs::permission::{READ, WRITE};
use crate::model::vfs::walk_flags::WalkFlags;

const KNOWN_FLAGS: u32 = 0o37_777_703;
const PATH_FLAGS: u32 = O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
/// The bit of `O_TMPFILE` that is not `O_DIRECTORY`.
const TMPFILE_BIT: u32 = O_TMPFILE & !O_DIRECTORY;
const KNOWN_RESOLVE: u64 =
    RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;

/// `/dev/null`, `/dev/zero` and `/dev/full`, the devices whose content needs no model.
const NULL: Device = Device { major: 1, minor: 3 };
const ZERO: Device = Device { major: 1, minor: 5 };
const FULL: Device = Device { major: 1, minor: 7 };

/// The arguments of `openat2` (`struct open_how`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenHow {
    /// `O_*`.
    pub flags: u64,
    /// Permission bits of a file that is made; must be 0 when none can be made.
    pub mode: u64,
    /// `RESOLVE_*`.
    pub resolve: u64,
}

impl Machine {
    /// `openat`: opens `path`. Flags that Linux does not know are ignored.
    ///
    /// # Errors
    /// As the kernel: `ENOENT`, `ENOTDIR`, `ELOOP`, `ENAMETOOLONG` and `EACCES` of the walk, `EEXIST` (`O_EXCL`), `EISDIR`, `EROFS`,
    /// `EACCES` (a device on a nodev mount), `ENXIO` (a socket, a fifo without a reader). `EOPNOTSUPP`: a fifo that the call
    /// would wait on, `O_TMPFILE`.
    pub fn openat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], flags: u32, mode: u32) -> Result<i32, Errno> {
        let mut flags = flags & KNOWN_FLAGS;
        if flags & O_PATH != 0 {
            flags &= PATH_FLAGS;
        }
        let makes = flags & (O_CREAT | TMPFILE_BIT) != 0;
        let mode = if makes { u64::from(mode & 0o7777) } else { 0 };
        self.open(pid, at.into(), path, OpenHow { flags: u64::from(flags), mode, resolve: 0 })
    }

    /// `openat2`: opens `path`; unknown flags, and modes without `O_CREAT`, are `EINVAL`.
    ///
    /// # Errors
    /// As [`Machine::openat`]; `EXDEV` and `ELOOP`: `resolve` forbids the way. `EINVAL`: unknown or contradicting flags.
    pub fn openat2(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], how: OpenHow) -> Result<i32, Errno> {
        self.check_has(Call::Openat2)?;
        if how.resolve & self.kernel_version.lacking_of_resolve() != 0 {
            return Err(Errno::EINVAL);
        }
        self.open(pid, at.into(), path, how)
    }

    fn open(&mut self, pid: Pid, at: At, path: &[u8], how: OpenHow) -> Result<i32, Errno> {
        let flags = u32::try_from(how.flags).map_err(|_| Errno::EINVAL)?;
        let both_roots = RESOLVE_BENEATH | RESOLVE_IN_ROOT;
        if flags & !KNOWN_FLAGS != 0 || how.resolve & !KNOWN_RESOLVE != 0 || how.resolve & both_roots == both_roots {
            return Err(Errno::EINVAL);
        }
        let makes = flags & (O_CREAT | TMPFILE_BIT) != 0;
        if how.mode & !(if makes { 0o7777 } else { 0 }) != 0 {
            return Err(Errno::EINVAL);
        }
        if flags & (O_DIRECTORY | O_CREAT) == O_DIRECTORY | O_CREAT {
            return Err(Errno::EINVAL);
        }
        if flags & TMPFILE_BIT != 0 {
            let usable = flags & O_DIRECTORY != 0 && flags & O_ACCMODE != O_RDONLY;
            return Err(if usable { Errno::EOPNOTSUPP } else { Errno::EINVAL });
        }
        if flags & O_PATH != 0 && flags & !PATH_FLAGS != 0 {
            return Err(Errno::EINVAL);
        }
        if how.resolve & RESOLVE_CACHED != 0 && flags & (O_TRUNC | O_CREAT) != 0 {
            return Err(Errno::EAGAIN);
        }
        let exclusive = flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL;
        let walk = WalkFlags {
            follow: flags & O_NOFOLLOW == 0 && !exclusive,
            directory: flags & O_DIRECTORY != 0,
            resolve: how.resolve,
            ..WalkFlags::default()
        };
        if flags & O_PATH != 0 {
            let place = self.walk(pid, at, path, walk)?;
            return self.install(pid, place, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), false);
        }
        // Cut to the permission bits above.
        #[allow(clippy::cast_possible_truncation)]
        let mode = how.mode as u32;
        let (place, created) = self.find_or_create(pid, at, path, flags, mode, walk)?;
        self.open_found(pid, place, flags, created)
    }

    /// `close`. Closing the last descriptor of an unattached tree from `open_tree` unmounts the tree.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn close(&mut self, pid: Pid, fd: i32) -> Result<(), Errno> {
        self.close_descriptor(pid, fd)
    }

    /// `fcntl(F_DUPFD, from)`: the lowest free descriptor not below `from`, of the same open file. `dup` with `from` 0.
    ///
    /// # Errors
    /// `EBADF`; `EINVAL`: `from` is negative.
    pub fn dup(&mut self, pid: Pid, fd: i32, from: i32) -> Result<i32, Errno> {
        let file = self.file_key(pid, fd)?;
        if from < 0 {
            return Err(Errno::EINVAL);
        }
        self.files[file].descriptors += 1;
        let task = self.task_mut(pid)?;
        let new = task.lowest_descriptor(from);
        task.descriptors.insert(new, file);
        Ok(new)
    }

    /// `read`: up to `count` bytes from the file's position on; of a filesystem context, its next message.
    ///
    /// # Errors
    /// `ENODATA`, `EMSGSIZE`: a context without a message, or with a longer one. `EBADF`: not open for reading. `EISDIR`. `EOPNOTSUPP`: a device other than `/dev/null` and `/dev/zero`, a
    /// fifo or socket, whose content is not modelled.
    pub fn read(&mut self, pid: Pid, fd: i32, count: usize) -> Result<Vec<u8>, Errno> {
        if self.file(pid, fd)?.context.is_some() {
            return self.read_log(pid, fd, count);
        }
        let position = self.file(pid, fd)?.position;
        let bytes = self.pread(pid, fd, count, position)?;
        let key = self.file_key(pid, fd)?;
        self.files[key].position += bytes.len() as u64;
        Ok(bytes)
    }

    /// `pread`: up to `count` bytes from `offset` on; the position stays.
    ///
    /// # Errors
    /// As [`Machine::read`].
    pub fn pread(&mut self, pid: Pid, fd: i32, count: usize, offset: u64) -> Result<Vec<u8>, Errno> {
        let file = self.file(pid, fd)?;
        file.check_usable()?;
        if file.flags & O_ACCMODE == O_WRONLY {
            return Err(Errno::EBADF);
        }
        self.ask_server_of(pid, file.place)?;
        let part = |bytes: &[u8]| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            bytes[start..start.saturating_add(count).min(bytes.len())].to_vec()
        };
        match &self.inodes[self.dentries[file.place.dentry].inode].content {
            Content::File(bytes) => Ok(part(bytes)),
            Content::Directory(_) => Err(Errno::EISDIR),
            Content::Proc(node) => Ok(part(&self.proc_text(node.what)?)),
            Content::Character(NULL) => Ok(Vec::new()),
            Content::Character(ZERO | FULL) => Ok(vec![0; count]),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }

    /// `write` at the position, or at the end with `O_APPEND`.
    ///
    /// # Errors
    /// `EBADF`: not open for writing. `EPIPE`: a fifo without a reader. `EINVAL`: a message queue. `EOPNOTSUPP`: a device other
    /// than `/dev/null` and `/dev/zero`. `EFBIG`.
    pub fn write(&mut self, pid: Pid, fd: i32, bytes: &[u8]) -> Result<usize, Errno> {
        let key = self.file_key(pid, fd)?;
        let file = &self.files[key];
        file.check_usable()?;
        if file.flags & O_ACCMODE == O_RDONLY {
            return Err(Errno::EBADF);
        }
        self.ask_server_of(pid, file.place)?;
        let (append, position) = (file.flags & O_APPEND != 0, file.position);
        let inode = self.dentries[file.place.dentry].inode;
        match self.inodes[inode].content {
            Content::Character(NULL | ZERO) => return Ok(bytes.len()),
            Content::Character(FULL) => return Err(Errno::ENOSPC),
            _ => {}
        }
        if matches!(self.inodes[inode].content, Content::Fifo) {
            // The bytes are dropped: no reader waits for the contents of a pipe in this model.
            return if self.is_open(inode, O_RDONLY) { Ok(bytes.len()) } else { Err(Errno::EPIPE) };
        }
        let tick = self.next_tick();
        let of_queues = self.superblocks[self.inodes[inode].superblock].names == NamesRule::Queues;
        let object = &mut self.inodes[inode];
        let Content::File(content) = &mut object.content else {
            // A message queue is filled by a call of its own.
            return Err(if of_queues { Errno::EINVAL } else { Errno::EOPNOTSUPP });
        };
        let content = Arc::make_mut(content);
        let start = if append { content.len() } else { usize::try_from(position).map_err(|_| Errno::EFBIG)? };
        let end = start.checked_add(bytes.len()).ok_or(Errno::EFBIG)?;
        if content.len() < end {
            content.resize(end, 0);
        }
        content[start..end].copy_from_slice(bytes);
        object.times.modified = tick;
        object.times.changed = tick;
        self.files[key].position = end as u64;
        Ok(bytes.len())
    }

    /// `fsync`: the model has no disk cache.
    ///
    /// # Errors
    /// `EBADF`: no such descriptor, or one of `O_PATH`.
    pub fn fsync(&self, pid: Pid, fd: i32) -> Result<(), Errno> {
        let file = self.file(pid, fd)?;
        file.check_usable()?;
        self.ask_server_of(pid, file.place)
    }

    /// `flock`, exclusive and without waiting. The lock is the open file's: it ends with the last descriptor of it.
    ///
    /// # Errors
    /// `EAGAIN`: another open file of this inode holds the lock. `EBADF`: no such descriptor, or one of `O_PATH`. `EINVAL`:
    /// another operation than `LOCK_EX | LOCK_NB` (not modelled).
    pub fn flock(&mut self, pid: Pid, fd: i32, operation: u32) -> Result<(), Errno> {
        if operation != LOCK_EX | LOCK_NB {
            return Err(Errno::EINVAL);
        }
        let key = self.file_key(pid, fd)?;
        let file = &self.files[key];
        file.check_usable()?;
        let inode = |file: &OpenFile| self.dentries[file.place.dentry].inode;
        let wanted = inode(file);
        if self.files.iter().any(|(other, file)| other != key && file.locked && inode(file) == wanted) {
            return Err(Errno::EAGAIN);
        }
        self.files[key].locked = true;
        Ok(())
    }

    /// The text of `/proc/thread-self/fd/FD`, which says where the descriptor's file is now; no procfs is needed.
    ///
    /// # Errors
    /// `ENOENT`: no such descriptor.
    pub fn fd_path(&self, pid: Pid, fd: i32) -> Result<Vec<u8>, Errno> {
        let place = self.file(pid, fd).map_err(|_| Errno::ENOENT)?.place;
        Ok(self.path_for_link(place, self.task(pid)?.root))
    }

    /// `lseek(SEEK_SET)`. On a directory, 0 or an offset that `getdents64` gave.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn seek(&mut self, pid: Pid, fd: i32, position: u64) -> Result<u64, Errno> {
        let key = self.file_key(pid, fd)?;
        let file = &mut self.files[key];
        file.check_usable()?;
        file.position = position;
        file.last_name = None;
        Ok(position)
    }

    /// `fcntl(F_GETFL)`: access mode and status flags of the open file.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn status_flags(&self, pid: Pid, fd: i32) -> Result<u32, Errno> {
        Ok(self.file(pid, fd)?.flags)
    }
}

/// # Errors
/// `ENXIO`: no driver. `EOPNOTSUPP`: a terminal, whose opening is not modelled.
const fn check_driver(device: Device) -> Result<(), Errno> {
    match (device.major, device.minor) {
        // No driver can have it: a whiteout.
        (0, _) => Err(Errno::ENXIO),
        // `tty`, `console`, `ptmx` depend on the caller's terminal and its devpts.
        (5, 0..=2) => Err(Errno::EOPNOTSUPP),
        _ => Ok(()),
    }
}

impl Machine {
    /// Finds the file to be opened, or creates it if it is missing and may be created. Returns true if it was created.
    fn find_or_create(
        &mut self,
        pid: Pid,
        at: At,
        path: &[u8],
        flags: u32,
        mode: u32,
        how: WalkFlags,
    ) -> Result<(Place, bool), Errno> {
        let mut walk = Walk::begin(self, pid, at, path, how)?;
        let mut created = false;
        loop {
            walk.reach_last(self)?;
            if flags & O_CREAT != 0 && walk.last_kind() == LastKind::Name {
                if walk.last_has_slash() {
                    return Err(Errno::EISDIR);
                }
                let directory = walk.at;
                let found = self.find_name(directory.dentry, walk.last_name(), pid);
                if found.inspect_err(|_| self.note_use(directory))?.is_none() {
                    self.note_use(directory);
                    if self.is_proc(directory) {
                        return Err(Errno::ENOENT);
                    }
                    self.want_write(directory)?;
                    let content = Content::File(Arc::default());
                    let mode = self.without_umask(pid, mode)?;
                    let dentry = self.make_file(pid, directory, walk.last_name(), content, mode)?;
                    walk.at = Place { mount: directory.mount, dentry };
                    created = true;
                    break;
                }
            }
            if !walk.take_last(self, how.follow)? {
                break;
            }
        }
        walk.finish(self)?;
        self.note_use(walk.at);
        let directory = self.is_directory(walk.at);
        if flags & O_CREAT != 0 {
            if flags & O_EXCL != 0 && !created {
                return Err(Errno::EEXIST);
            }
            if directory {
                return Err(Errno::EISDIR);
            }
        }
        if (how.directory || walk.slash_seen) && !directory {
            return Err(Errno::ENOTDIR);
        }
        Ok((walk.at, created))
    }

    fn open_found(&mut self, pid: Pid, place: Place, flags: u32, created: bool) -> Result<i32, Errno> {
        self.ask_server_of(pid, place)?;
        let key = self.dentries[place.dentry].inode;
        let truncate = flags & O_TRUNC != 0 && !created && matches!(self.inodes[key].content, Content::File(_));
        if truncate {
            self.want_write(place)?;
        }
        if !created {
            self.may_open(pid, place, flags)?;
        }
        let writes = flags & O_ACCMODE != O_RDONLY;
        let inode = &self.inodes[key];
        if writes && !inode.is_special() {
            self.want_write(place)?;
        }
        match inode.content {
            Content::Socket => return Err(Errno::ENXIO),
            Content::Character(device) => check_driver(device)?,
            Content::Block(device) if device.major == 0 => return Err(Errno::ENXIO),
            Content::Fifo => self.may_open_fifo(key, flags)?,
            _ => {}
        }
        let fd = self.install(pid, place, flags & !(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC), false)?;
        if truncate {
            let tick = self.next_tick();
            let inode = &mut self.inodes[key];
            inode.content = Content::File(Arc::default());
            inode.times.modified = tick;
            inode.times.changed = tick;
        }
        Ok(fd)
    }

    /// A fifo is opened when its other end is, or without waiting for that.
    ///
    /// # Errors
    /// `ENXIO`: no reader. `EOPNOTSUPP`: the call would wait, in a model where each call ends before the next one begins.
    fn may_open_fifo(&self, fifo: InodeKey, flags: u32) -> Result<(), Errno> {
        let wait = flags & O_NONBLOCK == 0;
        match flags & O_ACCMODE {
            O_RDONLY if wait && !self.is_open(fifo, O_WRONLY) => Err(Errno::EOPNOTSUPP),
            O_WRONLY if self.is_open(fifo, O_RDONLY) => Ok(()),
            O_WRONLY => Err(if wait { Errno::EOPNOTSUPP } else { Errno::ENXIO }),
            _ => Ok(()),
        }
    }

    /// Returns true if a descriptor is open for `access` (`O_RDONLY` or `O_WRONLY`).
    fn is_open(&self, inode: InodeKey, access: u32) -> bool {
        self.files.iter().any(|(_, file)| {
            self.dentries[file.place.dentry].inode == inode
                && file.check_usable().is_ok()
                && [access, O_RDWR].contains(&(file.flags & O_ACCMODE))
        })
    }

    fn may_open(&self, pid: Pid, place: Place, flags: u32) -> Result<(), Errno> {
        let inode = &self.inodes[self.dentries[place.dentry].inode];
        let mut wanted = match flags & O_ACCMODE {
            O_RDONLY => READ,
            O_WRONLY => WRITE,
            _ => READ | WRITE,
        };
        if flags & O_TRUNC != 0 {
            wanted |= WRITE;
        }
        if inode.is_symlink() {
            return Err(Errno::ELOOP);
        }
        if inode.is_directory() && wanted & WRITE != 0 {
            return Err(Errno::EISDIR);
        }
        if inode.is_device() && !self.opens_devices(place) {
            return Err(Errno::EACCES);
        }
        self.check_permission_at(pid, place, wanted)?;
        if flags & O_NOATIME != 0 && !self.owns(pid, place.mount, inode) {
            return Err(Errno::EPERM);
        }
        Ok(())
    }
}

//! One process of the model: performs steps by its syscall face.

use std::collections::HashMap;

use mountwright_core::Errno;
use mountwright_fake::{At, Credentials as Identity, Machine, MountAttr, OpenHow, Pid, abi};

use super::questions::{names, stat, tree};
use crate::scenario::kernel_bits::{attributes, mount_flags, propagation_flags, resolve_flags, unmount_flags};
use crate::scenario::returned::Returned;
use crate::scenario::table_text::source_of;
use crate::scenario::{AccessMode, CannotRun, Credentials, NodeKind, OpenMode, Operation, Place, Step};

/// The unprivileged uid and gid.
const NOBODY: u32 = 65534;

/// A start directory and a path: the first two arguments of an `*at()` call.
type AtPath<'a> = (At, &'a [u8]);

/// A process, and the names that the scenario gave to its descriptors.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pid: Pid,
    named: HashMap<String, i32>,
}

impl Caller {
    pub(super) fn new(pid: Pid) -> Self {
        Self { pid, named: HashMap::new() }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Performs the step; `filesystem` is the number that a new tmpfs gets.
    pub(super) fn perform(
        &mut self,
        machine: &mut Machine,
        step: &Step,
        filesystem: u64,
    ) -> Result<Result<Returned, Errno>, CannotRun> {
        let Step { operation, credentials } = step;
        let named = |place: &&Place| place.fd().is_none_or(|fd| self.named.contains_key(fd));
        if !operation.places().iter().all(named) {
            return Ok(Err(Errno::EBADF));
        }
        let broken = |errno| CannotRun::Broken(format!("changing who the process of the model is answers {errno}"));
        let identity = match credentials {
            Credentials::Root => None,
            Credentials::Nobody => Some(Identity::without_capabilities(NOBODY, NOBODY)),
            Credentials::Nocap => Some(Identity::without_capabilities(0, 0)),
        };
        let Some(identity) = identity else {
            return Ok(self.call(machine, operation, filesystem));
        };
        let own = machine.credentials(self.pid).map_err(broken)?;
        machine.set_credentials(self.pid, identity).map_err(broken)?;
        let answer = self.call(machine, operation, filesystem);
        machine.set_credentials(self.pid, own).map_err(broken)?;
        Ok(answer)
    }

    fn call(&mut self, machine: &mut Machine, operation: &Operation, filesystem: u64) -> Result<Returned, Errno> {
        let pid = self.pid;
        match operation {
            Operation::Open { fd, path, mode, nofollow, resolve } => {
                let flags = open_flags(*mode, *nofollow);
                let opened = if let Some(words) = resolve {
                    let (at, path) = self.at(path);
                    let how = OpenHow { flags: u64::from(flags), mode: 0, resolve: resolve_flags(words).bits() };
                    machine.openat2(pid, at, path, how)?
                } else {
                    let (at, path) = self.by_link(path);
                    machine.openat(pid, at, path, flags, 0)?
                };
                self.keep(machine, fd.as_deref(), opened)
            }
            Operation::OpenTree { fd, path, clone, recursive, nofollow } => {
                let (at, path) = self.at(path);
                let flags = abi::OPEN_TREE_CLOEXEC
                    | flag(*clone, abi::OPEN_TREE_CLONE)
                    | flag(*recursive, abi::AT_RECURSIVE)
                    | flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW)
                    | empty_path(at, path, abi::AT_EMPTY_PATH);
                let opened = machine.open_tree(pid, at, path, flags)?;
                self.keep(machine, fd.as_deref(), opened)
            }
            Operation::Close { fd } => {
                let fd = self.named.remove(fd).ok_or(Errno::EBADF)?;
                machine.close(pid, fd).map(|()| Returned::Nothing)
            }
            Operation::Stat { path, nofollow } => {
                let (at, path) = self.at(path);
                let flags = flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW) | empty_path(at, path, abi::AT_EMPTY_PATH);
                stat(machine, pid, (at, path), flags)
            }
            Operation::Readdir { path } => names(machine, pid, self.by_link(path)).map(Returned::Names),
            Operation::Tree { path } => tree(machine, pid, self.by_link(path)).map(Returned::Names),
            Operation::Readlink { path } => {
                let (at, path) = self.by_link(path);
                let target = machine.readlinkat(pid, at, path)?;
                Ok(Returned::Text(String::from_utf8_lossy(&target).into_owned()))
            }
            _ => self.change(machine, operation, filesystem).map(|()| Returned::Nothing),
        }
    }

    fn change(&self, machine: &mut Machine, operation: &Operation, filesystem: u64) -> Result<(), Errno> {
        let pid = self.pid;
        match operation {
            Operation::MountTmpfs { target, flags } => {
                let source = source_of(filesystem);
                let source = Some((At::Cwd, source.as_bytes()));
                machine.mount(pid, source, self.by_link(target), Some(b"tmpfs"), mount_flags(flags).bits().into(), None)
            }
            Operation::Bind { source, target, recursive } => {
                let flags = abi::MS_BIND | if *recursive { abi::MS_REC } else { 0 };
                machine.mount(pid, Some(self.by_link(source)), self.by_link(target), None, flags, None)
            }
            Operation::Move { source, target } => {
                machine.mount(pid, Some(self.by_link(source)), self.by_link(target), None, abi::MS_MOVE, None)
            }
            Operation::Propagation { target, kind, recursive } => {
                let kind = u64::from(propagation_flags(kind.values()).bits());
                let flags = kind | if *recursive { abi::MS_REC } else { 0 };
                machine.mount(pid, None, self.by_link(target), None, flags, None)
            }
            Operation::RemountBind { target, flags } => {
                let flags = abi::MS_REMOUNT | abi::MS_BIND | u64::from(mount_flags(flags).bits());
                machine.mount(pid, None, self.by_link(target), None, flags, Some(b""))
            }
            Operation::Remount { target, flags } => {
                let flags = abi::MS_REMOUNT | u64::from(mount_flags(flags).bits());
                machine.mount(pid, None, self.by_link(target), None, flags, Some(b""))
            }
            Operation::Umount { target, flags } => {
                let (at, path) = self.by_link(target);
                machine.umount2(pid, at, path, unmount_flags(flags).bits())
            }
            Operation::Setattr { target, set, clear, propagation, recursive, nofollow } => {
                let (at, path) = self.at(target);
                let flags = flag(*recursive, abi::AT_RECURSIVE)
                    | flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW)
                    | empty_path(at, path, abi::AT_EMPTY_PATH);
                let attr = MountAttr {
                    attr_set: attributes(set),
                    attr_clr: attributes(clear),
                    propagation: propagation
                        .as_ref()
                        .map_or(0, |bits| u64::from(propagation_flags(bits.values()).bits())),
                    userns_fd: 0,
                };
                machine.mount_setattr(pid, at, path, flags, attr)
            }
            Operation::MoveMount { source, target, beneath, set_group, source_follow, target_follow } => {
                let (from, from_path) = self.at(source);
                let (to, to_path) = self.at(target);
                let flags = flag(*beneath, abi::MOVE_MOUNT_BENEATH)
                    | flag(*set_group, abi::MOVE_MOUNT_SET_GROUP)
                    | flag(*source_follow, abi::MOVE_MOUNT_F_SYMLINKS)
                    | flag(*target_follow, abi::MOVE_MOUNT_T_SYMLINKS)
                    | empty_path(from, from_path, abi::MOVE_MOUNT_F_EMPTY_PATH)
                    | empty_path(to, to_path, abi::MOVE_MOUNT_T_EMPTY_PATH);
                machine.move_mount(pid, from, from_path, to, to_path, flags)
            }
            _ => self.name(machine, operation),
        }
    }

    fn name(&self, machine: &mut Machine, operation: &Operation) -> Result<(), Errno> {
        let pid = self.pid;
        match operation {
            Operation::Mkdir { path } => {
                let (at, path) = self.by_link(path);
                machine.mkdirat(pid, at, path, 0o755)
            }
            Operation::Rmdir { path } => {
                let (at, path) = self.by_link(path);
                machine.unlinkat(pid, at, path, abi::AT_REMOVEDIR)
            }
            Operation::Unlink { path } => {
                let (at, path) = self.by_link(path);
                machine.unlinkat(pid, at, path, 0)
            }
            Operation::Create { path } => {
                let (at, path) = self.by_link(path);
                let flags = abi::O_WRONLY | abi::O_CREAT | abi::O_EXCL | abi::O_CLOEXEC;
                let fd = machine.openat(pid, at, path, flags, 0o644)?;
                machine.close(pid, fd)
            }
            Operation::Symlink { target, path } => {
                let (at, path) = self.by_link(path);
                machine.symlinkat(pid, target.as_bytes(), at, path)
            }
            Operation::Mknod { path, kind } => {
                let (at, path) = self.by_link(path);
                let (kind, device) = match kind {
                    NodeKind::Char => (abi::S_IFCHR, rustix::fs::makedev(1, 3)),
                    NodeKind::Block => (abi::S_IFBLK, rustix::fs::makedev(7, 0)),
                    NodeKind::Fifo => (abi::S_IFIFO, 0),
                    NodeKind::Socket => (abi::S_IFSOCK, 0),
                };
                machine.mknodat(pid, at, path, kind | 0o644, device)
            }
            Operation::Chmod { path, mode } => {
                let (at, path) = self.by_link(path);
                let mode = u32::from_str_radix(mode, 8).map_err(|_| Errno::EINVAL)?;
                machine.fchmodat(pid, at, path, mode, 0)
            }
            Operation::Link { from, to } => {
                let ((from, from_path), (to, to_path)) = (self.by_link(from), self.by_link(to));
                machine.linkat(pid, from, from_path, to, to_path, 0)
            }
            Operation::Rename { from, to } => self.rename(machine, from, to, 0),
            Operation::RenameExchange { from, to } => self.rename(machine, from, to, abi::RENAME_EXCHANGE),
            Operation::Write { path } => {
                let (at, path) = self.by_link(path);
                let flags = abi::O_WRONLY | abi::O_APPEND | abi::O_NONBLOCK | abi::O_CLOEXEC;
                let fd = machine.openat(pid, at, path, flags, 0)?;
                let written = machine.write(pid, fd, b"x");
                machine.close(pid, fd)?;
                written.map(drop)
            }
            Operation::Access { path, mode } => {
                let (at, path) = self.by_link(path);
                let mode = match mode {
                    AccessMode::F => abi::F_OK,
                    AccessMode::R => abi::R_OK,
                    AccessMode::W => abi::W_OK,
                    AccessMode::X => abi::X_OK,
                };
                machine.faccessat(pid, at, path, mode, 0)
            }
            Operation::Chdir { path } => {
                let (at, path) = self.by_link(path);
                machine.chdir(pid, at, path)
            }
            // All other operations were handled before.
            _ => Err(Errno::ENOSYS),
        }
    }

    fn rename(&self, machine: &mut Machine, from: &Place, to: &Place, flags: u32) -> Result<(), Errno> {
        let ((from, from_path), (to, to_path)) = (self.by_link(from), self.by_link(to));
        machine.renameat2(self.pid, from, from_path, to, to_path, flags)
    }

    /// Gives the descriptor this name, and closes the one that had it; without a name it is closed at once.
    fn keep(&mut self, machine: &mut Machine, name: Option<&str>, opened: i32) -> Result<Returned, Errno> {
        let closed = match name {
            Some(name) => self.named.insert(name.to_owned(), opened),
            None => Some(opened),
        };
        if let Some(fd) = closed {
            machine.close(self.pid, fd)?;
        }
        Ok(Returned::Nothing)
    }

    /// For the calls that take a descriptor themselves. All names were looked up before.
    fn at<'a>(&self, place: &'a Place) -> AtPath<'a> {
        match place {
            Place::Path(path) => (At::Cwd, path.as_bytes()),
            Place::AtFd { fd, path } => (At::Fd(self.number(fd)), path.as_bytes()),
        }
    }

    /// For the other calls: through the magic link.
    fn by_link<'a>(&self, place: &'a Place) -> AtPath<'a> {
        match place {
            Place::Path(path) => (At::Cwd, path.as_bytes()),
            Place::AtFd { fd, path } => (At::Link(self.number(fd)), path.as_bytes()),
        }
    }

    fn number(&self, name: &str) -> i32 {
        self.named.get(name).copied().unwrap_or(-1)
    }
}

fn flag(is_set: bool, bit: u32) -> u32 {
    if is_set { bit } else { 0 }
}

fn empty_path(at: At, path: &[u8], bit: u32) -> u32 {
    flag(path.is_empty() && at != At::Cwd, bit)
}

fn open_flags(mode: OpenMode, nofollow: bool) -> u32 {
    let mode = match mode {
        OpenMode::Path => abi::O_PATH,
        OpenMode::R => abi::O_RDONLY | abi::O_NONBLOCK,
        OpenMode::W => abi::O_WRONLY | abi::O_NONBLOCK,
        OpenMode::Dir => abi::O_RDONLY | abi::O_DIRECTORY,
    };
    mode | flag(nofollow, abi::O_NOFOLLOW) | abi::O_CLOEXEC
}

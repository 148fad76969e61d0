//! One process of a scenario: performs steps by system calls.

use std::collections::HashMap;

use mountwright_core::Errno;
use mountwright_fake::{At, MountAttr, abi};

use super::calls::{Answered, AtPath, ProcessCalls, names, tree};
use crate::scenario::returned::Returned;
use crate::scenario::table_text::source_of;
use crate::scenario::{
    Attribute, CannotRun, DeviceNumber, IdRanges, MountFlag, Octal, Operation, Place, PropagationBit, ResolveFlag,
    Step, UnmountFlag,
};

/// The names that the scenario gave to the descriptors of a process.
#[derive(Clone, Debug, Default)]
pub(super) struct Performer {
    named: HashMap<String, i32>,
}

impl Performer {
    /// Performs the step; `filesystem` is the number that a new tmpfs gets.
    pub(super) fn perform<C: ProcessCalls>(
        &mut self,
        calls: &mut C,
        step: &Step,
        filesystem: u64,
    ) -> Result<Answered<Returned>, CannotRun> {
        let Step { operation, credentials } = step;
        let named = |place: &&Place| place.fd().is_none_or(|fd| self.named.contains_key(fd));
        if !operation.places().iter().all(named) {
            return Ok(Err(Errno::EBADF));
        }
        calls.with_credentials(*credentials, |calls| self.call(calls, operation, filesystem))
    }

    fn call<C: ProcessCalls>(&mut self, calls: &mut C, operation: &Operation, filesystem: u64) -> Answered<Returned> {
        match operation {
            Operation::Open { fd, path, mode, nofollow, resolve } => {
                let flags = mode.bits() | flag(*nofollow, abi::O_NOFOLLOW) | abi::O_CLOEXEC;
                let opened = match resolve {
                    Some(words) => calls.openat2(self.at(path), flags, ResolveFlag::all(words))?,
                    None => calls.openat(self.by_link(path), flags, 0)?,
                };
                self.keep(calls, fd.as_deref(), opened)
            }
            Operation::OpenTree { fd, path, clone, recursive, nofollow } => {
                let flags = abi::OPEN_TREE_CLOEXEC
                    | flag(*clone, abi::OPEN_TREE_CLONE)
                    | flag(*recursive, abi::AT_RECURSIVE)
                    | flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW)
                    | empty_path(self.at(path), abi::AT_EMPTY_PATH);
                let opened = calls.open_tree(self.at(path), flags)?;
                self.keep(calls, fd.as_deref(), opened)
            }
            Operation::Close { fd } => {
                let fd = self.named.remove(fd).ok_or(Errno::EBADF)?;
                calls.close(fd).map(|()| Returned::Nothing)
            }
            Operation::Stat { path, nofollow } => {
                let place = self.at(path);
                let flags = flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW) | empty_path(place, abi::AT_EMPTY_PATH);
                calls.statx(place, flags).map(Returned::from)
            }
            Operation::Readdir { path } => names(calls, self.by_link(path)).map(Returned::Names),
            Operation::Tree { path } => tree(calls, self.by_link(path)).map(Returned::Names),
            Operation::Readlink { path } => {
                let target = calls.readlinkat(self.by_link(path))?;
                Ok(Returned::Text(String::from_utf8_lossy(&target).into_owned()))
            }
            Operation::Fsmount { fd, kind, options, set } => {
                let mounted = fsmount(calls, kind, options, &source_of(filesystem), Attribute::all(set))?;
                let device = calls.statx((At::Fd(mounted), b""), abi::AT_EMPTY_PATH)?.device;
                self.keep(calls, fd.as_deref(), mounted)?;
                Ok(Returned::Mounted { device })
            }
            Operation::OpenTreeAttr { fd, path, clone, recursive, set, clear, id_map } => {
                let flags = abi::OPEN_TREE_CLOEXEC
                    | flag(*clone, abi::OPEN_TREE_CLONE)
                    | flag(*recursive, abi::AT_RECURSIVE)
                    | empty_path(self.at(path), abi::AT_EMPTY_PATH);
                let opened = with_user_namespace(calls, id_map.as_ref(), |calls, userns_fd| {
                    let attr = MountAttr {
                        attr_set: Attribute::all(set),
                        attr_clr: Attribute::all(clear),
                        propagation: 0,
                        userns_fd,
                    };
                    calls.open_tree_attr(self.at(path), flags, attr)
                })?;
                self.keep(calls, fd.as_deref(), opened)
            }
            Operation::Attributes { path, nofollow } => {
                let place = self.at(path);
                let flags = flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW) | empty_path(place, abi::AT_EMPTY_PATH);
                Ok(Returned::Attributes(calls.statx(place, flags)?.attributes()))
            }
            Operation::Statfs { path } => {
                let (magic, flags) = calls.statfs(self.by_link(path))?;
                Ok(Returned::Text(format!("magic {magic:#x} flags {flags:#x}")))
            }
            Operation::Read { path } => {
                let fd = calls.openat(self.by_link(path), abi::O_RDONLY | abi::O_NONBLOCK | abi::O_CLOEXEC, 0)?;
                let text = calls.read(fd);
                calls.close(fd)?;
                Ok(Returned::Text(String::from_utf8_lossy(&text?).into_owned()))
            }
            Operation::Umask { mask } => Ok(Returned::Text(Octal(calls.umask(mask.0)?).to_string())),
            _ => self.change(calls, operation, filesystem).map(|()| Returned::Nothing),
        }
    }

    fn change<C: ProcessCalls>(&self, calls: &mut C, operation: &Operation, filesystem: u64) -> Answered<()> {
        let recursively = |recursive: bool| if recursive { abi::MS_REC } else { 0 };
        match operation {
            Operation::MountTmpfs { target, flags } => {
                let source = source_of(filesystem);
                let source = Some((At::Cwd, source.as_bytes()));
                calls.mount(source, self.by_link(target), Some(b"tmpfs"), MountFlag::all(flags), None)
            }
            Operation::MountNew { target, kind, flags, data } => {
                let source = source_of(filesystem);
                let source = Some((At::Cwd, source.as_bytes()));
                let (kind, flags) = (Some(kind.as_bytes()), MountFlag::all(flags));
                calls.mount(source, self.by_link(target), kind, flags, Some(data.as_bytes()))
            }
            Operation::PivotRoot { new_root, put_old } => {
                calls.pivot_root(self.by_link(new_root), self.by_link(put_old))
            }
            Operation::Chroot { path } => calls.chroot(self.by_link(path)),
            Operation::Bind { source, target, recursive } => {
                let flags = abi::MS_BIND | recursively(*recursive);
                calls.mount(Some(self.by_link(source)), self.by_link(target), None, flags, None)
            }
            Operation::Move { source, target } => {
                calls.mount(Some(self.by_link(source)), self.by_link(target), None, abi::MS_MOVE, None)
            }
            Operation::Propagation { target, kind, recursive } => {
                let flags = PropagationBit::all(kind.values()) | recursively(*recursive);
                calls.mount(None, self.by_link(target), None, flags, None)
            }
            Operation::RemountBind { target, flags } => {
                let flags = abi::MS_REMOUNT | abi::MS_BIND | MountFlag::all(flags);
                calls.mount(None, self.by_link(target), None, flags, None)
            }
            Operation::Remount { target, flags } => {
                calls.mount(None, self.by_link(target), None, abi::MS_REMOUNT | MountFlag::all(flags), None)
            }
            Operation::Umount { target, flags } => calls.umount2(self.by_link(target), UnmountFlag::all(flags)),
            Operation::Setattr { target, set, clear, propagation, recursive, nofollow, id_map } => {
                let flags = flag(*recursive, abi::AT_RECURSIVE)
                    | flag(*nofollow, abi::AT_SYMLINK_NOFOLLOW)
                    | empty_path(self.at(target), abi::AT_EMPTY_PATH);
                with_user_namespace(calls, id_map.as_ref(), |calls, userns_fd| {
                    let attr = MountAttr {
                        attr_set: Attribute::all(set),
                        attr_clr: Attribute::all(clear),
                        propagation: propagation.as_ref().map_or(0, |bits| PropagationBit::all(bits.values())),
                        userns_fd,
                    };
                    calls.mount_setattr(self.at(target), flags, attr)
                })
            }
            Operation::MoveMount { source, target, beneath, set_group, source_follow, target_follow } => {
                let (from, to) = (self.at(source), self.at(target));
                let flags = flag(*beneath, abi::MOVE_MOUNT_BENEATH)
                    | flag(*set_group, abi::MOVE_MOUNT_SET_GROUP)
                    | flag(*source_follow, abi::MOVE_MOUNT_F_SYMLINKS)
                    | flag(*target_follow, abi::MOVE_MOUNT_T_SYMLINKS)
                    | empty_path(from, abi::MOVE_MOUNT_F_EMPTY_PATH)
                    | empty_path(to, abi::MOVE_MOUNT_T_EMPTY_PATH);
                calls.move_mount(from, to, flags)
            }
            _ => self.name(calls, operation),
        }
    }

    fn name<C: ProcessCalls>(&self, calls: &mut C, operation: &Operation) -> Answered<()> {
        match operation {
            Operation::Mkdir { path, mode } => calls.mkdirat(self.by_link(path), mode.map_or(0o755, |mode| mode.0)),
            Operation::Rmdir { path } => calls.unlinkat(self.by_link(path), abi::AT_REMOVEDIR),
            Operation::Unlink { path } => calls.unlinkat(self.by_link(path), 0),
            Operation::Create { path, mode } => {
                let flags = abi::O_WRONLY | abi::O_CREAT | abi::O_EXCL | abi::O_CLOEXEC;
                let fd = calls.openat(self.by_link(path), flags, mode.map_or(0o644, |mode| mode.0))?;
                calls.close(fd)
            }
            Operation::Symlink { target, path } => calls.symlinkat(target.as_bytes(), self.by_link(path)),
            Operation::Mknod { path, kind, device, mode } => {
                let mode = kind.bits() | mode.map_or(0o644, |mode| mode.0);
                calls.mknodat(self.by_link(path), mode, device.map_or(kind.device(), DeviceNumber::raw))
            }
            Operation::Chown { path, uid, gid } => calls.fchownat(self.by_link(path), *uid, *gid),
            Operation::Chmod { path, mode } => {
                let mode = u32::from_str_radix(mode, 8).map_err(|_| Errno::EINVAL)?;
                calls.fchmodat(self.by_link(path), mode)
            }
            Operation::Link { from, to } => calls.linkat(self.by_link(from), self.by_link(to)),
            Operation::Rename { from, to } => calls.renameat2(self.by_link(from), self.by_link(to), 0),
            Operation::RenameExchange { from, to } => {
                calls.renameat2(self.by_link(from), self.by_link(to), abi::RENAME_EXCHANGE)
            }
            Operation::Write { path } => {
                let flags = abi::O_WRONLY | abi::O_APPEND | abi::O_NONBLOCK | abi::O_CLOEXEC;
                let fd = calls.openat(self.by_link(path), flags, 0)?;
                let written = calls.write(fd, b"x");
                calls.close(fd)?;
                written.map(drop)
            }
            Operation::Access { path, mode } => calls.faccessat(self.by_link(path), mode.bits()),
            Operation::Chdir { path } => calls.chdir(self.by_link(path)),
            // All other operations were handled before.
            _ => Err(Errno::ENOSYS),
        }
    }

    /// Gives the descriptor this name, and closes the one that had it; without a name it is closed at once.
    fn keep<C: ProcessCalls>(&mut self, calls: &mut C, name: Option<&str>, opened: i32) -> Answered<Returned> {
        let closed = match name {
            Some(name) => self.named.insert(name.to_owned(), opened),
            None => Some(opened),
        };
        if let Some(fd) = closed {
            calls.close(fd)?;
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

/// Makes a call with the descriptor of a user namespace that has this map; without a map, with one that is not open.
fn with_user_namespace<C: ProcessCalls, T>(
    calls: &mut C,
    map: Option<&IdRanges>,
    call: impl FnOnce(&mut C, u64) -> Answered<T>,
) -> Answered<T> {
    let Some(map) = map else { return call(calls, u64::from(i32::MAX.unsigned_abs())) };
    let namespace = calls.user_namespace(&map.ranges())?;
    let answer = call(calls, u64::try_from(namespace).map_err(|_| Errno::EBADF)?);
    calls.close(namespace)?;
    answer
}

/// A detached mount of a new filesystem.
fn fsmount<C: ProcessCalls>(
    calls: &mut C,
    kind: &str,
    options: &[String],
    source: &str,
    attributes: u64,
) -> Answered<i32> {
    let context = calls.fsopen(kind.as_bytes())?;
    let mounted = calls
        .fsconfig_set(context, b"source", Some(source.as_bytes()))
        .and_then(|()| {
            options.iter().try_for_each(|option| {
                let (key, value) =
                    option.split_once('=').map_or((option.as_str(), None), |(key, value)| (key, Some(value)));
                calls.fsconfig_set(context, key.as_bytes(), value.map(str::as_bytes))
            })
        })
        .and_then(|()| calls.fsconfig_create(context))
        .and_then(|()| calls.fsmount(context, attributes));
    calls.close(context)?;
    mounted
}

fn flag(is_set: bool, bit: u32) -> u32 {
    if is_set { bit } else { 0 }
}

fn empty_path((at, path): AtPath<'_>, bit: u32) -> u32 {
    flag(path.is_empty() && at != At::Cwd, bit)
}

//! One namespace's process: performs steps by raw calls.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd};

use mountwright_core::Errno;
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};
use rustix::io;
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::process::fchdir;

use super::credentials::as_somebody;
use super::descriptors::Descriptors;
use super::questions::{Statted, names, stat, tree};
use super::raw_calls::{MountAttr, mount_setattr};
use crate::scenario::kernel_bits::{attributes, mount_flags, propagation_flags, resolve_flags, unmount_flags};
use crate::scenario::returned::Returned;
use crate::scenario::table_text::source_of;
use crate::scenario::{AccessMode, CannotRun, Credentials, NodeKind, OpenMode, Operation, Place, Step};

impl From<Statted> for Returned {
    fn from(statted: Statted) -> Self {
        let Statted { kind, device, inode, mount, mount_root } = statted;
        Self::Stat { kind: kind.to_owned(), device, inode, mount, mount_root }
    }
}

/// Performs steps in the namespace of the calling process.
#[derive(Debug)]
pub(super) struct Performer {
    descriptors: Descriptors,
}

fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(mode)
}

impl Performer {
    /// A performer with no descriptor open. `proc` is the machine's /proc.
    pub(super) fn new(proc: BorrowedFd<'_>) -> io::Result<Self> {
        Ok(Self { descriptors: Descriptors::new(proc)? })
    }

    /// Performs the step; `filesystem` is the number that a new tmpfs gets.
    pub(super) fn perform(&mut self, step: &Step, filesystem: u64) -> Result<Result<Returned, Errno>, CannotRun> {
        if !step.operation.places().iter().all(|place| self.descriptors.has(place)) {
            return Ok(Err(Errno::EBADF));
        }
        let broken = |errno: io::Errno| CannotRun::Broken(format!("switching credentials for {step} answers {errno}"));
        let answer = self.call(step, filesystem)?.map_err(broken)?;
        Ok(answer.map_err(|errno| Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EINVAL)))
    }

    fn call(&mut self, step: &Step, filesystem: u64) -> Result<io::Result<io::Result<Returned>>, CannotRun> {
        let Step { operation, credentials } = step;
        let descriptors = &self.descriptors;
        let who = *credentials;
        Ok(match operation {
            Operation::Open { fd, path, mode, nofollow, resolve } => {
                let opened = as_somebody(who, || {
                    let flags = open_flags(*mode, *nofollow);
                    if let Some(words) = resolve {
                        let (dir, path) = descriptors.at(path)?;
                        rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve_flags(words))
                    } else {
                        let (dir, path) = descriptors.by_link(path)?;
                        rustix::fs::openat(dir, path, flags, Mode::empty())
                    }
                });
                opened.map(|opened| opened.map(|opened| self.keep(fd.as_deref(), opened)))
            }
            Operation::OpenTree { fd, path, clone, recursive, nofollow } => {
                let opened = as_somebody(who, || {
                    let (dir, path) = descriptors.at(path)?;
                    let mut flags = OpenTreeFlags::OPEN_TREE_CLOEXEC;
                    flags.set(OpenTreeFlags::OPEN_TREE_CLONE, *clone);
                    flags.set(OpenTreeFlags::AT_RECURSIVE, *recursive);
                    flags.set(OpenTreeFlags::AT_SYMLINK_NOFOLLOW, *nofollow);
                    flags.set(OpenTreeFlags::AT_EMPTY_PATH, path.is_empty() && !is_cwd(dir));
                    rustix::mount::open_tree(dir, path, flags)
                });
                opened.map(|opened| opened.map(|opened| self.keep(fd.as_deref(), opened)))
            }
            Operation::Close { fd } => {
                let fd = fd.clone();
                Ok(self.descriptors.close(&fd).map(|()| Returned::Nothing))
            }
            Operation::CloneNs { .. } | Operation::SwitchNs { .. } | Operation::DestroyNs { .. } => {
                return Err(CannotRun::Broken(format!("{step} is not one process's business")));
            }
            Operation::MountTmpfs { .. }
            | Operation::Bind { .. }
            | Operation::Move { .. }
            | Operation::Propagation { .. }
            | Operation::RemountBind { .. }
            | Operation::Remount { .. }
            | Operation::Umount { .. } => {
                let here = if operation.places().iter().any(|place| place.fd().is_some()) {
                    // These calls take a path alone, so that the magic links have to be the working directory.
                    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                    let here = rustix::fs::open(".", flags, Mode::empty());
                    let moved = here.and_then(|here| fchdir(descriptors.magic_links()).map(|()| here));
                    Some(moved.map_err(|errno| CannotRun::Broken(format!("changing directory answers {errno}")))?)
                } else {
                    None
                };
                let answer = as_somebody(who, || by_path_alone(descriptors, operation, filesystem));
                if let Some(here) = here {
                    fchdir(&here).map_err(|errno| CannotRun::Broken(format!("going back answers {errno}")))?;
                }
                answer.map(|answer| answer.map(|()| Returned::Nothing))
            }
            Operation::Setattr { .. } | Operation::MoveMount { .. } => {
                as_somebody(who, || by_descriptor(descriptors, operation))
                    .map(|answer| answer.map(|()| Returned::Nothing))
            }
            Operation::Stat { .. }
            | Operation::Readdir { .. }
            | Operation::Tree { .. }
            | Operation::Access { .. }
            | Operation::Readlink { .. } => as_somebody(who, || question(descriptors, operation, who)),
            _ => as_somebody(who, || name(descriptors, operation)).map(|answer| answer.map(|()| Returned::Nothing)),
        })
    }

    fn keep(&mut self, name: Option<&str>, opened: std::os::fd::OwnedFd) -> Returned {
        self.descriptors.keep(name, opened);
        Returned::Nothing
    }
}

fn is_cwd(dir: BorrowedFd<'_>) -> bool {
    use std::os::fd::AsRawFd;
    dir.as_raw_fd() == CWD.as_raw_fd()
}

fn open_flags(mode: OpenMode, nofollow: bool) -> OFlags {
    // A fifo must not hang the run.
    let mode = match mode {
        OpenMode::Path => OFlags::PATH,
        OpenMode::R => OFlags::RDONLY | OFlags::NONBLOCK,
        OpenMode::W => OFlags::WRONLY | OFlags::NONBLOCK,
        OpenMode::Dir => OFlags::RDONLY | OFlags::DIRECTORY,
    };
    let nofollow = if nofollow { OFlags::NOFOLLOW } else { OFlags::empty() };
    mode | nofollow | OFlags::CLOEXEC
}

/// mount(2) and umount2(2): the working directory is that of the magic links where a place is at a descriptor.
fn by_path_alone(descriptors: &Descriptors, operation: &Operation, filesystem: u64) -> io::Result<()> {
    let path_of = |place: &Place| descriptors.by_link(place).map(|(_, path)| path);
    match operation {
        Operation::MountTmpfs { target, flags } => {
            let source = source_of(filesystem);
            rustix::mount::mount(source, path_of(target)?, "tmpfs", mount_flags(flags), None)
        }
        Operation::Bind { source, target, recursive: false } => {
            rustix::mount::mount_bind(path_of(source)?, path_of(target)?)
        }
        Operation::Bind { source, target, recursive: true } => {
            rustix::mount::mount_bind_recursive(path_of(source)?, path_of(target)?)
        }
        Operation::Move { source, target } => rustix::mount::mount_move(path_of(source)?, path_of(target)?),
        Operation::Propagation { target, kind, recursive } => {
            let mut flags = propagation_flags(kind.values());
            flags.set(MountPropagationFlags::REC, *recursive);
            rustix::mount::mount_change(path_of(target)?, flags)
        }
        Operation::RemountBind { target, flags } => {
            rustix::mount::mount_remount(path_of(target)?, MountFlags::BIND | mount_flags(flags), "")
        }
        Operation::Remount { target, flags } => rustix::mount::mount_remount(path_of(target)?, mount_flags(flags), ""),
        Operation::Umount { target, flags } => rustix::mount::unmount(path_of(target)?, unmount_flags(flags)),
        _ => Err(io::Errno::NOSYS),
    }
}

fn by_descriptor(descriptors: &Descriptors, operation: &Operation) -> io::Result<()> {
    match operation {
        Operation::Setattr { target, set, clear, propagation, recursive, nofollow } => {
            let (dir, path) = descriptors.at(target)?;
            let mut flags = AtFlags::empty();
            flags.set(AtFlags::EMPTY_PATH, path.is_empty() && !is_cwd(dir));
            flags.set(AtFlags::SYMLINK_NOFOLLOW, *nofollow);
            let recursive = if *recursive { OpenTreeFlags::AT_RECURSIVE.bits() } else { 0 };
            let propagation = propagation.as_ref().map_or(0, |bits| propagation_flags(bits.values()).bits());
            let attr =
                MountAttr { set: attributes(set), clear: attributes(clear), propagation: u64::from(propagation) };
            let path = CString::new(path).map_err(|_| io::Errno::INVAL)?;
            mount_setattr(dir, &path, flags.bits() | recursive, attr)
        }
        Operation::MoveMount { source, target, beneath, set_group, source_follow, target_follow } => {
            let (from, from_path) = descriptors.at(source)?;
            let (to, to_path) = descriptors.at(target)?;
            let mut flags = MoveMountFlags::empty();
            flags.set(MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH, from_path.is_empty() && !is_cwd(from));
            flags.set(MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH, to_path.is_empty() && !is_cwd(to));
            flags.set(MoveMountFlags::MOVE_MOUNT_F_SYMLINKS, *source_follow);
            flags.set(MoveMountFlags::MOVE_MOUNT_T_SYMLINKS, *target_follow);
            flags.set(MoveMountFlags::MOVE_MOUNT_BENEATH, *beneath);
            flags.set(MoveMountFlags::MOVE_MOUNT_SET_GROUP, *set_group);
            rustix::mount::move_mount(from, from_path, to, to_path, flags)
        }
        _ => Err(io::Errno::NOSYS),
    }
}

fn question(descriptors: &Descriptors, operation: &Operation, who: Credentials) -> io::Result<Returned> {
    match operation {
        Operation::Stat { path, nofollow } => {
            let (dir, path) = descriptors.at(path)?;
            let mut flags = AtFlags::empty();
            flags.set(AtFlags::EMPTY_PATH, path.is_empty() && !is_cwd(dir));
            flags.set(AtFlags::SYMLINK_NOFOLLOW, *nofollow);
            stat((dir, path), flags).map(Returned::from)
        }
        Operation::Readdir { path } => names(descriptors.by_link(path)?).map(Returned::Names),
        Operation::Tree { path } => tree(descriptors.by_link(path)?).map(Returned::Names),
        Operation::Access { path, mode } => {
            let (dir, path) = descriptors.by_link(path)?;
            let mode = match mode {
                AccessMode::F => Access::EXISTS,
                AccessMode::R => Access::READ_OK,
                AccessMode::W => Access::WRITE_OK,
                AccessMode::X => Access::EXEC_OK,
            };
            // Without the flag the call gives a process whose real uid is 0 its capabilities back.
            let flags = if who == Credentials::Root { AtFlags::empty() } else { AtFlags::EACCESS };
            rustix::fs::accessat(dir, path, mode, flags).map(|()| Returned::Nothing)
        }
        Operation::Readlink { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            let target = rustix::fs::readlinkat(dir, path, Vec::new())?;
            Ok(Returned::Text(target.to_string_lossy().into_owned()))
        }
        _ => Err(io::Errno::NOSYS),
    }
}

fn name(descriptors: &Descriptors, operation: &Operation) -> io::Result<()> {
    let close_on_exec = OFlags::CLOEXEC;
    match operation {
        Operation::Mkdir { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            rustix::fs::mkdirat(dir, path, permissions(0o755))
        }
        Operation::Rmdir { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            rustix::fs::unlinkat(dir, path, AtFlags::REMOVEDIR)
        }
        Operation::Unlink { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            rustix::fs::unlinkat(dir, path, AtFlags::empty())
        }
        Operation::Create { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | close_on_exec;
            rustix::fs::openat(dir, path, flags, permissions(0o644)).map(drop)
        }
        Operation::Symlink { target, path } => {
            let (dir, path) = descriptors.by_link(path)?;
            rustix::fs::symlinkat(target, dir, path)
        }
        Operation::Mknod { path, kind } => {
            let (dir, path) = descriptors.by_link(path)?;
            let (kind, device) = match kind {
                NodeKind::Char => (FileType::CharacterDevice, rustix::fs::makedev(1, 3)),
                NodeKind::Block => (FileType::BlockDevice, rustix::fs::makedev(7, 0)),
                NodeKind::Fifo => (FileType::Fifo, 0),
                NodeKind::Socket => (FileType::Socket, 0),
            };
            rustix::fs::mknodat(dir, path, kind, permissions(0o644), device)
        }
        Operation::Chmod { path, mode } => {
            let (dir, path) = descriptors.by_link(path)?;
            let mode = u32::from_str_radix(mode, 8).map_err(|_| io::Errno::INVAL)?;
            rustix::fs::chmodat(dir, path, permissions(mode), AtFlags::empty())
        }
        Operation::Link { from, to } => {
            let (from, from_path) = descriptors.by_link(from)?;
            let (to, to_path) = descriptors.by_link(to)?;
            rustix::fs::linkat(from, from_path, to, to_path, AtFlags::empty())
        }
        Operation::Rename { from, to } => rename(descriptors, from, to, RenameFlags::empty()),
        Operation::RenameExchange { from, to } => rename(descriptors, from, to, RenameFlags::EXCHANGE),
        Operation::Write { path } => {
            let (dir, path) = descriptors.by_link(path)?;
            let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | close_on_exec;
            let file = rustix::fs::openat(dir, path, flags, Mode::empty())?;
            rustix::io::write(file.as_fd(), b"x").map(drop)
        }
        Operation::Chdir { path } => match path {
            Place::Path(path) => rustix::process::chdir(path.as_str()),
            Place::AtFd { .. } => {
                let (dir, path) = descriptors.by_link(path)?;
                fchdir(rustix::fs::openat(dir, path, OFlags::PATH | OFlags::DIRECTORY | close_on_exec, Mode::empty())?)
            }
        },
        _ => Err(io::Errno::NOSYS),
    }
}

fn rename(descriptors: &Descriptors, from: &Place, to: &Place, flags: RenameFlags) -> io::Result<()> {
    let (from, from_path) = descriptors.by_link(from)?;
    let (to, to_path) = descriptors.by_link(to)?;
    rustix::fs::renameat_with(from, from_path, to, to_path, flags)
}

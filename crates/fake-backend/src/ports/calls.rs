//! The system calls of one port call.

use std::path::{Path, PathBuf};

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use mountwright_core::{BootId, Errno};

use super::fault::{Fault, Step};
use crate::{At, Dirent, Machine, MountAttr, OpenHow, Pid, Statmount, Statx, abi};

/// An open descriptor. It is closed at the end of the port call, unless it is [kept](Calls::keep).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fd(pub(crate) i32);

impl From<Fd> for At {
    fn from(fd: Fd) -> Self {
        Self::Fd(fd.0)
    }
}

/// The machine, for one call of one process: nobody else acts meanwhile.
pub(crate) struct Calls<'m> {
    machine: &'m mut Machine,
    process: Pid,
    open: Vec<Fd>,
}

/// A path as a system call takes it.
///
/// # Errors
/// `EINVAL`: a NUL in it, which could not be handed over.
fn text(path: &OsStr) -> Result<&[u8], Errno> {
    let bytes = path.as_bytes();
    if bytes.contains(&0) { Err(Errno::EINVAL) } else { Ok(bytes) }
}

pub(crate) fn path_buf(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

impl<'m> Calls<'m> {
    pub(crate) fn new(machine: &'m mut Machine, process: Pid) -> Self {
        Self { machine, process, open: Vec::new() }
    }

    pub(crate) fn machine(&mut self) -> &mut Machine {
        self.machine
    }

    /// Something is mounted on what a descriptor is of, seen through the descriptor's own mount.
    pub(crate) fn is_covered(&self, file: Fd) -> bool {
        self.machine.is_covered(self.process, file.0)
    }

    fn opened(&mut self, step: &'static str, opened: Result<i32, Errno>) -> Step<Fd> {
        let fd = Fd(opened.map_err(|errno| Fault::new(step, errno))?);
        self.open.push(fd);
        Ok(fd)
    }

    /// Leaves a descriptor open after the port call, for its owner to close.
    pub(crate) fn keep(&mut self, fd: Fd) -> Fd {
        self.open.retain(|&open| open != fd);
        self.machine.mark_as_of_port(self.process, fd.0);
        fd
    }

    pub(crate) fn openat(&mut self, at: impl Into<At>, path: &Path, flags: u32, mode: u32) -> Step<Fd> {
        let at = at.into();
        let opened = text(path.as_os_str()).and_then(|path| self.machine.openat(self.process, at, path, flags, mode));
        self.opened("openat", opened)
    }

    pub(crate) fn openat2(&mut self, dir: Fd, path: &Path, flags: u32, resolve: u64) -> Step<Fd> {
        let how = OpenHow { flags: flags.into(), mode: 0, resolve };
        let opened = text(path.as_os_str()).and_then(|path| self.machine.openat2(self.process, dir, path, how));
        self.opened("openat2", opened)
    }

    pub(crate) fn boot_and_namespace(&self) -> Step<(BootId, u64)> {
        let namespace = self.machine.mount_namespace(self.process);
        Ok((self.machine.boot_id(), namespace.map_err(|errno| Fault::new("NS_GET_MNTNS_ID", errno))?))
    }

    /// The file of a descriptor once more.
    pub(crate) fn reopen(&mut self, file: Fd, flags: u32) -> Step<Fd> {
        let opened = self.machine.openat(self.process, At::Link(file.0), b"", flags, 0);
        self.opened("openat", opened)
    }

    pub(crate) fn open_tree(&mut self, at: impl Into<At>, path: &Path, flags: u32) -> Step<Fd> {
        let at = at.into();
        let opened = text(path.as_os_str()).and_then(|path| self.machine.open_tree(self.process, at, path, flags));
        self.opened("open_tree", opened)
    }

    pub(crate) fn open_tree_attr(&mut self, at: impl Into<At>, path: &Path, flags: u32, attr: MountAttr) -> Step<Fd> {
        let at = at.into();
        let opened =
            text(path.as_os_str()).and_then(|path| self.machine.open_tree_attr(self.process, at, path, flags, attr));
        self.opened("open_tree_attr", opened)
    }

    pub(crate) fn fsopen(&mut self, fs_type: &OsStr) -> Step<Fd> {
        let opened = text(fs_type).and_then(|fs_type| self.machine.fsopen(self.process, fs_type, 0));
        self.opened("fsopen", opened)
    }

    pub(crate) fn fspick(&mut self, at: impl Into<At>, path: &Path, flags: u32) -> Step<Fd> {
        let at = at.into();
        let opened = text(path.as_os_str()).and_then(|path| self.machine.fspick(self.process, at, path, flags));
        self.opened("fspick", opened)
    }

    pub(crate) fn fsmount(&mut self, context: Fd, attributes: u64) -> Step<Fd> {
        let opened = self.machine.fsmount(self.process, context.0, 0, attributes);
        self.opened("fsmount", opened)
    }

    /// A parameter, with a value or without.
    pub(crate) fn configure(&mut self, context: Fd, key: &OsStr, value: Option<&OsStr>) -> Step<()> {
        let command = if value.is_some() { abi::FSCONFIG_SET_STRING } else { abi::FSCONFIG_SET_FLAG };
        let configured = text(key).and_then(|key| {
            let value = value.map(text).transpose()?;
            self.machine.fsconfig(self.process, context.0, command, Some(key), value, 0)
        });
        configured.map_err(|errno| Fault::new("fsconfig", errno))
    }

    /// `FSCONFIG_CMD_*`.
    pub(crate) fn command(&mut self, context: Fd, command: u32) -> Step<()> {
        let done = self.machine.fsconfig(self.process, context.0, command, None, None, 0);
        done.map_err(|errno| Fault::new("fsconfig", errno))
    }
}

impl Drop for Calls<'_> {
    fn drop(&mut self) {
        for &fd in self.open.iter().rev() {
            // It is open: nobody else has acted since.
            let _ = self.machine.close(self.process, fd.0);
        }
    }
}

macro_rules! calls {
    ($(
        fn $name:ident($at:ident, $path:ident $(, $argument:ident: $type:ty)*) -> $answer:ty = $step:literal;
    )*) => {
        impl Calls<'_> {
            $(
                pub(crate) fn $name(
                    &mut self,
                    $at: impl Into<At>,
                    $path: &Path
                    $(, $argument: $type)*
                ) -> Step<$answer> {
                    let $at = $at.into();
                    let done = text($path.as_os_str())
                        .and_then(|$path| self.machine.$name(self.process, $at, $path $(, $argument)*));
                    done.map_err(|errno| Fault::new($step, errno))
                }
            )*
        }
    };
}

calls! {
    fn statx(at, path, flags: u32, mask: u32) -> Statx = "statx";
    fn readlinkat(at, path) -> Vec<u8> = "readlinkat";
    fn mkdirat(at, path, mode: u32) -> () = "mkdirat";
    fn unlinkat(at, path, flags: u32) -> () = "unlinkat";
    fn fchownat(at, path, uid: u32, gid: u32, flags: u32) -> () = "fchownat";
    fn mount_setattr(at, path, flags: u32, attr: MountAttr) -> () = "mount_setattr";
    fn umount2(at, path, flags: u32) -> () = "umount2";
}

impl Calls<'_> {
    pub(crate) fn statmount(&mut self, unique_id: u64, mask: u64) -> Step<Statmount> {
        let answer = self.machine.statmount(self.process, unique_id, None, mask, 0);
        answer.map_err(|errno| Fault::new("statmount", errno))
    }

    pub(crate) fn mountinfo(&mut self) -> Step<Vec<u8>> {
        self.machine.mountinfo(self.process).map_err(|errno| Fault::new("mountinfo", errno))
    }

    pub(crate) fn getcwd(&mut self) -> Step<PathBuf> {
        self.machine.getcwd(self.process).map(path_buf).map_err(|errno| Fault::new("getcwd", errno))
    }

    /// Where a descriptor's file is, as the kernel says it.
    pub(crate) fn fd_path(&mut self, file: Fd) -> Step<PathBuf> {
        self.machine.fd_path(self.process, file.0).map(path_buf).map_err(|errno| Fault::new("readlinkat", errno))
    }

    pub(crate) fn getdents64(&mut self, dir: Fd, room: usize) -> Step<Vec<Dirent>> {
        self.machine.getdents64(self.process, dir.0, room).map_err(|errno| Fault::new("getdents64", errno))
    }

    pub(crate) fn read(&mut self, file: Fd, limit: usize) -> Step<Vec<u8>> {
        self.machine.read(self.process, file.0, limit).map_err(|errno| Fault::new("read", errno))
    }

    pub(crate) fn write(&mut self, file: Fd, bytes: &[u8]) -> Step<usize> {
        self.machine.write(self.process, file.0, bytes).map_err(|errno| Fault::new("write", errno))
    }

    /// Within one directory.
    pub(crate) fn renameat(&mut self, dir: Fd, from: &OsStr, to: &OsStr) -> Step<()> {
        let renamed = text(from).and_then(|from| self.machine.renameat2(self.process, dir, from, dir, text(to)?, 0));
        renamed.map_err(|errno| Fault::new("renameat", errno))
    }

    /// One descriptor onto another.
    pub(crate) fn move_mount(&mut self, from: Fd, to: Fd) -> Step<()> {
        let flags = abi::MOVE_MOUNT_F_EMPTY_PATH | abi::MOVE_MOUNT_T_EMPTY_PATH;
        let moved = self.machine.move_mount(self.process, from, b"", to, b"", flags);
        moved.map_err(|errno| Fault::new("move_mount", errno))
    }

    /// `mount` with flags that take neither source nor type.
    pub(crate) fn mount_by_flags(&mut self, path: &Path, flags: u64) -> Step<()> {
        let done = text(path.as_os_str())
            .and_then(|path| self.machine.mount(self.process, None, (At::Cwd, path), None, flags, None));
        done.map_err(|errno| Fault::new("mount", errno))
    }

    /// The mode of an open file, also of one that is open for its place only.
    pub(crate) fn fchmod(&mut self, file: Fd, mode: u32) -> Step<()> {
        let done = self.machine.fchmodat(self.process, At::Link(file.0), b"", mode, 0);
        done.map_err(|errno| Fault::new("chmod", errno))
    }

    /// Takes off the mount that a descriptor is in, lazily or otherwise.
    pub(crate) fn umount_fd(&mut self, file: Fd, flags: u32) -> Step<()> {
        let done = self.machine.umount2(self.process, At::Link(file.0), b"", flags);
        done.map_err(|errno| Fault::new("umount2", errno))
    }
}

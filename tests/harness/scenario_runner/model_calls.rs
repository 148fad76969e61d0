//! The system calls of a process of the model.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use mountwright_core::Errno;
use mountwright_fake::{Credentials as Identity, IdRange, Machine, MountAttr, OpenHow, Pid, abi};

use super::calls::{Answered, AtPath, ProcessCalls, Statted};
use crate::scenario::{CannotRun, Credentials};

/// The unprivileged uid and gid.
const NOBODY: u32 = 65534;

/// As large as the C library's buffer.
const BUFFER: usize = 32 * 1024;

/// A process of a modelled machine.
pub(crate) struct ModelCalls<'m> {
    pub(crate) machine: &'m mut Machine,
    pub(crate) pid: Pid,
}

/// Calls of a process that are calls of the machine by the same name: on the right the arguments of the machine's.
macro_rules! calls_of_the_machine {
    ($($call:ident($($argument:tt: $type:ty),*) -> $value:ty = $($passed:expr),*;)*) => {$(
        fn $call(&mut self, $($argument: $type),*) -> Answered<$value> {
            self.machine.$call(self.pid, $($passed),*)
        }
    )*};
}

impl ProcessCalls for ModelCalls<'_> {
    fn with_credentials<T>(
        &mut self,
        credentials: Credentials,
        act: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, CannotRun> {
        let identity = match credentials {
            Credentials::Root => return Ok(act(self)),
            Credentials::Nobody => Identity::without_capabilities(NOBODY, NOBODY),
            Credentials::Nocap => Identity::without_capabilities(0, 0),
        };
        let broken = |errno| CannotRun::Broken(format!("changing the credentials on the model returns {errno}"));
        let own = self.machine.credentials(self.pid).map_err(broken)?;
        self.machine.set_credentials(self.pid, identity).map_err(broken)?;
        let answer = act(self);
        self.machine.set_credentials(self.pid, own).map_err(broken)?;
        Ok(answer)
    }

    calls_of_the_machine! {
        openat((at, path): AtPath<'_>, flags: u32, mode: u32) -> i32 = at, path, flags, mode;
        open_tree((at, path): AtPath<'_>, flags: u32) -> i32 = at, path, flags;
        close(fd: i32) -> () = fd;
        write(fd: i32, bytes: &[u8]) -> usize = fd, bytes;
        readlinkat((at, path): AtPath<'_>) -> Vec<u8> = at, path;
        faccessat((at, path): AtPath<'_>, mode: u32) -> () = at, path, mode, 0;
        mkdirat((at, path): AtPath<'_>, mode: u32) -> () = at, path, mode;
        unlinkat((at, path): AtPath<'_>, flags: u32) -> () = at, path, flags;
        symlinkat(target: &[u8], (at, path): AtPath<'_>) -> () = target, at, path;
        mknodat((at, path): AtPath<'_>, mode: u32, device: u64) -> () = at, path, mode, device;
        fchmodat((at, path): AtPath<'_>, mode: u32) -> () = at, path, mode, 0;
        fchownat((at, path): AtPath<'_>, uid: u32, gid: u32) -> () = at, path, uid, gid, abi::AT_SYMLINK_NOFOLLOW;
        linkat((at, from): AtPath<'_>, (to_at, to): AtPath<'_>) -> () = at, from, to_at, to, 0;
        renameat2((at, from): AtPath<'_>, (to_at, to): AtPath<'_>, flags: u32) -> () = at, from, to_at, to, flags;
        chdir((at, path): AtPath<'_>) -> () = at, path;
        umount2((at, path): AtPath<'_>, flags: u32) -> () = at, path, flags;
        mount_setattr((at, path): AtPath<'_>, flags: u32, attr: MountAttr) -> () = at, path, flags, attr;
        move_mount((at, from): AtPath<'_>, (to_at, to): AtPath<'_>, flags: u32) -> () = at, from, to_at, to, flags;
        open_tree_attr((at, path): AtPath<'_>, flags: u32, attr: MountAttr) -> i32 = at, path, flags, attr;
        fsopen(fs_type: &[u8]) -> i32 = fs_type, abi::FSOPEN_CLOEXEC;
        fsmount(context: i32, attributes: u64) -> i32 = context, abi::FSMOUNT_CLOEXEC, attributes;
        umask(mask: u32) -> u32 = mask;
        pivot_root(new_root: AtPath<'_>, put_old: AtPath<'_>) -> () = new_root, put_old;
        chroot((at, path): AtPath<'_>) -> () = at, path;
    }

    fn openat2(&mut self, (at, path): AtPath<'_>, flags: u32, resolve: u64) -> Answered<i32> {
        self.machine.openat2(self.pid, at, path, OpenHow { flags: flags.into(), mode: 0, resolve })
    }

    fn read(&mut self, fd: i32) -> Answered<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            match self.machine.read(self.pid, fd, 1 << 16)? {
                more if more.is_empty() => return Ok(bytes),
                more => bytes.extend(more),
            }
        }
    }

    fn statx(&mut self, (at, path): AtPath<'_>, flags: u32) -> Answered<Statted> {
        let statx = self.machine.statx(self.pid, at, path, flags, abi::STATX_BASIC_STATS | abi::STATX_MNT_ID)?;
        Ok(Statted {
            mode: statx.mode,
            owner: (statx.uid, statx.gid),
            size: statx.size,
            links: statx.nlink,
            represents: (statx.rdev_major, statx.rdev_minor),
            device: (statx.dev_major, statx.dev_minor),
            inode: statx.ino,
            mount: statx.mnt_id,
            mount_root: statx.attributes & abi::STATX_ATTR_MOUNT_ROOT != 0,
        })
    }

    fn names(&mut self, directory: i32) -> Answered<Vec<OsString>> {
        let mut names = Vec::new();
        loop {
            let entries = match self.machine.getdents64(self.pid, directory, BUFFER) {
                Ok(entries) if entries.is_empty() => return Ok(names),
                // A removed directory: the C library and rustix report it as the end, and so did the recordings.
                Err(Errno::ENOENT) => return Ok(names),
                entries => entries?,
            };
            let entries = entries.into_iter().map(|entry| OsString::from_vec(entry.name));
            names.extend(entries.filter(|name| name != "." && name != ".."));
        }
    }

    fn getcwd(&mut self) -> Answered<Vec<u8>> {
        self.machine.getcwd(self.pid)
    }

    fn mount(
        &mut self,
        source: Option<AtPath<'_>>,
        target: AtPath<'_>,
        fs_type: Option<&[u8]>,
        flags: u64,
        data: Option<&[u8]>,
    ) -> Answered<()> {
        self.machine.mount(self.pid, source, target, fs_type, flags, data)
    }

    fn fsconfig_set(&mut self, context: i32, key: &[u8], value: Option<&[u8]>) -> Answered<()> {
        let command = if value.is_some() { abi::FSCONFIG_SET_STRING } else { abi::FSCONFIG_SET_FLAG };
        self.machine.fsconfig(self.pid, context, command, Some(key), value, 0)
    }

    fn fsconfig_create(&mut self, context: i32) -> Answered<()> {
        self.machine.fsconfig(self.pid, context, abi::FSCONFIG_CMD_CREATE, None, None, 0)
    }

    fn statfs(&mut self, (at, path): AtPath<'_>) -> Answered<(u64, u64)> {
        let status = self.machine.statfs(self.pid, at, path)?;
        Ok((status.f_type, status.f_flags))
    }

    fn user_namespace(&mut self, map: &[IdRange]) -> Answered<i32> {
        let child = self.machine.fork(self.pid)?;
        let opened = self
            .machine
            .unshare(child, abi::CLONE_NEWUSER)
            .and_then(|()| if map.is_empty() { Ok(()) } else { self.machine.set_id_map(child, map) })
            .and_then(|()| self.machine.pidfd_get_user_namespace(self.pid, child));
        self.machine.exit(child)?;
        opened
    }
}

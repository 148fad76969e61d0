//! The system calls as the sequences make them: retried after `EINTR`, up to a limit, and with the call's name on a
//! failure.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::MountNamespaceId;

use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::statx::IDENTITY;
use crate::syscalls::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};

/// The highest number of attempts of a call. A signal interrupts a call now and then, but the server of a filesystem
/// can return `EINTR` for ever: the last `EINTR` is returned to the caller.
pub(crate) const MOST_ATTEMPTS: usize = 128;

/// Makes a call until it is not interrupted, at most [`MOST_ATTEMPTS`] times.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    for _ in 1..MOST_ATTEMPTS {
        match call() {
            Err(Errno::EINTR) => {}
            other => return other,
        }
    }
    call()
}

/// Returns the step that failed: `EOPNOTSUPP` of a call through procfs means that there is no real procfs.
fn step(call: Call, errno: Errno) -> Call {
    match call {
        Call::Reopen | Call::Fdpath | Call::Fdinfo | Call::Mountinfo | Call::Umount2 if errno == Errno::EOPNOTSUPP => {
            Call::Procfs
        }
        call => call,
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Calls<K>(pub(crate) K);

macro_rules! calls {
    ($(fn $call:ident = $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl<K: Kernel> Calls<K> {
            $(
                pub(crate) fn $name(&self $(, $argument: $type)*) -> Step<$answer> {
                    uninterrupted(|| self.0.$name($($argument),*)).map_err(|errno| Fault::new(step(Call::$call, errno), errno))
                }
            )*
        }
    };
}

calls! {
    fn Openat = openat(dir: At<'_, K::Fd>, path: &Path, flags: u32, mode: u32) -> K::Fd;
    fn Openat2 = openat2(dir: &K::Fd, path: &Path, flags: u32, resolve: u32) -> K::Fd;
    fn Reopen = reopen(file: &K::Fd, flags: u32) -> K::Fd;
    fn Statmount = statmount(unique_id: u64, mask: u64, room: usize) -> MountStat;
    fn Listmount = listmount(unique_id: u64, after: u64, most: usize) -> Vec<u64>;
    fn Fstatfs = fstatfs(file: &K::Fd) -> u32;
    fn Fdpath = fd_path(file: &K::Fd) -> PathBuf;
    fn Fdinfo = fdinfo(file: &K::Fd) -> Vec<u8>;
    fn Mountinfo = mountinfo() -> Vec<u8>;
    fn Procfs = procfs() -> ();
    fn BootId = boot_id() -> Vec<u8>;
    fn MountNamespace = mount_namespace() -> MountNamespaceId;
    fn Getcwd = getcwd() -> PathBuf;
    fn Getdents64 = getdents64(dir: &K::Fd, room: usize) -> RawEntries;
    fn Readlinkat = readlinkat(dir: At<'_, K::Fd>, path: &Path) -> PathBuf;
    fn Read = read(file: &K::Fd, limit: usize) -> Vec<u8>;
    fn Write = write(file: &K::Fd, bytes: &[u8]) -> usize;
    fn Fsync = fsync(file: &K::Fd) -> ();
    fn Flock = flock(file: &K::Fd, operation: u32) -> ();
    fn Mkdirat = mkdirat(dir: At<'_, K::Fd>, path: &Path, mode: u32) -> ();
    fn Unlinkat = unlinkat(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> ();
    fn Renameat = renameat(dir: &K::Fd, from: &OsStr, to: &OsStr) -> ();
    fn Fchmod = fchmod(file: &K::Fd, mode: u32) -> ();
    fn Chmod = chmod(place: Reach<'_, K::Fd>, mode: u32) -> ();
    fn Fchmodat2 = fchmodat2(dir: At<'_, K::Fd>, path: &Path, mode: u32, flags: u32) -> ();
    fn Getxattr = getxattr(place: Reach<'_, K::Fd>, name: &OsStr, room: usize) -> Vec<u8>;
    fn Getxattrat = getxattrat(dir: &K::Fd, file: &Path, name: &OsStr, room: usize) -> Vec<u8>;
    fn Setxattr = setxattr(place: Reach<'_, K::Fd>, name: &OsStr, value: &[u8]) -> ();
    fn Fchownat = fchownat(dir: At<'_, K::Fd>, path: &Path, owner: (Option<u32>, Option<u32>), flags: u32) -> ();
    fn OpenTree = open_tree(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd;
    fn OpenTreeAttr = open_tree_attr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> K::Fd;
    fn MountSetattr = mount_setattr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> ();
    fn MoveMount = move_mount(from: &K::Fd, to: &K::Fd, flags: u32) -> ();
    fn SetGroup = set_group(from: &K::Fd, to: &K::Fd) -> ();
    fn Fsopen = fsopen(fs_type: &OsStr, flags: u32) -> K::Fd;
    fn Fsconfig = fsconfig(context: &K::Fd, command: Config<'_>) -> ();
    fn Fsmount = fsmount(context: &K::Fd, flags: u32, attributes: u32) -> K::Fd;
    fn Fspick = fspick(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd;
    fn Mount = mount(
        source: Reach<'_, K::Fd>, target: Reach<'_, K::Fd>, fs_type: &OsStr, flags: u32, data: &OsStr
    ) -> ();
    fn Umount2 = umount2(target: Reach<'_, K::Fd>, flags: u32) -> ();
}

impl<K: Kernel> Calls<K> {
    /// statx(2). A FUSE server without `allow_other` refuses other users, root included, every statx that requests a
    /// field. If only the kind and the mount are requested, statx is repeated with mask 0. The result then lacks the
    /// kind and the unique id.
    pub(crate) fn statx(&self, dir: At<'_, K::Fd>, path: &Path, flags: u32, mask: u32) -> Step<Stat> {
        let ask = |mask| uninterrupted(|| self.0.statx(dir, path, flags, mask));
        let found = match ask(mask) {
            Err(Errno::EACCES) if mask & !IDENTITY == 0 => ask(0).map_err(|_| Errno::EACCES),
            other => other,
        };
        found.map_err(|errno| Fault::new(Call::Statx, errno))
    }
}

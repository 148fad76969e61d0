//! Every method of the trait [`Kernel`], forwarded with something around it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::MountNamespaceId;
use mountwright_linux::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};

use crate::test_kit::interposed::between::Between;
use crate::test_kit::interposed::wrapper::Interposed;

type Owner = (Option<u32>, Option<u32>);

macro_rules! forwarded {
    ($(fn $call:ident = $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl<K: Kernel, B: Between> Kernel for Interposed<K, B> {
            type Fd = K::Fd;

            fn probe(&self, call: Call) -> Result<(), Errno> {
                self.around(call, true, || self.kernel.probe(call))
            }

            $(
                fn $name(&self $(, $argument: $type)*) -> Result<$answer, Errno> {
                    self.around(Call::$call, false, || self.kernel.$name($($argument),*))
                }
            )*
        }
    };
}

forwarded! {
    fn Openat = openat(dir: At<'_, K::Fd>, path: &Path, flags: u32, mode: u32) -> K::Fd;
    fn Openat2 = openat2(dir: &K::Fd, path: &Path, flags: u32, resolve: u32) -> K::Fd;
    fn Reopen = reopen(file: &K::Fd, flags: u32) -> K::Fd;
    fn Statx = statx(dir: At<'_, K::Fd>, path: &Path, flags: u32, mask: u32) -> Stat;
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
    fn Fchownat = fchownat(dir: At<'_, K::Fd>, path: &Path, owner: Owner, flags: u32) -> ();
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

//! A kernel that leaves fields out of results, as older ones do; no filter can.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::MountNamespaceId;
use mountwright_linux::abi::{
    STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM,
    STATMOUNT_SB_BASIC, STATX_ATTR_MOUNT_ROOT, STATX_MNT_ID, STATX_MNT_ID_UNIQUE,
};
use mountwright_linux::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat, SyscallSet};

/// The missing fields.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lacking {
    name: &'static str,
    /// Fields of statx that the kernel does not know.
    ids: u32,
    /// True if statx reports the root of a mount.
    mount_root: bool,
    /// Fields of statmount that it does know.
    statmount: u64,
    syscalls: SyscallSet,
}

const EVERYTHING: u64 = !0;
/// The fields of statmount in its first version.
const OF_6_8: u64 = (STATMOUNT_SB_BASIC
    | STATMOUNT_MNT_BASIC
    | STATMOUNT_PROPAGATE_FROM
    | STATMOUNT_MNT_ROOT
    | STATMOUNT_MNT_POINT
    | STATMOUNT_FS_TYPE) as u64;
const NUMBERS: u64 = (STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC) as u64;
const NO_ID: u32 = STATX_MNT_ID | STATX_MNT_ID_UNIQUE;

impl Lacking {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let lacking = |name, ids, mount_root, statmount, syscalls| Self { name, ids, mount_root, statmount, syscalls };
        [
            lacking("statx without the unique id", STATX_MNT_ID_UNIQUE, true, EVERYTHING, SyscallSet::ALL),
            lacking("statx without any id", NO_ID, true, EVERYTHING, SyscallSet::ALL),
            lacking("statx without the root of a mount", 0, false, EVERYTHING, SyscallSet::ALL),
            lacking("statx without id and root", NO_ID, false, EVERYTHING, SyscallSet::ALL),
            lacking("statx without id and root, calls of 4.18", NO_ID, false, EVERYTHING, SyscallSet::NONE),
            lacking("statmount as it came", 0, true, OF_6_8, SyscallSet::ALL),
            lacking("statmount with numbers only", 0, true, NUMBERS, SyscallSet::ALL),
        ]
        .into_iter()
    }

    pub(crate) fn syscalls(self) -> SyscallSet {
        self.syscalls
    }
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The kernel, without these fields.
#[derive(Clone, Debug)]
pub(crate) struct MissingAnswers<K> {
    kernel: K,
    lacking: Lacking,
}

impl<K> MissingAnswers<K> {
    pub(crate) fn new(kernel: K, lacking: Lacking) -> Self {
        Self { kernel, lacking }
    }
}

type Owner = (Option<u32>, Option<u32>);

macro_rules! handed_on {
    ($(fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        impl<K: Kernel> Kernel for MissingAnswers<K> {
            type Fd = K::Fd;

            fn statx(&self, dir: At<'_, K::Fd>, path: &Path, flags: u32, mask: u32) -> Result<Stat, Errno> {
                let Lacking { ids, mount_root, .. } = self.lacking;
                let mut stat = self.kernel.statx(dir, path, flags, mask & !ids)?;
                // The kernel returns the classic id unasked.
                stat.mask &= !ids;
                if !mount_root {
                    stat.attributes &= !u64::from(STATX_ATTR_MOUNT_ROOT);
                    stat.attributes_mask &= !u64::from(STATX_ATTR_MOUNT_ROOT);
                }
                Ok(stat)
            }

            fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Result<MountStat, Errno> {
                self.kernel.statmount(unique_id, mask & self.lacking.statmount, room)
            }

            $(
                fn $name(&self $(, $argument: $type)*) -> Result<$answer, Errno> {
                    self.kernel.$name($($argument),*)
                }
            )*
        }
    };
}

handed_on! {
    fn probe(call: Call) -> ();
    fn openat(dir: At<'_, K::Fd>, path: &Path, flags: u32, mode: u32) -> K::Fd;
    fn openat2(dir: &K::Fd, path: &Path, flags: u32, resolve: u32) -> K::Fd;
    fn reopen(file: &K::Fd, flags: u32) -> K::Fd;
    fn listmount(unique_id: u64, after: u64, most: usize) -> Vec<u64>;
    fn fstatfs(file: &K::Fd) -> u32;
    fn fd_path(file: &K::Fd) -> PathBuf;
    fn fdinfo(file: &K::Fd) -> Vec<u8>;
    fn mountinfo() -> Vec<u8>;
    fn procfs() -> ();
    fn boot_id() -> Vec<u8>;
    fn mount_namespace() -> MountNamespaceId;
    fn getcwd() -> PathBuf;
    fn getdents64(dir: &K::Fd, room: usize) -> RawEntries;
    fn readlinkat(dir: At<'_, K::Fd>, path: &Path) -> PathBuf;
    fn read(file: &K::Fd, limit: usize) -> Vec<u8>;
    fn write(file: &K::Fd, bytes: &[u8]) -> usize;
    fn fsync(file: &K::Fd) -> ();
    fn flock(file: &K::Fd, operation: u32) -> ();
    fn mkdirat(dir: At<'_, K::Fd>, path: &Path, mode: u32) -> ();
    fn unlinkat(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> ();
    fn renameat(dir: &K::Fd, from: &OsStr, to: &OsStr) -> ();
    fn fchmod(file: &K::Fd, mode: u32) -> ();
    fn chmod(place: Reach<'_, K::Fd>, mode: u32) -> ();
    fn fchmodat2(dir: At<'_, K::Fd>, path: &Path, mode: u32, flags: u32) -> ();
    fn getxattr(place: Reach<'_, K::Fd>, name: &OsStr, room: usize) -> Vec<u8>;
    fn getxattrat(dir: &K::Fd, file: &Path, name: &OsStr, room: usize) -> Vec<u8>;
    fn setxattr(place: Reach<'_, K::Fd>, name: &OsStr, value: &[u8]) -> ();
    fn fchownat(dir: At<'_, K::Fd>, path: &Path, owner: Owner, flags: u32) -> ();
    fn open_tree(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd;
    fn open_tree_attr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> K::Fd;
    fn mount_setattr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> ();
    fn move_mount(from: &K::Fd, to: &K::Fd, flags: u32) -> ();
    fn set_group(from: &K::Fd, to: &K::Fd) -> ();
    fn fsopen(fs_type: &OsStr, flags: u32) -> K::Fd;
    fn fsconfig(context: &K::Fd, command: Config<'_>) -> ();
    fn fsmount(context: &K::Fd, flags: u32, attributes: u32) -> K::Fd;
    fn fspick(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd;
    fn mount(
        source: Reach<'_, K::Fd>, target: Reach<'_, K::Fd>, fs_type: &OsStr, flags: u32, data: &OsStr
    ) -> ();
    fn umount2(target: Reach<'_, K::Fd>, flags: u32) -> ();
}

//! A kernel that leaves fields out of results, as older ones do; no filter can.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::{IdRange, MountNamespaceId};
use mountwright_linux::abi::{
    STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT, STATMOUNT_PROPAGATE_FROM,
    STATMOUNT_SB_BASIC, STATX_ATTR_MOUNT_ROOT, STATX_MNT_ID, STATX_MNT_ID_UNIQUE,
};
use mountwright_linux::{
    At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat, SyscallSet, for_each_call,
};

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

macro_rules! forwarded {
    ($($variant:ident = $name:literal, $doc:literal => $method:tt;)*) => {
        impl<K: Kernel> Kernel for MissingAnswers<K> {
            type Fd = K::Fd;

            fn probe(&self, call: Call) -> Result<(), Errno> {
                self.kernel.probe(call)
            }

            $(method! { $method })*
        }
    };
}

macro_rules! method {
    ((fn statx $signature:tt -> Stat)) => {
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
    };
    ((fn statmount $signature:tt -> MountStat)) => {
        fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Result<MountStat, Errno> {
            self.kernel.statmount(unique_id, mask & self.lacking.statmount, room)
        }
    };
    ((fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty)) => {
        fn $name(&self $(, $argument: $type)*) -> Result<$answer, Errno> {
            self.kernel.$name($($argument),*)
        }
    };
}

for_each_call! { forwarded }

//! The system calls of the backend, by name.

use std::fmt;

macro_rules! calls {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// A system call of the backend: one for each method of [`Kernel`](super::Kernel), for decorators that count
        /// calls or make them fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Call {
            $(#[doc = $doc] $variant,)*
        }

        impl Call {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its name, as manual pages write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

calls! {
    Openat = "openat", "openat(2).";
    Openat2 = "openat2", "openat2(2), Linux 5.6.";
    Reopen = "open", "open(2) of a descriptor's magic link.";
    Statx = "statx", "statx(2).";
    Statmount = "statmount", "statmount(2), Linux 6.8.";
    Listmount = "listmount", "listmount(2), Linux 6.8.";
    Fstatfs = "fstatfs", "fstatfs(2).";
    Fdpath = "readlink", "readlink(2) of a descriptor's magic link.";
    Fdinfo = "fdinfo", "Reading a descriptor's fdinfo.";
    Mountinfo = "mountinfo", "Reading the mount table.";
    Procfs = "procfs", "Finding a procfs that is real.";
    BootId = "boot_id", "Reading the boot's id.";
    MountNamespace = "NS_GET_MNTNS_ID", "ioctl(2) `NS_GET_MNTNS_ID` of the thread's mount namespace, Linux 6.11.";
    Getcwd = "getcwd", "getcwd(2).";
    Getdents64 = "getdents64", "getdents64(2).";
    Readlinkat = "readlinkat", "readlinkat(2).";
    Read = "read", "read(2).";
    Write = "write", "write(2).";
    Fsync = "fsync", "fsync(2).";
    Flock = "flock", "flock(2).";
    Mkdirat = "mkdirat", "mkdirat(2).";
    Unlinkat = "unlinkat", "unlinkat(2).";
    Renameat = "renameat", "renameat(2).";
    Fchmod = "fchmod", "fchmod(2).";
    Chmod = "chmod", "chmod(2).";
    Fchmodat2 = "fchmodat2", "fchmodat2(2), Linux 6.6.";
    Fchownat = "fchownat", "fchownat(2).";
    Getxattr = "getxattr", "getxattr(2).";
    Getxattrat = "getxattrat", "getxattrat(2), Linux 6.13.";
    Setxattr = "setxattr", "setxattr(2).";
    OpenTree = "open_tree", "`open_tree(2)`, Linux 5.2.";
    OpenTreeAttr = "open_tree_attr", "`open_tree_attr(2)`, Linux 6.15.";
    MountSetattr = "mount_setattr", "`mount_setattr(2)`, Linux 5.12.";
    MoveMount = "move_mount", "`move_mount(2)`, Linux 5.2.";
    SetGroup = "move_mount(SET_GROUP)", "`move_mount(2)` with `MOVE_MOUNT_SET_GROUP`, Linux 5.15.";
    Fsopen = "fsopen", "fsopen(2), Linux 5.2.";
    Fsconfig = "fsconfig", "fsconfig(2), Linux 5.2.";
    Fsmount = "fsmount", "fsmount(2), Linux 5.2.";
    Fspick = "fspick", "fspick(2), Linux 5.2.";
    Mount = "mount", "mount(2).";
    Umount2 = "umount2", "umount2(2).";
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

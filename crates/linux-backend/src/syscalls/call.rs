//! The list of the system calls of the backend, and their names.

use std::fmt;

/// Invokes the macro `$then` with each system call of the backend once: its variant of [`Call`], its name as manual pages
/// write it, its documentation, and its method of [`Kernel`](crate::Kernel).
///
/// For types that do the same around each call. The methods name the argument types of [`Kernel`](crate::Kernel), which
/// have to be imported, and `K`, the kernel whose descriptors they take.
#[macro_export]
macro_rules! for_each_call {
    ($then:ident) => {
        $then! {
            Openat = "openat", "openat(2)." =>
                (fn openat(dir: At<'_, K::Fd>, path: &Path, flags: u32, mode: u32) -> K::Fd);
            Openat2 = "openat2", "openat2(2), Linux 5.6." =>
                (fn openat2(dir: &K::Fd, path: &Path, flags: u32, resolve: u32) -> K::Fd);
            Reopen = "open", "open(2) of a descriptor's magic link." => (fn reopen(file: &K::Fd, flags: u32) -> K::Fd);
            Statx = "statx", "statx(2)." => (fn statx(dir: At<'_, K::Fd>, path: &Path, flags: u32, mask: u32) -> Stat);
            Statmount = "statmount", "statmount(2), Linux 6.8." =>
                (fn statmount(unique_id: u64, mask: u64, room: usize) -> MountStat);
            Listmount = "listmount", "listmount(2), Linux 6.8." =>
                (fn listmount(unique_id: u64, after: u64, most: usize) -> Vec<u64>);
            Fstatfs = "fstatfs", "fstatfs(2)." => (fn fstatfs(file: &K::Fd) -> (u32, u32));
            Fdpath = "readlink", "readlink(2) of a descriptor's magic link." => (fn fd_path(file: &K::Fd) -> PathBuf);
            Fdlink = "descriptor link", "Finding the path of a descriptor's magic link." => (fn fd_link(file: &K::Fd) -> PathBuf);
            Fdinfo = "fdinfo", "Reading a descriptor's fdinfo." => (fn fdinfo(file: &K::Fd) -> Vec<u8>);
            Mountinfo = "mountinfo", "Reading the mount table." => (fn mountinfo() -> Vec<u8>);
            Procfs = "procfs", "Finding a procfs that is real." => (fn procfs() -> ());
            BootId = "boot_id", "Reading the boot's id." => (fn boot_id() -> Vec<u8>);
            MountNamespace = "NS_GET_MNTNS_ID", "ioctl(2) `NS_GET_MNTNS_ID` of the thread's mount namespace, Linux 6.11." =>
                (fn mount_namespace() -> MountNamespaceId);
            MountNamespaceFile = "open", "open(2) of the thread's mount namespace in procfs." =>
                (fn mount_namespace_file() -> K::Fd);
            UserNamespaceOf = "open", "open(2) of a process's user namespace in procfs." =>
                (fn user_namespace_of(process: u32) -> K::Fd);
            NewUserNamespace = "clone3", "clone3(2) with `CLONE_NEWUSER`, and the maps of the child's namespace." =>
                (fn new_user_namespace(maps: [&[IdRange]; 2]) -> K::Fd);
            CloseProcfs = "close", "close(2) of the library's own procfs." => (fn close_procfs() -> ());
            Chdir = "chdir", "chdir(2)." => (fn chdir(path: &Path) -> ());
            Fchdir = "fchdir", "fchdir(2)." => (fn fchdir(dir: &K::Fd) -> ());
            Chroot = "chroot", "chroot(2)." => (fn chroot(path: &Path) -> ());
            PivotRoot = "pivot_root", "`pivot_root(2)`." => (fn pivot_root(new_root: &Path, put_old: &Path) -> ());
            Getcwd = "getcwd", "getcwd(2)." => (fn getcwd() -> PathBuf);
            Getdents64 = "getdents64", "getdents64(2)." => (fn getdents64(dir: &K::Fd, room: usize) -> RawEntries);
            Readlinkat = "readlinkat", "readlinkat(2)." => (fn readlinkat(dir: At<'_, K::Fd>, path: &Path) -> PathBuf);
            Read = "read", "read(2)." => (fn read(file: &K::Fd, limit: usize) -> Vec<u8>);
            Write = "write", "write(2)." => (fn write(file: &K::Fd, bytes: &[u8]) -> usize);
            Fsync = "fsync", "fsync(2)." => (fn fsync(file: &K::Fd) -> ());
            Flock = "flock", "flock(2)." => (fn flock(file: &K::Fd, operation: u32) -> ());
            Mkdirat = "mkdirat", "mkdirat(2)." => (fn mkdirat(dir: At<'_, K::Fd>, path: &Path, mode: u32) -> ());
            Symlinkat = "symlinkat", "symlinkat(2)." =>
                (fn symlinkat(target: &Path, dir: At<'_, K::Fd>, path: &Path) -> ());
            Mknodat = "mknodat", "mknodat(2)." =>
                (fn mknodat(dir: At<'_, K::Fd>, path: &Path, mode: u32, device: u64) -> ());
            Linkat = "linkat", "linkat(2)." =>
                (fn linkat(from_dir: &K::Fd, from: &Path, dir: &K::Fd, path: &Path) -> ());
            Unlinkat = "unlinkat", "unlinkat(2)." => (fn unlinkat(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> ());
            Renameat = "renameat", "renameat(2)." => (fn renameat(dir: &K::Fd, from: &OsStr, to: &OsStr) -> ());
            Fchmod = "fchmod", "fchmod(2)." => (fn fchmod(file: &K::Fd, mode: u32) -> ());
            Chmod = "chmod", "chmod(2)." => (fn chmod(place: Reach<'_, K::Fd>, mode: u32) -> ());
            Fchmodat2 = "fchmodat2", "fchmodat2(2), Linux 6.6." =>
                (fn fchmodat2(dir: At<'_, K::Fd>, path: &Path, mode: u32, flags: u32) -> ());
            Fchownat = "fchownat", "fchownat(2)." =>
                (fn fchownat(dir: At<'_, K::Fd>, path: &Path, owner: (Option<u32>, Option<u32>), flags: u32) -> ());
            Getxattr = "getxattr", "getxattr(2)." =>
                (fn getxattr(place: Reach<'_, K::Fd>, name: &OsStr, room: usize) -> Vec<u8>);
            Getxattrat = "getxattrat", "getxattrat(2), Linux 6.13." =>
                (fn getxattrat(dir: &K::Fd, file: &Path, name: &OsStr, room: usize) -> Vec<u8>);
            Listxattr = "listxattr", "listxattr(2)." => (fn listxattr(place: Reach<'_, K::Fd>, room: usize) -> Vec<u8>);
            Setxattr = "setxattr", "setxattr(2)." =>
                (fn setxattr(place: Reach<'_, K::Fd>, name: &OsStr, value: &[u8]) -> ());
            OpenTree = "open_tree", "`open_tree(2)`, Linux 5.2." =>
                (fn open_tree(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd);
            OpenTreeAttr = "open_tree_attr", "`open_tree_attr(2)`, Linux 6.15." =>
                (fn open_tree_attr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> K::Fd);
            MountSetattr = "mount_setattr", "`mount_setattr(2)`, Linux 5.12." =>
                (fn mount_setattr(dir: At<'_, K::Fd>, path: &Path, flags: u32, attr: MountAttr) -> ());
            MapOwners = "mount_setattr(IDMAP)", "`mount_setattr(2)` with `MOUNT_ATTR_IDMAP`, Linux 5.12." =>
                (fn map_owners(tree: &K::Fd, flags: u32, namespace: &K::Fd) -> ());
            RemapOwners = "open_tree_attr(IDMAP)", "`open_tree_attr(2)` with `MOUNT_ATTR_IDMAP`, Linux 6.15." =>
                (fn remap_owners(tree: &K::Fd, flags: u32, namespace: Option<&K::Fd>) -> K::Fd);
            MoveMount = "move_mount", "`move_mount(2)`, Linux 5.2." =>
                (fn move_mount(from: &K::Fd, to: &K::Fd, path: &Path, flags: u32) -> ());
            SetGroup = "move_mount(SET_GROUP)", "`move_mount(2)` with `MOVE_MOUNT_SET_GROUP`, Linux 5.15." =>
                (fn set_group(from: &K::Fd, to: &K::Fd) -> ());
            Fsopen = "fsopen", "fsopen(2), Linux 5.2." => (fn fsopen(fs_type: &OsStr, flags: u32) -> K::Fd);
            Fsconfig = "fsconfig", "fsconfig(2), Linux 5.2." =>
                (fn fsconfig(context: &K::Fd, command: Config<'_>) -> ());
            SetFd = "fsconfig(SET_FD)", "fsconfig(2) with `FSCONFIG_SET_FD`, Linux 5.2; overlay takes directories since 6.13." =>
                (fn set_fd(context: &K::Fd, key: &OsStr, file: &K::Fd) -> ());
            Fsmount = "fsmount", "fsmount(2), Linux 5.2." =>
                (fn fsmount(context: &K::Fd, flags: u32, attributes: u32) -> K::Fd);
            Fspick = "fspick", "fspick(2), Linux 5.2." =>
                (fn fspick(dir: At<'_, K::Fd>, path: &Path, flags: u32) -> K::Fd);
            Mount = "mount", "mount(2)." =>
                (fn mount(
                    source: Reach<'_, K::Fd>, target: Reach<'_, K::Fd>, fs_type: &OsStr, flags: u32, data: &OsStr
                ) -> ());
            Umount2 = "umount2", "umount2(2)." => (fn umount2(target: Reach<'_, K::Fd>, flags: u32) -> ());
        }
    };
}

macro_rules! calls {
    ($($variant:ident = $name:literal, $doc:literal => $method:tt;)*) => {
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

for_each_call! { calls }

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

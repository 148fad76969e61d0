//! The trait of system calls.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::{IdRange, MountNamespaceId};

use super::{At, Call, Config, MountAttr, MountStat, RawEntries, Reach, Stat};

/// Exactly the system calls that [`LinuxBackend`](crate::LinuxBackend) makes.
///
/// `Linux` implements it for the running kernel. Other implementations run the backend's very sequences over a model of
/// the kernel, or over another `Kernel` with something between any two calls.
///
/// # Implementations
///
/// * One method is one call, named by a [`Call`]; nothing is remembered between them. Arguments are the kernel's raw
///   numbers, as [`abi`](crate::syscalls::abi) has them for this architecture; errors are errno values with Linux numbers.
/// * The meaning is that of the manual page. `EINTR` is passed on: the backend makes the call again.
/// * A descriptor closes when it is dropped, and is never inherited by a program (`O_CLOEXEC` and its like are always
///   among the flags).
/// * An empty `path` with `AT_EMPTY_PATH` (or its like) means the descriptor itself. A NUL in a path is `EINVAL`.
///
/// # Errors
///
/// Those of the call's manual page.
#[allow(clippy::missing_errors_doc)] // Said once for all methods above: each has those of its manual page.
pub trait Kernel: Clone + Send + Sync + 'static {
    /// An open descriptor; dropping it closes it.
    type Fd: fmt::Debug + Send + Sync + 'static;

    /// Probes, without side effect, for a call: `Ok` if it exists. `ENOSYS` if the kernel lacks it or a filter hides
    /// it; `EPERM` if a filter forbids it.
    fn probe(&self, call: Call) -> Result<(), Errno>;

    /// openat(2).
    fn openat(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32, mode: u32) -> Result<Self::Fd, Errno>;
    /// openat2(2), with mode 0.
    fn openat2(&self, dir: &Self::Fd, path: &Path, flags: u32, resolve: u32) -> Result<Self::Fd, Errno>;
    /// open(2) of `/proc/thread-self/fd/N`: the same file once more, with these flags. `EOPNOTSUPP` without a real procfs.
    fn reopen(&self, file: &Self::Fd, flags: u32) -> Result<Self::Fd, Errno>;
    /// statx(2).
    fn statx(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32, mask: u32) -> Result<Stat, Errno>;
    /// statmount(2) of a unique id, with a buffer of this size for the strings; `EOVERFLOW` if they do not fit.
    fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Result<MountStat, Errno>;
    /// listmount(2): unique ids of mounts below the mount with this unique id, oldest first: those younger than `after`, at
    /// most `most`.
    fn listmount(&self, unique_id: u64, after: u64, most: usize) -> Result<Vec<u64>, Errno>;
    /// fstatfs(2): the filesystem's magic number, and the `ST_…` flags of the mount.
    fn fstatfs(&self, file: &Self::Fd) -> Result<(u32, u32), Errno>;
    /// The target of `/proc/thread-self/fd/N`. `EOPNOTSUPP` without a real procfs.
    fn fd_path(&self, file: &Self::Fd) -> Result<PathBuf, Errno>;
    /// The path `/proc/thread-self/fd/N`, for this thread alone and as long as the descriptor is open. `EOPNOTSUPP` without a
    /// real procfs at `/proc`.
    fn fd_link(&self, file: &Self::Fd) -> Result<PathBuf, Errno>;
    /// The text of `/proc/thread-self/fdinfo/N`. `EOPNOTSUPP` without a real procfs.
    fn fdinfo(&self, file: &Self::Fd) -> Result<Vec<u8>, Errno>;
    /// The text of `/proc/thread-self/mountinfo`. `EOPNOTSUPP` without a real procfs.
    fn mountinfo(&self) -> Result<Vec<u8>, Errno>;
    /// Makes sure that a [`Reach::Descriptor`] can be reached. `EOPNOTSUPP` without a real procfs.
    fn procfs(&self) -> Result<(), Errno>;
    /// The text of `/proc/sys/kernel/random/boot_id`. `EOPNOTSUPP` without a real procfs, and where something is mounted
    /// over the file.
    fn boot_id(&self) -> Result<Vec<u8>, Errno>;
    /// The thread's mount namespace: by the ioctl `NS_GET_MNTNS_ID` (6.11) of `/proc/thread-self/ns/mnt`, else that file's
    /// device and inode number. `EOPNOTSUPP` without a real procfs.
    fn mount_namespace(&self) -> Result<MountNamespaceId, Errno>;
    /// open(2) of `/proc/thread-self/ns/mnt`. `EOPNOTSUPP` without a real procfs.
    fn mount_namespace_file(&self) -> Result<Self::Fd, Errno>;
    /// open(2) of `/proc/PID/ns/user`. `ESRCH`: no such process. `EOPNOTSUPP` without a real procfs.
    fn user_namespace_of(&self, process: u32) -> Result<Self::Fd, Errno>;
    /// A new user namespace with these maps of users and of groups. `EOPNOTSUPP` without a real procfs.
    ///
    /// clone3(2) makes a child process in it, whose `uid_map` and `gid_map` are written; it is killed and waited for before
    /// the call returns. The child has no exit signal: no `SIGCHLD` is sent, and no wait(2) without `__WALL` finds it. It is named
    /// by a pidfd, runs no handler of a signal, closes every descriptor, and ends when this process does. As after fork(2) it has a
    /// copy of the memory and the calling thread alone: the time grows with the memory of the process. `EAGAIN`: a limit of
    /// processes; `ENOSPC`: of user namespaces. `EPERM`: in a chroot, or no privilege to map these ids.
    fn new_user_namespace(&self, maps: [&[IdRange]; 2]) -> Result<Self::Fd, Errno>;
    /// Closes every descriptor that this value and its clones keep.
    fn close_procfs(&self) -> Result<(), Errno>;
    /// chdir(2).
    fn chdir(&self, path: &Path) -> Result<(), Errno>;
    /// fchdir(2).
    fn fchdir(&self, dir: &Self::Fd) -> Result<(), Errno>;
    /// chroot(2).
    fn chroot(&self, path: &Path) -> Result<(), Errno>;
    /// `pivot_root(2)`.
    fn pivot_root(&self, new_root: &Path, put_old: &Path) -> Result<(), Errno>;
    /// getcwd(2).
    fn getcwd(&self) -> Result<PathBuf, Errno>;
    /// getdents64(2) into a buffer of this size; no entry: the end.
    fn getdents64(&self, dir: &Self::Fd, room: usize) -> Result<RawEntries, Errno>;
    /// readlinkat(2).
    fn readlinkat(&self, dir: At<'_, Self::Fd>, path: &Path) -> Result<PathBuf, Errno>;
    /// read(2) of at most `limit` bytes; none: the end.
    fn read(&self, file: &Self::Fd, limit: usize) -> Result<Vec<u8>, Errno>;
    /// write(2): how many bytes were written.
    fn write(&self, file: &Self::Fd, bytes: &[u8]) -> Result<usize, Errno>;
    /// fsync(2).
    fn fsync(&self, file: &Self::Fd) -> Result<(), Errno>;
    /// flock(2). Without locks (the default), the orphans of killed processes are not removed.
    fn flock(&self, _file: &Self::Fd, _operation: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
    /// Lets other callers run before the next of several looks at what one of them is about to change. An implementation
    /// may wait a few milliseconds once it was called often.
    fn let_others_run(&self, _looks: u32) {
        std::thread::yield_now();
    }
    /// mkdirat(2).
    fn mkdirat(&self, dir: At<'_, Self::Fd>, path: &Path, mode: u32) -> Result<(), Errno>;
    /// symlinkat(2): `path` becomes a symlink with the text `target`.
    fn symlinkat(&self, target: &Path, dir: At<'_, Self::Fd>, path: &Path) -> Result<(), Errno>;
    /// mknodat(2), with the kind of file among the bits of the mode, and the device number as makedev(3) encodes it.
    fn mknodat(&self, dir: At<'_, Self::Fd>, path: &Path, mode: u32, device: u64) -> Result<(), Errno>;
    /// linkat(2), which follows no symlink at the end: `path` in `dir` becomes another name of `from` in `from_dir`.
    fn linkat(&self, from_dir: &Self::Fd, from: &Path, dir: &Self::Fd, path: &Path) -> Result<(), Errno>;
    /// unlinkat(2).
    fn unlinkat(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32) -> Result<(), Errno>;
    /// renameat(2) within one directory.
    fn renameat(&self, dir: &Self::Fd, from: &OsStr, to: &OsStr) -> Result<(), Errno>;
    /// fchmod(2).
    fn fchmod(&self, file: &Self::Fd, mode: u32) -> Result<(), Errno>;
    /// chmod(2), which follows symlinks.
    fn chmod(&self, place: Reach<'_, Self::Fd>, mode: u32) -> Result<(), Errno>;
    /// fchmodat2(2).
    fn fchmodat2(&self, dir: At<'_, Self::Fd>, path: &Path, mode: u32, flags: u32) -> Result<(), Errno>;
    /// getxattr(2), with a buffer of this size for the value. `ENODATA`: the file has none of this name, or its
    /// filesystem stores none (which the kernel reports as `EOPNOTSUPP`).
    fn getxattr(&self, place: Reach<'_, Self::Fd>, name: &OsStr, room: usize) -> Result<Vec<u8>, Errno>;
    /// getxattrat(2) of a name in an open directory, not followed, with a buffer of this size. `ENODATA` as for
    /// getxattr.
    fn getxattrat(&self, dir: &Self::Fd, file: &Path, name: &OsStr, room: usize) -> Result<Vec<u8>, Errno>;
    /// listxattr(2), with a buffer of this size: names, each with a NUL after it. None where the filesystem stores none
    /// (which the kernel reports as `EOPNOTSUPP`).
    fn listxattr(&self, place: Reach<'_, Self::Fd>, room: usize) -> Result<Vec<u8>, Errno>;
    /// setxattr(2), with no flags.
    fn setxattr(&self, place: Reach<'_, Self::Fd>, name: &OsStr, value: &[u8]) -> Result<(), Errno>;
    /// fchownat(2).
    fn fchownat(
        &self,
        dir: At<'_, Self::Fd>,
        path: &Path,
        owner: (Option<u32>, Option<u32>),
        flags: u32,
    ) -> Result<(), Errno>;
    /// `open_tree(2)`.
    fn open_tree(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32) -> Result<Self::Fd, Errno>;
    /// `open_tree_attr(2)`.
    fn open_tree_attr(
        &self,
        dir: At<'_, Self::Fd>,
        path: &Path,
        flags: u32,
        attr: MountAttr,
    ) -> Result<Self::Fd, Errno>;
    /// `mount_setattr(2)`.
    fn mount_setattr(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32, attr: MountAttr) -> Result<(), Errno>;
    /// `mount_setattr(2)` of a tree by its descriptor, with `MOUNT_ATTR_IDMAP` and this user namespace; the path is empty.
    fn map_owners(&self, tree: &Self::Fd, flags: u32, namespace: &Self::Fd) -> Result<(), Errno>;
    /// `open_tree_attr(2)` of a tree by its descriptor, with `MOUNT_ATTR_IDMAP` cleared, and set to this user namespace; the path
    /// is empty.
    fn remap_owners(&self, tree: &Self::Fd, flags: u32, namespace: Option<&Self::Fd>) -> Result<Self::Fd, Errno>;
    /// `move_mount(2)` of one descriptor onto another, or onto a path in it; the path of `from` is empty.
    fn move_mount(&self, from: &Self::Fd, to: &Self::Fd, path: &Path, flags: u32) -> Result<(), Errno>;
    /// `move_mount(2)` with `MOVE_MOUNT_SET_GROUP`: the private mount `to` joins the peer group and the master of `from`.
    fn set_group(&self, from: &Self::Fd, to: &Self::Fd) -> Result<(), Errno>;
    /// fsopen(2).
    fn fsopen(&self, fs_type: &OsStr, flags: u32) -> Result<Self::Fd, Errno>;
    /// fsconfig(2).
    fn fsconfig(&self, context: &Self::Fd, command: Config<'_>) -> Result<(), Errno>;
    /// fsconfig(2) with `FSCONFIG_SET_FD`: the value of the option is the file of the descriptor.
    fn set_fd(&self, context: &Self::Fd, key: &OsStr, file: &Self::Fd) -> Result<(), Errno>;
    /// fsmount(2).
    fn fsmount(&self, context: &Self::Fd, flags: u32, attributes: u32) -> Result<Self::Fd, Errno>;
    /// fspick(2).
    fn fspick(&self, dir: At<'_, Self::Fd>, path: &Path, flags: u32) -> Result<Self::Fd, Errno>;
    /// mount(2). Flags that need no source or type ignore them; the path may then be empty.
    fn mount(
        &self,
        source: Reach<'_, Self::Fd>,
        target: Reach<'_, Self::Fd>,
        fs_type: &OsStr,
        flags: u32,
        data: &OsStr,
    ) -> Result<(), Errno>;
    /// umount2(2).
    fn umount2(&self, target: Reach<'_, Self::Fd>, flags: u32) -> Result<(), Errno>;
}

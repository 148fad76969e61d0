//! The port to files and directories.

use std::path::{Path, PathBuf};

use crate::error::OsError;
use crate::file::{DeviceNumber, FileIdentity, FileKind, FileMode, FinalSymlink, Metadata};
use crate::path::Location;
use crate::ports::Directory;

/// Files and directories, as far as mount logic needs them.
///
/// # Contract, for those who call
///
/// * A [`Location`] is resolved once, when the call is made. `Trusted` paths follow symlinks, the last component as each
///   method says. Relative `Trusted` paths start at the current directory.
/// * `Beneath` paths follow none: a symlink below the root is `ELOOP`, unless it is the last component and the method
///   speaks of the name itself; a component before the last that is a mount point is `EXDEV`.
/// * `InRoot` paths follow symlinks inside the root and cross mounts; a magic link is `ELOOP`. Methods that create, remove or
///   read a name do not follow the last component; where the path ends in no name (`/`, `.`, `..`), the methods that
///   create are `EEXIST`, `remove_dir` and `read_link` `EINVAL`, and `remove_file` is `EISDIR`.
/// * A call that fails has changed nothing.
/// * Paths and names are bytes. An empty path is `ENOENT`, a NUL in it `EINVAL`, a path of 4096 bytes or a name of more than
///   255 `ENAMETOOLONG`.
/// * Calls may block where the filesystem blocks (a dead FUSE or NFS server), but for the `…_cached` forms: they use the
///   kernel's caches alone, and return `EAGAIN` where the caches do not hold the name, whatever the filesystem.
///   [`WithoutWaiting`](crate::ports::WithoutWaiting) asks any question by them.
///
/// # Contract, for those who implement
///
/// * A call that a signal interrupts is repeated. `EINTR`, and `EAGAIN` of a look-up below or in a root, are returned only
///   where a filesystem's server returns it at each of 128 attempts.
/// * No call changes the current directory, the umask or any other state of the process.
/// * Every descriptor is closed on success and on every error.
/// * No provided methods: a mock that met one would panic.
///
/// Every rule is a case of the contract suite, which each backend passes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Filesystem: Send + Sync {
    /// The metadata of a file. May block.
    ///
    /// # Errors
    ///
    /// `ENOENT`: it does not exist. `ENOTDIR`: a component before the last is no directory. `ELOOP`: too many symlinks,
    /// or below a root any, unless it is the last component and `link` is [`FinalSymlink::Itself`]. `EACCES`: a directory
    /// on the path may not be searched.
    #[doc(alias = "stat")]
    #[doc(alias = "lstat")]
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError>;

    /// [`metadata`](Self::metadata) from the kernel's caches: it never waits for a server, and succeeds at the root of
    /// every mount. Size, owner and mode are then those that the server reported last; before its first report they are 0.
    /// Kind and device are right.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata). `EAGAIN`: the caches do not hold the name, and a look-up may wait. `EOPNOTSUPP`: the
    /// kernel cannot look at its caches alone (before Linux 5.12, or openat2 is denied).
    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError>;

    /// The absolute path without symlinks, `.` and `..` that `path` leads to. May block. The result holds only for the
    /// moment of the call: use it to compare texts, never to open something that a guest can move.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata); the whole path must exist.
    #[doc(alias = "realpath")]
    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError>;

    /// [`canonicalize`](Self::canonicalize) from the kernel's caches: it never waits for a server.
    ///
    /// # Errors
    ///
    /// As [`canonicalize`](Self::canonicalize), `EAGAIN` and `EOPNOTSUPP` as [`metadata_cached`](Self::metadata_cached).
    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError>;

    /// The absolute path of the current directory.
    ///
    /// # Errors
    ///
    /// `ENOENT`: it was removed, or lies outside this process's root.
    #[doc(alias = "getcwd")]
    fn current_dir(&self) -> Result<PathBuf, OsError>;

    /// Opens a directory: through its one descriptor its entries are reached without resolving the path again.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), and `ENOTDIR` where it is no directory.
    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError>;

    /// Returns the target of a symlink. The last component is the symlink itself, also below a root.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), and `EINVAL` where it is no symlink.
    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError>;

    /// Creates one directory, of exactly this mode whatever the umask, and returns its identity. A symlink as last component
    /// is `EEXIST`.
    ///
    /// # Errors
    ///
    /// `EEXIST`: the name exists; also where another process mounted on the new directory before this call could open
    /// it: then the directory stays, below that mount. `ESTALE`: another process exchanged the name before this call could
    /// open the new directory; nothing of the other one was changed. `EROFS`: the filesystem or the mount is read-only.
    /// Also the errors of [`metadata`](Self::metadata).
    #[doc(alias = "mkdir")]
    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Creates an empty regular file, of exactly this mode whatever the umask, and returns its identity. A symlink as last
    /// component is `EEXIST`.
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir).
    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Creates a symlink with this text as its target, of any bytes, and returns its identity. The target need not exist and
    /// is not looked at. A symlink as last component is `EEXIST`, wherever it leads.
    ///
    /// # Errors
    ///
    /// `EEXIST`: the name exists. `ENOENT`: the target is empty, or the path ends in a slash. `EINVAL`: a NUL is in the target.
    /// `ENAMETOOLONG`: the target has 4096 bytes or more, or more than the filesystem stores. `EPERM`: the filesystem has no
    /// symlinks. `ENOENT` and `ESTALE` also where another process removed or exchanged the name before this call could look
    /// at the new symlink; the other file is left as it is. Those of symlink(2): `EROFS`, `ENOSPC`. Also the errors of
    /// [`metadata`](Self::metadata).
    #[doc(alias = "symlink")]
    fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError>;

    /// Creates a node of exactly this mode whatever the umask, and returns its metadata: a character or block device with its
    /// number, a named pipe or a socket without one, as [`Metadata`] has them in `kind` and `represents`. It is never opened.
    /// A symlink as last component is `EEXIST`.
    ///
    /// On a mount with `nodev` a device is created, and cannot be opened there. A character device 0:0 is a whiteout of
    /// overlayfs; since Linux 5.8 it takes no privilege.
    ///
    /// # Errors
    ///
    /// `EINVAL`: `kind` is a regular file, a directory or a symlink; a device without a number or with one that mknod(2) cannot
    /// take (the major has 12 bits, the minor 20); anything else with one. Nothing is looked at then. `EPERM`: a device without
    /// `CAP_MKNOD` in the initial user namespace, or one that a device cgroup denies; a filesystem that stores no such file.
    /// `ENOENT`: also where the path ends in a slash. Otherwise as [`create_dir`](Self::create_dir).
    #[doc(alias = "mknod")]
    #[doc(alias = "mkfifo")]
    fn create_node(
        &self,
        at: &Location,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError>;

    /// Removes one empty directory.
    ///
    /// # Errors
    ///
    /// `EBUSY`: a mount is on it. `ENOTEMPTY`: something is in it. `ENOTDIR`: it is no directory, or a symlink.
    /// `EROFS`, and as [`metadata`](Self::metadata).
    #[doc(alias = "rmdir")]
    fn remove_dir(&self, at: &Location) -> Result<(), OsError>;

    /// Removes one name that is not a directory; a symlink itself, not its target.
    ///
    /// # Errors
    ///
    /// `EBUSY`: a mount is on it. `EISDIR`: it is a directory. `EROFS`, and as [`metadata`](Self::metadata).
    #[doc(alias = "unlink")]
    fn remove_file(&self, at: &Location) -> Result<(), OsError>;
}

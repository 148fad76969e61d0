//! The port to one open directory.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::OsError;
use crate::file::{DeviceNumber, FileIdentity, FileKind, FileMode, Metadata};
use crate::mount::{MountKey, UnmountMode};
use crate::path::Crossing;
use crate::ports::{DirectoryEntries, OpenEntry};

/// One open directory; belongs to the [`Filesystem`](crate::ports::Filesystem) port.
///
/// It stays the same directory even if its name is moved or removed. The rules of the port hold here too, and these:
///
/// * A `name` is one component. `.`, `..`, a slash or a NUL in it, and the empty name are `EINVAL`.
/// * A name that is a symlink is not followed: methods about symlinks use the symlink itself, the others fail with
///   `ELOOP`.
/// * A name that is a mount point leads into the mount, as in every path look-up, unless the method has a [`Crossing`].
/// * It is closed when it is dropped.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Directory: Send + Sync {
    /// The metadata of the directory itself.
    ///
    /// # Errors
    ///
    /// Those of the filesystem (`EIO`, `ESTALE`).
    fn own_metadata(&self) -> Result<Metadata, OsError>;

    /// The metadata of the directory that holds this one now (`..`), whatever held it when it was opened.
    ///
    /// # Errors
    ///
    /// `ENOENT`: it is outside what its mount shows. Those of the filesystem.
    fn parent_metadata(&self) -> Result<Metadata, OsError>;

    /// Opens the directory that holds this one now (`..`). Compare its metadata before it is used: a directory may have been
    /// moved anywhere on its filesystem.
    ///
    /// # Errors
    ///
    /// As [`parent_metadata`](Self::parent_metadata); `EACCES`: this directory may not be searched.
    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError>;

    /// Lists it from its beginning, lazily.
    ///
    /// # Errors
    ///
    /// `EACCES`: it may not be read. `ENOENT`: it was removed. The iterator yields those of the filesystem.
    fn entries(&self) -> Result<DirectoryEntries, OsError>;

    /// The metadata of the file `name`; of the symlink itself where it is one.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such name.
    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError>;

    /// Opens the directory `name`.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `ENOTDIR`: it is no directory; `ELOOP`: it is a symlink; `EXDEV`: it is a mount point and `crossing` is
    /// [`Crossing::Refuse`].
    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError>;

    /// Pins the file `name`, of any kind and without following it, for reads and changes of its metadata: they reach
    /// the same file even if the name is moved or removed.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such name.
    #[doc(alias = "O_PATH")]
    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError>;

    /// Returns the target of the symlink `name`.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `EINVAL`: it is no symlink.
    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError>;

    /// Reads the whole of the regular file `name`, of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `ELOOP`: a symlink; `EISDIR`: a directory; `EINVAL`: any other thing that is not a regular file;
    /// `EFBIG`: it is longer than `limit`.
    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError>;

    /// Creates the directory `name`, of exactly this mode whatever the umask, and returns the identity of the new
    /// directory.
    ///
    /// # Errors
    ///
    /// `EEXIST`: the name exists; also where another process mounted on the new directory before this call could open
    /// it: then the directory stays, below that mount. `EROFS`; `ENOENT`: this directory was removed, or another
    /// process removed the new one before this call could open it; `ESTALE`: another process exchanged its name, and
    /// nothing of the other directory was changed.
    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Creates the empty regular file `name`, of exactly this mode whatever the umask, and returns the identity of the new
    /// file.
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir).
    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Creates the symlink `name` with this text as its target, and returns its identity.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::create_symlink`](crate::ports::Filesystem::create_symlink).
    #[doc(alias = "symlinkat")]
    fn create_symlink(&self, name: &OsStr, target: &Path) -> Result<FileIdentity, OsError>;

    /// Creates the node `name`: a character or block device with its number, a named pipe or a socket without one. It has
    /// exactly this mode whatever the umask, and is never opened. Returns its metadata.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::create_node`](crate::ports::Filesystem::create_node).
    #[doc(alias = "mknodat")]
    fn create_node(
        &self,
        name: &OsStr,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError>;

    /// Replaces `name` with a regular file with these contents and mode, or creates it: the file is written beside it,
    /// flushed to disk and renamed over it, and the directory is flushed too. A reader sees the whole old file or the
    /// whole new one, also after a crash. A symlink `name` is itself replaced.
    ///
    /// # Errors
    ///
    /// `EISDIR`: `name` is a directory; `EBUSY`: a mount point; `EROFS`, `ENOSPC`. The old file is then unchanged, and
    /// the file beside it is removed or reported as left over; where only flushing the directory failed (`EIO`), the
    /// new file is in place and reported as left over.
    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError>;

    /// Removes the empty directory `name`.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::remove_dir`](crate::ports::Filesystem::remove_dir).
    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError>;

    /// Removes the name `name`, which is not a directory.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::remove_file`](crate::ports::Filesystem::remove_file).
    fn remove_file(&self, name: &OsStr) -> Result<(), OsError>;

    /// Unmounts the topmost mount on `name`; with `only`, only where it is that mount. The name is looked up in this
    /// directory even if the directory's own path has changed.
    ///
    /// # Errors
    ///
    /// As [`Mounter::unmount`](crate::ports::Mounter::unmount).
    #[doc(alias = "umount2")]
    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError>;

    /// Changes owner and group of the file `name` (of a symlink itself); `None` leaves that one unchanged.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `EPERM`: not allowed; `EINVAL`: an id of all ones, which to chown(2) means "leave it"; `EROFS`.
    #[doc(alias = "chown")]
    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;

    /// Changes the mode of `name`.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `ELOOP`: a symlink, which has no mode; `EPERM`; `EROFS`.
    #[doc(alias = "chmod")]
    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError>;

    /// Changes owner and group of the directory itself; `None` leaves that one unchanged.
    ///
    /// # Errors
    ///
    /// `EPERM`; `EROFS`.
    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;

    /// Changes the mode of the directory itself.
    ///
    /// # Errors
    ///
    /// `EPERM`; `EROFS`.
    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError>;
}

//! The port to one open directory.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::error::OsError;
use crate::file::{FileIdentity, FileMode, Metadata};
use crate::mount::{MountKey, UnmountMode};
use crate::path::Crossing;
use crate::ports::{DirectoryEntries, OpenEntry};

/// One open directory: part of the [`Filesystem`](crate::ports::Filesystem) port.
///
/// It stays the same directory whatever happens to its name. The rules of the port hold here too, and these:
///
/// * A `name` is one component. `.`, `..`, a slash or a NUL in it, and the empty name are `EINVAL`.
/// * A name is never followed where it is a symlink: methods that speak of a link speak of the link itself, the others
///   answer `ELOOP`.
/// * Where a name is a mount point, the mount is entered, as any walk does, unless the method is given a [`Crossing`].
/// * It closes when it is dropped.
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

    /// The metadata of what `name` is; of the link itself where it is one.
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

    /// Pins what `name` is, of any kind and without following it, to look at it and to change it: whatever happens to the
    /// name, both are of the same file.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such name.
    #[doc(alias = "O_PATH")]
    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError>;

    /// Where the symlink `name` points.
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
    /// `EEXIST`: something of this name is there, also where another caller mounted on the new directory before this call
    /// could look at it: then the directory stays, below that mount. `EROFS`; `ENOENT`: this directory was removed, or
    /// another caller removed the new one before this call could look at it.
    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Creates the empty regular file `name`, of exactly this mode whatever the umask, and returns the identity of the new
    /// file.
    ///
    /// # Errors
    ///
    /// As [`create_dir`](Self::create_dir).
    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError>;

    /// Puts a regular file with these contents and mode in the place of `name`, or makes it: written beside it, flushed to
    /// disk, renamed over it, the directory flushed too. A reader sees the old file or the new one, whole, and so does
    /// whoever reads after a crash. A symlink `name` is itself replaced.
    ///
    /// # Errors
    ///
    /// `EISDIR`: `name` is a directory; `EBUSY`: a mount point; `EROFS`, `ENOSPC`. The old file is then as it was, and the
    /// one beside it is gone or named as left over; where only flushing the directory failed (`EIO`), the new file is in
    /// place and named as left over.
    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError>;

    /// Removes the empty directory `name`.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::remove_dir`](crate::ports::Filesystem::remove_dir).
    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError>;

    /// Removes the name `name`, which is no directory.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::remove_file`](crate::ports::Filesystem::remove_file).
    fn remove_file(&self, name: &OsStr) -> Result<(), OsError>;

    /// Unmounts the topmost mount on `name`; with `only`, only where it is that mount. The name is looked up in this
    /// directory, whatever became of the directory's own path.
    ///
    /// # Errors
    ///
    /// As [`Mounter::unmount`](crate::ports::Mounter::unmount).
    #[doc(alias = "umount2")]
    fn unmount(&self, name: &OsStr, mode: UnmountMode, only: Option<MountKey>) -> Result<(), OsError>;

    /// Gives what `name` is (a link itself) to this user and group; `None` leaves that one as it is.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `EPERM`: not allowed; `EINVAL`: an id of all ones, which to chown(2) means "leave it"; `EROFS`.
    #[doc(alias = "chown")]
    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;

    /// Gives `name` this mode.
    ///
    /// # Errors
    ///
    /// `ENOENT`; `ELOOP`: a symlink, which has no mode; `EPERM`; `EROFS`.
    #[doc(alias = "chmod")]
    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError>;

    /// Gives the directory itself to this user and group; `None` leaves that one as it is.
    ///
    /// # Errors
    ///
    /// `EPERM`; `EROFS`.
    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;

    /// Gives the directory itself this mode.
    ///
    /// # Errors
    ///
    /// `EPERM`; `EROFS`.
    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError>;
}

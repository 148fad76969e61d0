//! The port to one file of a directory.

use crate::error::OsError;
use crate::file::{FileMode, Metadata};

/// One file of any kind, pinned by [`Directory::open_entry`](crate::ports::Directory::open_entry); belongs to the
/// [`Filesystem`](crate::ports::Filesystem) port.
///
/// * It stays the same file even if its name is moved or removed; for a symlink it is the symlink itself.
/// * It is not opened for reading or writing: no device and no server notices it.
/// * It is closed when it is dropped.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait OpenEntry: Send + Sync {
    /// The metadata of the file.
    ///
    /// # Errors
    ///
    /// Those of the filesystem (`EIO`, `ESTALE`).
    fn metadata(&self) -> Result<Metadata, OsError>;

    /// Changes its owner and group; `None` leaves that one as it is. As with chown(2), a file that is no directory loses
    /// its set-id bits and its capabilities.
    ///
    /// # Errors
    ///
    /// `EPERM`; `EROFS`; `EINVAL`: an id of all ones, which to chown(2) means "leave it". The file is then as it was.
    #[doc(alias = "fchownat")]
    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError>;

    /// Changes its mode. As with chmod(2), the kernel clears the set-group-id bit without an error where the caller is
    /// neither in the file's group nor has `CAP_FSETID`; and the group bits of a file with a POSIX ACL are its mask.
    ///
    /// # Errors
    ///
    /// `ELOOP`: a symlink, which has no mode; `EPERM`; `EROFS`. The file is then as it was.
    #[doc(alias = "fchmodat2")]
    fn set_mode(&self, mode: FileMode) -> Result<(), OsError>;

    /// The capabilities that a program gets from the file (`security.capability`), as the kernel encodes them. `None`: it
    /// has none, or its filesystem stores none; on Linux 6.13 and later also where its name leads to another file by now that
    /// has none.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: procfs is needed and there is none.
    #[doc(alias = "getxattr")]
    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError>;

    /// Sets them.
    ///
    /// # Errors
    ///
    /// `EPERM`: no `CAP_SETFCAP`; `EINVAL`: not what the kernel can decode; `EROFS`; `EOPNOTSUPP`: the filesystem stores
    /// none, or procfs is needed and there is none. The file is then as it was.
    #[doc(alias = "setxattr")]
    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError>;
}

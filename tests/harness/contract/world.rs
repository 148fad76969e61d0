//! The access of a case to the machine, besides the ports.

use std::any::Any;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FinalSymlink, Metadata};
use mountwright_core::mount::MountAttributes;
use mountwright_core::{Backend, DeviceNumber, Errno, Propagation, Recursion};

/// A backend on a machine of its own, and access to that machine past the backend.
///
/// * `/` is a tmpfs, private. `/w` is another one, private and empty: the place where cases work. `/run` is a
///   directory, and a procfs is on `/proc`.
/// * The caller is root there, its umask 022, its current directory `/`.
/// * Paths are absolute, or relative to the current directory; symlinks are followed where the C function of the name would.
/// * No method here uses the ports. A method that can fail returns the kernel's errno.
///
/// # Errors
///
/// The errno of the call.
#[allow(clippy::missing_errors_doc)] // Said once for all methods above.
pub trait World {
    /// The backend under test.
    fn backend(&self) -> &dyn Backend;
    /// True if the kernel can change the attributes of a tree as one (`mount_setattr(2)`, Linux 5.12).
    fn changes_trees(&self) -> bool;

    /// Makes a directory of exactly this mode.
    fn make_dir(&self, path: &Path, mode: u16) -> Result<(), Errno>;
    /// Makes a file of exactly this mode with these bytes in it.
    fn make_file(&self, path: &Path, contents: &[u8], mode: u16) -> Result<(), Errno>;
    /// Makes a symlink.
    fn make_symlink(&self, target: &Path, path: &Path) -> Result<(), Errno>;
    /// Gives a file a second name.
    fn make_link(&self, existing: &Path, path: &Path) -> Result<(), Errno>;
    /// Makes a node, mode 0644.
    fn make_node(&self, path: &Path, kind: NodeKind) -> Result<(), Errno>;
    /// Renames; a file of the new name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), Errno>;
    /// Removes an empty directory.
    fn remove_dir(&self, path: &Path) -> Result<(), Errno>;
    /// Removes a name that is no directory.
    fn remove_file(&self, path: &Path) -> Result<(), Errno>;
    /// chmod(2).
    fn set_mode(&self, path: &Path, mode: u16) -> Result<(), Errno>;
    /// lchown(2).
    fn set_owner(&self, path: &Path, uid: u32, gid: u32) -> Result<(), Errno>;

    /// Mounts a fresh tmpfs, mode 0755.
    fn mount_tmpfs(&self, path: &Path, source: &OsStr) -> Result<(), Errno>;
    /// A bind, of one mount or of the tree.
    fn bind(&self, source: &Path, target: &Path, recursion: Recursion) -> Result<(), Errno>;
    /// Gives the mount at the path these attributes and no other.
    fn set_attributes(&self, path: &Path, attributes: MountAttributes) -> Result<(), Errno>;
    /// Sets the propagation of the mount at the path, or of its tree.
    fn set_propagation(&self, path: &Path, propagation: Propagation, recursion: Recursion) -> Result<(), Errno>;
    /// Unmounts the topmost mount at the path, lazily.
    fn detach(&self, path: &Path) -> Result<(), Errno>;

    /// Mounts a filesystem with this server, until the returned value is dropped. Needs
    /// [`OtherUsers`](super::Needs::OtherUsers).
    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno>;

    /// Opens the path and holds it open.
    fn hold(&self, path: &Path, how: Hold) -> Result<Held, Errno>;
    /// chdir(2).
    fn change_dir(&self, path: &Path) -> Result<(), Errno>;
    /// getcwd(2), as the kernel reports it.
    fn current_dir(&self) -> Result<PathBuf, Errno>;
    /// Sets the umask and returns the one before.
    fn set_umask(&self, mask: u16) -> u16;
    /// Drops every capability, for good. The user stays.
    fn drop_capabilities(&self) -> Result<(), Errno>;

    /// stat(2) or lstat(2).
    fn stat(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, Errno>;
    /// The names in a directory, without `.` and `..`, sorted.
    fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno>;
    /// Returns the target of a symlink.
    fn read_link(&self, path: &Path) -> Result<PathBuf, Errno>;
    /// The bytes of a file.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno>;
    /// The text of mountinfo.
    fn mountinfo(&self) -> Vec<u8>;
    /// Counts the open descriptors.
    fn open_descriptors(&self) -> usize;
}

/// The kinds of files that [`World::make_node`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A character device node. Needs [`DeviceNodes`](super::Needs::DeviceNodes).
    CharacterDevice(DeviceNumber),
    /// A block device node. Needs [`DeviceNodes`](super::Needs::DeviceNodes).
    BlockDevice(DeviceNumber),
}

/// The server of [`World::mount_served`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// It serves user 1000 alone, and refuses root.
    AnotherUser,
    /// Each look-up of a name fails with this errno.
    FailsLookUps(Errno),
}

/// The access modes of [`World::hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// For reading.
    Read,
    /// For writing.
    Write,
}

/// A resource that is held until it is dropped.
pub struct Held(#[allow(dead_code)] Box<dyn Any>); // Kept for its Drop.

impl Held {
    /// Holds a resource that closes itself when it is dropped.
    pub fn new(open: impl Any) -> Self {
        Self(Box::new(open))
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

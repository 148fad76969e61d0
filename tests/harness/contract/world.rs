//! The access of a case to the machine, besides the ports.

use std::any::Any;
use std::fmt;
use std::path::Path;

use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Backend, Errno};

use crate::scenario_runner::calls::ProcessCalls;

/// A backend on a machine of its own, and access to that machine past the backend.
///
/// * `/` is a tmpfs, private. `/w` is another one, private and empty: the place where cases work. `/run` is a
///   directory, and a procfs is on `/proc`.
/// * The caller is root there, its umask 022, its current directory `/`.
/// * No method here uses the ports. A method that can fail returns the kernel's errno.
pub trait World {
    /// The backend under test.
    fn backend(&self) -> &dyn Backend;
    /// The same backend, where it implements that port.
    fn process_root(&self) -> Option<&dyn ProcessRoot>;
    /// True if the kernel can change the attributes of a tree as one (`mount_setattr(2)`, Linux 5.12).
    fn changes_trees(&self) -> bool;
    /// Makes system calls as the process of the backend.
    fn with_calls(&self, act: &mut dyn FnMut(&mut dyn ProcessCalls));
    /// Closes a descriptor that these calls opened when the value is dropped.
    fn held(&self, fd: i32) -> Held;
    /// Mounts a filesystem with this server, until the returned value is dropped. Needs
    /// [`OtherUsers`](super::Needs::OtherUsers).
    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno>;
    /// Sets the umask and returns the one before.
    fn set_umask(&self, mask: u16) -> u16;
    /// Drops every capability, for good. The user stays.
    fn drop_capabilities(&self) -> Result<(), Errno>;
    /// The text of mountinfo.
    fn mountinfo(&self) -> Vec<u8>;
    /// Counts the open descriptors.
    fn open_descriptors(&self) -> usize;
}

/// The server of [`World::mount_served`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serving {
    /// It serves user 1000 alone, and refuses root.
    AnotherUser,
    /// Each look-up of a name fails with this errno.
    FailsLookUps(Errno),
}

/// The access modes of a file that a case holds open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
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

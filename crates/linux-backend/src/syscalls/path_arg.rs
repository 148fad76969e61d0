//! Path arguments of system calls.

use std::ffi::OsStr;
use std::path::Path;

/// The start of a relative path: the first argument of the `…at` calls.
#[derive(Debug)]
pub enum At<'a, Fd> {
    /// At the current directory (`AT_FDCWD`).
    Cwd,
    /// At an open descriptor.
    Fd(&'a Fd),
}

impl<Fd> Clone for At<'_, Fd> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Fd> Copy for At<'_, Fd> {}

/// A place for the calls that take a path and no descriptor: mount(2), umount2(2), chmod(2).
///
/// The file of a descriptor is reached through the descriptor's magic link in procfs, which an implementation trusts
/// only after it has verified procfs; otherwise the call is `EOPNOTSUPP`.
#[derive(Debug)]
pub enum Reach<'a, Fd> {
    /// A path.
    Path(&'a Path),
    /// The file of the descriptor: `/proc/thread-self/fd/N`.
    Descriptor(&'a Fd),
    /// A name in a directory: `/proc/thread-self/fd/N/name`.
    Below(&'a Fd, &'a OsStr),
}

impl<Fd> Clone for Reach<'_, Fd> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Fd> Copy for Reach<'_, Fd> {}

//! How a system call is told where a path starts.

use std::ffi::OsStr;
use std::path::Path;

/// Where a relative path starts: the first argument of the `…at` calls.
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
/// What is named by a descriptor is reached through the descriptor's magic link in procfs, which an implementation
/// trusts only after it knows procfs to be real; otherwise the call is `EOPNOTSUPP`.
#[derive(Debug)]
pub enum Reach<'a, Fd> {
    /// A path.
    Path(&'a Path),
    /// What the descriptor stands for: `/proc/thread-self/fd/N`.
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

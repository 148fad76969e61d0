//! The backend.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::syscalls::failure::Step;
use crate::syscalls::retry::Calls;
use crate::syscalls::syscall_set::{Found, SyscallSet, may_mount};
use crate::syscalls::{Call, Kernel};
#[cfg(all(feature = "system", target_os = "linux"))]
use crate::system::Linux;
use crate::trees::root::TreeRoot;

/// The ports on Linux: [`Filesystem`](mountwright_core::Filesystem) with [`Directory`](mountwright_core::Directory), and
/// [`Mounter`](mountwright_core::Mounter).
///
/// * Cheap to clone; clones share what they have found out about the kernel.
/// * A thread that enters another mount namespace or root directory needs a new one (see `Linux`), except by
///   [`ProcessRoot`](mountwright_core::ports::ProcessRoot), which it implements too.
/// * Generic over the system calls it makes: see [`Kernel`]. The default is the kernel that this process runs on, with the
///   feature `system` on Linux.
pub struct LinuxBackend<
    #[cfg(all(feature = "system", target_os = "linux"))] K: Kernel = Linux,
    #[cfg(not(all(feature = "system", target_os = "linux")))] K: Kernel,
> {
    pub(crate) calls: Calls<K>,
    syscalls: SyscallSet,
    staging: PathBuf,
    found: Arc<Found>,
    /// The tree in whose requests this backend is used.
    tree: Option<Arc<TreeRoot<K::Fd>>>,
}

#[cfg(all(feature = "system", target_os = "linux"))]
impl LinuxBackend {
    /// Returns a backend over the running kernel, with every call that it has.
    pub fn new() -> Self {
        Self::over(Linux::new())
    }

    /// Closes the descriptor of the procfs that this backend and its clones have opened ([`Linux`]). To be called before the
    /// process enters a container's root without exec(3): the descriptor leads out of it.
    pub fn close_procfs(&self) {
        self.kernel().close_procfs();
    }
}

#[cfg(all(feature = "system", target_os = "linux"))]
impl Default for LinuxBackend {
    fn default() -> Self {
        Self::new()
    }
}

// Derived, it would ask of the descriptors to be clones.
impl<K: Kernel> Clone for LinuxBackend<K> {
    fn clone(&self) -> Self {
        Self {
            calls: self.calls.clone(),
            syscalls: self.syscalls,
            staging: self.staging.clone(),
            found: Arc::clone(&self.found),
            tree: self.tree.clone(),
        }
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// The same sequences over other system calls.
    pub fn over(kernel: K) -> Self {
        Self {
            calls: Calls(kernel),
            syscalls: SyscallSet::ALL,
            staging: PathBuf::from("/run"),
            found: Arc::new(Found::default()),
            tree: None,
        }
    }

    /// Limits the newer calls to these: for tests, and for a kernel on which a call exists but is known not to work.
    #[must_use]
    pub fn with_syscalls(mut self, syscalls: SyscallSet) -> Self {
        self.syscalls = syscalls;
        self
    }

    /// Sets the parent of the staging directories, `/run` by default. Only the caller may have write access to it.
    /// Kernels before 5.12 prepare a mount there before it is visible: one call creates a staging directory with a
    /// small tmpfs, and removes both.
    ///
    /// The next backend with the same parent removes the orphans of a killed process: directories named
    /// `.mountwright-staging-…` of the same owner that no living process has locked (flock(2)).
    #[must_use]
    pub fn with_staging(mut self, directory: impl Into<PathBuf>) -> Self {
        self.staging = directory.into();
        self
    }

    /// The system calls.
    pub fn kernel(&self) -> &K {
        &self.calls.0
    }

    /// Returns true if this call exists and may be used; the kernel is asked once.
    pub fn uses(&self, call: Call) -> bool {
        self.found.has(&self.calls.0, self.syscalls, call)
    }

    /// Refuses an operation that could not be rolled back without a real procfs: `EOPNOTSUPP`.
    pub(crate) fn needs_procfs(&self) -> Step<()> {
        if !self.found.procfs.load(Ordering::Relaxed) {
            self.calls.procfs()?;
            self.found.procfs.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    pub(crate) fn may_mount(&self) -> bool {
        may_mount(&self.calls.0)
    }

    pub(crate) fn found(&self) -> &Found {
        &self.found
    }

    /// The same backend for requests in a tree: the root `""` is the tree's.
    pub(crate) fn in_tree(&self, tree: Arc<TreeRoot<K::Fd>>) -> Self {
        Self { tree: Some(tree), ..self.clone() }
    }

    pub(crate) fn tree(&self) -> Option<&TreeRoot<K::Fd>> {
        self.tree.as_deref()
    }

    pub(crate) fn staging(&self) -> &std::path::Path {
        &self.staging
    }
}

impl<K: Kernel> fmt::Debug for LinuxBackend<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinuxBackend")
            .field("syscalls", &self.syscalls)
            .field("found", &self.found)
            .finish_non_exhaustive()
    }
}

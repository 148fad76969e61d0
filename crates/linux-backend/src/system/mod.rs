//! The kernel that this process runs on.

mod errno;
mod files;
mod procfs;
mod procfs_root;
mod raw;
mod statmount;
mod system_calls;
mod user_namespace;

use procfs::Procfs;
#[cfg(feature = "test-namespace")]
pub(crate) use raw::{before_exec, unshare};

/// The kernel that this process runs on, through rustix and, for calls that rustix lacks, one small file of unsafe code.
///
/// It opens one descriptor when it first needs a procfs, and clones share it: the root of a detached procfs of its own.
/// If the kernel (before 5.2) or the privilege permits none, it is the root of the procfs at `/proc`, verified to be
/// real and not covered.
///
/// * That descriptor leads to the host's processes. It is close-on-exec; a process that enters a container's root
///   without exec(3) has to close it first ([`Linux::close_procfs`]).
/// * Cached results hold for the mount namespace and root directory in which they were found: after setns(2),
///   unshare(2), chroot(2) or `pivot_root(2)` make a new one.
#[derive(Clone, Debug, Default)]
pub struct Linux {
    procfs: Procfs,
}

impl Linux {
    /// The kernel that this process runs on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses the procfs at `/proc` alone, and mounts none of its own: for tests, and where a policy reports such mounts.
    #[must_use]
    pub fn with_procfs_at_proc_only(mut self) -> Self {
        self.procfs = Procfs::at_proc();
        self
    }

    /// Closes the descriptor of the procfs, for all clones. The next call that needs one opens it again.
    pub fn close_procfs(&self) {
        self.procfs.close();
    }
}

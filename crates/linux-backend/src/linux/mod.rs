//! The kernel that this process runs on.

mod errno;
mod procfs;
mod raw;
mod statmount;
mod system_calls;

use procfs::Procfs;
#[cfg(feature = "test-namespace")]
pub(crate) use raw::{before_exec, unshare};

/// The kernel that this process runs on, through rustix and, for calls that rustix lacks, one small file of unsafe code.
///
/// It holds one descriptor of its own once it has checked that `/proc` is a real procfs; clones share it. The check holds
/// for the mount namespace and root directory that it was made in: after setns(2), unshare(2), chroot(2) or `pivot_root(2)`
/// make a new one.
#[derive(Clone, Debug, Default)]
pub struct Linux {
    procfs: Procfs,
}

impl Linux {
    /// The kernel that this process runs on.
    pub fn new() -> Self {
        Self::default()
    }
}

/// A filesystem's magic number; the field is signed on some architectures and 64 bits wide on others.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast, clippy::cast_possible_wrap)] // Every magic number has 32 bits; which of the casts do nothing depends on the architecture.
fn magic(answer: &rustix::fs::StatFs) -> u32 {
    answer.f_type as u32
}

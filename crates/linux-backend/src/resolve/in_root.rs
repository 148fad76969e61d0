//! Opening of paths in a root directory, as if it were `/`.

use std::path::Path;
use std::sync::Arc;

use mountwright_core::Errno;

use crate::backend::LinuxBackend;
use crate::resolve::path_text::in_a_root;
use crate::resolve::root_walk::{RootWalk, Stepped};
use crate::syscalls::abi::{O_CLOEXEC, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS};
use crate::syscalls::failure::Step;
use crate::syscalls::retry::MOST_ATTEMPTS;
use crate::syscalls::{Call, Kernel};

/// The scope of a look-up in a root.
pub(crate) const IN_ROOT: u32 = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

impl<K: Kernel> LinuxBackend<K> {
    /// Opens `path` in `root`. A symlink as last component is followed, unless `flags` have `O_NOFOLLOW`.
    ///
    /// `flags` have `O_PATH` or `O_DIRECTORY`: opening anything else could have side effects.
    pub(crate) fn in_root(&self, root: &Arc<K::Fd>, path: &Path, flags: u32) -> Step<K::Fd> {
        let (path, flags) = (in_a_root(path)?, flags | O_CLOEXEC);
        if self.uses(Call::Openat2) {
            match undisturbed(|| self.calls.openat2(root, path, flags, IN_ROOT)) {
                // Something was renamed or mounted anywhere on the machine while the kernel resolved a `..`.
                Err(fault) if fault.errno() == Errno::EAGAIN => {}
                // A look-up that is disturbed starts anew, and the kernel counts its symlinks twice.
                Err(fault) if fault.errno() == Errno::ELOOP => {
                    return match undisturbed(|| self.walk_in_root(root, path, flags)) {
                        // Without procfs and statmount the mount of a symlink is unknown.
                        Err(unknown) if unknown.errno() == Errno::EOPNOTSUPP => Err(fault),
                        walked => walked,
                    };
                }
                other => return other,
            }
        }
        undisturbed(|| self.walk_in_root(root, path, flags))
    }

    /// The same one component at a time: for kernels before 5.6, and where others rename without a pause.
    fn walk_in_root(&self, root: &Arc<K::Fd>, path: &Path, flags: u32) -> Step<K::Fd> {
        let mut walk = RootWalk::new(self, Arc::clone(root), path);
        loop {
            match walk.step(flags)? {
                Stepped::On => {}
                Stepped::Missing(_, fault) => return Err(fault),
                Stepped::End(file) => return Ok(file),
            }
        }
    }
}

/// Repeats a look-up while another process disturbs it, at most [`MOST_ATTEMPTS`] times.
pub(crate) fn undisturbed<T>(look: impl FnMut() -> Step<T>) -> Step<T> {
    undisturbed_within(MOST_ATTEMPTS, look)
}

/// As [`undisturbed`], at most this many times.
pub(crate) fn undisturbed_within<T>(attempts: usize, mut look: impl FnMut() -> Step<T>) -> Step<T> {
    for _ in 1..attempts {
        match look() {
            Err(fault) if fault.errno() == Errno::EAGAIN => {}
            other => return other,
        }
    }
    look()
}

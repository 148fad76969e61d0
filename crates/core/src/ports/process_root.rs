//! The port to the root directory of a process.

use crate::error::OsError;
use crate::mount::{NamespaceGuard, PinnedNamespace, Propagation, Recursion, RootRequest};

/// The root directory of a process: entering a container's root, and its propagation.
///
/// [`Backend`](crate::ports::Backend) does not include it: its calls change the state of the process, or of every mount of
/// its namespace. A runtime makes them in the process that becomes the container, between unshare(2) and exec(3).
///
/// # Contract, for those who call
///
/// * Both changes are refused (`EPERM`, "cannot know") unless the [`NamespaceGuard`] shows that the process has left the mount
///   namespace that it came from, or the caller asks for the present one by name. Nothing is concluded from `/proc` or from
///   the mount table.
/// * A call that fails before the root has changed has changed nothing.
///
/// # Contract, for those who implement
///
/// * After [`enter_root`](Self::enter_root) no descriptor of the backend, its clones included, leads to the old root or to the
///   host's procfs.
/// * No provided methods: a mock that met one would panic.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait ProcessRoot: Send + Sync {
    /// Pins the mount namespace in which this thread is now: to be called before the process leaves it.
    ///
    /// The value holds a close-on-exec descriptor that leads to the namespace. `enter_root` closes that of its request.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: without a real procfs. `EMFILE`, `ENFILE`, `ENOMEM`: no descriptor or memory.
    #[doc(alias = "NS_GET_MNTNS_ID")]
    fn pin_namespace(&self) -> Result<PinnedNamespace, OsError>;

    /// Makes a directory the root and the current directory of this process, in the way that the request names.
    ///
    /// * [`RootChange::Pivot`](crate::mount::RootChange): the new root becomes the root of the mount namespace. The old one is made
    ///   slave with every mount below it, so that its unmount does not propagate, and unmounted lazily.
    /// * [`RootChange::Move`](crate::mount::RootChange): the mount of the new root is moved onto `/` and entered by chroot(2), where
    ///   `pivot_root(2)` is not possible (an initramfs). The mounts of the old root stay in the namespace, below it.
    /// * [`RootChange::Chroot`](crate::mount::RootChange): chroot(2) alone. A process with `CAP_SYS_CHROOT` can leave it.
    ///
    /// Other threads change their root with this one, unless they have unshared it (`CLONE_FS`).
    ///
    /// # Errors
    ///
    /// `EPERM`: refused by the guard, or no privilege. `EINVAL`: the new root is no mount point, or it or the mount that it is on
    /// is shared (the detail says which): both are for a pivot and a move alone. `EBUSY`: it is the root already. `ENOTDIR`,
    /// `ENOENT`, `ELOOP`, `EXDEV` as everywhere. After an error past the change of the root the process is in the new one, and
    /// [`OsError::left`] names the mount that was to be unmounted or entered.
    #[doc(alias = "pivot_root")]
    #[doc(alias = "chroot")]
    fn enter_root(&self, request: RootRequest) -> Result<(), OsError>;

    /// Sets the propagation of the mount at `/`, or of every mount below it: what a runtime does first in a container's new
    /// mount namespace (`rslave`, `rprivate`), and for `rootfsPropagation` after it has entered the root.
    ///
    /// # Errors
    ///
    /// `EPERM`: refused by the guard, or no privilege. `EINVAL`: `/` is no mount point.
    #[doc(alias = "rootfsPropagation")]
    fn set_root_propagation(
        &self,
        propagation: Propagation,
        recursion: Recursion,
        guard: &NamespaceGuard,
    ) -> Result<(), OsError>;
}

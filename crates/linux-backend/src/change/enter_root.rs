//! Entering a root: `pivot_root(2)`, a move onto `/`, or chroot(2).

use std::path::Path;
use std::sync::atomic::Ordering;

use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{NamespaceGuard, RootChange, RootRequest};
use mountwright_core::{Errno, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::{bit, recursive};
use crate::syscalls::abi::{MNT_DETACH, MS_MOVE, MS_REC, MS_SLAVE, O_CLOEXEC, O_DIRECTORY, O_PATH};
use crate::syscalls::failure::{Fault, Step, unless_gone};
use crate::syscalls::{At, Call, Kernel, Reach};

const HERE: &str = ".";
const ROOT: &str = "/";

fn refused(call: Call, errno: Errno, detail: &str) -> Fault {
    Fault::new(call, errno).because(Some(detail.to_owned()))
}

impl<K: Kernel> LinuxBackend<K> {
    /// `EPERM` where nothing proves that the process has left the namespace that it came from.
    pub(crate) fn refuse_by_guard(&self, guard: &NamespaceGuard) -> Step<()> {
        let refused = |detail: &str| Err(refused(Call::MountNamespace, Errno::EPERM, detail));
        match guard {
            NamespaceGuard::InThisNamespace => Ok(()),
            NamespaceGuard::CameFrom(before) => before.not_left(self.calls.mount_namespace()?).map_or(Ok(()), refused),
            _ => refused("cannot know whether this is the host's mount namespace"),
        }
    }

    /// One call, which every kernel has, and which resolves `/` itself.
    pub(crate) fn propagate_root(&self, propagation: Propagation, recursion: Recursion) -> Step<()> {
        self.mount_by_flags(Reach::Path(ROOT.as_ref()), bit(propagation) | recursive(recursion, MS_REC))
    }

    pub(crate) fn enter(&self, request: &RootRequest) -> Step<()> {
        self.refuse_by_guard(request.guard())?;
        let new_root = self.pin(request.new_root(), FinalSymlink::Follow, O_DIRECTORY)?;
        match request.change() {
            RootChange::Pivot => self.pivot(&new_root)?,
            RootChange::Move => self.move_over(&new_root)?,
            RootChange::Chroot => self.within(&new_root, || self.calls.chroot(HERE.as_ref()))?,
        }
        self.leave_old_root();
        self.stand_in(&new_root)
    }

    /// Makes the new root the current directory. Two ways: the old root must not stay it.
    fn stand_in(&self, new_root: &K::Fd) -> Step<()> {
        self.calls.fchdir(new_root).or_else(|_| self.calls.chdir(ROOT.as_ref()))
    }

    /// Forgets and closes what leads to the old root.
    fn leave_old_root(&self) {
        // An implementation of the trait may keep none: its error says nothing about the old root.
        let _ = self.calls.close_procfs();
        self.found().procfs.store(false, Ordering::Relaxed);
    }

    /// Acts in a directory, and returns to the current one if that fails.
    fn within(&self, directory: &K::Fd, act: impl FnOnce() -> Step<()>) -> Step<()> {
        let before = self.calls.openat(At::Cwd, HERE.as_ref(), O_PATH | O_DIRECTORY | O_CLOEXEC, 0)?;
        self.calls.fchdir(directory)?;
        act().inspect_err(|_| {
            // The failure of the call counts.
            let _ = self.calls.fchdir(&before);
        })
    }

    /// Refuses a new root that the kernel refuses with one errno for every cause: those that a caller can mend, by name.
    fn refuse_shared_root(&self, new_root: &K::Fd) -> Step<()> {
        let refused = |detail| Err(refused(Call::PivotRoot, Errno::EINVAL, detail));
        let mount = match self.mount_of_pinned(new_root)? {
            found if !found.is_root => return refused("the new root is no mount point"),
            found => found.mount.key(),
        };
        let (parent, own) = self.parent_and_standing(mount)?;
        if own.shared {
            return refused("the new root is a shared mount; make it private or slave first");
        }
        let parent = parent.map_or(Ok(None), |parent| unless_gone(self.standing(parent)))?;
        if parent.is_some_and(|parent| parent.shared) {
            return refused("the new root is on a shared mount; make that one private or slave first");
        }
        Ok(())
    }

    fn pivot(&self, new_root: &K::Fd) -> Step<()> {
        let old_root = self.open_root(Path::new(ROOT))?;
        let old_mount = self.mount_of_fd(&old_root)?;
        self.within(new_root, || self.calls.pivot_root(HERE.as_ref(), HERE.as_ref())).map_err(|fault| {
            let refused = (fault.errno() == Errno::EINVAL).then(|| self.refuse_shared_root(new_root));
            refused.and_then(Step::err).unwrap_or(fault)
        })?;
        // The old root lies on the new one, and is the current directory's only by this descriptor.
        let left = self.calls.fchdir(&old_root).and_then(|()| self.unmount_old_root());
        left.map_err(|fault| self.after_the_change(fault, old_mount, new_root))
    }

    /// An unmount propagates to the peers of the mounts above; slaves send nothing.
    fn unmount_old_root(&self) -> Step<()> {
        self.mount_by_flags(Reach::Path(HERE.as_ref()), MS_SLAVE | MS_REC)?;
        self.calls.umount2(Reach::Path(HERE.as_ref()), MNT_DETACH)
    }

    /// The process is in the new root; the old one stays.
    fn after_the_change(&self, fault: Fault, old: MountKey, new_root: &K::Fd) -> Fault {
        self.leave_old_root();
        // The failure before counts.
        let _ = self.stand_in(new_root);
        fault.leaving(Leftover::Mount { mount: old, at: ROOT.into() })
    }

    fn move_over(&self, new_root: &K::Fd) -> Step<()> {
        self.refuse_shared_root(new_root)?;
        let mount = self.mount_of_fd(new_root)?;
        self.within(new_root, || {
            let (from, to) = (Reach::Path(HERE.as_ref()), Reach::Path(ROOT.as_ref()));
            self.calls.mount(from, to, "".as_ref(), MS_MOVE, "".as_ref())?;
            let entered = self.calls.chroot(HERE.as_ref());
            entered.map_err(|fault| fault.leaving(Leftover::Mount { mount, at: ROOT.into() }))
        })
    }
}

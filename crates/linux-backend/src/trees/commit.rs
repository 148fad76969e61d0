//! The end of a tree: it is attached as a whole, or discarded.

use mountwright_core::error::Leftover;
use mountwright_core::mount::{BindReport, Guarantee};
use mountwright_core::{BindRequest, Errno, MountKey, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::attach::LastStep;
use crate::mounting::created_targets::Created;
use crate::mounting::target::{Target, TargetRequest};
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::staging::area::Staging;
use crate::syscalls::abi::MNT_DETACH;
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Reach};
use crate::trees::begin::LinuxTree;
use crate::trees::root::TreeRoot;

impl<K: Kernel> LinuxBackend<K> {
    /// Attaches a whole tree, checks every target before and after, and unmounts the tree again where one leads elsewhere: not
    /// where another process has mounted in it since.
    fn attach_whole<'r>(
        &self,
        inside: &Self,
        tree: &TreeRoot<K::Fd>,
        request: &'r BindRequest,
        created: &mut Created<K::Fd>,
    ) -> Step<Target<'r, K::Fd>> {
        inside.check_parts(tree, |_, _| false)?;
        let target = self.target(TargetRequest::of_bind(request), Some(&*tree.file), created)?;
        if self.has_peers(&target.file)? {
            let refused = Fault::new(Call::MoveMount, Errno::EINVAL);
            return Err(refused.because(Some("the target is on a shared mount".to_owned())));
        }
        let apart = !tree.has_shared_part();
        let wanted = WantedOfTree { recursion: Recursion::Tree, ..WantedOfTree::of_one(None) };
        let last = LastStep { wanted, apart, source: None };
        let attached = self.about_to_attach((&tree.file, tree.mount), &target, &last)?;
        let newest = self.newest_id(&tree.file)?;
        self.move_onto(&tree.file, &target.file).map_err(|fault| self.as_mount_says(fault, &tree.file, &target))?;
        self.finish(attached, &target, &last)?;
        // In the namespace other processes see the tree, and may mount on it.
        let checked = inside.check_parts(tree, |seen, member| self.covers(seen, member).unwrap_or(false));
        match checked {
            Ok(()) => Ok(target),
            Err(fault) if self.has_newer(tree.mount, newest) => {
                Err(fault.leaving(Leftover::Mount { mount: tree.mount, at: target.shown() }))
            }
            Err(fault) => Err(self.take_off((&tree.file, tree.mount), &target, apart, fault)),
        }
    }

    /// Returns true if another process has mounted in the tree since it is visible, or if listmount fails. Before 6.8 no call
    /// shows it: false.
    fn has_newer(&self, tree: MountKey, newest: Option<u64>) -> bool {
        match (tree, newest) {
            (MountKey::Unique(tree), Some(newest)) => {
                !self.calls.listmount(tree.0.get(), newest, 1).is_ok_and(|newer| newer.is_empty())
            }
            _ => false,
        }
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Unmounts a staged tree and removes its staging directory. Lazily, because descriptors of callers may be in it; a tree
    /// with a shared member leaves its peers first.
    fn unstage_tree(&self, staging: Staging<K::Fd>, tree: &TreeRoot<K::Fd>) -> Step<()> {
        if !tree.has_shared_part() {
            // A failure shows once more below, or the unmount succeeds there.
            let _ = self.calls.umount2(Reach::Descriptor(&tree.file), MNT_DETACH);
        }
        self.discard_staging(staging)
    }
}

impl<K: Kernel> LinuxTree<K> {
    pub(crate) fn commit(&mut self) -> Step<BindReport> {
        let (Some(inside), staging) = (self.inside.take(), self.staging.take()) else { return Err(is_over()) };
        let Some(tree) = inside.tree() else { return Err(is_over()) };
        let (outside, mut created) = (&self.outside, Created::nothing());
        let attached = match outside.attach_whole(&inside, tree, &self.request, &mut created) {
            Ok(target) => match staging {
                Some(staging) => outside.leave_staging(staging, Ok(target), |target, fault| {
                    outside.take_off((&tree.file, tree.mount), &target, !tree.has_shared_part(), fault)
                }),
                None => Ok(target),
            },
            // A tree that is at its target and stays there is named already.
            Err(fault) => Err(match staging {
                Some(staging) if fault.leaves_nothing() => match outside.unstage_tree(staging, tree) {
                    Ok(()) => fault,
                    Err(stays) => fault.leaving_what(stays),
                },
                Some(staging) => outside.after_discarding(staging, fault),
                None => fault,
            }),
        };
        let done = attached.map(|_| tree.mount);
        match done {
            Ok(mount) => {
                let report = created.report(mount, Guarantee::Atomic);
                Ok(report.with_propagation(self.request.wanted_propagation()))
            }
            Err(fault) => {
                let fault = outside.take_back(created, fault);
                Err(outside.remove_created(inside, &self.source, Some(fault)).unwrap_or_else(is_over))
            }
        }
    }

    /// Discards the tree. An error names what stays.
    pub(crate) fn discard(&mut self) -> Step<()> {
        let Some(inside) = self.inside.take() else { return Ok(()) };
        let unstaged = match (self.staging.take(), inside.tree()) {
            (Some(staging), Some(tree)) => self.outside.unstage_tree(staging, tree),
            _ => Ok(()),
        };
        self.outside.remove_created(inside, &self.source, unstaged.err()).map_or(Ok(()), Err)
    }
}

fn is_over() -> Fault {
    Fault::new(Call::MoveMount, Errno::EINVAL)
}

impl<K: Kernel> Drop for LinuxTree<K> {
    fn drop(&mut self) {
        if let Err(stays) = self.discard() {
            tracing::warn!(subsystem = "mount", errno = %stays.errno(), "a discarded tree has left something");
        }
    }
}

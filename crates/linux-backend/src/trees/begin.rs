//! The copy of a directory's mount that a tree begins as.

use std::path::Path;
use std::sync::Arc;

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{OccupiedTarget, TreeForm};
use mountwright_core::{AttributeChange, BindRequest, Errno, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::mounting::wanted_propagation::{BeforeTheAttach, WantedOfTree};
use crate::query::attribute_bits::attr_of;
use crate::resolve::identity::mount_root;
use crate::staging::area::Staging;
use crate::syscalls::abi::{AT_EMPTY_PATH, AT_RECURSIVE, MS_BIND, MS_REC, O_DIRECTORY};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, MountAttr, Reach};
use crate::trees::root::TreeRoot;

/// A tree that is not visible yet.
pub(crate) struct LinuxTree<K: Kernel> {
    /// The backend of requests in the tree; `None` once the tree is taken down.
    pub(crate) inside: Option<LinuxBackend<K>>,
    /// The backend of everything else.
    pub(crate) outside: LinuxBackend<K>,
    /// The bind that the commit completes.
    pub(crate) request: BindRequest,
    /// The directory that the tree is a copy of.
    pub(crate) source: Arc<K::Fd>,
    /// The staging directory that a staged tree is in.
    pub(crate) staging: Option<Staging<K::Fd>>,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Returns true if the kernel attaches a detached tree in another one (6.15, as `open_tree_attr`), and has every call that
    /// such a tree needs: no mount in it can be made by mount(2).
    /// No mount table shows a detached mount: statx has to report whether a file is the root of its mount (5.8).
    fn detaches_trees(&self, source: &K::Fd) -> Step<bool> {
        let needed = [Call::OpenTreeAttr, Call::OpenTree, Call::MoveMount, Call::MountSetattr, Call::Fsopen];
        Ok(needed.into_iter().all(|call| self.uses(call))
            && mount_root(&self.stat_fd(source, self.identity_mask())?).is_some())
    }

    pub(crate) fn begin_tree(&self, request: &BindRequest) -> Step<LinuxTree<K>> {
        let request = &in_a_tree(request);
        if WantedOfTree::of_bind(request).may_have_peers() {
            let refused = Fault::new(Call::OpenTree, Errno::EINVAL);
            return Err(refused.because(Some("a tree becomes shared after its commit".to_owned())));
        }
        if let OccupiedTarget::StackOn(_) = request.occupied_target() {
            return Err(Fault::new(Call::MoveMount, Errno::EINVAL));
        }
        let source = self.pin(request.source(), FinalSymlink::Follow, O_DIRECTORY)?;
        self.expect_source(request, &source)?;
        let mut outside = self.clone();
        let detaches = self.detaches_trees(&source)?;
        self.can_map_owners(request.owners().map(|(map, _)| map), detaches)?;
        let (root, staging) = if detaches {
            (self.detached_root(&source, request)?, None)
        } else {
            let mut staging = self.enter_staging()?;
            if let (None, Some(directory)) = (&staging, request.staging()) {
                outside = outside.with_staging(directory);
                staging = outside.enter_staging()?;
            }
            let staging = staging.ok_or_else(|| self.no_staging())?;
            match self.staged_root(&staging, &source, request) {
                Ok(root) => (root, Some(staging)),
                Err(fault) => return Err(outside.after_discarding(staging, fault)),
            }
        };
        let (inside, source) = (Some(outside.in_tree(Arc::new(root))), Arc::new(source));
        Ok(LinuxTree { inside, outside, request: request.clone(), source, staging })
    }

    /// Removes a staging directory after a failure, which names what stays.
    pub(crate) fn after_discarding(&self, staging: Staging<K::Fd>, fault: Fault) -> Fault {
        match self.discard_staging(staging) {
            Ok(()) => fault,
            Err(stays) => fault.leaving_what(stays),
        }
    }

    fn detached_root(&self, source: &K::Fd, request: &BindRequest) -> Step<TreeRoot<K::Fd>> {
        let before = BeforeTheAttach::of(request);
        let attr = MountAttr { propagation: before.whole.unwrap_or_default().into(), ..attr_of(request.change()) };
        let mut tree = self.copy_of((At::Fd(source), Path::new("")), AT_EMPTY_PATH, request.recursion(), attr)?;
        self.change_tree(&tree, request.top_change(), Recursion::This)?;
        if let Some((map, reach)) = request.owners() {
            tree = self.with_owners(tree, map, reach, request.recursion())?;
        }
        self.part_from_source(&tree, request)?;
        let mount = self.mount_of_fd(&tree)?;
        Ok(TreeRoot::new(tree, request.source().for_display(), mount, TreeForm::Detached))
    }

    fn staged_root(&self, staging: &Staging<K::Fd>, source: &K::Fd, request: &BindRequest) -> Step<TreeRoot<K::Fd>> {
        let copy = self.stage(staging, source, MS_BIND | recursive(request.recursion(), MS_REC))?;
        if let Some(whole) = BeforeTheAttach::of(request).whole {
            self.mount_by_flags(Reach::Descriptor(&copy), whole | MS_REC)?;
        }
        self.part_from_source(&copy, request)?;
        self.change_tree(&copy, request.change(), request.recursion())?;
        self.change_tree(&copy, request.top_change(), Recursion::This)?;
        let mount = self.mount_of_fd(&copy)?;
        Ok(TreeRoot::new(copy, request.source().for_display(), mount, TreeForm::Staged))
    }

    /// Gives the top of a copy its own propagation, and the whole what the words leave besides.
    fn part_from_source(&self, copy: &K::Fd, request: &BindRequest) -> Step<()> {
        match BeforeTheAttach::of(request).top {
            // mount(2) changes no detached mount.
            Some(top) if self.uses(Call::MountSetattr) => {
                let attr = MountAttr { propagation: top.into(), ..MountAttr::default() };
                self.calls.mount_setattr(At::Fd(copy), "".as_ref(), AT_EMPTY_PATH, attr)?;
            }
            Some(top) => self.mount_by_flags(Reach::Descriptor(copy), top)?,
            None => {}
        }
        self.complete_propagation(copy, request)
    }

    /// Makes the last changes of propagation of a copy that is not visible.
    pub(crate) fn complete_propagation(&self, copy: &K::Fd, request: &BindRequest) -> Step<()> {
        let changes = WantedOfTree::of_bind(request).of_a_detached_copy();
        changes.into_iter().try_for_each(|(propagation, recursion)| self.propagate(copy, propagation, recursion))
    }

    /// Changes attributes of a tree's root, or of the whole tree.
    pub(crate) fn change_tree(&self, tree: &K::Fd, change: AttributeChange, recursion: Recursion) -> Step<()> {
        if change.is_nothing() {
            return Ok(());
        }
        if self.uses(Call::MountSetattr) {
            let flags = AT_EMPTY_PATH | recursive(recursion, AT_RECURSIVE);
            return self.calls.mount_setattr(At::Fd(tree), "".as_ref(), flags, attr_of(change));
        }
        match recursion {
            Recursion::This => self.change_copy(change, tree),
            Recursion::Tree => self.change_staged_tree(tree, change),
        }
    }
}

/// A request of which each mount has a propagation: private where it names none.
pub(crate) fn in_a_tree(request: &BindRequest) -> BindRequest {
    let request = request.clone();
    if request.propagation_words().is_empty() { request.propagation(Propagation::Private) } else { request }
}

//! Binds by a detached copy: the mount is complete before it is visible.

use std::path::Path;

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{BindReport, Guarantee, OccupiedTarget};
use mountwright_core::{BindRequest, Errno, Location, MountKey, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::mounting::attach::LastStep;
use crate::mounting::created_targets::Created;
use crate::mounting::target::TargetRequest;
use crate::mounting::wanted_propagation::{BeforeTheAttach, WantedOfTree};
use crate::query::attribute_bits::attr_of;
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, MS_SLAVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
    S_IFLNK,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, MountAttr};

/// The number of attempts at a bind that other binds to its target disturb.
pub(crate) const MOST_ATTEMPTS: usize = 3;

pub(crate) fn last_step<'a, Fd>(request: &BindRequest, source: Option<&'a Fd>) -> LastStep<'a, Fd> {
    let wanted = WantedOfTree::of_bind(request);
    let apart = wanted.is_apart() || matches!(request.occupied_target(), OccupiedTarget::StackOn(_));
    LastStep { wanted, apart, source }
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_request(&self, request: &BindRequest) -> Step<BindReport> {
        let (wanted, before) = (WantedOfTree::of_bind(request), BeforeTheAttach::of(request));
        let stacks_on = matches!(request.occupied_target(), OccupiedTarget::StackOn(_));
        if stacks_on && (wanted.has_slaves() || wanted.below.last().is_none()) {
            return Err(Fault::new(Call::MoveMount, Errno::EINVAL));
        }
        let detached = self.uses(Call::OpenTree) && self.uses(Call::MoveMount);
        let as_it_is = request.change().is_nothing() && before.whole.is_none();
        let detached = detached && (as_it_is || self.uses(Call::MountSetattr) || self.uses(Call::OpenTreeAttr));
        // `open_tree_attr` changes the whole tree.
        let is_even = request.top_change().is_nothing() && before.top.is_none();
        let detached = detached && (is_even || self.uses(Call::MountSetattr));
        self.can_map_owners(request.owners().map(|(map, _)| map), detached)?;
        let bind = || if detached { self.bind_detached(request) } else { self.bind_by_mount(request) };
        for _ in 1..MOST_ATTEMPTS {
            match bind() {
                Err(fault) if fault.is_worth_another_attempt() => {}
                other => return other,
            }
        }
        bind()
    }

    fn bind_detached(&self, request: &BindRequest) -> Step<BindReport> {
        let Source { tree, mount, pinned } = self.copy_of_source(request)?;
        let mut created = Created::nothing();
        let last = last_step(request, pinned.as_ref());
        let attached = self
            .target(TargetRequest::of_bind(request), Some(&tree), &mut created)
            .and_then(|target| self.attach((&tree, mount), &target, &last));
        match attached {
            Ok(standing) => {
                let propagation = self.propagation_given(request, mount, standing);
                self.keep_created(&created);
                Ok(created.report(mount, Guarantee::Atomic).with_propagation(propagation))
            }
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    /// Returns a detached copy of the source with its attributes and its propagation changed. It is unmounted when its
    /// descriptor is closed.
    pub(crate) fn copy_of_source(&self, request: &BindRequest) -> Step<Source<K::Fd>> {
        let before = BeforeTheAttach::of(request);
        let with = |change, propagation: Option<u32>| MountAttr {
            propagation: propagation.unwrap_or_default().into(),
            ..attr_of(change)
        };
        let attr = with(request.change(), before.whole);
        // A slave may need a second copy of the same source: the location is resolved once.
        let pins = WantedOfTree::of_bind(request).has_slaves();
        let open = |dir: At<'_, K::Fd>, path: &Path, flags| -> Step<(K::Fd, Option<K::Fd>)> {
            if !pins {
                return Ok((self.copy_of((dir, path), flags, request.recursion(), attr)?, None));
            }
            let pinned = self.calls.open_tree(dir, path, flags | OPEN_TREE_CLOEXEC)?;
            let itself = (At::Fd(&pinned), Path::new(""));
            Ok((self.copy_of(itself, AT_EMPTY_PATH, request.recursion(), attr)?, Some(pinned)))
        };
        let (mut tree, pinned) = match request.source() {
            Location::Trusted(path) => open(At::Cwd, path, 0)?,
            source @ Location::InRoot { .. } => {
                let file = self.pin(source, FinalSymlink::Follow, 0)?;
                open(At::Fd(&file), Path::new(""), AT_EMPTY_PATH)?
            }
            source @ Location::Beneath { .. } => {
                // One name in a pinned or trusted directory, not followed: the copy shows which file it is.
                let place = self.place_for_one_call(source)?;
                open(place.dir(), place.name(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)?
            }
        };
        let of_top = with(request.top_change(), before.top);
        if of_top != MountAttr::default() {
            self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), AT_EMPTY_PATH, of_top)?;
        }
        self.expect_source(request, &tree)?;
        if let Some((map, reach)) = request.owners() {
            tree = self.with_owners(tree, map, reach, request.recursion())?;
        }
        let (kind, mount) = self.kind_and_mount_of_fd(&tree)?;
        match request.source() {
            Location::Beneath { .. } if kind == S_IFLNK => Err(Fault::new(Call::OpenTree, Errno::ELOOP)),
            _ => Ok(Source { tree, mount, pinned }),
        }
    }

    /// Returns a detached copy that is a slave of its source.
    pub(crate) fn slave_copy(&self, source: &K::Fd, recursion: Recursion) -> Step<K::Fd> {
        let attr = MountAttr { propagation: MS_SLAVE.into(), ..MountAttr::default() };
        self.copy_of((At::Fd(source), Path::new("")), AT_EMPTY_PATH, recursion, attr)
    }

    pub(crate) fn copy_of(
        &self,
        (dir, path): (At<'_, K::Fd>, &Path),
        flags: u32,
        recursion: Recursion,
        attr: MountAttr,
    ) -> Step<K::Fd> {
        let deep = recursive(recursion, AT_RECURSIVE);
        let flags = flags | deep | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        if attr == MountAttr::default() {
            return self.calls.open_tree(dir, path, flags);
        }
        if self.uses(Call::OpenTreeAttr) {
            return self.calls.open_tree_attr(dir, path, flags, attr);
        }
        let tree = self.calls.open_tree(dir, path, flags)?;
        self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), deep | AT_EMPTY_PATH, attr)?;
        Ok(tree)
    }
}

/// A detached copy and, for a slave, its source.
pub(crate) struct Source<Fd> {
    pub(crate) tree: Fd,
    pub(crate) mount: MountKey,
    pub(crate) pinned: Option<Fd>,
}

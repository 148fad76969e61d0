//! Binds by a detached copy: the mount is complete before it is visible.

use std::path::Path;
use std::sync::Arc;

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
use crate::resolve::identity::{kind, mount_key};
use crate::syscalls::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, MS_SLAVE, O_PATH, OPEN_TREE_CLOEXEC,
    OPEN_TREE_CLONE, S_IFLNK,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, MountAttr};
use crate::trees::root::path_in_tree;

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
        let Source { tree, mount, pinned, .. } = self.copy_of_source(request)?;
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
        self.copy_of_place(request, None)
    }

    /// The same of a source that is known already: a name in an open directory that is not followed, or `""`.
    pub(crate) fn copy_of_place(&self, request: &BindRequest, source: Option<(&K::Fd, &Path)>) -> Step<Source<K::Fd>> {
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
        let (mut tree, pinned) = match (source, request.source()) {
            (Some((dir, name)), _) => open(At::Fd(dir), name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)?,
            (None, Location::Trusted(path)) => open(At::Cwd, path, 0)?,
            (None, source @ Location::InRoot { .. }) => {
                let file = self.pin_in_root(source)?;
                open(At::Fd(&file), Path::new(""), AT_EMPTY_PATH)?
            }
            (None, source @ Location::Beneath { .. }) => {
                // One name in a pinned or trusted directory, not followed: the copy shows which file it is.
                let place = self.place_for_one_call(source)?;
                open(place.dir(), place.name(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)?
            }
        };
        let of_top = with(request.top_change(), before.top);
        if of_top != MountAttr::default() {
            self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), AT_EMPTY_PATH, of_top)?;
        }
        let stat = self.stat_of_source(request, &tree)?;
        let mapped = match request.owners() {
            Some((map, reach)) => {
                tree = self.with_owners(tree, map, reach, request.recursion())?;
                None
            }
            None => mount_key(&stat),
        };
        let mount = match mapped {
            Some(mount) => mount,
            None => self.mount_of_fd(&tree)?,
        };
        match request.source() {
            Location::Beneath { .. } if kind(&stat) == S_IFLNK => Err(Fault::new(Call::OpenTree, Errno::ELOOP)),
            _ => Ok(Source { tree, kind: kind(&stat), mount, pinned }),
        }
    }

    /// Pins a source in a root; in a tree the open root of a member is one.
    fn pin_in_root(&self, source: &Location) -> Step<Arc<K::Fd>> {
        match (self.tree(), path_in_tree(source)) {
            (Some(tree), Some(path)) => match tree.member_above(path) {
                Some((member, rest)) if rest.as_os_str().is_empty() => Ok(member.root),
                _ => Ok(Arc::new(self.existing_in_tree(tree, path, O_PATH)?.0)),
            },
            _ => self.pin(source, FinalSymlink::Follow, 0).map(Arc::new),
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
    /// One of `S_IF…`.
    pub(crate) kind: u32,
    pub(crate) mount: MountKey,
    pub(crate) pinned: Option<Fd>,
}

//! Binds by a detached copy: nobody sees the mount before it is as it should be.

use std::path::Path;

use mountwright_core::{BindReport, BindRequest, Errno, Guarantee, Location, MountKey, Propagation};

use crate::LinuxBackend;
use crate::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, MS_PRIVATE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
    S_IFLNK,
};
use crate::attach::LastStep;
use crate::attribute_bits::attr_of;
use crate::created::Created;
use crate::fault::{Fault, Step};
use crate::kernel::{At, Call, Kernel, MountAttr};
use crate::propagation::recursive;

/// True where the copy is cut off from the peer groups of its source before it is attached, for the propagation asked for
/// does not need them.
///
/// * Set after the attach alone it would hold for this one mount: below a shared parent the copies at the parent's peers
///   would stay peers of the source, and what a guest mounts in its view would come to be in the source.
/// * A tree that is cut off can be taken off again as a whole, the copies included.
pub(crate) fn may_part(request: &BindRequest) -> bool {
    matches!(request.wanted_propagation(), Some(Propagation::Private | Propagation::Unbindable))
}

pub(crate) fn last_step(request: &BindRequest, apart: bool) -> LastStep {
    LastStep { propagation: request.wanted_propagation(), recursion: request.recursion(), apart }
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_request(&self, request: &BindRequest) -> Step<BindReport> {
        let detached = self.uses(Call::OpenTree) && self.uses(Call::MoveMount);
        let as_it_is = request.change().is_nothing() && !may_part(request);
        if detached && (as_it_is || self.uses(Call::MountSetattr) || self.uses(Call::OpenTreeAttr)) {
            self.bind_detached(request)
        } else {
            self.bind_by_mount(request)
        }
    }

    fn bind_detached(&self, request: &BindRequest) -> Step<BindReport> {
        let (tree, mount) = self.copy_of_source(request)?;
        let mut created = Created::nothing();
        match self.attach_copy(request, (&tree, mount), &mut created) {
            Ok(()) => Ok(BindReport::new(mount, Guarantee::Atomic).creating(created.paths())),
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn attach_copy(
        &self,
        request: &BindRequest,
        (tree, mount): (&K::Fd, MountKey),
        created: &mut Created<K::Fd>,
    ) -> Step<()> {
        let target = self.target(request, tree, created)?;
        self.attach((tree, mount), &target, last_step(request, may_part(request)))
    }

    /// A detached copy of the source with its attributes changed. It is gone as soon as its descriptor is closed.
    fn copy_of_source(&self, request: &BindRequest) -> Step<(K::Fd, MountKey)> {
        let deep = recursive(request.recursion(), AT_RECURSIVE);
        let tree = match request.source() {
            Location::Trusted(path) => self.copy_of(At::Cwd, path, deep, request)?,
            source @ Location::Beneath { .. } => {
                // One name in a pinned or trusted directory, not followed: what it is shows in the copy.
                let place = self.place_for_one_call(source)?;
                let name = deep | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
                self.copy_of(place.dir(), place.name(), name, request)?
            }
        };
        let (kind, mount) = self.kind_and_mount_of_fd(&tree)?;
        match request.source() {
            Location::Beneath { .. } if kind == S_IFLNK => Err(Fault::new(Call::OpenTree, Errno::ELOOP)),
            _ => Ok((tree, mount)),
        }
    }

    fn copy_of(&self, dir: At<'_, K::Fd>, path: &Path, flags: u32, request: &BindRequest) -> Step<K::Fd> {
        let flags = flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        let mut attr = attr_of(request.change());
        if may_part(request) {
            attr.propagation = MS_PRIVATE.into();
        }
        if attr == MountAttr::default() {
            return self.calls.open_tree(dir, path, flags);
        }
        if self.uses(Call::OpenTreeAttr) {
            return self.calls.open_tree_attr(dir, path, flags, attr);
        }
        let tree = self.calls.open_tree(dir, path, flags)?;
        let deep = recursive(request.recursion(), AT_RECURSIVE);
        self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), deep | AT_EMPTY_PATH, attr)?;
        Ok(tree)
    }
}

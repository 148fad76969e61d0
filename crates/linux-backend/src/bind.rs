//! Binds by a detached copy: nobody sees the mount before it is as it should be.

use mountwright_core::{BindReport, BindRequest, FinalLink, Guarantee, Location, MountKey, Recursion};

use crate::LinuxBackend;
use crate::abi::{AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE};
use crate::attribute_bits::attr_of;
use crate::created::Created;
use crate::fault::Step;
use crate::kernel::{At, Call, Kernel};
use crate::propagation::recursive;

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_request(&self, request: &BindRequest) -> Step<BindReport> {
        let detached = self.uses(Call::OpenTree) && self.uses(Call::MoveMount);
        let changes = !request.change().is_nothing();
        if detached && (!changes || self.uses(Call::MountSetattr) || self.uses(Call::OpenTreeAttr)) {
            self.bind_detached(request)
        } else {
            self.bind_by_mount(request)
        }
    }

    fn bind_detached(&self, request: &BindRequest) -> Step<BindReport> {
        let tree = self.copy_of_source(request)?;
        let mut created = Created::nothing();
        match self.attach_copy(request, &tree, &mut created) {
            Ok(mount) => Ok(BindReport::new(mount, Guarantee::Atomic).creating(created.paths())),
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn attach_copy(&self, request: &BindRequest, tree: &K::Fd, created: &mut Created<K::Fd>) -> Step<MountKey> {
        let target = self.target(request, tree, created)?;
        let propagation = request.wanted_propagation().map(|propagation| (propagation, request.recursion()));
        self.attach(tree, &target, propagation, &request.target().for_display())
    }

    /// A detached copy of the source with its attributes changed. It is gone as soon as its descriptor is closed.
    fn copy_of_source(&self, request: &BindRequest) -> Step<K::Fd> {
        let deep = recursive(request.recursion(), AT_RECURSIVE);
        match request.source() {
            Location::Trusted(path) => self.copy_of(At::Cwd, path, deep, request),
            source @ Location::Beneath { .. } => {
                let source = self.pin(source, FinalLink::Follow, 0)?;
                self.copy_of(At::Fd(&source), "".as_ref(), deep | AT_EMPTY_PATH, request)
            }
        }
    }

    fn copy_of(&self, dir: At<'_, K::Fd>, path: &std::path::Path, flags: u32, request: &BindRequest) -> Step<K::Fd> {
        let flags = flags | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        let change = request.change();
        if change.is_nothing() {
            return self.calls.open_tree(dir, path, flags);
        }
        if self.uses(Call::OpenTreeAttr) {
            return self.calls.open_tree_attr(dir, path, flags, attr_of(change));
        }
        let tree = self.calls.open_tree(dir, path, flags)?;
        let deep = if request.recursion() == Recursion::Tree { AT_RECURSIVE } else { 0 };
        self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), deep | AT_EMPTY_PATH, attr_of(change))?;
        Ok(tree)
    }
}

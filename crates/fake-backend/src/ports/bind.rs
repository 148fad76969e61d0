//! Binds, by a detached copy: nobody sees the mount before it is as it should be.

use std::path::Path;

use mountwright_core::{BindReport, BindRequest, FinalLink, Guarantee, Location, MountKey, Propagation, UniqueMountId};

use super::attribute_bits::{attr_of, recursive};
use super::calls::{Calls, Fd};
use super::created::Created;
use super::fault::Step;
use crate::abi::{AT_EMPTY_PATH, AT_RECURSIVE, MS_PRIVATE, OPEN_TREE_CLONE};
use crate::{At, MountAttr};

impl Calls<'_> {
    pub(crate) fn bind(&mut self, request: &BindRequest) -> Step<BindReport> {
        let tree = self.copy_of_source(request)?;
        let mut created = Created::default();
        match self.attach_copy(request, tree, &mut created) {
            Ok(mount) => {
                let report = BindReport::new(MountKey::Unique(mount), Guarantee::Atomic);
                Ok(report.creating(created.paths))
            }
            Err(fault) => {
                self.take_back(created);
                Err(fault)
            }
        }
    }

    fn attach_copy(&mut self, request: &BindRequest, tree: Fd, created: &mut Created) -> Step<UniqueMountId> {
        let target = self.target(request, tree, created)?;
        self.attach(tree, &target, request.wanted_propagation(), request.recursion())
    }

    /// A detached copy of the source with its attributes changed. It is gone as soon as its descriptor is closed.
    fn copy_of_source(&mut self, request: &BindRequest) -> Step<Fd> {
        let deep = recursive(request.recursion(), AT_RECURSIVE);
        match request.source() {
            Location::Trusted(path) => self.copy_of(At::Cwd, path, deep, request),
            source @ Location::Beneath { .. } => {
                let source = self.pin(source, FinalLink::Follow, 0)?;
                self.copy_of(source.into(), "".as_ref(), deep | AT_EMPTY_PATH, request)
            }
        }
    }

    fn copy_of(&mut self, at: At, path: &Path, flags: u32, request: &BindRequest) -> Step<Fd> {
        let flags = flags | OPEN_TREE_CLONE;
        let mut attr = attr_of(request.change());
        if may_part(request) {
            attr.propagation = MS_PRIVATE;
        }
        if attr == MountAttr::default() {
            self.open_tree(at, path, flags)
        } else {
            self.open_tree_attr(at, path, flags, attr)
        }
    }
}

/// True where the copy leaves the peer groups of its source before it is attached, as the Linux backend has it: the
/// propagation asked for does not need them, and the copies that a shared parent makes are then peers of it alone.
fn may_part(request: &BindRequest) -> bool {
    matches!(request.wanted_propagation(), Some(Propagation::Private | Propagation::Unbindable))
}

//! The port to a tree of mounts that is not visible yet.

use std::path::Path;
use std::sync::Arc;

use mountwright_core::error::Subject;
use mountwright_core::file::{FinalSymlink, Metadata};
use mountwright_core::mount::{BindReport, TreeForm};
use mountwright_core::ports::DetachedTree;
use mountwright_core::{
    AttributeChange, BindRequest, Directory, Errno, FileMode, Location, MountRequest, Operation, OsError, Recursion,
};

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::created_targets::Created;
use crate::mounting::target_in_root::Wanted;
use crate::ports::directory::LinuxDirectory;
use crate::resolve::in_root::undisturbed;
use crate::resolve::path_text::in_a_root;
use crate::resolve::root_walk::RootWalk;
use crate::syscalls::abi::{O_CLOEXEC, O_DIRECTORY, O_PATH};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};
use crate::trees::begin::LinuxTree;
use crate::trees::root::TreeRoot;

impl<K: Kernel> LinuxTree<K> {
    fn inside(&self) -> Step<(&LinuxBackend<K>, &TreeRoot<K::Fd>)> {
        let inside = self.inside.as_ref().and_then(|inside| Some((inside, inside.tree()?)));
        inside.ok_or(Fault::new(Call::OpenTree, Errno::EINVAL))
    }

    fn directory(&self, path: &Path, missing: Option<FileMode>) -> Step<LinuxDirectory<K>> {
        let (inside, tree) = self.inside()?;
        let opened = LinuxDirectory::open(&self.outside, path, |flags| inside.in_root(&tree.file, path, flags));
        match (opened, missing) {
            (Err(fault), Some(mode)) if fault.errno() == Errno::ENOENT => {
                let wanted = Wanted { root: &tree.shown, modes: (mode, mode), sort: Sort::Directory, flags: O_PATH };
                let (path, mut created) = (in_a_root(path)?, Created::nothing());
                let reached = undisturbed(|| {
                    inside.make_in_root(RootWalk::new(inside, Arc::clone(&tree.file), path), wanted, &mut created)
                });
                let reached = reached.map_err(|fault| inside.take_back(created, fault))?;
                let open =
                    |flags| inside.calls.openat(At::Fd(&reached), ".".as_ref(), flags | O_DIRECTORY | O_CLOEXEC, 0);
                LinuxDirectory::open(&self.outside, path, open)
            }
            (opened, _) => opened,
        }
    }
}

impl<K: Kernel> DetachedTree for LinuxTree<K> {
    fn form(&self) -> TreeForm {
        if self.staging.is_some() { TreeForm::Staged } else { TreeForm::Detached }
    }

    fn metadata(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, OsError> {
        let found = self.inside().and_then(|(inside, _)| inside.stat(&Location::in_tree(path), link));
        found.map_err(|fault| fault.of(Operation::Metadata, path))
    }

    fn open_dir(&self, path: &Path, missing: Option<FileMode>) -> Result<Box<dyn Directory>, OsError> {
        match self.directory(path, missing) {
            Ok(directory) => Ok(Box::new(directory)),
            Err(fault) => Err(fault.of(Operation::OpenDir, path)),
        }
    }

    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let bound = self.inside().and_then(|(inside, tree)| {
            inside.bind_part(tree, request).map_err(|fault| {
                let change = request.top_change().and_then(request.change());
                inside.explained(fault, request.source(), request.target(), change)
            })
        });
        bound.map_err(|fault| {
            let (source, target) = (request.source().for_display(), request.target().for_display());
            fault.of(Operation::Bind, Subject::onto(source, target))
        })
    }

    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        let mounted = self.inside().and_then(|(inside, tree)| {
            let mounted = inside.mount_part(tree, request);
            mounted.map_err(|fault| inside.explained_change(fault, AttributeChange::NOTHING))
        });
        mounted.map_err(|fault| fault.of(Operation::Mount, request.target.for_display()))
    }

    fn change_attributes(&self, change: AttributeChange, recursion: Recursion) -> Result<(), OsError> {
        let changed = self.inside().and_then(|(inside, tree)| {
            let changed = inside.change_tree(&tree.file, change, recursion);
            changed.map_err(|fault| inside.explained_change(fault, change))
        });
        changed.map_err(|fault| fault.of(Operation::ChangeAttributes, Path::new("/")))
    }

    fn commit(mut self: Box<Self>) -> Result<BindReport, OsError> {
        let committed = LinuxTree::commit(&mut self);
        committed.map_err(|fault| {
            let (source, target) = (self.request.source(), self.request.target());
            let fault = self.outside.explained(fault, source, target, AttributeChange::NOTHING);
            fault.of(Operation::Commit, Subject::onto(source.for_display(), target.for_display()))
        })
    }

    fn discard(mut self: Box<Self>) -> Result<(), OsError> {
        let discarded = LinuxTree::discard(&mut self);
        discarded.map_err(|fault| fault.of(Operation::Discard, self.request.source().for_display()))
    }
}

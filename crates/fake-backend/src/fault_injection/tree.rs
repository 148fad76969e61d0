//! One tree of mounts whose calls are under control.

use std::path::{Path, PathBuf};

use mountwright_core::error::Subject;
use mountwright_core::file::{FinalSymlink, Metadata};
use mountwright_core::mount::{BindReport, TreeForm};
use mountwright_core::ports::DetachedTree;
use mountwright_core::{
    AttributeChange, BindRequest, Directory, FileMode, MountRequest, Operation, OsError, Recursion,
};

use crate::fault_injection::control::Control;
use crate::fault_injection::directory::ControlledDirectory;
use crate::fault_injection::words::words_of_bind;

/// A tree that is not visible yet, and the control that its calls are under.
pub(crate) struct ControlledTree<C: Control> {
    control: C,
    /// `None` once it is committed or discarded.
    tree: Option<Box<dyn DetachedTree>>,
    subject: Subject,
}

impl<C: Control> ControlledTree<C> {
    /// Returns the tree unchanged if the control is not active.
    pub(crate) fn around(control: &C, tree: Box<dyn DetachedTree>, request: &BindRequest) -> Box<dyn DetachedTree> {
        if !control.is_active() {
            return tree;
        }
        let subject = Subject::onto(request.source().for_display(), request.target().for_display());
        Box::new(Self { control: control.clone(), tree: Some(tree), subject })
    }

    fn tree(&self) -> &dyn DetachedTree {
        self.tree.as_deref().expect("a tree is used up by the call that ends it")
    }

    fn last<T>(
        &mut self,
        call: (&'static str, Operation),
        act: impl FnOnce(Box<dyn DetachedTree>) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        let tree = self.tree.take().expect("a tree is used up by the call that ends it");
        self.control.call(call, || self.subject.clone(), || act(tree))
    }
}

impl<C: Control> DetachedTree for ControlledTree<C> {
    fn form(&self) -> TreeForm {
        self.tree().form()
    }

    fn metadata(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, OsError> {
        let call = ("DetachedTree::metadata", Operation::Metadata);
        self.control.call(call, || path.into(), || self.tree().metadata(path, link))
    }

    fn open_dir(&self, path: &Path, missing: Option<FileMode>) -> Result<Box<dyn Directory>, OsError> {
        let call = ("DetachedTree::open_dir", Operation::OpenDir);
        let opened = self.control.call(call, || path.into(), || self.tree().open_dir(path, missing))?;
        Ok(ControlledDirectory::around(&self.control, opened, || PathBuf::from(path)))
    }

    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let subject = || Subject::onto(request.source().for_display(), request.target().for_display());
        let (call, detail) = (("DetachedTree::bind", Operation::Bind), || words_of_bind(request));
        self.control.detailed_call(call, subject, detail, || self.tree().bind(request))
    }

    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        let subject = || request.target.for_display().into();
        let (call, detail) = (("DetachedTree::mount", Operation::Mount), || request.fs_type.display().to_string());
        self.control.detailed_call(call, subject, detail, || self.tree().mount(request))
    }

    fn change_attributes(&self, change: AttributeChange, recursion: Recursion) -> Result<(), OsError> {
        let call = ("DetachedTree::change_attributes", Operation::ChangeAttributes);
        self.control.call(call, || self.subject.clone(), || self.tree().change_attributes(change, recursion))
    }

    fn commit(mut self: Box<Self>) -> Result<BindReport, OsError> {
        self.last(("DetachedTree::commit", Operation::Commit), <dyn DetachedTree>::commit)
    }

    fn discard(mut self: Box<Self>) -> Result<(), OsError> {
        self.last(("DetachedTree::discard", Operation::Discard), <dyn DetachedTree>::discard)
    }
}

impl<C: Control> Drop for ControlledTree<C> {
    /// A process that has ended discards nothing.
    fn drop(&mut self) {
        if self.control.has_ended() {
            std::mem::forget(self.tree.take());
        }
    }
}

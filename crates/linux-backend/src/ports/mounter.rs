//! The port to mounts.

use mountwright_core::error::Subject;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{
    BindReport, FilesystemOf, FilesystemOption, Guarantee, Origin, PathMount, SuperblockAccess,
};
use mountwright_core::ports::DetachedTree;
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, Location, MountInfo, MountKey, MountRequest, MountTable, Mounter,
    Operation, OsError, Propagation, Recursion, UnmountRequest,
};

use crate::backend::LinuxBackend;
use crate::syscalls::Kernel;

impl<K: Kernel> Mounter for LinuxBackend<K> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let subject = || Subject::onto(request.source().for_display(), request.target().for_display());
        self.needs_procfs().and_then(|()| self.bind_request(request)).map_err(|fault| {
            let change = request.top_change().and_then(request.change());
            self.explained(fault, request.source(), request.target(), change).of(Operation::Bind, subject())
        })
    }

    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        let mounted = self.needs_procfs().and_then(|()| self.mount_request(request));
        mounted.map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::Mount, request.target.for_display())
        })
    }

    fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError> {
        match self.needs_procfs().and_then(|()| self.begin_tree(request)) {
            Ok(tree) => Ok(Box::new(tree)),
            Err(fault) => {
                let change = request.top_change().and_then(request.change());
                let (source, shown) = (request.source(), request.source().for_display());
                Err(self.explained(fault, source, source, change).of(Operation::DetachedTree, shown))
            }
        }
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        let subject = || Subject::onto(from.for_display(), to.for_display());
        self.needs_procfs().and_then(|()| self.move_to(from, to)).map_err(|fault| {
            self.explained(fault, from, to, AttributeChange::NOTHING).of(Operation::MoveMount, subject())
        })
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError> {
        self.change(request).map_err(|fault| {
            self.explained_change(fault, request.change()).of(Operation::ChangeAttributes, request.at().for_display())
        })
    }

    fn set_superblock(&self, at: &Location, access: SuperblockAccess) -> Result<(), OsError> {
        self.superblock(at, access).map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::SetSuperblock, at.for_display())
        })
    }

    fn reconfigure(&self, at: &Location, options: &[FilesystemOption]) -> Result<(), OsError> {
        self.reconfigured(at, options).map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::SetSuperblock, at.for_display())
        })
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let set = self.propagate_at(at, propagation, recursion);
        set.map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::SetPropagation, at.for_display())
        })
    }

    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError> {
        let set = self.propagate_only(at, mount, propagation);
        set.map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::SetPropagation, at.for_display())
        })
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        self.unmount_request(request).map_err(|fault| {
            self.explained_change(fault, AttributeChange::NOTHING).of(Operation::Unmount, request.at().for_display())
        })
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.path_mount(at).map_err(|fault| fault.of(Operation::MountOf, at.for_display()))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.filesystem(at).map_err(|fault| fault.of(Operation::FilesystemOf, at.for_display()))
    }

    fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError> {
        let found = self.pin_cached(at, FinalSymlink::Follow).and_then(|file| self.mount_of_pinned(&file));
        found.map_err(|fault| fault.of(Operation::MountOf, at.for_display()))
    }

    fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        let found = self.pin_cached(at, FinalSymlink::Follow).and_then(|file| self.filesystem_of_pinned(&file));
        found.map_err(|fault| fault.of(Operation::FilesystemOf, at.for_display()))
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.mount_info(mount).map_err(|fault| fault.of(Operation::FindMount, mount))
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.table().map_err(|fault| fault.of(Operation::Mounts, Subject::Namespace))
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.own_origin().map_err(|fault| fault.of(Operation::Origin, Subject::Namespace))
    }

    fn let_others_run(&self, attempt: u32) {
        self.calls.0.let_others_run(attempt);
    }
}

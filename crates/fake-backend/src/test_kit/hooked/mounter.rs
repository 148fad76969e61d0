//! The port [`Mounter`], with something around each call.

use std::path::PathBuf;

use mountwright_core::mount::{AttributesReport, BindReport, FilesystemOf, Guarantee, MountReport, Origin, PathMount};
use mountwright_core::{
    AttributesRequest, BindRequest, Errno, Location, MountInfo, MountKey, MountRequest, MountTable, Mounter, Operation,
    OsError, Propagation, Recursion, UnmountRequest,
};

use crate::test_kit::hooked::wrapper::Hooked;

impl<B: Mounter> Mounter for Hooked<B> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let target = || request.target().for_display();
        let impossible = self.clumsy && request.required() == Guarantee::Atomic;
        let refusal = || OsError::new(Operation::Bind, target(), Errno::EOPNOTSUPP);
        let make = || if impossible { Err(refusal()) } else { self.backend.bind(request) };
        self.around.call("Mounter::bind", Operation::Bind, target, make)
    }

    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError> {
        self.around.call(
            "Mounter::mount",
            Operation::Mount,
            || request.target.for_display(),
            || self.backend.mount(request),
        )
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        self.around.call(
            "Mounter::move_mount",
            Operation::MoveMount,
            || from.for_display(),
            || self.backend.move_mount(from, to),
        )
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError> {
        let subject = || request.at().for_display();
        self.around.call("Mounter::change_attributes", Operation::ChangeAttributes, subject, || {
            self.backend.change_attributes(request)
        })
    }

    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError> {
        let make = || self.backend.set_superblock_read_only(at, read_only);
        self.around.call("Mounter::set_superblock_read_only", Operation::SetSuperblock, || at.for_display(), make)
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let make = || self.backend.set_propagation(at, propagation, recursion);
        self.around.call("Mounter::set_propagation", Operation::SetPropagation, || at.for_display(), make)
    }

    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError> {
        let make = || self.backend.set_propagation_of(at, mount, propagation);
        self.around.call("Mounter::set_propagation_of", Operation::SetPropagation, || at.for_display(), make)
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        self.around.call(
            "Mounter::unmount",
            Operation::Unmount,
            || request.at().for_display(),
            || self.backend.unmount(request),
        )
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.around.call("Mounter::mount_of", Operation::MountOf, || at.for_display(), || self.backend.mount_of(at))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.around.call(
            "Mounter::filesystem_of",
            Operation::FilesystemOf,
            || at.for_display(),
            || self.backend.filesystem_of(at),
        )
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.around.call("Mounter::find_mount", Operation::FindMount, PathBuf::new, || self.backend.find_mount(mount))
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.around.call("Mounter::mounts", Operation::Mounts, PathBuf::new, || self.backend.mounts())
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.around.call("Mounter::origin", Operation::Origin, PathBuf::new, || self.backend.origin())
    }
}

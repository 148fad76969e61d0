//! The port to mounts, with the plan around each call.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::error::Subject;
use mountwright_core::mount::{
    AttributesReport, BindReport, FilesystemOf, MountReport, Origin, PathMount, UnmountMode,
};
use mountwright_core::{
    AttributesRequest, BindRequest, Errno, Location, MountInfo, MountKey, MountRequest, MountTable, Mounter, Operation,
    OsError, Propagation, Recursion, UnmountRequest,
};

use crate::fake_backend::FakeBackend;
use crate::model::filesystems::filesystem_type::is_known_but_not_modelled;

/// The journal's detail of a bind.
fn bind(request: &BindRequest) -> String {
    let mut words = Vec::new();
    if request.recursion() == Recursion::Tree {
        words.push("the tree".to_owned());
    }
    for (change, reach) in [(request.change(), ""), (request.top_change(), "at the top ")] {
        words.extend(change.set().words().map(|(_, word)| format!("{reach}{word}")));
        words.extend(change.clear().words().map(|(_, word)| format!("{reach}not {word}")));
    }
    words.extend(request.wanted_propagation().map(|propagation| propagation.to_string()));
    words.join(", ")
}

/// The journal's detail of an unmount.
fn mode(request: &UnmountRequest) -> String {
    match request.mode() {
        UnmountMode::Plain => String::new(),
        mode => format!("{mode:?}"),
    }
}

/// The step of an error about a type that Linux has and the model lacks.
const TYPE_NOT_MODELLED: &str = "fsopen: the fake does not model this type (docs/fake.md)";
/// The same for the value of an option.
const OPTION_NOT_MODELLED: &str = "fsconfig: the fake does not model this value (docs/fake.md)";

/// Adds the missing feature of the model to an error that it has caused.
fn naming_the_gap(error: OsError, fs_type: &OsStr) -> OsError {
    match (error.errno(), error.step()) {
        (Errno::ENODEV, Some("fsopen" | "mount")) if is_known_but_not_modelled(fs_type.as_bytes()) => {
            error.at_step(TYPE_NOT_MODELLED)
        }
        (Errno::EOPNOTSUPP, Some("fsconfig" | "mount")) => error.at_step(OPTION_NOT_MODELLED),
        _ => error,
    }
}

impl Mounter for FakeBackend {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let subject = || Subject::onto(request.source().for_display(), request.target().for_display());
        self.detailed_call(Operation::Bind, subject, || bind(request), |linux| linux.bind(request))
    }

    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError> {
        let subject = || request.target.for_display().into();
        let detail = || request.fs_type.display().to_string();
        self.detailed_call(Operation::Mount, subject, detail, |linux| {
            linux.mount(request).map_err(|error| naming_the_gap(error, &request.fs_type))
        })
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        let subject = || Subject::onto(from.for_display(), to.for_display());
        self.call(Operation::MoveMount, subject, |linux| linux.move_mount(from, to))
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError> {
        let subject = || request.at().for_display().into();
        self.call(Operation::ChangeAttributes, subject, |linux| linux.change_attributes(request))
    }

    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError> {
        let subject = || at.for_display().into();
        self.call(Operation::SetSuperblock, subject, |linux| linux.set_superblock_read_only(at, read_only))
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let subject = || at.for_display().into();
        self.call(Operation::SetPropagation, subject, |linux| linux.set_propagation(at, propagation, recursion))
    }

    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError> {
        let subject = || at.for_display().into();
        self.call(Operation::SetPropagation, subject, |linux| linux.set_propagation_of(at, mount, propagation))
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        let subject = || request.at().for_display().into();
        self.detailed_call(Operation::Unmount, subject, || mode(request), |linux| linux.unmount(request))
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.call(Operation::MountOf, || at.for_display().into(), |linux| linux.mount_of(at))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.call(Operation::FilesystemOf, || at.for_display().into(), |linux| linux.filesystem_of(at))
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.call(Operation::FindMount, || mount.into(), |linux| linux.find_mount(mount))
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.call(Operation::Mounts, || Subject::Namespace, Mounter::mounts)
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.call(Operation::Origin, || Subject::Namespace, Mounter::origin)
    }
}

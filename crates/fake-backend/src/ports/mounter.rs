//! The port to mounts.

use mountwright_core::{
    AttributesReport, AttributesRequest, BindReport, BindRequest, FilesystemOf, Location, MountInfo, MountKey,
    MountReport, MountRequest, MountTable, Mounter, Operation, Origin, OsError, PathMount, Propagation, Recursion,
    Subject, UnmountMode, UnmountRequest,
};

use crate::FakeBackend;

/// What a journal says of a bind.
fn bind(request: &BindRequest) -> String {
    let mut words = Vec::new();
    if request.recursion() == Recursion::Tree {
        words.push("the tree".to_owned());
    }
    let change = request.change();
    words.extend(change.set().words().map(|(_, word)| word.to_owned()));
    words.extend(change.clear().words().map(|(_, word)| format!("not {word}")));
    words.extend(request.wanted_propagation().map(|propagation| propagation.to_string()));
    words.join(", ")
}

impl Mounter for FakeBackend {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        self.detailed_call(
            Operation::Bind,
            || Subject::onto(request.source().for_display(), request.target().for_display()),
            || bind(request),
            |calls| calls.bind(request),
        )
    }

    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError> {
        let detail = || request.fs_type.display().to_string();
        self.detailed_call(
            Operation::Mount,
            || request.target.for_display().into(),
            detail,
            |calls| calls.mount(request),
        )
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        let subject = || Subject::onto(from.for_display(), to.for_display());
        self.call(Operation::MoveMount, subject, |calls| calls.move_to(from, to))
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError> {
        self.call(
            Operation::ChangeAttributes,
            || request.at().for_display().into(),
            |calls| calls.change_attributes(request),
        )
    }

    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError> {
        self.call(
            Operation::SetSuperblock,
            || at.for_display().into(),
            |calls| calls.set_superblock_read_only(at, read_only),
        )
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        self.call(
            Operation::SetPropagation,
            || at.for_display().into(),
            |calls| calls.set_propagation(at, propagation, recursion),
        )
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        let detail = || match request.mode() {
            UnmountMode::Plain => String::new(),
            mode => format!("{mode:?}"),
        };
        let subject = || request.at().for_display().into();
        self.detailed_call(Operation::Unmount, subject, detail, |calls| calls.unmount(request))
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.call(Operation::MountOf, || at.for_display().into(), |calls| calls.mount_of(at))
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.call(Operation::FilesystemOf, || at.for_display().into(), |calls| calls.filesystem_of(at))
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.call(Operation::FindMount, || mount.into(), |calls| calls.find_mount(mount))
    }

    // The method has the one lifetime that it is named with, the closure any.
    #[allow(clippy::redundant_closure_for_method_calls)]
    fn mounts(&self) -> Result<MountTable, OsError> {
        self.call(Operation::Mounts, || Subject::Namespace, |calls| calls.mounts())
    }

    // As above.
    #[allow(clippy::redundant_closure_for_method_calls)]
    fn origin(&self) -> Result<Origin, OsError> {
        self.call(Operation::Origin, || Subject::Namespace, |calls| calls.origin())
    }
}

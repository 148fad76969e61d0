//! The port to mounts.

use mountwright_core::{
    AttributesReport, AttributesRequest, BindReport, BindRequest, FilesystemOf, Location, MountInfo, MountKey,
    MountReport, MountRequest, MountTable, Mounter, Operation, OsError, PathMount, Propagation, Recursion, Subject,
    UnmountMode, UnmountRequest,
};

use crate::FakeBackend;

fn tree(recursion: Recursion) -> &'static str {
    match recursion {
        Recursion::This => "",
        Recursion::Tree => ", the tree",
    }
}

/// What a journal says of a bind.
fn bind(request: &BindRequest) -> String {
    let mut text = format!("of {}{}", request.source().for_display().display(), tree(request.recursion()));
    let change = request.change();
    for (_, word) in change.set().words() {
        text.push_str(", ");
        text.push_str(word);
    }
    for (_, word) in change.clear().words() {
        text.push_str(", not ");
        text.push_str(word);
    }
    if let Some(propagation) = request.wanted_propagation() {
        text.push_str(", ");
        text.push_str(&propagation.to_string());
    }
    text
}

impl Mounter for FakeBackend {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        self.detailed_call(
            Operation::Bind,
            || request.target().for_display().into(),
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
        let detail = || format!("to {}", to.for_display().display());
        self.detailed_call(Operation::MoveMount, || from.for_display().into(), detail, |calls| calls.move_to(from, to))
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
}

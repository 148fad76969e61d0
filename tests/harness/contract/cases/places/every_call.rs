//! Every port call that takes a place, as a list: for rules that hold of all of them.

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::{FilesystemOption, SuperblockAccess};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, FileMode, Location, MountRequest, Operation, OsError, Propagation,
    Recursion, UnmountRequest,
};

use crate::contract::scene::{Scene, at};

/// A call on a place; [`ready`] has prepared everything else that it needs.
pub(in crate::contract::cases) type Call = (Operation, fn(&Scene<'_>, &Location) -> Result<(), OsError>);

/// Queries of the port to files.
pub(in crate::contract::cases) const LOOKS: &[Call] = &[
    (Operation::Metadata, |s, place| s.fs().metadata(place, FinalSymlink::Follow).map(drop)),
    (Operation::Metadata, |s, place| s.fs().metadata(place, FinalSymlink::Itself).map(drop)),
    (Operation::OpenDir, |s, place| s.fs().open_dir(place).map(drop)),
    (Operation::ReadLink, |s, place| s.fs().read_link(place).map(drop)),
];

/// Calls of the port to files that change something.
pub(in crate::contract::cases) const FILE_CHANGES: &[Call] = &[
    (Operation::CreateDir, |s, place| s.fs().create_dir(place, FileMode::from_bits(0o755)).map(drop)),
    (Operation::CreateFile, |s, place| s.fs().create_file(place, FileMode::from_bits(0o644)).map(drop)),
    (Operation::CreateSymlink, |s, place| s.fs().create_symlink(place, "target".as_ref()).map(drop)),
    (Operation::CreateNode, |s, place| {
        s.fs().create_node(place, FileKind::Fifo, None, FileMode::from_bits(0o600)).map(drop)
    }),
    (Operation::RemoveDir, |s, place| s.fs().remove_dir(place)),
    (Operation::RemoveFile, |s, place| s.fs().remove_file(place)),
];

/// Calls of the port to mounts that change something.
pub(in crate::contract::cases) const MOUNT_CHANGES: &[Call] = &[
    (Operation::Bind, |s, place| s.mounter().bind(&BindRequest::new(place.clone(), at("/w-ready/target"))).map(drop)),
    (Operation::Bind, |s, place| {
        s.mounter().bind(&BindRequest::new(at("/w-ready/source"), place.clone()).stacking()).map(drop)
    }),
    (Operation::DetachedTree, |s, place| {
        s.mounter().detached_tree(&BindRequest::new(place.clone(), at("/w-ready/target"))).map(drop)
    }),
    (Operation::Mount, |s, place| s.mounter().mount(&MountRequest::new("tmpfs", place.clone())).map(drop)),
    (Operation::MoveMount, |s, place| s.mounter().move_mount(place, &at("/w-ready/target"))),
    (Operation::MoveMount, |s, place| s.mounter().move_mount(&at("/w-ready/mount"), place)),
    (Operation::ChangeAttributes, |s, place| {
        s.mounter().change_attributes(&AttributesRequest::new(place.clone(), AttributeChange::READ_ONLY)).map(drop)
    }),
    (Operation::SetSuperblock, |s, place| s.mounter().set_superblock(place, SuperblockAccess::ReadOnly)),
    (Operation::SetSuperblock, |s, place| s.mounter().reconfigure(place, &[FilesystemOption::flag("ro")])),
    (Operation::SetPropagation, |s, place| s.mounter().set_propagation(place, Propagation::Shared, Recursion::This)),
    (Operation::Unmount, |s, place| s.mounter().unmount(&UnmountRequest::new(place.clone()))),
];

/// Queries of the port to mounts.
pub(in crate::contract::cases) const MOUNT_QUESTIONS: &[Call] = &[
    (Operation::MountOf, |s, place| s.mounter().mount_of(place).map(drop)),
    (Operation::FilesystemOf, |s, place| s.mounter().filesystem_of(place).map(drop)),
];

/// All of them.
pub(in crate::contract::cases) fn every_call() -> impl Iterator<Item = &'static Call> {
    [LOOKS, FILE_CHANGES, MOUNT_CHANGES, MOUNT_QUESTIONS].into_iter().flatten()
}

/// Prepares everything that the calls need besides the place.
pub(in crate::contract::cases) fn ready(s: &Scene<'_>) {
    s.does("dir /w-ready/source /w-ready/target; tmpfs /w-ready/mount");
}

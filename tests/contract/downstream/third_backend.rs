//! A third-party backend, run through the contract with the public items of `mountwright-tests`.
//!
//! It records each call and forwards it to another backend, as an audit would.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use mountwright_core::file::{FileIdentity, FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::{
    BindReport, FilesystemOf, FilesystemOption, Guarantee, Origin, PathMount, SuperblockAccess,
};
use mountwright_core::ports::DetachedTree;
use mountwright_core::{
    AttributesRequest, BindRequest, DeviceNumber, Directory, FileMode, Filesystem, Location, MountInfo, MountKey,
    MountRequest, MountTable, Mounter, Operation, OsError, Propagation, Recursion, UnmountRequest,
};
use mountwright_fake::FakeBackend;
use mountwright_tests::contract::{Case, cases, play_on_model};

struct Audited<B> {
    does: B,
    asked: Mutex<Vec<Operation>>,
    /// True if it reports that it has set the propagation of a mount, and has not.
    forgets_propagation: bool,
}

impl<B> Audited<B> {
    fn noting(&self, operation: Operation) -> &B {
        self.asked.lock().unwrap().push(operation);
        &self.does
    }
}

impl<B: Filesystem> Filesystem for Audited<B> {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.noting(Operation::Metadata).metadata(at, link)
    }

    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.noting(Operation::Metadata).metadata_cached(at, link)
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.noting(Operation::Canonicalize).canonicalize(path)
    }

    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.noting(Operation::Canonicalize).canonicalize_cached(path)
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.noting(Operation::CurrentDir).current_dir()
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        self.noting(Operation::OpenDir).open_dir(at)
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.noting(Operation::ReadLink).read_link(at)
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.noting(Operation::CreateDir).create_dir(at, mode)
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.noting(Operation::CreateFile).create_file(at, mode)
    }

    fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError> {
        self.noting(Operation::CreateSymlink).create_symlink(at, target)
    }

    fn create_node(
        &self,
        at: &Location,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        self.noting(Operation::CreateNode).create_node(at, kind, device, mode)
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        self.noting(Operation::RemoveDir).remove_dir(at)
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        self.noting(Operation::RemoveFile).remove_file(at)
    }
}

impl<B: Mounter> Mounter for Audited<B> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        self.noting(Operation::Bind).bind(request)
    }

    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        self.noting(Operation::Mount).mount(request)
    }

    fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError> {
        self.noting(Operation::DetachedTree).detached_tree(request)
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        self.noting(Operation::MoveMount).move_mount(from, to)
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError> {
        self.noting(Operation::ChangeAttributes).change_attributes(request)
    }

    fn set_superblock(&self, at: &Location, access: SuperblockAccess) -> Result<(), OsError> {
        self.noting(Operation::SetSuperblock).set_superblock(at, access)
    }

    fn reconfigure(&self, at: &Location, options: &[FilesystemOption]) -> Result<(), OsError> {
        self.noting(Operation::SetSuperblock).reconfigure(at, options)
    }

    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError> {
        let does = self.noting(Operation::SetPropagation);
        if self.forgets_propagation { Ok(()) } else { does.set_propagation(at, propagation, recursion) }
    }

    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError> {
        let does = self.noting(Operation::SetPropagation);
        if self.forgets_propagation { Ok(()) } else { does.set_propagation_of(at, mount, propagation) }
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        self.noting(Operation::Unmount).unmount(request)
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.noting(Operation::MountOf).mount_of(at)
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.noting(Operation::FilesystemOf).filesystem_of(at)
    }

    fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError> {
        self.noting(Operation::MountOf).mount_of_cached(at)
    }

    fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.noting(Operation::FilesystemOf).filesystem_of_cached(at)
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.noting(Operation::FindMount).find_mount(mount)
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.noting(Operation::Mounts).mounts()
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.noting(Operation::Origin).origin()
    }

    fn let_others_run(&self, attempt: u32) {
        self.does.let_others_run(attempt);
    }
}

/// Plays one case on a fresh machine.
fn play(case: Case, forgets_propagation: bool) {
    play_on_model(case, |machine, process| {
        let does = FakeBackend::over(machine.shared(), process);
        (Audited { does, asked: Mutex::default(), forgets_propagation }, true)
    });
}

#[test]
fn somebody_elses_backend_is_taken_through_the_whole_contract() {
    cases().for_each(|(_, case)| play(case, false));
    assert!(cases().count() > 200);
}

#[test]
fn somebody_elses_backend_that_forgets_one_thing_does_not_get_through() {
    let of_propagation = cases().filter(|(area, _)| *area == "propagation");
    let passes = |case| catch_unwind(AssertUnwindSafe(|| play(case, true))).is_ok();
    let caught: Vec<&str> = of_propagation.filter(|(_, case)| !passes(*case)).map(|(_, case)| case.rule()).collect();
    assert!(caught.contains(&"a shared mount sends what is mounted below it, a private one does not"), "{caught:?}");
}

//! Core as another crate's tests use it: each port mocked through the feature `mock`, passed as `&dyn`.

mod namespace;
mod third_backend;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use camino::Utf8Path;
use mountwright_core::file::{DirectoryEntry, FileIdentity, FileKind, Metadata};
use mountwright_core::kata::{Container, KataError, RafsDaemon, RafsUnmount, Sandbox};
use mountwright_core::kubernetes::FileCount;
use mountwright_core::mount::{BindReport, Guarantee, MountId, Origin};
use mountwright_core::ports::Ports;
use mountwright_core::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter};
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::Removal;
use mountwright_core::{
    ContainerId, DeviceNumber, Directory, Errno, Error, Filesystem, Location, MountInfo, MountKey, Mounter, Operation,
    OsError,
};

/// A runtime that holds its ports as trait objects, as a crate that depends on core does.
struct Runtime {
    fs: Arc<dyn Filesystem>,
    mounter: Arc<dyn Mounter>,
}

impl Runtime {
    fn start(&self, id: &ContainerId) -> Result<MountKey, Error> {
        let mounts = Utf8Path::new("/run/mounts");
        let record = Share::rootfs(mounts, id, Location::trusted("/images/box"))?
            .read_only()
            .create(&Ports { filesystem: &*self.fs, mounter: &*self.mounter })?;
        Ok(record.mount)
    }
}

fn id() -> ContainerId {
    ContainerId::new("box").unwrap()
}

const KEY: MountKey = MountKey::Reused(MountId(7));

/// A filesystem in which everything is a directory, and can be made and removed.
fn willing() -> MockFilesystem {
    let mut fs = MockFilesystem::new();
    fs.expect_metadata().returning(|_, _| Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 1)));
    fs.expect_create_dir()
        .returning(|_, _| Ok(FileIdentity { device: DeviceNumber::new(0, 1), inode: 1, kind: FileKind::Directory }));
    fs.expect_remove_dir().returning(|_| Ok(()));
    fs.expect_open_dir().returning(|_| Ok(willing_directory()));
    fs
}

fn willing_directory() -> Box<dyn Directory> {
    let mut directory = MockDirectory::new();
    let metadata = || Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 1);
    directory.expect_own_metadata().returning(move || Ok(metadata()));
    directory.expect_metadata().returning(move |_| Ok(metadata()));
    directory.expect_open_dir().returning(|_, _| Ok(willing_directory()));
    directory.expect_remove_dir().returning(|_| Ok(()));
    Box::new(directory)
}

#[test]
fn a_mocked_mounter_is_asked_for_one_bind() {
    let mut mounter = MockMounter::new();
    mounter
        .expect_bind()
        .withf(|request| *request.target() == Location::beneath("/run/mounts", "box/rootfs").unwrap())
        .times(1)
        .returning(|_| Ok(BindReport::new(KEY, Guarantee::Atomic)));
    mounter.expect_find_mount().returning(|_| Ok(MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1))));
    mounter.expect_origin().returning(|| Ok(Origin::UNKNOWN));
    let runtime = Runtime { fs: Arc::new(willing()), mounter: Arc::new(mounter) };
    assert_eq!(runtime.start(&id()), Ok(KEY));
}

#[test]
fn a_mocked_mounters_errno_reaches_the_runtime() {
    let mut mounter = MockMounter::new();
    mounter.expect_bind().returning(|_| Err(OsError::new(Operation::Bind, "/run/mounts/box/rootfs", Errno::EBUSY)));
    let runtime = Runtime { fs: Arc::new(willing()), mounter: Arc::new(mounter) };
    assert_eq!(runtime.start(&id()).unwrap_err().errno(), Some(Errno::EBUSY));
}

#[test]
fn a_mocked_mounter_answers_a_question() {
    let mut mounter = MockMounter::new();
    mounter.expect_mount_of().returning(|_| Err(OsError::new(Operation::MountOf, "/no", Errno::ENOENT)));
    let mounter: &dyn Mounter = &mounter;
    assert_eq!(MountInfo::at(mounter, "/no").unwrap_err().errno(), Some(Errno::ENOENT));
}

/// A directory with files of these names and nothing else.
fn directory_of(names: &'static [&'static str]) -> MockDirectory {
    let mut directory = MockDirectory::new();
    directory.expect_entries().returning(move || {
        let entry = |name: &&str| DirectoryEntry { name: OsString::from(name), kind: FileKind::Regular, inode: 1 };
        Ok(DirectoryEntries::new(names.iter().map(move |name| Ok(entry(name)))))
    });
    directory
}

#[test]
fn a_mocked_filesystem_and_directory_are_counted() {
    let mut fs = MockFilesystem::new();
    fs.expect_metadata().returning(|_, _| Ok(Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 1)));
    fs.expect_open_dir().returning(|_| {
        let directory: Box<dyn Directory> = Box::new(directory_of(&["a", "b", "c"]));
        Ok(directory)
    });
    let fs: &dyn Filesystem = &fs;
    assert_eq!(FileCount::below(fs, "/volume", 8), Ok(FileCount::Exactly(3)));
    assert_eq!(FileCount::below(fs, "/volume", 2), Ok(FileCount::Over(2)));
}

#[test]
fn a_mocked_symlink_is_refused() {
    let mut fs = MockFilesystem::new();
    fs.expect_open_dir().returning(|_| {
        let mut mounts = MockDirectory::new();
        let symlink = || OsError::new(Operation::OpenDir, "/run/mounts/box", Errno::ELOOP);
        mounts.expect_open_dir().returning(move |_, _| Err(symlink()));
        Ok(Box::new(mounts))
    });
    let outcome = ShareName::Rootfs.unshare(
        &Ports { filesystem: &fs, mounter: &MockMounter::new() },
        "/run/mounts".into(),
        &id(),
    );
    assert_eq!(outcome, Ok(Removal::Symlink));
}

/// A machine on which nothing is mounted and no directory is left.
fn clean_machine() -> (MockFilesystem, MockMounter) {
    let gone = || OsError::new(Operation::RemoveDir, "/run/mounts/box", Errno::ENOENT);
    let mut fs = MockFilesystem::new();
    fs.expect_remove_dir().returning(move |_| Err(gone()));
    fs.expect_open_dir().returning(move |_| Err(gone()));
    fs.expect_metadata().returning(move |_, _| Err(gone()));
    let mut mounter = MockMounter::new();
    mounter.expect_unmount().returning(move |_| Err(gone()));
    (fs, mounter)
}

/// A daemon with this result for one image.
struct Daemon(&'static str, Result<RafsUnmount, KataError>);

impl RafsDaemon for Daemon {
    fn unmount(&self, path: &str) -> Result<RafsUnmount, KataError> {
        assert_eq!(path, self.0);
        self.1.clone()
    }
}

#[test]
fn a_daemon_is_asked_for_the_containers_image() {
    let sandbox = Sandbox::new(ContainerId::new("pod").unwrap(), "/run/mounts", "qemu");
    let (fs, mounter) = clean_machine();
    let daemon: &dyn RafsDaemon = &Daemon("/rafs/box/lowerdir", Ok(RafsUnmount::NotMounted));
    let report = sandbox.cleanup_nydus(&Ports { filesystem: &fs, mounter: &mounter }, daemon, &Container::new(id()));
    assert!(report.is_clean() && report.mounts[1].result == Ok(Removal::NotFound), "{report}");
}

#[test]
fn a_daemons_failure_is_reported_for_its_image() {
    let sandbox = Sandbox::new(ContainerId::new("pod").unwrap(), "/run/mounts", "clh");
    let (fs, mounter) = clean_machine();
    let daemon = Daemon("/rafs/box/lowerdir", Err(KataError::Rafs("connection refused".into())));
    let report = sandbox.cleanup_nydus(&Ports { filesystem: &fs, mounter: &mounter }, &daemon, &Container::new(id()));
    let failed: Vec<_> = report.failures().map(|mount| &*mount.path).collect();
    assert_eq!(failed, [Path::new("/rafs/box/lowerdir")]);
}

//! A world with short methods for cases.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::Path;

use mountwright_core::file::{FileKind, Metadata};
use mountwright_core::mount::UnmountMode;
use mountwright_core::ports::ProcessRoot;
use mountwright_core::{
    Backend, BindRequest, Errno, FileMode, Filesystem, MountInfo, MountKey, MountTable, Mounter, OsError,
    UnmountRequest,
};
use mountwright_fake::abi;

use super::observed::Observed;
use super::world::{Held, Hold, World};
use crate::machine::{self, furnish_by, here};
pub(super) use crate::machine::{at, below, within};
use crate::scenario_runner::calls::ProcessCalls;

/// A world, with short methods for the set-up and the checks of cases. Set-up that fails is a panic.
pub(super) struct Scene<'w> {
    world: &'w dyn World,
}

/// These permission bits.
pub(super) fn mode(bits: u16) -> FileMode {
    FileMode::from_bits(bits)
}

/// A bind of one trusted path onto another.
pub(super) fn bind(source: &str, target: &str) -> BindRequest {
    BindRequest::new(at(source), at(target))
}

/// An unmount of the topmost mount at a trusted path.
pub(super) fn unmount(path: &str) -> UnmountRequest {
    UnmountRequest::new(at(path))
}

/// A lazy unmount of the topmost mount at a trusted path.
pub(super) fn detach(path: &str) -> UnmountRequest {
    unmount(path).with_mode(UnmountMode::Detach)
}

impl<'w> Scene<'w> {
    pub(super) fn new(world: &'w dyn World) -> Self {
        Self { world }
    }

    /// The first port of the backend under test.
    pub(super) fn fs(&self) -> &'w dyn Filesystem {
        self.world.backend()
    }

    /// The second port of the backend under test.
    pub(super) fn mounter(&self) -> &'w dyn Mounter {
        self.world.backend()
    }

    /// The port to the root of the process, of the backend under test.
    pub(super) fn roots(&self) -> &'w dyn ProcessRoot {
        self.world.process_root().expect("these cases are for backends that implement it")
    }

    /// The backend under test.
    pub(super) fn backend(&self) -> &'w dyn Backend {
        self.world.backend()
    }

    /// The world, for access past the backend.
    pub(super) fn world(&self) -> &'w dyn World {
        self.world
    }

    // Setting up.

    /// Does what the lines say ([`furnish`](crate::machine::furnish)).
    #[track_caller]
    pub(super) fn does(&self, lines: &str) {
        self.world.call(|calls| furnish_by(calls, lines));
    }

    /// Makes a directory of any name, and those above it.
    #[track_caller]
    pub(super) fn dir(&self, path: impl AsRef<Path>) {
        self.done("mkdir", path, |calls, path| machine::dir(calls, path));
    }

    /// Makes a file of any name and with any bytes, and the directories above it.
    #[track_caller]
    pub(super) fn file(&self, path: impl AsRef<Path>, contents: &[u8]) {
        self.done("write", path, |calls, path| machine::file(calls, path, contents));
    }

    /// Makes a symlink to anything, and the directories above it.
    #[track_caller]
    pub(super) fn link(&self, target: &Path, path: impl AsRef<Path>) {
        self.done("symlink", path, |calls, path| machine::link(calls, target, path));
    }

    /// Mounts a tmpfs of any source on a directory, which is made.
    #[track_caller]
    pub(super) fn tmpfs(&self, source: impl AsRef<OsStr>, path: impl AsRef<Path>) {
        self.done("mount", path, |calls, path| machine::tmpfs(calls, source.as_ref(), path));
    }

    /// Binds one mount to a directory of any name, which is made.
    #[track_caller]
    pub(super) fn bound(&self, source: impl AsRef<Path>, target: impl AsRef<Path>) {
        self.done("bind", target, |calls, target| machine::bind(calls, source.as_ref(), target));
    }

    /// Holds a path open.
    #[track_caller]
    pub(super) fn hold(&self, path: &str, how: Hold) -> Held {
        let access = match how {
            Hold::Read => abi::O_RDONLY,
            Hold::Write => abi::O_WRONLY,
        };
        self.world.held(self.done("open", path, |calls, path| calls.openat(here(path), access | abi::O_CLOEXEC, 0)))
    }

    /// Changes the current directory to one of any name.
    #[track_caller]
    pub(super) fn chdir(&self, path: &str) {
        self.done("chdir", path, |calls, path| calls.chdir(here(path)));
    }

    /// Drops every capability for good.
    #[track_caller]
    pub(super) fn without_privilege(&self) {
        self.world.drop_capabilities().expect("fewer are always allowed");
    }

    #[track_caller]
    fn done<T>(
        &self,
        what: &str,
        path: impl AsRef<Path>,
        act: impl FnOnce(&mut dyn ProcessCalls, &Path) -> Result<T, Errno>,
    ) -> T {
        let path = path.as_ref();
        match self.world.call(|calls| act(calls, path)) {
            Ok(value) => value,
            Err(errno) => panic!("setting up: {what} {}: {errno}", path.display()),
        }
    }

    // Looking.

    /// lstat(2), of what must be there.
    #[track_caller]
    pub(super) fn stat(&self, path: impl AsRef<Path>) -> Metadata {
        let path = path.as_ref();
        self.world.stat(path).unwrap_or_else(|errno| panic!("lstat {}: {errno}", path.display()))
    }

    /// Compares a port's metadata of a file with lstat(2), which reports neither mount nor time of birth.
    #[track_caller]
    pub(super) fn assert_metadata(&self, found: &Metadata, path: impl AsRef<Path>) {
        let mut expected = self.stat(&path);
        (expected.mount, expected.birth) = (found.mount, found.birth);
        assert_eq!(*found, expected, "{}", path.as_ref().display());
    }

    /// Returns the kind of a file; `None` if the name does not exist.
    pub(super) fn kind(&self, path: impl AsRef<Path>) -> Option<FileKind> {
        self.world.stat(path.as_ref()).ok().map(|found| found.kind)
    }

    /// Returns true if the name exists.
    pub(super) fn exists(&self, path: impl AsRef<Path>) -> bool {
        self.kind(path).is_some()
    }

    /// The permission bits.
    #[track_caller]
    pub(super) fn mode(&self, path: impl AsRef<Path>) -> u16 {
        self.stat(path).mode.bits()
    }

    /// The bytes of a file.
    #[track_caller]
    pub(super) fn text(&self, path: impl AsRef<Path>) -> Vec<u8> {
        let path = path.as_ref();
        self.world.read(path).unwrap_or_else(|errno| panic!("read {}: {errno}", path.display()))
    }

    /// Tries to make a file in a directory.
    pub(super) fn try_write(&self, directory: &str) -> Result<(), Errno> {
        let probe = Path::new(directory).join("written");
        self.try_overwrite(&probe)?;
        self.world.call(|calls| calls.unlinkat(here(&probe), 0))
    }

    /// Tries to write to a file, which is made if it is missing.
    pub(super) fn try_overwrite(&self, path: impl AsRef<Path>) -> Result<(), Errno> {
        self.world.call(|calls| machine::file(calls, path.as_ref(), b"new"))
    }

    /// The mount table.
    pub(super) fn table(&self) -> MountTable {
        MountTable::parse(self.world.mountinfo())
    }

    /// Every mount below `/w`, oldest first.
    pub(super) fn mounts(&self) -> Vec<MountInfo> {
        let table = self.table();
        let below = |mount: &MountInfo| mount.mount_point.starts_with("/w") && mount.mount_point != Path::new("/w");
        table.iter().map(|row| row.to_info()).filter(below).collect()
    }

    /// Returns the mount points below `/w`, oldest first.
    pub(super) fn mount_points(&self) -> Vec<String> {
        self.mounts().iter().map(|mount| mount.mount_point.to_string_lossy().into_owned()).collect()
    }

    /// The mount that a walk to the path ends on, which must have its root there.
    #[track_caller]
    pub(super) fn mount(&self, path: impl AsRef<Path>) -> MountInfo {
        let path = path.as_ref();
        match self.table().mount_at(path) {
            Some(row) => row.to_info(),
            None => panic!("nothing is mounted on {}: {:#?}", path.display(), self.table()),
        }
    }

    /// True where a mount has its root at the path.
    pub(super) fn is_mounted(&self, path: impl AsRef<Path>) -> bool {
        self.table().mount_at(path.as_ref()).is_some()
    }

    /// The key by which the backend under test finds the mount at a path.
    #[track_caller]
    pub(super) fn key(&self, path: &str) -> MountKey {
        self.mounter().mount_of(&at(path)).unwrap().mount.key()
    }

    // Expecting.

    /// Makes a call that must be refused, with this errno, and change nothing.
    #[track_caller]
    pub(super) fn refuses<T>(&self, errno: Errno, call: impl FnOnce() -> Result<T, OsError>) -> OsError {
        let before = Observed::of(self.world);
        let Err(error) = call() else { panic!("it succeeded, and should have answered {errno}") };
        assert_eq!(error.errno(), errno, "{error}");
        assert_eq!(error.left(), [], "{error}");
        let after = Observed::of(self.world);
        assert_eq!(before, after, "after {error}");
        error
    }

    /// Changes the attributes of a whole tree: that must succeed if the kernel has a call for it, and be `EOPNOTSUPP`
    /// if not.
    #[track_caller]
    pub(super) fn changes_tree<T: Debug>(&self, call: impl FnOnce() -> Result<T, OsError>) -> Option<T> {
        if self.world.changes_trees() {
            return Some(call().unwrap());
        }
        self.refuses(Errno::EOPNOTSUPP, call);
        None
    }

    /// Makes a call that must change nothing, whatever it returns.
    #[track_caller]
    pub(super) fn changes_nothing<T>(&self, call: impl FnOnce() -> T) -> T {
        let before = Observed::of(self.world);
        let answer = call();
        assert_eq!(before, Observed::of(self.world));
        answer
    }
}

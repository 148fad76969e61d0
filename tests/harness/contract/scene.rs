//! A world with short methods for cases.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::{AtimeMode, MountAttributes, UnmountMode};
use mountwright_core::{
    Backend, BindRequest, Errno, Filesystem, Location, MountFlags, MountInfo, MountTable, Mounter, OsError,
    Propagation, Recursion, UnmountRequest,
};

use super::observed::Observed;
use super::world::{Held, Hold, NodeKind, World};

/// A world, with short methods for the set-up and the checks of cases. Set-up that fails is a panic.
pub(super) struct Scene<'w> {
    world: &'w dyn World,
}

/// A place at a trusted path.
pub(super) fn at(path: impl Into<PathBuf>) -> Location {
    Location::trusted(path)
}

/// A place below a root.
pub(super) fn below(root: &str, path: impl Into<PathBuf>) -> Location {
    Location::beneath(root, path).expect("the case's own path is relative")
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

    /// The backend under test.
    pub(super) fn backend(&self) -> &'w dyn Backend {
        self.world.backend()
    }

    /// The world, for access past the backend.
    pub(super) fn world(&self) -> &'w dyn World {
        self.world
    }

    // Setting up.

    /// Makes a directory, mode 0755, and those above it.
    #[track_caller]
    pub(super) fn dir(&self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if let Some(parent) = path.parent().filter(|parent| self.kind(parent).is_none()) {
            self.dir(parent);
        }
        if self.kind(path).is_none() {
            done("mkdir", path, self.world.make_dir(path, 0o755));
        }
    }

    /// Makes a file, mode 0644, and the directories above it.
    #[track_caller]
    pub(super) fn file(&self, path: impl AsRef<Path>, contents: &[u8]) {
        let path = path.as_ref();
        self.parent(path);
        done("write", path, self.world.make_file(path, contents, 0o644));
    }

    /// Makes a symlink, and the directories above it.
    #[track_caller]
    pub(super) fn link(&self, target: impl AsRef<Path>, path: impl AsRef<Path>) {
        let path = path.as_ref();
        self.parent(path);
        done("symlink", path, self.world.make_symlink(target.as_ref(), path));
    }

    /// Makes a node, and the directories above it.
    #[track_caller]
    pub(super) fn node(&self, path: &str, kind: NodeKind) {
        self.parent(path.as_ref());
        done("mknod", path, self.world.make_node(path.as_ref(), kind));
    }

    #[track_caller]
    fn parent(&self, path: &Path) {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.dir(parent);
        }
    }

    /// Mounts a tmpfs on a directory, which is made.
    #[track_caller]
    pub(super) fn tmpfs(&self, path: impl AsRef<Path>) {
        self.tmpfs_from("tmp", path);
    }

    /// The same with a source of its own.
    #[track_caller]
    pub(super) fn tmpfs_from(&self, source: impl AsRef<OsStr>, path: impl AsRef<Path>) {
        let path = path.as_ref();
        self.dir(path);
        done("mount", path, self.world.mount_tmpfs(path, source.as_ref()));
    }

    /// Binds one mount, onto what must be there.
    #[track_caller]
    pub(super) fn bound(&self, source: impl AsRef<Path>, target: impl AsRef<Path>) {
        let target = target.as_ref();
        done("bind", target, self.world.bind(source.as_ref(), target, Recursion::This));
    }

    /// Sets the propagation of one mount.
    #[track_caller]
    pub(super) fn propagate(&self, path: &str, propagation: Propagation) {
        done("propagation", path, self.world.set_propagation(path.as_ref(), propagation, Recursion::This));
    }

    /// Gives a mount these flags and `relatime`.
    #[track_caller]
    pub(super) fn flag(&self, path: &str, flags: MountFlags) {
        self.attributes(path, flags, AtimeMode::Relative);
    }

    /// Gives a mount these flags and this atime class.
    #[track_caller]
    pub(super) fn attributes(&self, path: &str, flags: MountFlags, atime: AtimeMode) {
        done("remount", path, self.world.set_attributes(path.as_ref(), MountAttributes { flags, atime }));
    }

    /// Unmounts the topmost mount, lazily.
    #[track_caller]
    pub(super) fn detached(&self, path: &str) {
        done("umount2", path, self.world.detach(path.as_ref()));
    }

    /// Holds a path open.
    #[track_caller]
    pub(super) fn hold(&self, path: &str, how: Hold) -> Held {
        done("open", path, self.world.hold(path.as_ref(), how))
    }

    /// Renames.
    #[track_caller]
    pub(super) fn rename(&self, from: &str, to: &str) {
        done("rename", from, self.world.rename(from.as_ref(), to.as_ref()));
    }

    /// Removes an empty directory.
    #[track_caller]
    pub(super) fn rmdir(&self, path: &str) {
        done("rmdir", path, self.world.remove_dir(path.as_ref()));
    }

    /// Changes the current directory.
    #[track_caller]
    pub(super) fn chdir(&self, path: &str) {
        done("chdir", path, self.world.change_dir(path.as_ref()));
    }

    /// chmod(2).
    #[track_caller]
    pub(super) fn chmod(&self, path: &str, mode: u16) {
        done("chmod", path, self.world.set_mode(path.as_ref(), mode));
    }

    /// Drops every capability for good.
    #[track_caller]
    pub(super) fn without_privilege(&self) {
        done("capset", "/", self.world.drop_capabilities());
    }

    // Looking.

    /// lstat(2), of what must be there.
    #[track_caller]
    pub(super) fn stat(&self, path: impl AsRef<Path>) -> Metadata {
        let path = path.as_ref();
        done("lstat", path, self.world.stat(path, FinalSymlink::Itself))
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
        self.world.stat(path.as_ref(), FinalSymlink::Itself).ok().map(|found| found.kind)
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
        done("read", path, self.world.read(path))
    }

    /// Tries to make a file in a directory.
    pub(super) fn try_write(&self, directory: &str) -> Result<(), Errno> {
        let probe = Path::new(directory).join("written");
        self.world.make_file(&probe, b"", 0o644)?;
        self.world.remove_file(&probe)
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

#[track_caller]
fn done<T>(what: &str, path: impl Debug, result: Result<T, Errno>) -> T {
    match result {
        Ok(value) => value,
        Err(errno) => panic!("setting up: {what} {path:?}: {errno}"),
    }
}

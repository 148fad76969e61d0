//! A fresh tmpfs to play on.

use std::any::Any;
use std::ffi::CStr;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Location;
use mountwright_linux::LinuxBackend;
use rustix::fs::{CWD, FileType, Mode, RenameFlags, renameat_with};
use rustix::mount::MountFlags;

/// A fresh tmpfs in this thread's own mount namespace. It is set up and inspected without the library.
pub(crate) struct Scene {
    root: PathBuf,
    pub(crate) backend: LinuxBackend,
}

/// Directories of which every machine has one; their contents are covered for this thread.
const STAGES: [&str; 3] = ["/mnt", "/tmp", "/var"];

impl Scene {
    pub(crate) fn new() -> Self {
        let stage =
            STAGES.into_iter().map(PathBuf::from).find(|stage| stage.is_dir()).expect("a directory to mount on");
        let scene = Self { root: stage, backend: LinuxBackend::new() };
        scene.mount_tmpfs("");
        scene
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    pub(crate) fn location(&self, path: &str) -> Location {
        Location::trusted(self.path(path))
    }

    pub(crate) fn mount_tmpfs(&self, path: &str) {
        let mounted =
            rustix::mount::mount(c"volume", self.path(path), c"tmpfs", MountFlags::empty(), Some(c"mode=755"));
        mounted.expect("a tmpfs can be mounted");
    }

    pub(crate) fn bind(&self, from: &str, onto: &str) {
        rustix::mount::mount_bind(self.path(from), self.path(onto)).expect("it can be bound");
    }

    pub(crate) fn remount_read_only(&self, path: &str) {
        let flags = MountFlags::BIND | MountFlags::RDONLY;
        rustix::mount::mount_remount(self.path(path), flags, c"" as &CStr).expect("it can be made read-only");
    }

    /// A directory, and those above it with mode 0755.
    pub(crate) fn directory(&self, path: &str, mode: u32) {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(self.path(path)).expect("a directory can be made");
        self.set_mode(path, mode);
    }

    pub(crate) fn file(&self, path: &str, mode: u32, bytes: &[u8]) {
        let above = self.path(path);
        fs::create_dir_all(above.parent().expect("a file is in a directory")).expect("a directory can be made");
        fs::write(self.path(path), bytes).expect("a file can be written");
        self.set_mode(path, mode);
    }

    pub(crate) fn symlink(&self, path: &str, target: impl AsRef<Path>) {
        symlink(target, self.path(path)).expect("a symlink can be made");
    }

    pub(crate) fn node(&self, path: &str, kind: FileType) {
        // The null device, for a device node.
        let device = if kind == FileType::CharacterDevice { rustix::fs::makedev(1, 3) } else { 0 };
        rustix::fs::mknodat(CWD, self.path(path), kind, Mode::empty(), device).expect("a node can be made");
        self.set_mode(path, 0o600);
    }

    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).expect("a mode can be set");
    }

    pub(crate) fn set_group(&self, path: &str, gid: u32) {
        chown(self.path(path), None, Some(gid)).expect("a group can be set");
    }

    pub(crate) fn exchange(&self, one: &str, other: &str) {
        renameat_with(CWD, self.path(one), CWD, self.path(other), RenameFlags::EXCHANGE).expect("names are exchanged");
    }

    /// Returns mode and group of a file, a symlink itself: `2770 5`.
    pub(crate) fn shown(&self, path: &str) -> String {
        let found = fs::symlink_metadata(self.path(path)).expect("it is there");
        format!("{:o} {}", found.mode() & 0o7777, found.gid())
    }

    /// Returns the time of the last change of contents, mode or owner.
    pub(crate) fn change_time(&self, path: &str) -> (i64, i64) {
        let found = fs::symlink_metadata(self.path(path)).expect("it is there");
        (found.ctime(), found.ctime_nsec())
    }

    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(path)).expect("it can be listed");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Counts the open descriptors of this thread, which has a table of its own.
    pub(crate) fn open_descriptors() -> usize {
        fs::read_dir("/proc/thread-self/fd").expect("there is a procfs").count()
    }
}

/// Ends a thread that polls the flag, also when this one panics.
pub(crate) struct Ending<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Returns the message of a panicked thread.
pub(crate) fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().cloned();
    words.or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned())).unwrap_or_default()
}

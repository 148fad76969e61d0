//! A fresh tmpfs to play on.

use std::any::Any;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Location;
use mountwright_linux::LinuxBackend;
use mountwright_tests::machine::furnish;
use rustix::fs::{CWD, RenameFlags, renameat_with};

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
        furnish(&format!("tmpfs:volume {0}; chdir {0}", stage.display()));
        Self { root: stage, backend: LinuxBackend::new() }
    }

    pub(crate) fn path(&self, path: &str) -> PathBuf {
        if path.is_empty() { self.root.clone() } else { self.root.join(path) }
    }

    pub(crate) fn location(&self, path: &str) -> Location {
        Location::trusted(self.path(path))
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

//! Checks that nothing outside was touched.

use std::fs;
use std::path::{Path, PathBuf};

use mountwright_core::Mounter;
use mountwright_linux::LinuxBackend;
use rustix::mount::UnmountFlags;

use crate::setting;
use crate::shared::Shared;

/// The changes found outside, which are then repaired.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touched {
    /// Mounts made outside the shared directory.
    pub(crate) mounted: u64,
    /// Unmounts of the victim's mount.
    pub(crate) unmounted: u64,
    /// Directories and files removed.
    pub(crate) removed: u64,
    /// Directories and files made.
    pub(crate) made: u64,
    /// Mounts left below the shared directory, under any name: not an escape, but a fault.
    pub(crate) left: u64,
}

impl Touched {
    /// Escapes.
    pub(crate) fn total(self) -> u64 {
        self.mounted + self.unmounted + self.removed + self.made
    }

    /// Finds a mount that was left after everything was unshared, counts it and unmounts it.
    pub(crate) fn look_for_left(&mut self, backend: &LinuxBackend) {
        for row in backend.mounts().expect("the mount table").iter() {
            let point = row.mount_point();
            if point.starts_with("/w/shared") && point != Path::new("/w/shared") {
                self.left += 1;
                // The attacker may have moved it since.
                let _ = rustix::mount::unmount(&*point, UnmountFlags::DETACH);
            }
        }
    }

    /// Looks, counts, and restores what was touched.
    pub(crate) fn look(&mut self, shared: Shared, backend: &LinuxBackend) {
        let has_victim = self.look_at_mounts(backend);
        let planted = setting::planted(shared);
        for made in names_below(Path::new("/w/outside"), Path::new(&setting::victim(shared))) {
            if !planted.iter().any(|planted| Path::new(&planted.path) == made) {
                self.made += 1;
                let is_dir = made.is_dir();
                if is_dir { fs::remove_dir(&made) } else { fs::remove_file(&made) }.expect("what was made goes again");
            }
        }
        for gone in planted.iter().filter(|planted| !planted.is_there()) {
            self.removed += 1;
            gone.make();
        }
        if !has_victim {
            self.unmounted += 1;
            setting::mount_victim(shared);
        }
        for victim in ["/w/victims/directory/keep", "/w/victims/file"] {
            assert_eq!(fs::read_to_string(victim).expect("the victim's file"), "keep");
        }
        for source in ["/w/source/tree/data", "/w/source/file"] {
            assert_eq!(fs::read_to_string(source).expect("the source"), "precious");
        }
    }

    /// Unmounts the mounts that were made outside; returns true if the victim's mount is there.
    fn look_at_mounts(&mut self, backend: &LinuxBackend) -> bool {
        let mut has_victim = false;
        for row in backend.mounts().expect("the mount table").iter() {
            let point = row.mount_point();
            if !point.starts_with("/w/outside") || point == Path::new("/w/outside") {
                continue;
            }
            if *row.source() == *"victim" {
                has_victim = true;
            } else {
                self.mounted += 1;
                rustix::mount::unmount(&*point, UnmountFlags::DETACH).expect("what was mounted outside goes again");
            }
        }
        has_victim
    }
}

/// Every name below a directory, the innermost first; the contents of the victim's mount belong to it.
fn names_below(directory: &Path, victim: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory outside") {
        let path = entry.expect("an entry").path();
        if path != victim && path.is_dir() {
            names.extend(names_below(&path, victim));
        }
        names.push(path);
    }
    names
}

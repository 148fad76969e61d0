//! Whether anything outside was touched.

use std::fs;
use std::path::Path;

use mountwright_core::Mounter;
use mountwright_linux::LinuxBackend;
use rustix::mount::UnmountFlags;

use crate::setting;

/// What was found touched, and put right again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Touched {
    /// Mounts made outside the shared directory.
    pub(crate) mounted: u64,
    /// The victim's mount taken off.
    pub(crate) unmounted: u64,
    /// Directories removed.
    pub(crate) removed: u64,
    /// Mounts left below the shared directory, under whatever name: no escape, and no good either.
    pub(crate) left: u64,
}

impl Touched {
    pub(crate) fn total(self) -> u64 {
        self.mounted + self.unmounted + self.removed
    }

    /// Looks, after all was taken off, for a mount that was left, counts it and takes it off.
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
    pub(crate) fn look(&mut self, backend: &LinuxBackend) {
        let table = backend.mounts().expect("the mount table");
        let below = |path: &Path| path.starts_with("/w/outside") && path != Path::new("/w/outside");
        let mut victims = 0;
        for row in table.iter() {
            let point = row.mount_point();
            if !below(&point) {
                continue;
            }
            if *row.source() == *"victim" {
                victims += 1;
            } else {
                self.mounted += 1;
                rustix::mount::unmount(&*point, UnmountFlags::DETACH).expect("what was mounted outside goes again");
            }
        }
        for outside in setting::OUTSIDE {
            let directory = format!("/w/outside/{outside}/rootfs");
            if !Path::new(&directory).is_dir() {
                self.removed += 1;
                fs::create_dir(&directory).expect("what was removed is made again");
            }
        }
        if victims == 0 {
            self.unmounted += 1;
            setting::victim();
        }
        assert_eq!(fs::read_to_string("/w/source/tree/data").expect("the source"), "precious");
    }
}

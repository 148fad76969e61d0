//! A private place to make a mount ready in, where the kernel has no detached mounts.

use std::ffi::OsString;
use std::path::Path;

use mountwright_core::{Errno, FileMode};

use crate::LinuxBackend;
use crate::abi::{
    AT_REMOVEDIR, MNT_DETACH, MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW,
    O_PATH, UMOUNT_NOFOLLOW,
};
use crate::created::Sort;
use crate::fault::Step;
use crate::kernel::{At, Kernel, Reach};
use crate::replace_file::passing_name;

/// A small private tmpfs on a directory of its own. What is mounted in it propagates nowhere, and only its owner can
/// look into it.
pub(crate) struct Staging<Fd> {
    parent: Fd,
    name: OsString,
    root: Fd,
}

/// The one name in it.
const PLACE: &str = "place";

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn enter_staging(&self) -> Step<Staging<K::Fd>> {
        let parent = self.open_root(self.staging())?;
        let name = loop {
            let name = passing_name("staging");
            match self.calls.mkdirat(At::Fd(&parent), name.as_ref(), 0o700) {
                Ok(()) => break name,
                Err(fault) if fault.errno() == Errno::EEXIST => {}
                Err(fault) => return Err(fault),
            }
        };
        match self.mount_staging(&parent, name.as_ref()) {
            Ok(root) => Ok(Staging { parent, name, root }),
            Err(fault) => {
                self.clear_staging(&parent, name.as_ref());
                Err(fault)
            }
        }
    }

    fn mount_staging(&self, parent: &K::Fd, name: &Path) -> Step<K::Fd> {
        let open = || self.calls.openat(At::Fd(parent), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
        let bare = open()?;
        self.calls.mount(
            Reach::Path("mountwright".as_ref()),
            Reach::Descriptor(&bare),
            "tmpfs".as_ref(),
            MS_NOSUID | MS_NODEV | MS_NOEXEC,
            "mode=0700,size=64k".as_ref(),
        )?;
        let root = open()?;
        self.mount_by_flags(Reach::Descriptor(&root), MS_PRIVATE)?;
        Ok(root)
    }

    /// Takes the staging place away with all that is still in it. What cannot be taken away is an empty directory only
    /// its owner can enter: worth a word, not a failure.
    pub(crate) fn leave_staging(&self, staging: Staging<K::Fd>) {
        // What is still in it may be a copy of shared mounts: an unmount would be one at their source too.
        let apart = self.mount_by_flags(Reach::Descriptor(&staging.root), MS_PRIVATE | MS_REC);
        drop(staging.root);
        if let Err(fault) = apart {
            let errno = fault.errno();
            tracing::warn!(subsystem = "mount", path = %self.staging().join(&staging.name).display(), %errno, "staging place stays");
            return;
        }
        self.clear_staging(&staging.parent, staging.name.as_ref());
    }

    fn clear_staging(&self, parent: &K::Fd, name: &Path) {
        let unmounted = self.calls.umount2(Reach::Below(parent, name.as_os_str()), MNT_DETACH | UMOUNT_NOFOLLOW);
        if let Err(fault) = self.calls.unlinkat(At::Fd(parent), name, AT_REMOVEDIR) {
            let errno = unmounted.err().map_or(fault.errno(), |unmounted| unmounted.errno());
            tracing::warn!(subsystem = "mount", path = %self.staging().join(name).display(), %errno, "staging place stays");
        }
    }

    /// Binds `source` in the staging place, with `flags`, and pins the copy.
    pub(crate) fn stage(&self, staging: &Staging<K::Fd>, source: &K::Fd, flags: u32) -> Step<K::Fd> {
        let (dir, place) = (At::Fd(&staging.root), Path::new(PLACE));
        match self.sort_of(source)? {
            Sort::Directory => self.calls.mkdirat(dir, place, 0o700)?,
            Sort::File => drop(self.create_exclusively(dir, place, FileMode::from_bits(0o600))?),
        }
        let target = Reach::Below(&staging.root, place.as_os_str());
        self.calls.mount(Reach::Descriptor(source), target, "".as_ref(), flags, "".as_ref())?;
        self.calls.openat(dir, place, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0)
    }
}

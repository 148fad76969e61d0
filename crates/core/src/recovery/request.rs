//! Finding and removing what a crashed runtime left behind.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::Error;
use crate::sandbox::SandboxDirs;

/// A sandbox whose runtime died, known by its directories alone: what is left of it is found in the mount table and in the
/// directories, and removed.
///
/// What counts as left behind:
///
/// * every mount below the mounts directory, below what the guest saw, and below the private place: they are this
///   sandbox's by definition. Hidden layers, mounts whose source was deleted, names that are not UTF-8 included.
/// * on those directories themselves, a mount that is proven to be the set-up's: of the mounts directory or the private
///   place onto itself; and on what the guest saw, a read-only mount of the mounts directory that receives from no other
///   peer group than the mounts directory's. Any other mount there is left and named with the reason
///   ([`UnprovenMount`](crate::recovery::UnprovenMount)); so is a symlink. Nothing below it is looked at.
/// * with the set-up's record ([`with_record`](Self::with_record)), the recorded mount wherever it is, and where the mounts
///   directory was renamed and made again, what is below the one that the guest saw.
/// * in the mounts directory and in the private place, empty directories and empty files of the shape that sharing makes:
///   `<id>/<name>`, `<id>-…`, `<id>:<name>`. Anything that holds a byte stays.
///
/// Nothing else is touched: a mount is unmounted by its identity, compared by the descriptor that it is unmounted by, never
/// by a name alone; where a mount has peers and something on it, it is made private first by that same descriptor. The mount
/// table is read a bounded number of times, not for each mount. It is idempotent: what could not be removed is found again the
/// next time, and a time when nothing is left does nothing. Several may run at once: what another one has removed is no
/// failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    mounts_dir: Utf8PathBuf,
    shared_dir: Utf8PathBuf,
    private_dir: Option<Utf8PathBuf>,
    directories_too: bool,
    record: Option<Box<SandboxDirs>>,
}

impl Recovery {
    /// The sandbox of these two directories. They need not exist.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: a path is empty.
    pub fn new(mounts_dir: impl Into<Utf8PathBuf>, shared_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        let (mounts_dir, shared_dir) = (mounts_dir.into(), shared_dir.into());
        for (path, what) in [(&mounts_dir, "mounts directory"), (&shared_dir, "shared directory")] {
            if path.as_str().is_empty() {
                return Err(Error::Unspecified { what });
            }
        }
        Ok(Self { mounts_dir, shared_dir, private_dir: None, directories_too: false, record: None })
    }

    /// Its private place, where it has one.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty.
    pub fn private_dir(mut self, private_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        let private_dir = private_dir.into();
        if private_dir.as_str().is_empty() {
            return Err(Error::Unspecified { what: "private directory" });
        }
        self.private_dir = Some(private_dir);
        Ok(self)
    }

    /// Removes the directories themselves too, where they are empty in the end.
    pub fn directories_too(mut self) -> Self {
        self.directories_too = true;
        self
    }

    /// Proves the set-up's own mount by its record, where that is of this boot and mount namespace and the kernel has unique
    /// ids (Linux 6.8). Any other record is ignored.
    pub fn with_record(mut self, dirs: &SandboxDirs) -> Self {
        self.record = Some(Box::new(dirs.clone()));
        self
    }

    pub(crate) fn mounts(&self) -> &Utf8Path {
        &self.mounts_dir
    }

    pub(crate) fn shared(&self) -> &Utf8Path {
        &self.shared_dir
    }

    pub(crate) fn private(&self) -> Option<&Utf8Path> {
        self.private_dir.as_deref()
    }

    pub(crate) fn record(&self) -> Option<&SandboxDirs> {
        self.record.as_deref()
    }

    pub(crate) fn removes_directories(&self) -> bool {
        self.directories_too
    }
}

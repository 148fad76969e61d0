//! Search for and removal of the orphans of a crashed runtime.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::Error;
use crate::sandbox::SandboxDirs;
use crate::share::layout::given;

/// A sandbox whose runtime died, known only by its directories: its orphans are found in the mount table and in the
/// directories, and removed.
///
/// Orphans are:
///
/// * every mount below the mounts directory, below the mount that the guest saw, and below the private directory: they
///   belong to this sandbox by definition, hidden layers, mounts whose source was deleted and names that are not UTF-8
///   included.
/// * on those directories themselves, a mount that is proven to be the set-up's: a bind of the mounts directory or of
///   the private directory onto itself; and on the guest's directory, a read-only mount of the mounts directory whose
///   master, if any, is that directory's peer group or, through other namespaces alone, receives from it. Any other mount
///   there is left and reported with the reason ([`UnprovenMount`](crate::unmount::UnprovenMount)); so is a symlink. The
///   mounts below it are not examined.
/// * with the set-up's record ([`with_record`](Self::with_record)), the recorded mount wherever it is; and where the
///   mounts directory was renamed and created again, the mounts and names below the one that the guest saw.
/// * in the mounts directory and in the private directory, empty directories and empty files of the form that sharing
///   creates: `<id>/<name>`, `<id>-…`, `<id>:<name>`. A file with data stays.
///
/// Nothing else is changed. A mount is unmounted by its id, which is compared on the descriptor that is unmounted,
/// never by a name alone; where it has peers and children, it is made private first on that same descriptor. The mount
/// table is read a bounded number of times, not for each mount. Recovery is idempotent: a further run finds what could
/// not be removed, and does nothing where nothing is left. Several may run at once: an orphan that another run has
/// removed is no failure.
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
        let mounts_dir = given(mounts_dir.into(), "mounts directory")?;
        let shared_dir = given(shared_dir.into(), "shared directory")?;
        Ok(Self { mounts_dir, shared_dir, private_dir: None, directories_too: false, record: None })
    }

    /// Sets its private directory.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty.
    pub fn private_dir(mut self, private_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        self.private_dir = Some(given(private_dir.into(), "private directory")?);
        Ok(self)
    }

    /// Removes the directories themselves too, where they are empty at the end.
    pub fn directories_too(mut self) -> Self {
        self.directories_too = true;
        self
    }

    /// Proves the set-up's own mount by its record, where the record is of this boot and mount namespace and the kernel
    /// has unique ids (Linux 6.8). Any other record is ignored.
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

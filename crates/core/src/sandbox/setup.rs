//! A sandbox's directories, to be set up.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bind::bind_mount::specified;
use crate::error::Error;
use crate::path::{ContainerId, Location, NotRelative};
use crate::ports::Mounter;
use crate::sandbox::UnsharedMounts;
use crate::share::SANDBOX_MOUNTS_DIR;
use crate::share::Share;

/// A sandbox's directories: `mounts`, where everything is bound, and `shared`, its read-only slave, which the guest sees.
/// Whatever is mounted below the first from then on appears below the second, and nothing can be written there.
///
/// All paths are trusted. Directories that are missing are made, with those above them.
///
/// It is idempotent: what is there as wanted is left as it is and noted; what is there otherwise is [`Error::Conflict`].
/// Whatever it did make is taken back when it fails, last made first; what was there before stays.
///
/// ```
/// use mountwright_core::Location;
/// use mountwright_core::sandbox::{SandboxSetup, UnsharedMounts};
///
/// let setup = SandboxSetup::new("/run/sb/mounts", "/run/sb/shared")
///     .unwrap()
///     .unshared(UnsharedMounts::MakeShared)
///     .bind_mounts(&[Location::trusted("/etc/ssl/certs")])
///     .unwrap();
/// assert_eq!(setup.plan().steps().len(), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSetup {
    mounts_dir: Utf8PathBuf,
    shared_dir: Utf8PathBuf,
    private_dir: Option<Utf8PathBuf>,
    unshared: UnsharedMounts,
    bind_mounts: Vec<Share>,
}

impl SandboxSetup {
    /// These two directories, refusing where `mounts_dir` is not on a shared mount.
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
        Ok(Self {
            mounts_dir,
            shared_dir,
            private_dir: None,
            unshared: UnsharedMounts::Refuse,
            bind_mounts: Vec::new(),
        })
    }

    /// What to do where `mounts_dir` is not on a shared mount.
    pub fn unshared(mut self, unshared: UnsharedMounts) -> Self {
        self.unshared = unshared;
        self
    }

    /// A directory in which mounts are prepared unseen, for kernels that cannot bind read-only in one step
    /// ([`Share::prepared_in`]). Where it is on a shared mount it is bound onto itself, private.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty.
    pub fn private_dir(mut self, private_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        let private_dir = private_dir.into();
        if private_dir.as_str().is_empty() {
            return Err(Error::Unspecified { what: "private directory" });
        }
        self.bind_mounts = self.bind_mounts.into_iter().map(|share| share.prepared_in(&private_dir)).collect();
        self.private_dir = Some(private_dir);
        Ok(self)
    }

    /// Files and directories that every container of the sandbox is to see: each is bound, read-only and private, to
    /// `<mounts>/sandbox-mounts/<the last component of its path>`.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateName`]: two of them have the same last component. [`Error::NotUtf8`]: one is not UTF-8.
    /// [`Error::NotRelative`]: a path has no last component. [`Error::Unspecified`]: a path is empty.
    pub fn bind_mounts(mut self, sources: &[Location]) -> Result<Self, Error> {
        let own = ContainerId::new(SANDBOX_MOUNTS_DIR)?;
        for source in sources {
            specified(source, "source")?;
            let name = last_component(source)?;
            if self.bind_mounts.iter().any(|share| share.name() == name) {
                return Err(Error::DuplicateName { name });
            }
            let share = Share::new(&self.mounts_dir, &own, &name, source.clone())?.read_only();
            self.bind_mounts.push(match &self.private_dir {
                Some(private_dir) => share.prepared_in(private_dir),
                None => share,
            });
        }
        Ok(self)
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

    pub(crate) fn when_unshared(&self) -> UnsharedMounts {
        self.unshared
    }

    /// Whether the sources of all binds are there: without one of them no further attempt can succeed.
    pub(crate) fn is_possible(&self, mounter: &dyn Mounter) -> bool {
        self.bind_mounts.iter().all(|share| mounter.mount_of(share.source()).is_ok())
    }

    pub(crate) fn shares(&self) -> &[Share] {
        &self.bind_mounts
    }
}

fn last_component(source: &Location) -> Result<String, Error> {
    let path = source.for_display();
    let Some(name) = path.file_name() else {
        return Err(NotRelative::new(path, "it has no last component").into());
    };
    match name.to_str() {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::NotUtf8 { bytes: name.as_encoded_bytes().to_vec() }),
    }
}

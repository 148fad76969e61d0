//! Set-up of a sandbox's directories.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bind::in_span::specified;
use crate::error::Error;
use crate::path::{ContainerId, InvalidPath, Location};
use crate::ports::Mounter;
use crate::sandbox::IfNotShared;
use crate::share::SANDBOX_MOUNTS_DIR;
use crate::share::Share;
use crate::share::layout::given;

/// A sandbox's directories: `mounts`, below which everything is bound, and `shared`, its read-only slave, which the
/// guest sees. Later mounts below the first propagate to the second, and nothing can be written there.
///
/// All paths are trusted. Missing directories are created, with those above them.
///
/// It is idempotent: an existing mount of the requested shape stays and is recorded; any other mount in its place is
/// [`Error::Conflict`]. On failure its own changes are rolled back, the last one first; earlier mounts and files stay.
///
/// ```
/// use mountwright_core::Location;
/// use mountwright_core::sandbox::{SandboxSetup, IfNotShared};
///
/// let setup = SandboxSetup::new("/run/sb/mounts", "/run/sb/shared")
///     .unwrap()
///     .unshared(IfNotShared::MakeShared)
///     .bind_mounts(&[Location::trusted("/etc/ssl/certs")])
///     .unwrap();
/// assert_eq!(setup.plan().steps().len(), 5);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SandboxSetup {
    mounts_dir: Utf8PathBuf,
    shared_dir: Utf8PathBuf,
    private_dir: Option<Utf8PathBuf>,
    unshared: IfNotShared,
    bind_mounts: Vec<Share>,
}

impl SandboxSetup {
    /// A set-up of these two directories, which fails where `mounts_dir` is not on a shared mount.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: a path is empty.
    pub fn new(mounts_dir: impl Into<Utf8PathBuf>, shared_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        let mounts_dir = given(mounts_dir.into(), "mounts directory")?;
        let shared_dir = given(shared_dir.into(), "shared directory")?;
        Ok(Self { mounts_dir, shared_dir, private_dir: None, unshared: IfNotShared::Fail, bind_mounts: Vec::new() })
    }

    /// Sets the action where `mounts_dir` is not on a shared mount.
    pub fn unshared(mut self, unshared: IfNotShared) -> Self {
        self.unshared = unshared;
        self
    }

    /// Sets a directory in which mounts are prepared, for kernels that cannot bind read-only in one step
    /// ([`Share::prepared_in`]). Where it is on a shared mount it is bound onto itself, private.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty.
    pub fn private_dir(mut self, private_dir: impl Into<Utf8PathBuf>) -> Result<Self, Error> {
        let private_dir = given(private_dir.into(), "private directory")?;
        self.bind_mounts = self.bind_mounts.into_iter().map(|share| share.prepared_in(&private_dir)).collect();
        self.private_dir = Some(private_dir);
        Ok(self)
    }

    /// Adds files and directories that every container of the sandbox sees: each is bound, read-only and private, to
    /// `<mounts>/sandbox-mounts/<the last component of its path>`.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateName`]: two of them have the same last component. [`Error::NotUtf8`]: one is not UTF-8.
    /// [`Error::InvalidPath`]: a path has no last component. [`Error::Unspecified`]: a path is empty.
    pub fn bind_mounts(self, sources: &[Location]) -> Result<Self, Error> {
        sources.iter().try_fold(self, |setup, source| setup.bind_mount(source.clone(), Access::Reads))
    }

    /// Adds files and directories by the words of Kata's `sandbox_bind_mounts`: `/path` and `/path:ro` are bound read-only as
    /// by [`bind_mounts`](Self::bind_mounts), `/path:rw` writable. Any other text after a colon belongs to the path.
    ///
    /// # Errors
    ///
    /// As [`bind_mounts`](Self::bind_mounts).
    ///
    /// ```
    /// use mountwright_core::sandbox::SandboxSetup;
    ///
    /// let setup = SandboxSetup::new("/run/sb/mounts", "/run/sb/shared").unwrap();
    /// assert!(setup.clone().bind_mount_words(&["/etc/ssl", "/etc/pki:ro", "/srv/cache:rw"]).is_ok());
    /// assert!(setup.bind_mount_words(&["/a/x", "/b/x:rw"]).is_err()); // both would be `x`
    /// ```
    #[doc(alias = "sandbox_bind_mounts")]
    pub fn bind_mount_words<W: AsRef<str>>(self, words: &[W]) -> Result<Self, Error> {
        words.iter().try_fold(self, |setup, word| {
            let (path, access) = path_and_access(word.as_ref());
            setup.bind_mount(Location::trusted(path), access)
        })
    }

    fn bind_mount(mut self, source: Location, access: Access) -> Result<Self, Error> {
        specified(&source, "source")?;
        let name = last_component(&source)?;
        if self.bind_mounts.iter().any(|share| share.name() == name) {
            return Err(Error::DuplicateName { name });
        }
        let share = Share::new(&self.mounts_dir, &ContainerId::new(SANDBOX_MOUNTS_DIR)?, &name, source)?;
        let share = if access == Access::Reads { share.read_only() } else { share };
        self.bind_mounts.push(match &self.private_dir {
            Some(private_dir) => share.prepared_in(private_dir),
            None => share,
        });
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

    pub(crate) fn when_unshared(&self) -> IfNotShared {
        self.unshared
    }

    /// True where the sources of all binds exist: without one of them no further attempt can succeed.
    pub(crate) fn is_possible(&self, mounter: &dyn Mounter) -> bool {
        self.bind_mounts.iter().all(|share| mounter.mount_of(share.source()).is_ok())
    }

    pub(crate) fn shares(&self) -> &[Share] {
        &self.bind_mounts
    }
}

/// The access of the sandbox to a file or directory that is bound for it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Reads,
    Writes,
}

fn path_and_access(word: &str) -> (&str, Access) {
    match word.strip_suffix(":rw") {
        Some(path) => (path, Access::Writes),
        None => (word.strip_suffix(":ro").unwrap_or(word), Access::Reads),
    }
}

fn last_component(source: &Location) -> Result<String, Error> {
    let path = source.for_display();
    let Some(name) = path.file_name() else {
        return Err(InvalidPath::below_a_root(path, "it has no last component").into());
    };
    match name.to_str() {
        Some(name) => Ok(name.to_owned()),
        None => Err(Error::NotUtf8 { bytes: name.as_encoded_bytes().to_vec() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::ports::MockMounter;

    #[test]
    fn a_set_up_without_a_source_of_a_bind_is_not_possible() {
        let setup = SandboxSetup::new("/s/mounts", "/s/shared").unwrap().bind_mount_words(&["/certs"]).unwrap();
        let mut mounter = MockMounter::new();
        mounter
            .expect_mount_of()
            .returning(|at| Err(OsError::new(Operation::MountOf, at.for_display(), Errno::ENOENT)));
        assert!(!setup.is_possible(&mounter));
        assert!(SandboxSetup::new("/s/mounts", "/s/shared").unwrap().is_possible(&mounter));
    }
}

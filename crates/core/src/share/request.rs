//! A directory or file to be shared with a guest.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bind::in_span::specified;
use crate::error::Error;
use crate::mount::{BindRequest, Guarantee, Propagation};
use crate::path::{ContainerId, InvalidPath, Location};
use crate::ports::Mounter;
use crate::share::layout::{container_dir, share_location};
use crate::share::{ROOTFS_DIR, SNAPSHOT_DIR};

/// A directory or file to be bound to `<mounts>/<container>/<name>`, so that the guest sees it.
///
/// `<mounts>` is trusted; what lies below it is resolved without following a symlink and without crossing a mount.
/// Symlinks of the source are followed where it is [`Location::Trusted`].
///
/// Read-only means that no copy which propagation creates is ever writable. It is done in one step where the kernel
/// can, else through a [private directory](Self::prepared_in), else it fails (`EOPNOTSUPP`).
///
/// ```
/// use mountwright_core::{ContainerId, Location};
/// use mountwright_core::share::Share;
///
/// let id = ContainerId::new("c1").unwrap();
/// let share = Share::volume("/run/sb/mounts", &id, "config", Location::trusted("/srv/config")).unwrap().read_only();
/// assert_eq!(
///     share.plan().to_string(),
///     "  1. create the directory /run/sb/mounts/c1 unless it exists\n  \
///        2. create the placeholder /run/sb/mounts/c1/config unless it exists\n  \
///        3. bind /srv/config onto /run/sb/mounts/c1/config, read-only, private\n  \
///        4. record the mount on /run/sb/mounts/c1/config\n"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    mounts_dir: Utf8PathBuf,
    container: ContainerId,
    name: String,
    source: Location,
    container_dir: Location,
    at: Location,
    read_only: bool,
    propagation: Propagation,
    private_dir: Option<Utf8PathBuf>,
}

impl Share {
    /// A container's root filesystem: `rootfs`, writable, private.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: a path is empty.
    pub fn rootfs(mounts_dir: impl AsRef<Utf8Path>, id: &ContainerId, source: Location) -> Result<Self, Error> {
        Self::new(mounts_dir.as_ref(), id, ROOTFS_DIR, source)
    }

    /// A container's nydus snapshot directory: `snapshotdir`, read-only, slave.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: a path is empty.
    pub fn snapshot_dir(mounts_dir: impl AsRef<Utf8Path>, id: &ContainerId, source: Location) -> Result<Self, Error> {
        let share = Self::new(mounts_dir.as_ref(), id, SNAPSHOT_DIR, source)?;
        Ok(Self { read_only: true, propagation: Propagation::Slave, ..share })
    }

    /// A volume, a directory or a file: writable, private. `name` is one component, and neither `rootfs` nor
    /// `snapshotdir`.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: a path is empty. [`Error::InvalidPath`]: the name is none, or is reserved.
    pub fn volume(
        mounts_dir: impl AsRef<Utf8Path>,
        id: &ContainerId,
        name: &str,
        source: Location,
    ) -> Result<Self, Error> {
        if [ROOTFS_DIR, SNAPSHOT_DIR].contains(&name) {
            return Err(InvalidPath::below_a_root(name, "the name is reserved").into());
        }
        Self::new(mounts_dir.as_ref(), id, name, source)
    }

    pub(crate) fn new(
        mounts_dir: &Utf8Path,
        container: &ContainerId,
        name: &str,
        source: Location,
    ) -> Result<Self, Error> {
        let at = share_location(mounts_dir, container, name)?;
        specified(&source, "source")?;
        Ok(Self {
            mounts_dir: mounts_dir.to_owned(),
            container: container.clone(),
            name: name.to_owned(),
            source,
            container_dir: container_dir(mounts_dir, container)?,
            at,
            read_only: false,
            propagation: Propagation::Private,
            private_dir: None,
        })
    }

    /// Makes it read-only, in addition to the attributes of its source's mount.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Names a staging directory: a directory in which to prepare the mount where the kernel has no detached mounts and
    /// the backend's own staging directory cannot be used ([`BindRequest::staged_in`]), so that no copy is ever
    /// writable. The directory must exist and must not be on a shared mount ([`Error::NotPrivate`]).
    pub fn prepared_in(mut self, private_dir: impl Into<Utf8PathBuf>) -> Self {
        self.private_dir = Some(private_dir.into());
        self
    }

    /// The container.
    pub fn container(&self) -> &ContainerId {
        &self.container
    }

    /// Its name below the container's directory.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The source.
    pub fn source(&self) -> &Location {
        &self.source
    }

    /// The mount target.
    pub fn at(&self) -> &Location {
        &self.at
    }

    /// True where it is to be read-only.
    pub fn is_read_only(&self) -> bool {
        self.read_only
    }

    /// The propagation of the new mount.
    pub fn propagation(&self) -> Propagation {
        self.propagation
    }

    /// True where the source and the mounts directory exist: without one of them no further attempt can succeed.
    pub(crate) fn is_possible(&self, mounter: &dyn Mounter) -> bool {
        let mounts_dir = Location::trusted(self.mounts_dir.as_std_path());
        [&self.source, &mounts_dir].into_iter().all(|at| mounter.mount_of(at).is_ok())
    }

    pub(crate) fn private_dir(&self) -> Option<&Utf8Path> {
        self.private_dir.as_deref()
    }

    pub(crate) fn mounts_dir(&self) -> &Utf8Path {
        &self.mounts_dir
    }

    /// `<mounts>/<container>`.
    pub(crate) fn container_dir(&self) -> &Location {
        &self.container_dir
    }

    pub(crate) fn request(&self) -> BindRequest {
        let request = BindRequest::new(self.source.clone(), self.at.clone()).propagation(self.propagation);
        let request = match &self.private_dir {
            Some(directory) => request.staged_in(directory.as_std_path()),
            None => request,
        };
        if self.read_only { request.read_only().require(Guarantee::Atomic) } else { request }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_says_what_it_is_and_how_it_will_go() {
        let id = ContainerId::new("c").unwrap();
        let share = Share::volume("/m", &id, "v", Location::trusted("/s")).unwrap();
        assert!(!share.is_read_only() && share.clone().read_only().is_read_only());
        assert_eq!(share.plan().steps(), share.start().plan().steps());
        assert_eq!(share.plan().steps().len(), 4);
    }
}

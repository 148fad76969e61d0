//! Removal of shares.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use camino::Utf8Path;

use crate::error::{Errno, Error, Operation, OsError};
use crate::file::FileIdentity;
use crate::path::{ContainerId, Crossing, Location};
use crate::ports::{Directory, Filesystem, Mounter};
use crate::share::layout::{container_dir, share_location};
use crate::unmount::placeholder::{self, NameRemoval};
use crate::unmount::stack::Stack;
use crate::unmount::{NameAfter, Removal};

pub(crate) fn unshare(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    name: &str,
) -> Result<Removal, Error> {
    let at = share_location(mounts_dir, id, name)?;
    let removal = match ContainerDir::open(fs, mounts_dir, id) {
        Ok(container) => container.unshare(mounter, &at, name),
        Err(error) if error.errno() == Errno::ENOENT => gone(fs, &container_dir(mounts_dir, id)?, error),
        Err(error) => Removal::of_look(error),
    }?;
    if removal == Removal::Symlink {
        warn_symlink(id);
    }
    Ok(removal)
}

/// The outcome where a directory on the path to a mount target does not exist, which two calls have to report.
pub(crate) fn gone(fs: &dyn Filesystem, directory: &Location, error: OsError) -> Result<Removal, Error> {
    match placeholder::gone_or_kept(fs, directory, error) {
        NameRemoval::Removed => Ok(Removal::NotFound),
        NameRemoval::Kept(error) => Err(error.into()),
    }
}

/// A container's directory, opened once below the mounts directory, without crossing a mount.
pub(crate) struct ContainerDir<'a> {
    pub(crate) directory: Box<dyn Directory>,
    mounts: Box<dyn Directory>,
    id: &'a OsStr,
    path: PathBuf,
}

impl<'a> ContainerDir<'a> {
    pub(crate) fn open(fs: &dyn Filesystem, mounts_dir: &Utf8Path, id: &'a ContainerId) -> Result<Self, OsError> {
        let id = OsStr::new(id.as_str());
        let mounts = fs.open_dir(&Location::trusted(mounts_dir.as_std_path()))?;
        let path = mounts_dir.as_std_path().join(id);
        Ok(Self { directory: mounts.open_dir(id, Crossing::Refuse)?, mounts, id, path })
    }

    /// Unmounts every layer on a name of it, lazily, and removes the name, and the directory where that was its last name.
    fn unshare(&self, mounter: &dyn Mounter, at: &Location, name: &str) -> Result<Removal, Error> {
        let (directory, name) = (&*self.directory, OsStr::new(name));
        let stack = Stack::named(mounter, at, (directory, name));
        let (layers, removal) = match stack.unmount_and_remove(|| placeholder::remove(directory, name)) {
            Ok(done) => done,
            Err(stop) => {
                let removal = stop.removal()?;
                if removal == Removal::NotFound {
                    warn_if_kept(self.remove_if_empty(), &self.path);
                }
                return Ok(removal);
            }
        };
        let is_kept = match removal {
            NameRemoval::Removed => warn_if_kept(self.remove_if_empty(), &self.path),
            kept @ NameRemoval::Kept(_) => warn_if_kept(kept, &at.for_display()),
        };
        Ok(Removal::of_layers(layers, if is_kept { NameAfter::Kept } else { NameAfter::Removed }))
    }

    /// Removes the directory where it is empty and its name still leads to it. A directory with other names in it, or
    /// one that a concurrent call has removed, counts as success.
    pub(crate) fn remove_if_empty(&self) -> NameRemoval {
        let named = match self.mounts.metadata(self.id) {
            Ok(named) => named,
            // It counts as gone only if two calls report that, as everywhere.
            Err(error) => {
                let gone = |other: &OsError| other.errno() == Errno::ENOENT;
                let is_gone = gone(&error) && self.mounts.open_entry(self.id).is_err_and(|other| gone(&other));
                return if is_gone { NameRemoval::Removed } else { NameRemoval::Kept(error) };
            }
        };
        match self.directory.own_metadata() {
            Ok(own) if FileIdentity::from(&own) == FileIdentity::from(&named) => {}
            Ok(_) => return NameRemoval::Kept(OsError::new(Operation::RemoveDir, self.id_shown(), Errno::ESTALE)),
            Err(error) => return NameRemoval::Kept(error),
        }
        match self.mounts.remove_dir(self.id) {
            Ok(()) => NameRemoval::Removed,
            Err(error) if [Errno::ENOTEMPTY, Errno::EEXIST].contains(&error.errno()) => {
                match self.directory.entries().map(|mut all| all.next()) {
                    Ok(Some(Ok(_))) => NameRemoval::Removed,
                    Ok(None) => NameRemoval::Kept(error),
                    Ok(Some(Err(look))) | Err(look) => NameRemoval::Kept(look),
                }
            }
            Err(error) => placeholder::gone_in_or_kept(&*self.mounts, self.id, error),
        }
    }

    fn id_shown(&self) -> &Path {
        Path::new(self.id)
    }
}

pub(crate) fn warn_symlink(id: &ContainerId) {
    tracing::warn!(target: "mountwright", subsystem = "mount", container = %id,
        "container dir is a symlink, malicious guest?");
}

fn warn_if_kept(removal: NameRemoval, path: &Path) -> bool {
    match removal {
        NameRemoval::Removed => false,
        NameRemoval::Kept(error) => {
            warn_kept(path, &error);
            true
        }
    }
}

pub(crate) fn warn_kept(path: &Path, error: &OsError) {
    tracing::warn!(target: "mountwright", subsystem = "mount", "share-dir" = %path.display(), %error,
        "Could not remove container share dir");
}

#[cfg(test)]
mod tests;

//! The emptyDir volumes of a container.

use crate::error::Error;
use crate::file::{FileIdentity, FinalSymlink};
use crate::kubernetes::EmptyDirMedium;
use crate::path::Location;
use crate::ports::Backend;
use crate::spec::Mount;

use camino::{Utf8Path, Utf8PathBuf};

/// An emptyDir volume, and the mounts of a container that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmptyDirVolume {
    /// Its path, as the first of the mounts has it.
    pub source: Utf8PathBuf,
    /// Its medium.
    pub medium: EmptyDirMedium,
    /// The mounts, by their place in the list.
    pub mounts: Vec<usize>,
}

impl EmptyDirVolume {
    /// The emptyDir volumes of a list of mounts, in the order of their first mounts.
    ///
    /// A volume that is mounted at several destinations is one volume, also where its paths differ by a symlink: the
    /// directory decides. A guest that creates one filesystem for each volume then shows the same files at each.
    ///
    /// # Errors
    ///
    /// Those of [`EmptyDirMedium::of`], and [`Error::Os`] of the directory's metadata.
    pub fn of(backend: &dyn Backend, mounts: &[Mount]) -> Result<Vec<Self>, Error> {
        let mut volumes: Vec<(FileIdentity, Self)> = Vec::new();
        for (index, mount) in mounts.iter().enumerate() {
            let source = Utf8Path::new(&mount.source);
            let Some(medium) = EmptyDirMedium::of(backend.mounter(), source)? else { continue };
            let at = Location::trusted(source.as_std_path());
            let identity = FileIdentity::from(&backend.metadata(&at, FinalSymlink::Follow)?);
            match volumes.iter_mut().find(|(known, _)| *known == identity) {
                Some((_, volume)) => volume.mounts.push(index),
                None => volumes.push((identity, Self { source: source.to_owned(), medium, mounts: vec![index] })),
            }
        }
        Ok(volumes.into_iter().map(|(_, volume)| volume).collect())
    }
}

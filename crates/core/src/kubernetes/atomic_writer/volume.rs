//! The files of a volume, of one version.

use std::fmt;

use crate::file::FileMode;
use crate::kubernetes::atomic_writer::VolumeGeneration;
use crate::path::RelativePath;

/// The files of one version of a `ConfigMap`, Secret, projected or downward-API volume.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AtomicVolume {
    /// The version.
    pub generation: VolumeGeneration,
    /// The files, in the order of their paths.
    pub files: Vec<VolumeFile>,
}

/// A file of a volume. `Debug` shows the number of bytes, not the bytes: they may be a secret.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct VolumeFile {
    /// The key: the path in the volume, in bytes. It has several components where an item of the volume has such a
    /// path.
    pub path: RelativePath,
    /// Its contents.
    pub bytes: Vec<u8>,
    /// Its permissions.
    pub mode: FileMode,
    /// The owner's user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
}

impl AtomicVolume {
    /// The bytes of the file at `path`, where there is one.
    pub fn get(&self, path: impl AsRef<std::path::Path>) -> Option<&[u8]> {
        let file = self.files.iter().find(|file| file.path.as_path() == path.as_ref())?;
        Some(&file.bytes)
    }
}

impl fmt::Debug for VolumeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VolumeFile")
            .field("path", &self.path)
            .field("bytes", &self.bytes.len())
            .field("mode", &self.mode)
            .field("uid", &self.uid)
            .field("gid", &self.gid)
            .finish()
    }
}

/// The limits beyond which a volume is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AtomicVolumeLimits {
    /// Files and directories.
    pub entries: usize,
    /// Bytes in all files together.
    pub bytes: u64,
    /// The depth of nested directories, which is also the number of open descriptors.
    pub depth: usize,
}

impl Default for AtomicVolumeLimits {
    /// 4096 entries, 16 MiB, 32 directories: Kubernetes keeps one `ConfigMap` or Secret below 1 MiB, and a projected volume
    /// has several.
    fn default() -> Self {
        Self { entries: 4096, bytes: 16 << 20, depth: 32 }
    }
}

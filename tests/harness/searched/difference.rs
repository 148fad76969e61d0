//! Differences between two snapshots, and their harm.

use mountwright_core::error::Leftover;

use super::Filesystem;
use super::snapshot::{FileName, MountSeen, Snapshot, without_numbers};
use super::violation::{Harm, Violation};

/// One difference from what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// A mount is not there.
    MissingMount(MountSeen),
    /// A mount is there.
    ExtraMount(MountSeen),
    /// A file is not there.
    MissingFile(FileName),
    /// A file is there.
    ExtraFile(FileName),
    /// A file is another.
    ChangedFile(FileName),
}

/// Returns true for a staging directory of the backend.
pub(super) fn is_staging(point: &str) -> bool {
    point.starts_with("/run/.mountwright-staging")
}

/// Returns true for a path below the root that a guest may change.
pub(super) fn is_shared(point: &str) -> bool {
    point.starts_with("/shared/")
}

/// All of them.
pub fn differences(expected: &Snapshot, actual: &Snapshot) -> Vec<Difference> {
    let mut found: Vec<_> =
        left_of(&expected.mounts, &actual.mounts).into_iter().map(Difference::MissingMount).collect();
    found.extend(left_of(&actual.mounts, &expected.mounts).into_iter().map(Difference::ExtraMount));
    for (name, seen) in &expected.files {
        match actual.files.get(name) {
            None => found.push(Difference::MissingFile(name.clone())),
            Some(now) if now != seen => found.push(Difference::ChangedFile(name.clone())),
            Some(_) => {}
        }
    }
    let extra = actual.files.keys().filter(|name| !expected.files.contains_key(*name));
    found.extend(extra.cloned().map(Difference::ExtraFile));
    found
}

/// Returns the mounts that the first list has more often than the second.
fn left_of(all: &[MountSeen], without: &[MountSeen]) -> Vec<MountSeen> {
    let mut left = all.to_vec();
    for mount in without {
        if let Some(at) = left.iter().position(|other| other == mount) {
            left.remove(at);
        }
    }
    left
}

impl Difference {
    /// Returns the harm of an unexplained difference.
    pub fn harm(&self) -> Harm {
        match self {
            Self::MissingFile((Filesystem::Source | Filesystem::Inner, _))
            | Self::ChangedFile((Filesystem::Source | Filesystem::Inner, _)) => Harm::LostByte,
            Self::MissingFile((Filesystem::Shared, _)) | Self::ChangedFile((Filesystem::Shared, _)) => Harm::HalfDone,
            Self::ExtraFile((Filesystem::Shared, _)) => Harm::LeftoverName,
            Self::ExtraFile((Filesystem::Root, path)) if path.starts_with("run/.mountwright") => Harm::LeftoverName,
            Self::MissingMount(mount) if mount.old.is_none() => Harm::HalfDone,
            Self::ExtraMount(mount) if mount.old.is_none() && (is_shared(&mount.point) || is_staging(&mount.point)) => {
                Harm::LeftoverMount
            }
            Self::MissingMount(mount) if is_shared(&mount.point) => Harm::LostMount,
            Self::ExtraMount(mount) if is_shared(&mount.point) => Harm::HalfDone,
            _ => Harm::Escape,
        }
    }

    /// Returns the harm, with the observation.
    pub fn violation(&self) -> Violation {
        Violation::new(self.harm(), format!("{self:?}"))
    }

    /// Returns true if an error with this leftover has named the difference.
    pub fn is_named(&self, left: &Leftover) -> bool {
        let plain = |at: &std::path::Path| without_numbers(&at.to_string_lossy());
        let is_at = |at: &std::path::Path, mount: &MountSeen| mount.point == plain(at);
        match (left, self) {
            (Leftover::Mount { at, .. }, Self::ExtraMount(mount)) => {
                mount.old.is_none() && (is_at(at, mount) || mount.point.starts_with(&format!("{}/", plain(at))))
            }
            (Leftover::Attributes { at }, Self::ExtraMount(mount) | Self::MissingMount(mount)) => is_at(at, mount),
            (
                Leftover::Directory(path) | Leftover::File(path),
                Self::ExtraFile(name) | Self::ChangedFile(name) | Self::MissingFile(name),
            ) => *name == file_name(&path.to_string_lossy()),
            _ => false,
        }
    }

    /// Returns true for a temporary name of the backend.
    pub fn is_passing_name(&self) -> bool {
        match self {
            Self::ExtraFile((_, path)) => path.contains(".mountwright-"),
            Self::ExtraMount(mount) => is_staging(&mount.point),
            _ => false,
        }
    }
}

impl Difference {
    /// A filesystem's root directory itself.
    pub(super) fn is_of_root(&self) -> bool {
        matches!(self, Self::ChangedFile((_, path)) if path == ".")
    }

    /// Returns true for the temporary name of a file's new contents, before they replace the old ones.
    ///
    /// A killed process may leave it. It stays, because another process cannot know that the writer is dead.
    pub fn is_half_written(&self) -> bool {
        matches!(self, Self::ExtraFile((_, path)) if path.contains(".mountwright-new-"))
    }
}

/// Returns the file of a path in the first namespace.
pub(super) fn file_name(path: &str) -> FileName {
    let path = without_numbers(path);
    match path.strip_prefix("/shared/") {
        Some(below) => (Filesystem::Shared, below.to_owned()),
        None => (Filesystem::Root, path.trim_start_matches('/').to_owned()),
    }
}

//! What differs between two snapshots, and what harm that is.

use mountwright_core::Leftover;

use crate::scene::Filesystem;
use crate::snapshot::{FileName, MountSeen, Snapshot, without_numbers};
use crate::violation::{Harm, Violation};

/// One difference from what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    MissingMount(MountSeen),
    ExtraMount(MountSeen),
    MissingFile(FileName),
    ExtraFile(FileName),
    ChangedFile(FileName),
}

pub(crate) fn is_staging(point: &str) -> bool {
    point.starts_with("/run/.mountwright-staging")
}

pub(crate) fn is_shared(point: &str) -> bool {
    point.starts_with("/shared/")
}

pub(crate) fn differences(expected: &Snapshot, actual: &Snapshot) -> Vec<Difference> {
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

/// Of two sorted lists, what the first has more than the second.
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
    /// What harm it is where nothing explains it.
    pub(crate) fn harm(&self) -> Harm {
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

    pub(crate) fn violation(&self) -> Violation {
        Violation::new(self.harm(), format!("{self:?}"))
    }

    /// Whether an error that names this as left over has said so.
    pub(crate) fn is_named(&self, left: &Leftover) -> bool {
        let is_at = |at: &std::path::Path, mount: &MountSeen| mount.point == at.to_string_lossy();
        match (left, self) {
            (Leftover::Mount { at, .. }, Self::ExtraMount(mount)) => {
                mount.old.is_none() && (is_at(at, mount) || mount.point.starts_with(&format!("{}/", at.display())))
            }
            (Leftover::Attributes { at }, Self::ExtraMount(mount) | Self::MissingMount(mount)) => is_at(at, mount),
            (
                Leftover::Directory(path) | Leftover::File(path),
                Self::ExtraFile(name) | Self::ChangedFile(name) | Self::MissingFile(name),
            ) => *name == file_name(&path.to_string_lossy()),
            _ => false,
        }
    }

    /// The name that a passing file or directory has while it is made.
    pub(crate) fn is_passing_name(&self) -> bool {
        match self {
            Self::ExtraFile((_, path)) => path.contains(".mountwright-"),
            Self::ExtraMount(mount) => is_staging(&mount.point),
            _ => false,
        }
    }
}

/// Which file a path of the first namespace stands for.
pub(crate) fn file_name(path: &str) -> FileName {
    let path = without_numbers(path);
    match path.strip_prefix("/shared/") {
        Some(below) => (Filesystem::Shared, below.to_owned()),
        None => (Filesystem::Root, path.trim_start_matches('/').to_owned()),
    }
}

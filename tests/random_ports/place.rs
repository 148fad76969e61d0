//! The places of calls, independent of the state of a world.

use std::path::{Path, PathBuf};

use mountwright_core::{Location, MountTable};
use serde::{Deserialize, Serialize};

/// The folder of all histories. They leave the rest of a world alone.
pub(crate) const STAGE: &str = "/w";

/// A path. Both worlds find the same one as long as their tables agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Spot {
    /// As it stands here
    Path(String),
    /// The mount point of this row below the stage, counted round
    MountPoint(usize),
    /// A name below that
    OnMount(usize, String),
}

/// A location.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum At {
    Trusted(Spot),
    /// Below the stage, or below this directory of it where that holds the spot
    Beneath(Option<String>, Spot),
}

impl Spot {
    pub(crate) fn path(&self, table: &MountTable) -> PathBuf {
        match self {
            Self::Path(path) => PathBuf::from(path),
            Self::MountPoint(row) => mount_point(table, *row),
            Self::OnMount(row, name) => mount_point(table, *row).join(name),
        }
    }
}

fn mount_point(table: &MountTable, row: usize) -> PathBuf {
    let points: Vec<PathBuf> =
        table.iter().map(|row| row.mount_point().into_owned()).filter(|path| is_on_stage(path)).collect();
    // The first is the stage itself, which stays where it is.
    let others = points.len().saturating_sub(1).max(1);
    points.get(1 + row % others).cloned().unwrap_or_else(|| PathBuf::from("/w/a"))
}

pub(crate) fn is_on_stage(path: &Path) -> bool {
    path.starts_with(STAGE)
}

impl At {
    pub(crate) fn location(&self, table: &MountTable) -> Location {
        match self {
            Self::Trusted(spot) => Location::trusted(spot.path(table)),
            Self::Beneath(below, spot) => {
                let path = spot.path(table);
                let inner = below.as_deref().map(Path::new).filter(|root| path.strip_prefix(root).is_ok());
                let root = inner.unwrap_or(Path::new(STAGE));
                let relative = path.strip_prefix(root).unwrap_or(Path::new("a"));
                // A path that cannot be below a root is requested plainly: the backend does not get it as `Beneath`.
                Location::beneath(root, relative).unwrap_or_else(|_| Location::trusted(path))
            }
        }
    }
}

//! A bind mount to be made.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::file::{FileIdentity, FileMode};
use crate::mount::{AttributeChange, Guarantee, MountFlags, MountKey, Propagation, Recursion};
use crate::path::Location;

/// What to do where the target of a mount does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum MissingTarget {
    /// Fail with `ENOENT`.
    #[default]
    Refuse,
    /// Create it: a directory for a directory, an empty file for anything else, and the directories above it.
    Create {
        /// The mode of everything created, whatever the umask.
        mode: FileMode,
    },
}

/// What to do where something is mounted on the target already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum OccupiedTarget {
    /// Fail with `EBUSY`.
    #[default]
    Refuse,
    /// Mount on top of it.
    Stack,
}

/// A bind mount to be made: the input of [`Mounter::bind`](crate::ports::Mounter::bind).
///
/// By default: this one mount, attributes as the source's mount has them, propagation as the kernel gives it, any
/// guarantee, the target must exist and must not be a mount point.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct BindRequest {
    source: Location,
    target: Location,
    recursion: Recursion,
    change: AttributeChange,
    propagation: Option<Propagation>,
    required: Guarantee,
    missing_target: MissingTarget,
    occupied_target: OccupiedTarget,
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none", with = "crate::stored_form::names")
    )]
    staging: Option<OsString>,
}

impl BindRequest {
    /// Binds `source` onto `target`.
    pub fn new(source: Location, target: Location) -> Self {
        Self {
            source,
            target,
            recursion: Recursion::This,
            change: AttributeChange::NOTHING,
            propagation: None,
            required: Guarantee::Window,
            missing_target: MissingTarget::Refuse,
            occupied_target: OccupiedTarget::Refuse,
            staging: None,
        }
    }

    /// Takes the mounts below the source along; attributes and propagation then go to each of them.
    pub fn recursive(mut self) -> Self {
        self.recursion = Recursion::Tree;
        self
    }

    /// Changes the attributes that the copy has from the source's mount.
    pub fn attributes(mut self, change: AttributeChange) -> Self {
        self.change = change;
        self
    }

    /// Makes the copy read-only, besides any other change.
    pub fn read_only(mut self) -> Self {
        self.change = self.change.and_set(MountFlags::READ_ONLY);
        self
    }

    /// Gives the new mount this propagation, also below a shared parent.
    ///
    /// Private and unbindable ones are cut off from the peers of the source before anybody sees them. So are the copies that
    /// appear at a shared parent's peers: nothing that is mounted there comes to be in the source, or the other way round.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = Some(propagation);
        self
    }

    /// Fails with `EOPNOTSUPP`, before anything is touched, where the kernel at hand cannot give at least this guarantee.
    pub fn require(mut self, least: Guarantee) -> Self {
        self.required = least;
        self
    }

    /// Creates the target where it is missing.
    pub fn creating_target(mut self, mode: FileMode) -> Self {
        self.missing_target = MissingTarget::Create { mode };
        self
    }

    /// Mounts on top of what is mounted on the target already.
    pub fn stacking(mut self) -> Self {
        self.occupied_target = OccupiedTarget::Stack;
        self
    }

    /// Names a directory to make the mount ready in, where the kernel has no detached mounts (before 5.12, or filtered) and
    /// the backend's own staging directory cannot be used. Only the caller may be able to write to it.
    pub fn staged_in(mut self, directory: impl Into<PathBuf>) -> Self {
        self.staging = Some(directory.into().into_os_string());
        self
    }

    /// What is bound.
    pub fn source(&self) -> &Location {
        &self.source
    }

    /// Where it is bound.
    pub fn target(&self) -> &Location {
        &self.target
    }

    /// One mount or the tree.
    pub fn recursion(&self) -> Recursion {
        self.recursion
    }

    /// The change of attributes.
    pub fn change(&self) -> AttributeChange {
        self.change
    }

    /// The propagation asked for; `None`: as the kernel gives it.
    pub fn wanted_propagation(&self) -> Option<Propagation> {
        self.propagation
    }

    /// The least guarantee that will do.
    pub fn required(&self) -> Guarantee {
        self.required
    }

    /// What to do where the target is missing.
    pub fn missing_target(&self) -> MissingTarget {
        self.missing_target
    }

    /// The directory to make the mount ready in, where the backend has none.
    pub fn staging(&self) -> Option<&Path> {
        self.staging.as_deref().map(Path::new)
    }

    /// What to do where the target is a mount point.
    pub fn occupied_target(&self) -> OccupiedTarget {
        self.occupied_target
    }
}

/// A bind mount that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BindReport {
    /// The new mount.
    pub mount: MountKey,
    /// How it came to be.
    pub guarantee: Guarantee,
    /// Directories and files that were created for it, outermost first; for a person to read, and to be removed one level
    /// at a time by whoever undoes the bind.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub created: Vec<PathBuf>,
    /// The file or directory that the mount was attached to, where the request refuses a mount point: what an unmount
    /// uncovers. `None` where the mount was stacked, and where a server refuses the look.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub target: Option<FileIdentity>,
}

impl BindReport {
    /// A report of this mount, for which nothing was created.
    pub const fn new(mount: MountKey, guarantee: Guarantee) -> Self {
        Self { mount, guarantee, created: Vec::new(), target: None }
    }

    /// Adds what was created.
    pub fn creating(mut self, created: Vec<PathBuf>) -> Self {
        self.created = created;
        self
    }

    /// Sets the file or directory that the mount was attached to.
    pub const fn on(mut self, target: Option<FileIdentity>) -> Self {
        self.target = target;
        self
    }
}

//! The steps of a share.

use std::fmt;

use crate::file::FileKind;
use crate::mount::{BindRequest, MountFlags};
use crate::path::Location;

/// One step of a [`Share`](crate::share::Share).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ShareStep {
    /// Creates the container's directory where it does not exist.
    MakeDirectory(Location),
    /// Creates the mount target where it does not exist.
    MakePlaceholder(Location),
    /// Binds the source.
    Bind(BindRequest),
    /// Checks that the private directory is not on a shared mount.
    LookAtPrivateDir(Location),
    /// Creates the mount target in the private directory.
    MakePrivatePlaceholder {
        /// The path.
        at: Location,
        /// The type of the source.
        kind: FileKind,
    },
    /// Binds in the private directory, where no other process sees the mount.
    Prepare(BindRequest),
    /// Binds from the private directory onto the name.
    BindPrepared(BindRequest),
    /// Unmounts the mount in the private directory and removes its target.
    RemovePrepared(Location),
    /// Records the mount's id.
    Note(Location),
}

impl fmt::Display for ShareStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNLESS: &str = "unless it exists";
        match self {
            Self::MakeDirectory(at) => write!(f, "create the directory {} {UNLESS}", Shown(at)),
            Self::MakePlaceholder(at) | Self::MakePrivatePlaceholder { at, .. } => {
                write!(f, "create the placeholder {} {UNLESS}", Shown(at))
            }
            Self::Bind(request) | Self::Prepare(request) | Self::BindPrepared(request) => Bound(request).fmt(f),
            Self::LookAtPrivateDir(at) => write!(f, "check that {} is not on a shared mount", Shown(at)),
            Self::RemovePrepared(at) => write!(f, "unmount {} and remove it", Shown(at)),
            Self::Note(at) => write!(f, "record the mount on {}", Shown(at)),
        }
    }
}

/// A place, for messages.
pub(crate) struct Shown<'a>(pub(crate) &'a Location);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.for_display().display().fmt(f)
    }
}

/// A bind, for messages.
pub(crate) struct Bound<'a>(pub(crate) &'a BindRequest);

impl fmt::Display for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.0;
        write!(f, "bind {} onto {}", Shown(request.source()), Shown(request.target()))?;
        if request.change().set().contains(MountFlags::READ_ONLY) {
            f.write_str(", read-only")?;
        }
        match request.wanted_propagation() {
            Some(propagation) => write!(f, ", {propagation}"),
            None => Ok(()),
        }
    }
}

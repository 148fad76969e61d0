//! The steps of a share.

use std::fmt;

use crate::file::FileKind;
use crate::mount::{BindRequest, MountFlags};
use crate::path::Location;

/// One step of a [`Share`](crate::share::Share).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareStep {
    /// The container's directory is made where it is missing.
    MakeDirectory(Location),
    /// What the mount is put on is made where it is missing.
    MakePlaceholder(Location),
    /// The bind.
    Bind(BindRequest),
    /// The private place must not be on a shared mount.
    LookAtPrivateDir(Location),
    /// What the mount is put on in the private place is made.
    MakePrivatePlaceholder {
        /// Where.
        at: Location,
        /// Like which kind of file.
        kind: FileKind,
    },
    /// The bind in the private place, unseen.
    Prepare(BindRequest),
    /// The bind from the private place onto the name.
    BindPrepared(BindRequest),
    /// The mount in the private place and its placeholder go.
    RemovePrepared(Location),
    /// The mount's identity is noted.
    Note(Location),
}

impl fmt::Display for ShareStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNLESS: &str = "unless something of that name is there";
        match self {
            Self::MakeDirectory(at) => write!(f, "make the directory {} {UNLESS}", Shown(at)),
            Self::MakePlaceholder(at) => write!(f, "make a placeholder for the mount, {}, {UNLESS}", Shown(at)),
            Self::Bind(request) | Self::Prepare(request) | Self::BindPrepared(request) => Bound(request).fmt(f),
            Self::LookAtPrivateDir(at) => write!(f, "see that {} is not on a shared mount", Shown(at)),
            Self::MakePrivatePlaceholder { at, .. } => write!(f, "make a placeholder for it, {}, {UNLESS}", Shown(at)),
            Self::RemovePrepared(at) => write!(f, "take the mount off {} and remove its placeholder", Shown(at)),
            Self::Note(at) => write!(f, "note the identity of the mount on {}", Shown(at)),
        }
    }
}

/// A place, for a person to read.
pub(crate) struct Shown<'a>(pub(crate) &'a Location);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.for_display().display().fmt(f)
    }
}

/// A bind, for a person to read.
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

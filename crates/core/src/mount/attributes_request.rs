//! A change of attributes to be made.

use crate::mount::{AttributeChange, Guarantee, Recursion};
use crate::path::Location;

/// A change of a mount's attributes: the input of
/// [`Mounter::change_attributes`](crate::ports::Mounter::change_attributes).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AttributesRequest {
    at: Location,
    change: AttributeChange,
    recursion: Recursion,
}

impl AttributesRequest {
    /// Changes the one mount whose root is at `at`.
    pub fn new(at: Location, change: AttributeChange) -> Self {
        Self { at, change, recursion: Recursion::This }
    }

    /// Changes the mounts below it too: all of them, or none.
    pub fn recursive(mut self) -> Self {
        self.recursion = Recursion::Tree;
        self
    }

    /// The location of the mount.
    pub fn at(&self) -> &Location {
        &self.at
    }

    /// The change.
    pub fn change(&self) -> AttributeChange {
        self.change
    }

    /// One mount or the tree.
    pub fn recursion(&self) -> Recursion {
        self.recursion
    }
}

/// The report of a change of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct AttributesReport {
    /// The guarantee that was given. A tree is changed as a whole; where the kernel cannot (before Linux 5.12), the
    /// call fails and nothing is changed.
    pub guarantee: Guarantee,
}

impl AttributesReport {
    /// A report with this guarantee.
    pub const fn new(guarantee: Guarantee) -> Self {
        Self { guarantee }
    }
}

//! A change of attributes to be made.

use crate::mount::{AttributeChange, Recursion};
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

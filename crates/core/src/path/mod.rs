//! Paths: cleaned, relative, and the places that calls name.

pub(crate) mod clean;
pub(crate) mod container_id;
pub(crate) mod crossing;
pub(crate) mod invalid;
pub(crate) mod location;
pub(crate) mod prefix;
pub(crate) mod printable;
pub(crate) mod relative;
pub(crate) mod swar;

pub use clean::clean_path;
pub use container_id::ContainerId;
pub use crossing::Crossing;
pub use invalid::InvalidPath;
pub use location::Location;
pub use printable::printable;
pub use relative::RelativePath;

//! Mounts of a runtime specification that cannot be used.

use crate::spec::UnusableOption;

/// Why an entry of a runtime specification's `mounts` cannot be a [`Mount`](crate::spec::Mount). Nothing of an entry is ever left
/// out to make it fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableMount {
    /// The destination is not an absolute path.
    #[error("the mount's destination {destination:?} is not an absolute path in the container")]
    DestinationNotAbsolute {
        /// The destination.
        destination: String,
    },
    /// Something has a NUL in it, which ends a text for the kernel.
    #[error("the {field} of the mount on {destination:?} has a NUL in it")]
    Nul {
        /// Which one: `destination`, `source`, `type`.
        field: &'static str,
        /// The destination.
        destination: String,
    },
    /// A path is not UTF-8.
    #[error("the {field} of a mount is not UTF-8: {path:?}")]
    NotUtf8 {
        /// Which one: `destination`, `source`.
        field: &'static str,
        /// The path.
        path: std::path::PathBuf,
    },
    /// Owners are to be mapped, which no mount of this library can do.
    #[error("the mount on {destination:?} asks for {what}: mounts with mapped owners are not supported; remove it")]
    IdMapping {
        /// The field or the option that requests it: `uidMappings`, `gidMappings`, `idmap`, `ridmap`.
        what: &'static str,
        /// The destination.
        destination: String,
    },
    /// One of its options cannot be used.
    #[error("the mount on {destination:?}: {option}")]
    Option {
        /// The destination.
        destination: String,
        /// The option, and why.
        option: UnusableOption,
    },
}

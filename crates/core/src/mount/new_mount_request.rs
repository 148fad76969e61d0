//! A new filesystem to be mounted.

use std::ffi::OsString;
use std::fmt;

use crate::mount::{MountAttributes, Propagation};
use crate::path::Location;

/// One option of a filesystem. `Debug` leaves the value out: it may be a password.
#[derive(Clone, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FilesystemOption {
    /// The name.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub key: OsString,
    /// The value, where it has one.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub value: Option<OsString>,
}

impl FilesystemOption {
    /// An option without a value.
    pub fn flag(key: impl Into<OsString>) -> Self {
        Self { key: key.into(), value: None }
    }

    /// An option with a value.
    pub fn with_value(key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        Self { key: key.into(), value: Some(value.into()) }
    }
}

impl fmt::Debug for FilesystemOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.key.display(), if self.value.is_some() { "=…" } else { "" })
    }
}

/// A new filesystem to be mounted: the input of [`Mounter::mount`](crate::ports::Mounter::mount).
///
/// Non-exhaustive: create one with [`new`](Self::new) and set the fields that matter.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MountRequest {
    /// The type: `tmpfs`, `ext4`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub fs_type: OsString,
    /// The device, or whatever the type uses as its source; `None` is listed as `none`.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub source: Option<OsString>,
    /// The target, which must exist. A mount that is there already is covered.
    pub target: Location,
    /// The attributes of the mount. Read-only is the mount's alone, never the superblock's: a disk that is itself read-only
    /// is refused with `EACCES`, unless the options have [`FilesystemOption::flag`]`("ro")` too.
    pub attributes: MountAttributes,
    /// The options of the filesystem.
    pub options: Vec<FilesystemOption>,
    /// The propagation; `None`: as the kernel gives it.
    pub propagation: Option<Propagation>,
}

impl MountRequest {
    /// A writable mount of type `fs_type` on `target`, without source and options.
    pub fn new(fs_type: impl Into<OsString>, target: Location) -> Self {
        Self {
            fs_type: fs_type.into(),
            source: None,
            target,
            attributes: MountAttributes::default(),
            options: Vec::new(),
            propagation: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_leaves_secrets_out() {
        let mut request = MountRequest::new("cifs", Location::trusted("/m"));
        request.options = vec![FilesystemOption::with_value("password", "hunter2"), FilesystemOption::flag("guest")];
        let text = format!("{request:?}");
        assert!(text.contains("password=…") && text.contains("guest") && !text.contains("hunter2"), "{text}");
    }
}

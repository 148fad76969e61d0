//! A new filesystem to be mounted.

use std::ffi::OsString;
use std::fmt;

use crate::mount::{AttributeChange, MountAttributes, Propagation};
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
/// Built as a [`BindRequest`](crate::mount::BindRequest) is; the fields show what was built.
///
/// ```
/// use mountwright_core::mount::{FilesystemOption, Propagation};
/// use mountwright_core::{Location, MountFlags, MountRequest};
///
/// let request = MountRequest::new("tmpfs", Location::trusted("/scratch"))
///     .source("scratch")
///     .option(FilesystemOption::with_value("size", "64k"))
///     .read_only()
///     .propagation(Propagation::Private);
/// assert_eq!(request.attributes.flags, MountFlags::READ_ONLY);
/// ```
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

    /// Sets the source.
    pub fn source(mut self, source: impl Into<OsString>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Changes the attributes of the mount.
    pub fn attributes(mut self, change: AttributeChange) -> Self {
        self.attributes = self.attributes.changed_by(change);
        self
    }

    /// Makes the mount read-only, besides any other change: the mount alone, not its superblock.
    pub fn read_only(self) -> Self {
        self.attributes(AttributeChange::READ_ONLY)
    }

    /// Adds an option of the filesystem.
    pub fn option(mut self, option: FilesystemOption) -> Self {
        self.options.push(option);
        self
    }

    /// Gives the new mount this propagation, also below a shared parent.
    pub fn propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = Some(propagation);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::MountFlags;

    #[test]
    fn a_request_is_built_step_by_step_as_a_bind_is() {
        let request = MountRequest::new("tmpfs", Location::trusted("/m")).source("scratch");
        let no_dev = AttributeChange::setting(MountFlags::NO_DEV);
        let request = request.attributes(no_dev).read_only().option(FilesystemOption::flag("noswap"));
        let request = request.option(FilesystemOption::with_value("size", "64k")).propagation(Propagation::Slave);
        assert_eq!(request.source.as_deref(), Some("scratch".as_ref()));
        assert_eq!(request.attributes.flags, MountFlags::NO_DEV | MountFlags::READ_ONLY);
        assert_eq!((request.options.len(), request.propagation), (2, Some(Propagation::Slave)));
    }

    #[test]
    fn debug_leaves_secrets_out() {
        let mut request = MountRequest::new("cifs", Location::trusted("/m"));
        request.options = vec![FilesystemOption::with_value("password", "hunter2"), FilesystemOption::flag("guest")];
        let text = format!("{request:?}");
        assert!(text.contains("password=…") && text.contains("guest") && !text.contains("hunter2"), "{text}");
    }
}

//! A new filesystem to be mounted.

use std::ffi::OsString;
use std::fmt;

use crate::file::FileMode;
use crate::mount::bind_request::MissingTarget;
use crate::mount::{AttributeChange, IdMap, MountAttributes, OccupiedTarget, Propagation};
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
    /// The file or directory that is its value, in the place of a text.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub place: Option<Location>,
}

impl FilesystemOption {
    /// An option without a value.
    pub fn flag(key: impl Into<OsString>) -> Self {
        Self { key: key.into(), value: None, place: None }
    }

    /// An option with a value.
    pub fn with_value(key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        Self { key: key.into(), value: Some(value.into()), place: None }
    }

    /// An option whose value is a file or directory, which is resolved once, when the filesystem is mounted. A symlink at the
    /// end of a `Trusted` or `InRoot` place is followed.
    ///
    /// The kernel gets its descriptor (`FSCONFIG_SET_FD`), where the filesystem takes one: overlay since 6.13. Otherwise it
    /// gets a path: of a trusted place the path itself, of another one that of the descriptor's magic link below
    /// `/proc/thread-self/fd`, which the mount table then shows. Without a procfs at `/proc` the error is `EOPNOTSUPP`.
    pub fn at_place(key: impl Into<OsString>, place: Location) -> Self {
        Self { key: key.into(), value: None, place: Some(place) }
    }
}

impl fmt::Debug for FilesystemOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.key.display(), if self.value.is_some() || self.place.is_some() { "=…" } else { "" })
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
    /// The target, which must exist unless it is [created](Self::creating_target).
    pub target: Location,
    /// The attributes of the mount. Read-only is the mount's alone, never the superblock's: a disk that is itself read-only
    /// is refused with `EACCES`, unless the options have [`FilesystemOption::flag`]`("ro")` too.
    pub attributes: MountAttributes,
    /// The options of the filesystem.
    pub options: Vec<FilesystemOption>,
    /// The propagation; `None`: as the kernel gives it.
    pub propagation: Option<Propagation>,
    /// The action when something is mounted on the target already; by default it is covered.
    #[cfg_attr(feature = "serde", serde(default = "stack", skip_serializing_if = "is_stack"))]
    pub occupied_target: OccupiedTarget,
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "MissingTarget::is_refused"))]
    pub(crate) missing_target: MissingTarget,
    /// The contents of the target are copied into the new filesystem before it is visible
    /// ([`copying_up`](Self::copying_up)).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub copies_up: bool,
    /// The map of owners ([`map_owners`](Self::map_owners)).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub owners: Option<IdMap>,
}

#[cfg(feature = "serde")]
fn stack() -> OccupiedTarget {
    OccupiedTarget::Stack
}

#[cfg(feature = "serde")]
fn is_stack(occupied: &OccupiedTarget) -> bool {
    *occupied == OccupiedTarget::Stack
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
            occupied_target: OccupiedTarget::Stack,
            missing_target: MissingTarget::Refuse,
            copies_up: false,
            owners: None,
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

    /// Creates the target where it is missing, and the directories above it, all of this mode, as
    /// [`BindRequest::creating_target`](crate::mount::BindRequest::creating_target) does.
    pub fn creating_target(mut self, mode: FileMode) -> Self {
        self.missing_target = MissingTarget::Create { mode, file_mode: None };
        self
    }

    /// Sets the action when something is mounted on the target already. With [`OccupiedTarget::StackOn`] the propagation has
    /// to be shared, private or unbindable: otherwise the error is `EINVAL`.
    pub fn occupied_target(mut self, occupied: OccupiedTarget) -> Self {
        self.occupied_target = occupied;
        self
    }

    /// Copies what is in the target into the new tmpfs before it is visible (`tmpcopyup` of the runtime specification).
    ///
    /// Copied are directories, regular files, symlinks and nodes, with modes, owners, extended attributes (not those of symlinks) and
    /// hard links among them; the root gets those of the target, but for a mode or owner that the options have. Every name is
    /// opened by descriptor, and no symlink is followed.
    ///
    /// Refused, before anything is visible: another type than tmpfs (`EINVAL`), a mount below the target (`EXDEV`), more than
    /// 65,536 names or 64 levels (`E2BIG`), and contents that do not fit (`ENOSPC`). Of a file that grows at the same time the first
    /// bytes are copied, as many as it had. Before 5.12 a staging directory is needed where the mount is read-only, before 5.2
    /// in any case.
    pub fn copying_up(mut self) -> Self {
        self.copies_up = true;
        self
    }

    /// Maps the owners of files, as [`BindRequest::map_owners`](crate::mount::BindRequest::map_owners) does. Owners that options
    /// name, and those of copied files, are the filesystem's: the map shows them as others.
    pub fn map_owners(mut self, map: IdMap) -> Self {
        self.owners = Some(map);
        self
    }

    /// The mode of directories that are created for a missing target; `None`: it is not created.
    pub fn target_mode(&self) -> Option<FileMode> {
        self.missing_target.mode()
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

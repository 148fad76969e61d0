//! The outcome of an unmount, and its one decision by errno.

use std::fmt;
use std::path::PathBuf;

use crate::error::{Errno, Error, OsError};
use crate::path::printable;
use crate::unmount::StaleReason;

/// The outcome of unmounting a place. Only with [`Unmounted`](Self::Unmounted) was its mount unmounted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Removal {
    /// Every layer that was mounted there is unmounted.
    #[cfg_attr(feature = "serde", serde(rename = "detached"))]
    Unmounted {
        /// The number of layers.
        layers: u32,
        /// The outcome for the mount target.
        #[cfg_attr(feature = "serde", serde(rename = "name"))]
        target: NameAfter,
    },
    /// The mount target existed and nothing was mounted on it.
    NotMounted {
        /// The outcome for the mount target.
        #[cfg_attr(feature = "serde", serde(rename = "name"))]
        target: NameAfter,
    },
    /// The mount target did not exist.
    #[cfg_attr(feature = "serde", serde(rename = "missing"))]
    NotFound,
    /// A symlink is in the place of a directory or file, created by a guest or by mistake. Nothing was unmounted or
    /// removed.
    #[cfg_attr(feature = "serde", serde(rename = "refused-symlink"))]
    Symlink,
    /// Another mount covers it. Nothing was unmounted or removed.
    Covered,
    /// It was left. Nothing was unmounted or removed.
    Refused {
        /// The reason.
        reason: Refusal,
    },
    /// Something is still mounted there and cannot be unmounted: the kernel has locked it, or another process is
    /// mounting there.
    StillMounted,
    /// It is in use. Only mounts below it were unmounted.
    Busy {
        /// The mount points of mounts below it that are themselves in use; empty where a process uses it.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        by: Vec<PathBuf>,
    },
    /// The record proves nothing here. Nothing was unmounted. If the record is of another or an unknown boot, names
    /// that still lead to the recorded files and are empty were removed.
    Stale {
        /// The reason.
        reason: StaleReason,
        /// The outcome for the mount target.
        #[cfg_attr(feature = "serde", serde(rename = "name"))]
        target: NameAfter,
    },
}

/// The outcome for the mount target of a share, and for the container's directory once it holds no other share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum NameAfter {
    /// It was empty and is removed; so is the container's directory, unless it holds something else.
    Removed,
    /// It still exists, or its parent does: it is not empty, or could not be removed. A warning has the reason.
    Kept,
}

/// Reason for which a mount was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Refusal {
    /// A directory on the path to the mount target is a mount point, or was moved during the call (`EXDEV`).
    MountOnPath,
    /// It is below the sandbox's directory, and no record that the caller passed has it.
    NotRecorded,
}

impl Removal {
    /// The meaning of the error of an unmount: the one place that decides it. `EINVAL` depends on what was unmounted.
    pub(crate) fn of_unmount(error: OsError) -> Result<Self, Error> {
        match error.errno() {
            _ if !error.left().is_empty() => Err(error.into()),
            Errno::ESTALE => Ok(Self::Covered),
            Errno::EBUSY => Ok(Self::Busy { by: Vec::new() }),
            _ => Self::of_look(error),
        }
    }

    /// The meaning of the error of a look at a mount target, or of the opening of a directory above it.
    pub(crate) fn of_look(error: OsError) -> Result<Self, Error> {
        match error.errno() {
            Errno::ENOENT | Errno::ENOTDIR => Ok(Self::NotFound),
            Errno::ELOOP => Ok(Self::Symlink),
            Errno::EXDEV => Ok(Self::Refused { reason: Refusal::MountOnPath }),
            _ => Err(error.into()),
        }
    }

    /// The meaning of the error of an unmount of a mount that still exists.
    pub(crate) fn of_existing(error: OsError) -> Result<Self, Error> {
        match error.errno() {
            Errno::EINVAL if is_locked(&error) => Ok(Self::StillMounted),
            Errno::EINVAL if error.left().is_empty() => Ok(Self::Covered),
            _ => Self::of_unmount(error).map(Self::existing),
        }
    }

    /// The outcome for a mount that still exists: where its mount point does not lead to it, another mount is on the path.
    pub(crate) fn existing(self) -> Self {
        match self {
            Self::Busy { .. } | Self::StillMounted => self,
            _ => Self::Covered,
        }
    }

    /// The outcome where this many layers were unmounted.
    pub(crate) fn of_layers(layers: u32, target: NameAfter) -> Self {
        if layers == 0 { Self::NotMounted { target } } else { Self::Unmounted { layers, target } }
    }

    /// True where nothing is mounted there any more.
    pub fn is_off(&self) -> bool {
        match self {
            Self::Unmounted { .. } | Self::NotMounted { .. } | Self::NotFound => true,
            // No mount outlives its boot.
            Self::Stale { reason, .. } => *reason == StaleReason::AnotherBoot,
            _ => false,
        }
    }

    /// The outcome for the mount target, where there was one that could be removed.
    pub(crate) fn target_mut(&mut self) -> Option<&mut NameAfter> {
        match self {
            Self::Unmounted { target, .. } | Self::NotMounted { target } | Self::Stale { target, .. } => Some(target),
            _ => None,
        }
    }
}

/// True where umount2 itself returned `EINVAL`, for a mount that was found: the kernel has locked it.
pub(crate) fn is_locked(error: &OsError) -> bool {
    error.errno() == Errno::EINVAL && error.step() == Some("umount2")
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmounted { layers: 1, target } => write!(f, "unmounted, {target}"),
            Self::Unmounted { layers, target } => write!(f, "unmounted in {layers} layers, {target}"),
            Self::NotMounted { target } => write!(f, "was not mounted, {target}"),
            Self::NotFound => f.write_str("did not exist"),
            Self::Symlink => f.write_str("refused: it is a symlink"),
            Self::Covered => f.write_str("refused: another mount covers it"),
            Self::Refused { reason } => write!(f, "refused: {reason}"),
            Self::StillMounted => f.write_str("still mounted: it cannot be unmounted"),
            Self::Busy { by } if by.is_empty() => f.write_str("in use by a process"),
            Self::Busy { by } => {
                let by: Vec<_> = by.iter().map(printable).collect();
                write!(f, "in use: {} is mounted on it and in use", by.join(", "))
            }
            Self::Stale { reason, target } => write!(f, "stale record: {reason}; {target}"),
        }
    }
}

impl fmt::Display for NameAfter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "its name removed",
            Self::Kept => "its name kept",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MountOnPath => "a directory on the path to it is a mount point",
            Self::NotRecorded => "no record that was passed has it",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Leftover, Operation};

    fn error(errno: Errno) -> OsError {
        OsError::new(Operation::Unmount, "/m/c", errno)
    }

    #[test]
    fn errno_of_an_unmount_has_one_meaning() {
        let refused = Removal::Refused { reason: Refusal::MountOnPath };
        for (errno, meaning) in [
            (Errno::ENOENT, Removal::NotFound),
            (Errno::ENOTDIR, Removal::NotFound),
            (Errno::ELOOP, Removal::Symlink),
            (Errno::ESTALE, Removal::Covered),
            (Errno::EXDEV, refused),
            (Errno::EBUSY, Removal::Busy { by: Vec::new() }),
        ] {
            assert_eq!(Removal::of_unmount(error(errno)), Ok(meaning), "{errno}");
        }
        for errno in [Errno::EPERM, Errno::EACCES, Errno::EIO, Errno::EMFILE, Errno::EINVAL] {
            assert_eq!(Removal::of_unmount(error(errno)), Err(error(errno).into()));
        }
        let left = error(Errno::ENOENT).leaving(Leftover::Directory("/d".into()));
        assert_eq!(Removal::of_unmount(left.clone()), Err(left.into()), "a changed machine is an error");
    }

    #[test]
    fn mount_that_exists_is_covered_where_its_mount_point_does_not_lead_to_it() {
        for errno in [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::ESTALE, Errno::EXDEV, Errno::EINVAL] {
            assert_eq!(Removal::of_existing(error(errno)), Ok(Removal::Covered), "{errno}");
        }
        let locked = error(Errno::EINVAL).at_step("umount2");
        assert_eq!(Removal::of_existing(locked), Ok(Removal::StillMounted));
        assert_eq!(Removal::of_existing(error(Errno::EBUSY)), Ok(Removal::Busy { by: Vec::new() }));
        assert_eq!(Removal::of_existing(error(Errno::EPERM)), Err(error(Errno::EPERM).into()));
        let left = error(Errno::EINVAL).leaving(Leftover::Directory("/d".into()));
        assert_eq!(Removal::of_existing(left.clone()), Err(left.into()));
    }

    #[test]
    fn stale_mount_is_off_only_after_another_boot() {
        for (reason, is_off) in [
            (StaleReason::AnotherBoot, true),
            (StaleReason::AnotherNamespace, false),
            (StaleReason::AnotherMount, false),
            (StaleReason::UnknownOrigin, false),
        ] {
            assert_eq!(Removal::Stale { reason, target: NameAfter::Kept }.is_off(), is_off, "{reason:?}");
        }
    }

    #[test]
    fn failed_look_never_counts_as_covered_or_busy() {
        for errno in [Errno::ESTALE, Errno::EBUSY, Errno::EIO, Errno::EACCES] {
            assert_eq!(Removal::of_look(error(errno)), Err(error(errno).into()));
        }
    }
}

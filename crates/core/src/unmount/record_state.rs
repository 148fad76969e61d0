//! Comparison of a recorded mount with the present mounts.

use std::fmt;
use std::path::Path;

use crate::error::{Errno, Operation, OsError, Subject};
use crate::mount::{MountInfo, MountKey, MountNamespaceId, MountSubtree, Origin};
use crate::ports::Mounter;

/// Strength of the proof that a mount is the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Proof {
    /// Boot, unique id, device and root are equal; the mount namespace too where the kernel has an id for it (6.11). No
    /// other mount can have them. Linux 6.8 and later.
    Certain,
    /// Boot, namespace file, mount id, device and root are equal. The kernel reuses ids and namespace files, so another
    /// mount of the same directory can have them. Enough to unmount a mount that the caller names; never enough for a
    /// search.
    Likely,
}

/// Reason for which a record proves nothing about any mount of this namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum StaleReason {
    /// The record does not name the boot in which its mount was created, or its mount namespace in a comparable form.
    UnknownOrigin,
    /// The machine was restarted since. The recorded mount is gone.
    AnotherBoot,
    /// The mount was created in another mount namespace. See
    /// [`ShareRecord::find_again`](crate::share::ShareRecord::find_again).
    AnotherNamespace,
    /// The mount with the recorded id shows another filesystem, or another subtree of it.
    AnotherMount,
}

impl StaleReason {
    /// True where empty names of the record may be removed. In another namespace the mount may be in use, and removing its
    /// name here would unmount it there.
    pub(crate) fn may_remove_names(self) -> bool {
        matches!(self, Self::UnknownOrigin | Self::AnotherBoot)
    }
}

impl fmt::Display for StaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownOrigin => "its boot and mount namespace are not known",
            Self::AnotherBoot => "it is of another boot",
            Self::AnotherNamespace => "it is of another mount namespace",
            Self::AnotherMount => "its id is another mount's",
        })
    }
}

/// State of a recorded mount.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordState {
    /// The mount exists.
    There {
        /// The mount in its present state.
        mount: Box<MountInfo>,
        /// Strength of the proof that it is the recorded one.
        proof: Proof,
    },
    /// No mount of this namespace is the recorded one.
    Gone,
    /// The record proves nothing here.
    Stale(StaleReason),
}

/// Recorded facts of a mount.
#[derive(Clone, Copy)]
pub(crate) struct Recorded<'a> {
    pub(crate) origin: Option<Origin>,
    pub(crate) mount: MountKey,
    pub(crate) shows: Option<&'a MountSubtree>,
    pub(crate) path: &'a Path,
}

pub(crate) fn state_of(mounter: &dyn Mounter, recorded: &Recorded<'_>) -> Result<RecordState, OsError> {
    if let Some(reason) = stale_origin(mounter, recorded.origin, recorded.mount)? {
        return Ok(RecordState::Stale(reason));
    }
    let mount = match mounter.find_mount(recorded.mount) {
        Ok(mount) => mount,
        Err(error) if error.errno() == Errno::ENOENT => return Ok(RecordState::Gone),
        Err(error) => return Err(error),
    };
    let is_it = recorded.shows.is_some_and(|shows| shows_same(&mount, shows));
    Ok(match recorded.mount {
        MountKey::Unique(_) if is_it => RecordState::There { mount: Box::new(mount), proof: Proof::Certain },
        MountKey::Reused(_) if is_it => RecordState::There { mount: Box::new(mount), proof: Proof::Likely },
        // The id was reused for a mount elsewhere, so the recorded one is gone.
        MountKey::Reused(_) if mount.mount_point != recorded.path => RecordState::Gone,
        _ => RecordState::Stale(StaleReason::AnotherMount),
    })
}

/// True where a mount shows this subtree of this filesystem, or showed it before the subtree was removed.
pub(crate) fn shows_same(mount: &MountInfo, shows: &MountSubtree) -> bool {
    mount.device == shows.device && (mount.root == shows.root || mount.root == deleted(&shows.root))
}

/// The root of a mount, as the kernel prints it once the directory or file was removed.
pub(crate) fn deleted(path: &Path) -> std::path::PathBuf {
    let mut text = path.as_os_str().to_os_string();
    text.push("//deleted");
    text.into()
}

/// `None` where the id means the same here as where it was recorded. Where this machine cannot determine a fact that
/// the record has (without a procfs), the result is an error: a record that cannot be compared is not stale.
pub(crate) fn stale_origin(
    mounter: &dyn Mounter,
    recorded: Option<Origin>,
    mount: MountKey,
) -> Result<Option<StaleReason>, OsError> {
    use MountNamespaceId::{Inode, Unique};
    let Some(Origin { boot: Some(boot), namespace }) = recorded else { return Ok(Some(StaleReason::UnknownOrigin)) };
    let now = mounter.origin()?;
    let cannot_say = || OsError::new(Operation::Origin, Subject::Namespace, Errno::EOPNOTSUPP);
    if now.boot.ok_or_else(cannot_say)? != boot {
        return Ok(Some(StaleReason::AnotherBoot));
    }
    match (namespace, now.namespace) {
        (Some(then), Some(now)) if then == now => Ok(None),
        (Some(Unique(_)), Some(Unique(_))) | (Some(Inode { .. }), Some(Inode { .. })) => {
            Ok(Some(StaleReason::AnotherNamespace))
        }
        // A unique id alone names one mount in all namespaces of the boot.
        _ if matches!(mount, MountKey::Unique(_)) => Ok(None),
        (Some(_), None) => Err(cannot_say()),
        _ => Ok(Some(StaleReason::UnknownOrigin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::{BootId, MountId, UniqueMountId};
    use crate::ports::MockMounter;

    const BOOT: Option<BootId> = Some(BootId::from_bytes([1; 16]));
    const UNIQUE: MountKey = MountKey::Unique(UniqueMountId(std::num::NonZeroU64::new(7).unwrap()));
    const REUSED: MountKey = MountKey::Reused(MountId(7));

    fn stale(then: Option<Origin>, now: Origin, key: MountKey) -> Result<Option<StaleReason>, Errno> {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(move || Ok(now));
        stale_origin(&mounter, then, key).map_err(|error| error.errno())
    }

    #[allow(clippy::unnecessary_wraps)] // A field of an origin.
    fn inode(inode: u64) -> Option<MountNamespaceId> {
        Some(MountNamespaceId::Inode { device: DeviceNumber::new(0, 4), inode })
    }

    #[test]
    fn record_without_a_boot_proves_nothing() {
        let now = Origin { boot: BOOT, namespace: inode(1) };
        for then in [None, Some(Origin::UNKNOWN), Some(Origin { boot: None, namespace: inode(1) })] {
            for key in [UNIQUE, REUSED] {
                assert_eq!(stale(then, now, key), Ok(Some(StaleReason::UnknownOrigin)));
            }
        }
    }

    #[test]
    fn record_that_cannot_be_compared_is_an_error_and_not_stale() {
        let then = Some(Origin { boot: BOOT, namespace: inode(1) });
        for key in [UNIQUE, REUSED] {
            assert_eq!(stale(then, Origin::UNKNOWN, key), Err(Errno::EOPNOTSUPP));
        }
        let no_namespace = Origin { boot: BOOT, namespace: None };
        assert_eq!(stale(then, no_namespace, REUSED), Err(Errno::EOPNOTSUPP));
        assert_eq!(stale(then, no_namespace, UNIQUE), Ok(None));
    }

    #[test]
    fn namespace_is_compared_where_both_say_it_in_the_same_way() {
        let of = |namespace| Origin { boot: BOOT, namespace };
        let unique = |id| Some(MountNamespaceId::Unique(id));
        for key in [UNIQUE, REUSED] {
            assert_eq!(stale(Some(of(inode(1))), of(inode(1)), key), Ok(None));
            assert_eq!(stale(Some(of(inode(1))), of(inode(2)), key), Ok(Some(StaleReason::AnotherNamespace)));
            assert_eq!(stale(Some(of(unique(1))), of(unique(2)), key), Ok(Some(StaleReason::AnotherNamespace)));
        }
        assert_eq!(stale(Some(of(inode(1))), of(unique(2)), UNIQUE), Ok(None));
        assert_eq!(stale(Some(of(inode(1))), of(unique(2)), REUSED), Ok(Some(StaleReason::UnknownOrigin)));
        assert_eq!(stale(Some(of(None)), of(unique(2)), REUSED), Ok(Some(StaleReason::UnknownOrigin)));
        let other = Origin { boot: Some(BootId::from_bytes([2; 16])), namespace: inode(1) };
        assert_eq!(stale(Some(of(inode(1))), other, UNIQUE), Ok(Some(StaleReason::AnotherBoot)));
    }
}

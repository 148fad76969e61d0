//! A recorded mount, compared with what is mounted.

use std::fmt;
use std::path::Path;

use crate::{Errno, MountInfo, MountKey, MountNamespaceId, MountSubtree, Mounter, Origin, OsError};

/// Strength of the proof that a mount is the recorded one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Proof {
    /// Boot, unique id, device and root are equal; the mount namespace too where the kernel has an id for it (6.11). No
    /// other mount can have them. Linux 6.8 and later.
    Certain,
    /// Boot, namespace file, mount id, device and root are equal. The kernel uses ids and namespace files again, so another
    /// mount of the same directory can have them. Enough to unmount what the caller names; never enough for a search.
    Likely,
}

/// Reason for which a record proves nothing about any mount of this namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum StaleReason {
    /// The record does not say in which boot and namespace its mount was made, or this machine does not say which ones they
    /// are now.
    UnknownOrigin,
    /// The machine was started again since. The recorded mount is gone.
    AnotherBoot,
    /// The mount was made in another mount namespace. See [`ShareRecord::find_again`](crate::ShareRecord::find_again).
    AnotherNamespace,
    /// The mount that has the recorded id shows another filesystem, or another part of it.
    AnotherMount,
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
    /// The mount is there.
    There {
        /// The mount, as it is now.
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
        // The id was used again for a mount elsewhere, so that the recorded one is gone.
        MountKey::Reused(_) if mount.mount_point != recorded.path => RecordState::Gone,
        _ => RecordState::Stale(StaleReason::AnotherMount),
    })
}

/// True where a mount shows this part of this filesystem, or what it was before it was removed.
pub(crate) fn shows_same(mount: &MountInfo, shows: &MountSubtree) -> bool {
    mount.device == shows.device && (mount.root == shows.root || mount.root == deleted(&shows.root))
}

/// The root of a mount, as the kernel prints it once the directory or file was removed.
pub(crate) fn deleted(path: &Path) -> std::path::PathBuf {
    let mut text = path.as_os_str().to_os_string();
    text.push("//deleted");
    text.into()
}

/// `None`: the id means here what it meant where it was recorded.
pub(crate) fn stale_origin(
    mounter: &dyn Mounter,
    recorded: Option<Origin>,
    mount: MountKey,
) -> Result<Option<StaleReason>, OsError> {
    let Some(recorded) = recorded else { return Ok(Some(StaleReason::UnknownOrigin)) };
    let now = mounter.origin()?;
    match (recorded.boot, now.boot) {
        (Some(then), Some(now)) if then != now => return Ok(Some(StaleReason::AnotherBoot)),
        (Some(_), Some(_)) => {}
        _ => return Ok(Some(StaleReason::UnknownOrigin)),
    }
    use MountNamespaceId::{Inode, Unique};
    Ok(match (recorded.namespace, now.namespace) {
        (Some(then), Some(now)) if then == now => None,
        (Some(Unique(_)), Some(Unique(_))) | (Some(Inode { .. }), Some(Inode { .. })) => {
            Some(StaleReason::AnotherNamespace)
        }
        // A unique id alone names one mount in all namespaces of the boot.
        _ if matches!(mount, MountKey::Unique(_)) => None,
        _ => Some(StaleReason::UnknownOrigin),
    })
}

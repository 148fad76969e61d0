//! The record of a sandbox's set-up.

use camino::Utf8PathBuf;

use crate::error::Error;
use crate::mount::{MountKey, MountSubtree, Origin, Placeholder};
use crate::path::Location;
use crate::ports::Mounter;
use crate::share::found_again::{look_at, of_another_boot};
use crate::share::{FoundAgain, ShareRecord};
use crate::unmount::StaleReason;

/// The action where the host's directory is not on a shared mount: a slave of it would silently be private, and no
/// mount would propagate to the guest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum IfNotShared {
    /// Fail with [`Error::NotShared`](crate::error::Error::NotShared).
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "refuse"))]
    Fail,
    /// Bind the directory onto itself as a shared mount in a peer group of its own; the tear-down unmounts it, with all
    /// mounts below it. An existing bind of the directory onto itself is treated as that of an earlier set-up.
    MakeShared,
}

/// The directories of a sandbox that was set up: the input of the tear-down.
///
/// A mount is the recorded one only where boot, mount namespace, id, device and root equal those of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SandboxDirs {
    /// The directory on the host; everything is bound below it.
    pub mounts_dir: Utf8PathBuf,
    /// The directory that the guest sees: a read-only slave of `mounts_dir`.
    pub shared_dir: Utf8PathBuf,
    /// The directory in which mounts are prepared, unseen by other processes.
    pub private_dir: Option<Utf8PathBuf>,
    /// Boot and mount namespace in which the mounts were created. A record without them proves nothing.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub origin: Option<Origin>,
    /// The subtree of a filesystem that `mounts_dir` is, and that the mounts on it and on `shared_dir` show.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub mounts_shows: Option<MountSubtree>,
    /// The subtree of a filesystem that the mount on `private_dir` shows, where one was needed.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub private_shows: Option<MountSubtree>,
    /// The mount on `shared_dir`.
    pub shared: MountKey,
    /// The mount of `mounts_dir` onto itself, where one was needed.
    pub made_shared: Option<MountKey>,
    /// The mount of `private_dir` onto itself, where one was needed.
    pub made_private: Option<MountKey>,
    /// The binds for the whole sandbox, in the order in which they were created.
    pub bind_mounts: Vec<ShareRecord>,
    /// The directories that were created, outermost first.
    pub made: Vec<Placeholder>,
}

impl SandboxDirs {
    /// Looks up the recorded mounts at their recorded places in another mount namespace of the same boot, for a program
    /// that was restarted in a new namespace.
    ///
    /// # Errors
    ///
    /// As [`ShareRecord::find_again`].
    pub fn find_again(&self, mounter: &dyn Mounter) -> Result<FoundAgain<Self>, Error> {
        if let Some(reason) = of_another_boot(mounter, self.origin, self.shared)? {
            return Ok(FoundAgain::Stale(reason));
        }
        let mut again = Self { origin: Some(mounter.origin()?), ..self.clone() };
        let own = [
            (Some(&mut again.shared), Some(&self.shared_dir), &self.mounts_shows),
            (again.made_shared.as_mut(), Some(&self.mounts_dir), &self.mounts_shows),
            (again.made_private.as_mut(), self.private_dir.as_ref(), &self.private_shows),
        ];
        for (mount, path, shows) in own {
            let (Some(mount), Some(path)) = (mount, path) else { continue };
            let Some(shows) = shows else { return Ok(FoundAgain::Stale(StaleReason::UnknownOrigin)) };
            match look_at(mounter, &Location::trusted(path.as_std_path()), shows, None)? {
                Ok(found) => *mount = found.key(),
                Err(other) => return Ok(other.of()),
            }
        }
        for bound in &mut again.bind_mounts {
            match bound.find_again(mounter)? {
                FoundAgain::Record(found) => *bound = *found,
                FoundAgain::NotMounted => return Ok(FoundAgain::NotMounted),
                FoundAgain::Differs(difference) => return Ok(FoundAgain::Differs(difference)),
                FoundAgain::Stale(reason) => return Ok(FoundAgain::Stale(reason)),
            }
        }
        Ok(FoundAgain::Record(Box::new(again)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, MountInfo, MountNamespaceId, PathMount};
    use crate::ports::MockMounter;
    use crate::test_support::in_memory_mounts::ORIGIN;

    #[test]
    fn record_that_is_found_in_another_namespace_has_that_namespace_as_its_origin() {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(ORIGIN));
        mounter.expect_mount_of().returning(|at| {
            let mut mount = MountInfo::new(MountId(9), MountId(1), DeviceNumber::new(8, 1));
            (mount.root, mount.mount_point) = ("/m".into(), at.for_display());
            Ok(PathMount { mount, is_root: true })
        });
        let dirs = SandboxDirs {
            mounts_dir: "/m".into(),
            shared_dir: "/s".into(),
            private_dir: None,
            origin: Some(Origin { namespace: Some(MountNamespaceId::Unique(10)), ..ORIGIN }),
            mounts_shows: Some(MountSubtree { device: DeviceNumber::new(8, 1), root: "/m".into() }),
            private_shows: None,
            shared: MountKey::Reused(MountId(7)),
            made_shared: None,
            made_private: None,
            bind_mounts: Vec::new(),
            made: Vec::new(),
        };
        let again = SandboxDirs { origin: Some(ORIGIN), shared: MountKey::Reused(MountId(9)), ..dirs.clone() };
        assert_eq!(dirs.find_again(&mounter), Ok(FoundAgain::Record(Box::new(again))));
    }
}

//! The group of a volume's files.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::file::{FileKind, Metadata};
use crate::spec::VolumeAccess;

/// When the group of a volume's files is changed (`fsGroupChangePolicy` of Kubernetes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FsGroupChangePolicy {
    /// At every mount.
    #[default]
    Always,
    /// Only where the root of the volume lacks the group or the permissions.
    OnRootMismatch,
}

impl FsGroupChangePolicy {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::OnRootMismatch => "OnRootMismatch",
        }
    }
}

impl fmt::Display for FsGroupChangePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for FsGroupChangePolicy {
    type Err = BadVolumeRecord;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Always, Self::OnRootMismatch]
            .into_iter()
            .find(|policy| policy.word() == word)
            .ok_or_else(|| BadVolumeRecord::new(FS_GROUP_CHANGE_POLICY, word, "expected Always or OnRootMismatch"))
    }
}

/// The group that a volume's files are to have, and when they get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FsGroup {
    /// The group id.
    pub gid: u32,
    /// When it is applied.
    pub policy: FsGroupChangePolicy,
}

/// The metadata key of the group id.
pub const FS_GROUP: &str = "fsGroup";
/// The metadata key of the change policy.
pub const FS_GROUP_CHANGE_POLICY: &str = "fsGroupChangePolicy";

/// An entry of a volume's record that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {key} = {value:?} of a direct-assigned volume: {reason}")]
pub struct BadVolumeRecord {
    /// The key of the entry.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The reason.
    pub reason: String,
}

impl BadVolumeRecord {
    pub(crate) fn new(key: impl Into<String>, value: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), reason: reason.into() }
    }
}

impl FsGroup {
    /// The group that the metadata of a direct-assigned volume requests: [`FS_GROUP`] with a group id, and
    /// [`FS_GROUP_CHANGE_POLICY`], whose default is [`FsGroupChangePolicy::Always`]. Other keys are ignored.
    ///
    /// # Errors
    ///
    /// [`BadVolumeRecord`]: the group is not a number that a group id can be, the policy is no policy, or there is a policy
    /// and no group.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Option<Self>, BadVolumeRecord> {
        let policy = metadata.get(FS_GROUP_CHANGE_POLICY);
        let Some(group) = metadata.get(FS_GROUP) else {
            return match policy {
                None => Ok(None),
                Some(word) => Err(BadVolumeRecord::new(FS_GROUP_CHANGE_POLICY, word, "there is no fsGroup")),
            };
        };
        let gid = group_id(group).ok_or_else(|| {
            BadVolumeRecord::new(FS_GROUP, group, "expected a group id, a decimal number from 0 to 4294967294")
        })?;
        let policy = policy.map(|word| word.parse()).transpose()?.unwrap_or_default();
        Ok(Some(Self { gid, policy }))
    }

    /// True where a volume whose root is `root` has to be changed.
    ///
    /// * [`Always`](FsGroupChangePolicy::Always): yes.
    /// * [`OnRootMismatch`](FsGroupChangePolicy::OnRootMismatch): where the root has another group, or lacks one of
    ///   [`VolumeAccess::group_bits`]. Additional bits are no mismatch, and the contents of the volume are not
    ///   examined: the root is changed last, so if it is right its contents are right too.
    pub const fn needs_change(self, root: &Metadata, access: VolumeAccess) -> bool {
        let wanted = access.group_bits(FileKind::Directory).bits();
        match self.policy {
            FsGroupChangePolicy::Always => true,
            FsGroupChangePolicy::OnRootMismatch => {
                !root.is_dir() || root.gid != self.gid || root.mode.bits() & wanted != wanted
            }
        }
    }
}

/// All ones means "leave it" to chown(2) and is no group.
fn group_id(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|&gid| digits && gid != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(entries: &[(&str, &str)]) -> Result<Option<FsGroup>, BadVolumeRecord> {
        FsGroup::from_metadata(&entries.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn no_policy_means_always() {
        let group = |policy| Ok(Some(FsGroup { gid: 2000, policy }));
        assert_eq!(read(&[("fsGroup", "2000")]), group(FsGroupChangePolicy::Always));
        let both = [("fsGroup", "2000"), ("fsGroupChangePolicy", "OnRootMismatch"), ("other", "x")];
        assert_eq!(read(&both), group(FsGroupChangePolicy::OnRootMismatch));
        assert_eq!(read(&[("other", "x")]), Ok(None));
    }

    #[test]
    fn a_policy_without_a_group_is_refused() {
        let error = read(&[("fsGroupChangePolicy", "Always")]).unwrap_err();
        assert_eq!((error.key.as_str(), error.value.as_str()), ("fsGroupChangePolicy", "Always"));
    }

    #[test]
    fn a_bad_group_names_key_and_value() {
        for bad in ["", "-1", "+5", "0x10", "20 ", "4294967295", "4294967296", "wheel"] {
            let error = read(&[("fsGroup", bad)]).unwrap_err();
            assert_eq!((error.key.as_str(), error.value.as_str()), ("fsGroup", bad));
        }
        let error = read(&[("fsGroup", "1"), ("fsGroupChangePolicy", "never")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot use fsGroupChangePolicy = \"never\" of a direct-assigned volume: expected Always or OnRootMismatch"
        );
    }

    #[test]
    fn the_root_alone_says_whether_a_change_is_needed() {
        let root = |mode, gid| {
            let mut root = Metadata::new(FileKind::Directory, crate::file::DeviceNumber::new(8, 1), 2);
            (root.mode, root.gid) = (crate::file::FileMode::from_bits(mode), gid);
            root
        };
        let group = FsGroup { gid: 7, policy: FsGroupChangePolicy::OnRootMismatch };
        for (mode, gid, read_write, read_only) in [
            (0o2770, 7, false, false),
            (0o2550, 7, true, false),
            (0o3777, 7, false, false),
            (0o2770, 8, true, true),
            (0o0770, 7, true, true),
            (0o2760, 7, true, true),
            (0o2750, 7, true, false),
        ] {
            let asked = |access| group.needs_change(&root(mode, gid), access);
            assert_eq!(asked(VolumeAccess::ReadWrite), read_write, "{mode:o} {gid}");
            assert_eq!(asked(VolumeAccess::ReadOnly), read_only, "{mode:o} {gid}");
            let always = FsGroup { policy: FsGroupChangePolicy::Always, ..group };
            assert!(always.needs_change(&root(mode, gid), VolumeAccess::ReadWrite));
        }
        let mut file = root(0o2770, 7);
        file.kind = FileKind::Regular;
        assert!(group.needs_change(&file, VolumeAccess::ReadWrite));
    }
}

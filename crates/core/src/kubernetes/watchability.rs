//! Whether a volume is small enough to be watched.

use std::fmt;

use crate::kubernetes::VolumeKind;

/// The most entries that a watchable volume has: the watcher in the guest keeps a descriptor for each.
pub const WATCHABLE_ENTRIES_MAX: u64 = 8;

/// Whether a volume can be copied into a guest and watched for changes, and why not.
///
/// `Display` is the reason as words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Watchability {
    /// The path is no Kubernetes volume.
    NotAVolume,
    /// It is a volume of a kind that is not watched: only configMap and secret are.
    KindNotWatched(VolumeKind),
    /// There is nothing in it.
    Empty,
    /// It has more entries than this.
    TooMany {
        /// The most that may be.
        limit: u64,
    },
    /// It can be watched.
    Watchable {
        /// Entries, as [`count_files`](crate::kubernetes::count_files) counts them: in the kubelet's layout two for each key, and one.
        entries: u64,
        /// Files that a container sees.
        keys: u64,
        /// Bytes in them.
        bytes: u64,
        /// How the files are laid out.
        layout: VolumeLayout,
    },
}

/// How the files of a volume are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum VolumeLayout {
    /// The kubelet's: the files of a version in a directory `..<time>`, a symlink `..data` to it, and for each key a
    /// symlink through `..data`. A new version is one rename of `..data`.
    AtomicWriter,
    /// Files as such.
    Plain,
}

impl Watchability {
    /// True where it can be watched.
    pub const fn is_watchable(&self) -> bool {
        matches!(self, Self::Watchable { .. })
    }
}

impl fmt::Display for Watchability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAVolume => f.write_str("no Kubernetes volume"),
            Self::KindNotWatched(kind) => write!(f, "volumes of kind {kind} are not watched"),
            Self::Empty => f.write_str("nothing in it"),
            Self::TooMany { limit } => write!(f, "more than {limit} entries"),
            Self::Watchable { entries, keys, bytes, .. } => {
                write!(f, "watchable: keys {keys}, entries {entries}, bytes {bytes}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_reason() {
        assert_eq!(
            Watchability::KindNotWatched(VolumeKind::Projected).to_string(),
            "volumes of kind projected are not watched"
        );
        assert_eq!(Watchability::TooMany { limit: 8 }.to_string(), "more than 8 entries");
        assert!(!Watchability::Empty.is_watchable());
        let three = Watchability::Watchable { entries: 7, keys: 3, bytes: 12, layout: VolumeLayout::AtomicWriter };
        assert_eq!(three.to_string(), "watchable: keys 3, entries 7, bytes 12");
        assert!(three.is_watchable());
    }
}

//! Suitability of a volume for being watched from a guest.

use std::fmt;

use crate::kubernetes::VolumeKind;

/// The maximum number of entries of a watchable volume: the watcher in the guest keeps a descriptor for each.
pub const WATCHABLE_ENTRIES_MAX: u64 = 8;

/// The result of testing whether a volume can be copied into a guest and watched for changes, with the reason where it
/// cannot.
///
/// `Display` writes the reason as words.
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
        /// The maximum number.
        limit: u64,
    },
    /// It has more bytes than this.
    TooLarge {
        /// The maximum number.
        limit: u64,
    },
    /// It can be watched.
    Watchable {
        /// Entries, as [`FileCount::below`](crate::kubernetes::FileCount::below) counts them: in the kubelet's layout
        /// two for each key, plus one.
        entries: u64,
        /// Files that a container sees.
        keys: u64,
        /// Bytes in them.
        bytes: u64,
        /// The layout of the files.
        layout: VolumeLayout,
    },
}

/// The layout of the files of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum VolumeLayout {
    /// The kubelet's: the files of a version in a directory `..<time>`, a symlink `..data` to it, and for each key a
    /// symlink through `..data`. A new version is one rename of `..data`.
    AtomicWriter,
    /// Files without that layout.
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
            Self::Empty => f.write_str("no entries"),
            Self::TooMany { limit } => write!(f, "more than {limit} entries"),
            Self::TooLarge { limit } => write!(f, "more than {limit} bytes"),
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
        assert_eq!(Watchability::TooLarge { limit: 9 }.to_string(), "more than 9 bytes");
        assert!(!Watchability::Empty.is_watchable());
        let three = Watchability::Watchable { entries: 7, keys: 3, bytes: 12, layout: VolumeLayout::AtomicWriter };
        assert_eq!(three.to_string(), "watchable: keys 3, entries 7, bytes 12");
        assert!(three.is_watchable());
    }
}

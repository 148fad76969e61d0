//! Maps of the owners of a mount.

/// A range of ids of a map: `count` ids from `stored` on are shown as those from `shown` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct IdRange {
    /// The first id that the filesystem stores: `containerID` of a specification.
    #[doc(alias = "containerID")]
    pub stored: u32,
    /// The first id that the mount shows, as the user namespace of the caller numbers it: `hostID`.
    #[doc(alias = "hostID")]
    pub shown: u32,
    /// The number of ids, at least 1: `size`.
    pub count: u32,
}

/// A map of the owners of files, for a mount that shows others than the filesystem stores (id-mapped mounts, Linux 5.12).
///
/// An owner that the map lacks is shown as the overflow id (65534), and a file with one cannot be changed through the mount
/// (`EOVERFLOW`). A new file belongs to the id that the map gives for its maker, and cannot be created where there is none.
///
/// A mount is mapped before it is visible. Filesystems take maps one by one, from one version of Linux or another:
/// the table is in docs/kernel.md.
///
/// ```
/// use mountwright_core::mount::{IdMap, IdRange};
///
/// // Files of root are those of user and group 100000 on the mount.
/// let range = IdRange { stored: 0, shown: 100_000, count: 65_536 };
/// let map = IdMap::Ranges { uids: vec![range], gids: vec![range] };
/// # let _ = map;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum IdMap {
    /// These ranges of users and of groups: at least one and at most 340 of each, none of which overlap. The lines of
    /// `uid_map` that they make have at most 4095 bytes (`user_namespaces(7)`).
    Ranges {
        /// Of users.
        uids: Vec<IdRange>,
        /// Of groups.
        gids: Vec<IdRange>,
    },
    /// The map of the user namespace of a process, by its id in the caller's pid namespace. The id of a process that has been
    /// waited for may be another process's: the caller keeps the process, as its child or by a pidfd.
    OfProcess(u32),
    /// None: a map that the source's mount has is cleared in the copy (Linux 6.15).
    Clear,
}

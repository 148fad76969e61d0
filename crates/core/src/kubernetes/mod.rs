//! Volumes of Kubernetes pods, recognized by their path.
//!
//! The volumes of a pod are at `<kubelet root>/pods/<uid>/volumes/<plugin>/<name>`, where the plugin's name has a `~`
//! in place of its slash: `kubernetes.io~empty-dir`. The functions here examine only such texts: paths are
//! [cleaned](crate::path::clean_path), nothing is looked up, and the result for a relative or empty path is false or
//! `None`.
//!
//! ```
//! use mountwright_core::kubernetes::VolumeKind;
//!
//! let tls = "/var/lib/kubelet/pods/5f0861a0/volumes/kubernetes.io~secret/tls".into();
//! assert_eq!(VolumeKind::of(tls), Some(VolumeKind::Secret));
//! ```

pub mod atomic_writer;
pub(crate) mod count_files;
pub(crate) mod empty_dir;
pub(crate) mod empty_dir_medium;
pub(crate) mod empty_dir_volume;
pub(crate) mod file_count;
pub(crate) mod file_walk;
pub mod fs_group;
mod volume_kind;
mod volume_path;
pub(crate) mod watchability;
pub(crate) mod watchable;

pub use volume_kind::{
    K8S_CONFIG_MAP, K8S_CSI, K8S_DOWNWARD_API, K8S_EMPTY_DIR, K8S_PROJECTED, K8S_SECRET, VolumeKind,
};
pub use volume_path::KUBELET_ROOT;

pub use empty_dir_medium::EmptyDirMedium;
pub use empty_dir_volume::EmptyDirVolume;
pub use file_count::FileCount;
pub use file_walk::TREE_DEPTH_MAX;
pub use watchability::{VolumeLayout, WATCHABLE_ENTRIES_MAX, Watchability};

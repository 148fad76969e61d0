//! Volumes that the kubelet replaces while they are in use (`pkg/volume/util/atomic_writer.go` of Kubernetes).

pub(crate) mod error;
pub(crate) mod generation;
pub(crate) mod layout;
pub(crate) mod payload;
pub(crate) mod read;
pub(crate) mod volume;

pub use error::{AtomicVolumeError, LayoutFault};
pub use generation::VolumeGeneration;
pub use volume::{AtomicVolume, AtomicVolumeLimits, VolumeFile};

//! Volumes that the kubelet replaces while they are in use (`pkg/volume/util/atomic_writer.go` of Kubernetes).

mod layout;
pub(super) mod payload;
pub(crate) mod read;

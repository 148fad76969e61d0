//! Host paths that a container claims and that are not proven to be its own.

use camino::Utf8PathBuf;

use crate::path::ContainerId;

/// A host path that is not proven to be a container's own, so that it was left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host_path} is not proven to be a mount of container {container}: it is neither below {mounts_dir}/{container} nor \
     named {mounts_dir}/{container}-<16 hex digits>-<name>, and no mount id was recorded for it"
)]
pub struct NotOurs {
    /// The container that claims it.
    pub container: ContainerId,
    /// Where its mounts have to be.
    pub mounts_dir: Utf8PathBuf,
    /// The path.
    pub host_path: Utf8PathBuf,
}

//! Requirements of nydus on the host.

use crate::kata::KataError;
use crate::path::ContainerId;

/// The hypervisors that have a daemon for nydus, by their names in configurations.
const WITH_DAEMON: [&str; 2] = ["qemu", "clh"];

/// `Ok` where this hypervisor has a daemon for nydus.
///
/// # Errors
///
/// [`KataError::NydusNotSupported`] for any hypervisor but `qemu` and `clh`.
#[doc(alias = "getVirtiofsDaemonForNydus")]
pub(crate) fn nydus_supported(hypervisor: &str) -> Result<(), KataError> {
    if WITH_DAEMON.contains(&hypervisor) { Ok(()) } else { Err(KataError::NydusNotSupported(hypervisor.to_owned())) }
}

/// The path of a container's image in the daemon's own tree.
#[doc(alias = "rafsMountPath")]
pub(crate) fn rafs_mount_path(id: &ContainerId) -> String {
    format!("/rafs/{id}/lowerdir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_and_clh_have_a_daemon_and_nothing_else() {
        assert_eq!((nydus_supported("qemu"), nydus_supported("clh")), (Ok(()), Ok(())));
        for other in ["", "QEMU", "firecracker", "qemu2"] {
            assert_eq!(nydus_supported(other), Err(KataError::NydusNotSupported(other.to_owned())));
        }
    }

    #[test]
    fn an_image_is_at_its_containers_lowerdir() {
        assert_eq!(rafs_mount_path(&ContainerId::new("c1").unwrap()), "/rafs/c1/lowerdir");
    }
}

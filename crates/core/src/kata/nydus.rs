//! Requirements of nydus on the host.

use crate::kata::NydusNotSupported;
use crate::path::ContainerId;

/// The hypervisors that have a daemon for nydus, by their names in configurations.
const WITH_DAEMON: [&str; 2] = ["qemu", "clh"];

/// `Ok` where this hypervisor has a daemon for nydus.
///
/// # Errors
///
/// [`NydusNotSupported`] for any hypervisor but `qemu` and `clh`.
#[doc(alias = "getVirtiofsDaemonForNydus")]
pub fn nydus_supported(hypervisor: &str) -> Result<(), NydusNotSupported> {
    if WITH_DAEMON.contains(&hypervisor) { Ok(()) } else { Err(NydusNotSupported(hypervisor.to_owned())) }
}

/// The path of a container's image in the daemon's own tree.
#[doc(alias = "rafsMountPath")]
pub fn rafs_mount_path(id: &ContainerId) -> String {
    format!("/rafs/{id}/lowerdir")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qemu_and_clh_have_a_daemon_and_nothing_else() {
        assert_eq!((nydus_supported("qemu"), nydus_supported("clh")), (Ok(()), Ok(())));
        for other in ["", "QEMU", "firecracker", "qemu2"] {
            assert_eq!(nydus_supported(other), Err(NydusNotSupported(other.to_owned())));
        }
    }

    #[test]
    fn an_image_is_at_its_containers_lowerdir() {
        assert_eq!(rafs_mount_path(&ContainerId::new("c1").unwrap()), "/rafs/c1/lowerdir");
    }
}

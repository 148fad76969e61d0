//! Clean-up after a container on a nydus image.

use std::ffi::OsStr;

use camino::Utf8Path;

use crate::error::Error;
use crate::kata::{
    Container, KataError, RafsDaemon, Sandbox, UnshareFailure, UnshareStep, nydus_supported, rafs_mount_path,
};
use crate::path::ContainerId;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::SNAPSHOT_DIR;
use crate::share::layout::{container_dir, share_location};
use crate::share::unshare::{ContainerDir, unshare};
use crate::unmount::placeholder::{self, Removal};
use crate::unmount::{NameAfter, UnshareOutcome};

impl Sandbox {
    /// Cleans up after a container on a nydus image: the image in the daemon, the snapshot directory, the directory of
    /// the root filesystem, in this order. The remaining steps run after a step has failed. A second call finds nothing
    /// left to do.
    ///
    /// # Errors
    ///
    /// Every step that failed, in order. Where the hypervisor has no daemon no step is run.
    #[doc(alias = "nydusContainerCleanup")]
    pub fn cleanup_nydus(
        &self,
        backend: &dyn Backend,
        daemon: &dyn RafsDaemon,
        container: &Container,
    ) -> Result<UnshareOutcome, Vec<UnshareFailure>> {
        cleanup_nydus(backend.filesystem(), backend.mounter(), daemon, self, container)
    }
}

pub(crate) fn cleanup_nydus(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    daemon: &dyn RafsDaemon,
    sandbox: &Sandbox,
    container: &Container,
) -> Result<UnshareOutcome, Vec<UnshareFailure>> {
    let span = tracing::debug_span!(target: "mountwright", "cleanup_nydus", subsystem = "mount",
        "shared-dir" = %sandbox.mounts_dir, "container-id" = %container.id);
    let _entered = span.enter();
    let failure = |step: UnshareStep, error: KataError| UnshareFailure::new(container.id.clone(), step, error);
    if let Err(error) = nydus_supported(&sandbox.hypervisor) {
        return Err(vec![failure(UnshareStep::Rafs, error.into())]);
    }
    let mut failures = Vec::new();
    let mut attempt = |step: UnshareStep, result: Result<UnshareOutcome, KataError>| match result {
        Ok(outcome) => Some(outcome),
        Err(error) => {
            failures.push(failure(step, error));
            None
        }
    };
    let rafs = daemon.unmount(&rafs_mount_path(&container.id)).map_err(KataError::from);
    attempt(UnshareStep::Rafs, rafs.map(|_| UnshareOutcome::Missing));
    let snapshot = unshare(fs, mounter, &sandbox.mounts_dir, &container.id, SNAPSHOT_DIR);
    let snapshot = attempt(UnshareStep::SnapshotDir, snapshot.map_err(KataError::from));
    let rootfs = remove_rootfs_dir(fs, &sandbox.mounts_dir, &container.id, &container.rootfs_suffix);
    attempt(UnshareStep::Rootfs, rootfs.map_err(KataError::from));
    match snapshot {
        Some(outcome) if failures.is_empty() => Ok(outcome),
        _ => Err(failures),
    }
}

/// Removes the directory of the root filesystem. The daemon serves the root filesystem; on the host it is an empty
/// directory. A directory that cannot be removed is an error here: it has unexpected contents or a mount on it.
fn remove_rootfs_dir(
    fs: &dyn Filesystem,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    suffix: &str,
) -> Result<UnshareOutcome, Error> {
    share_location(mounts_dir, id, suffix)?;
    let container = match ContainerDir::open(fs, mounts_dir, id) {
        Ok(container) => container,
        Err(error) => {
            return match placeholder::gone_or_kept(fs, &container_dir(mounts_dir, id)?, error) {
                Removal::Removed => Ok(UnshareOutcome::NotMounted { name: NameAfter::Removed }),
                Removal::Kept(error) => Err(error.into()),
            };
        }
    };
    let suffix = OsStr::new(suffix);
    if let Err(error) = container.directory.remove_dir(suffix)
        && let Removal::Kept(error) = placeholder::gone_in_or_kept(&*container.directory, suffix, error)
    {
        return Err(error.into());
    }
    if let Removal::Kept(error) = container.remove_if_empty() {
        return Err(error.into());
    }
    Ok(UnshareOutcome::NotMounted { name: NameAfter::Removed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::{DeviceNumber, DirectoryEntry, FileKind, Metadata};
    use crate::kata::{MockRafsDaemon, NydusNotSupported, RafsError, RafsUnmount};
    use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter};

    fn sandbox(hypervisor: &str) -> (Sandbox, Container) {
        let id = |text: &str| ContainerId::new(text).unwrap();
        (Sandbox::new(id("s"), "/m", hypervisor), Container::new(id("c")))
    }

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::RemoveDir, "/m/c/rootfs", errno)
    }

    /// A filesystem in which unmounting the snapshot directory and removing the rootfs end like this.
    fn filesystem(unmounted: Result<(), Errno>, rootfs: Result<(), Errno>) -> MockFilesystem {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| {
            let mut mounts = MockDirectory::new();
            let found = || Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 3);
            mounts.expect_metadata().returning(move |_| Ok(found()));
            mounts.expect_open_dir().returning(move |_, _| {
                let mut container = MockDirectory::new();
                container.expect_own_metadata().returning(move || Ok(found()));
                container.expect_unmount().returning(move |name, _, _| {
                    assert_eq!(name, "snapshotdir");
                    unmounted.map_err(os)
                });
                container.expect_remove_dir().withf(|name| name == "snapshotdir").returning(|_| Ok(()));
                container.expect_remove_dir().withf(|name| name == "rootfs").returning(move |_| rootfs.map_err(os));
                container.expect_metadata().returning(|_| Err(os(Errno::ENOENT)));
                container.expect_entries().returning(|| Ok(something()));
                Ok(Box::new(container))
            });
            mounts.expect_remove_dir().withf(|name| name == "c").returning(|_| Err(os(Errno::ENOTEMPTY)));
            Ok(Box::new(mounts))
        });
        fs
    }

    /// A leftover of another share in the container's directory.
    fn something() -> DirectoryEntries {
        let entry = DirectoryEntry { name: "v".into(), kind: FileKind::Directory, inode: 9 };
        DirectoryEntries::new(std::iter::once(Ok(entry)))
    }

    fn daemon(answer: Result<RafsUnmount, RafsError>) -> MockRafsDaemon {
        let mut daemon = MockRafsDaemon::new();
        daemon.expect_unmount().withf(|path| path == "/rafs/c/lowerdir").times(1).returning(move |_| answer.clone());
        daemon
    }

    #[test]
    fn a_hypervisor_without_a_daemon_is_a_typed_error() {
        let (sandbox, container) = sandbox("firecracker");
        let (fs, mounter, daemon) = (MockFilesystem::new(), MockMounter::new(), MockRafsDaemon::new());
        let failures = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container).unwrap_err();
        assert_eq!(failures[0].error, KataError::NydusNotSupported(NydusNotSupported("firecracker".into())));
    }

    #[test]
    fn everything_goes() {
        let (sandbox, container) = sandbox("qemu");
        let daemon = daemon(Ok(RafsUnmount::Done));
        let outcome = cleanup_nydus(&filesystem(Ok(()), Ok(())), &MockMounter::new(), &daemon, &sandbox, &container);
        assert_eq!(outcome, Ok(UnshareOutcome::Detached { layers: 1, name: NameAfter::Removed }));
    }

    #[test]
    fn one_failing_step_does_not_skip_the_rest() {
        let (sandbox, container) = sandbox("clh");
        let daemon = daemon(Err(RafsError("gone".into())));
        let (fs, mounter) = (filesystem(Err(Errno::EPERM), Err(Errno::ENOTEMPTY)), MockMounter::new());
        let failures = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container).unwrap_err();
        let steps: Vec<_> = failures.iter().map(|failure| failure.step.clone()).collect();
        assert_eq!(steps, [UnshareStep::Rafs, UnshareStep::SnapshotDir, UnshareStep::Rootfs]);
    }

    #[test]
    fn a_second_call_succeeds() {
        let (sandbox, container) = sandbox("qemu");
        let daemon = daemon(Ok(RafsUnmount::NotMounted));
        let (fs, mounter) = (filesystem(Err(Errno::ENOENT), Err(Errno::ENOENT)), MockMounter::new());
        let outcome = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container);
        assert_eq!(outcome, Ok(UnshareOutcome::Missing));
    }

    #[test]
    fn a_name_that_only_seems_to_be_gone_is_told() {
        let (sandbox, container) = sandbox("qemu");
        let daemon = daemon(Ok(RafsUnmount::Done));
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(|_| {
            let mut mounts = MockDirectory::new();
            let found = || Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 3);
            mounts.expect_metadata().returning(move |_| Ok(found()));
            mounts.expect_remove_dir().returning(|_| Err(os(Errno::ENOTEMPTY)));
            mounts.expect_open_dir().returning(move |_, _| {
                let mut container = MockDirectory::new();
                container.expect_own_metadata().returning(move || Ok(found()));
                container.expect_entries().returning(|| Ok(something()));
                container.expect_unmount().returning(|_, _, _| Err(os(Errno::ENOENT)));
                container.expect_remove_dir().returning(|_| Err(os(Errno::ENOENT)));
                container.expect_metadata().returning(move |_| Ok(found()));
                Ok(Box::new(container))
            });
            Ok(Box::new(mounts))
        });
        let mounter = MockMounter::new();
        let failures = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container).unwrap_err();
        assert!(failures.iter().any(|failure| failure.step == UnshareStep::Rootfs), "{failures:?}");
    }

    #[test]
    fn a_suffix_is_one_name() {
        let (sandbox, mut container) = sandbox("qemu");
        container.rootfs_suffix = "../other".into();
        let (mut fs, daemon) = (MockFilesystem::new(), daemon(Ok(RafsUnmount::Done)));
        fs.expect_open_dir().returning(|_| Err(os(Errno::ELOOP)));
        let mounter = MockMounter::new();
        let failures = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container).unwrap_err();
        assert!(
            matches!(failures[..], [UnshareFailure { error: KataError::Core(Error::NotRelative(_)), .. }]),
            "{failures:?}"
        );
    }
}

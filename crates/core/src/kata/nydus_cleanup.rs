//! Clean-up after a container on a nydus image.

use std::ffi::OsStr;
use std::path::PathBuf;

use camino::Utf8Path;

use crate::error::Error;
use crate::kata::nydus::{nydus_supported, rafs_mount_path};
use crate::kata::{Container, KataError, RafsDaemon, RafsUnmount, Sandbox};
use crate::path::ContainerId;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::SNAPSHOT_DIR;
use crate::share::layout::{container_dir, share_location};
use crate::share::unshare::{ContainerDir, unshare};
use crate::unmount::placeholder::{self, NameRemoval};
use crate::unmount::{NameAfter, Removal, Report, ReportedMount};

impl Sandbox {
    /// Cleans up after a container on a nydus image: the image in the daemon, the snapshot directory, the directory of
    /// the root filesystem, in this order. The remaining steps run after a step has failed. A second call finds nothing
    /// left to do.
    ///
    /// No step is run if the hypervisor has no daemon: the report has that error for the image.
    #[doc(alias = "nydusContainerCleanup")]
    pub fn cleanup_nydus(
        &self,
        backend: &dyn Backend,
        daemon: &dyn RafsDaemon,
        container: &Container,
    ) -> Report<KataError> {
        cleanup_nydus(backend.filesystem(), backend.mounter(), daemon, self, container)
    }
}

pub(crate) fn cleanup_nydus(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    daemon: &dyn RafsDaemon,
    sandbox: &Sandbox,
    container: &Container,
) -> Report<KataError> {
    let span = tracing::debug_span!(target: "mountwright", "cleanup_nydus", subsystem = "mount",
        "shared-dir" = %sandbox.mounts_dir, "container-id" = %container.id);
    let _entered = span.enter();
    let (mounts_dir, id, suffix) = (&*sandbox.mounts_dir, &container.id, &container.rootfs_suffix);
    let mut report = Report::default();
    let mut note = |path: PathBuf, result: Result<Removal, KataError>| {
        report.push(ReportedMount::new(path, result).of(id));
    };
    let image = rafs_mount_path(id);
    if let Err(error) = nydus_supported(&sandbox.hypervisor) {
        note(image.into(), Err(error));
        return report;
    }
    let unmounted = daemon.unmount(&image).map(of_image);
    note(image.into(), unmounted);
    let directory = mounts_dir.as_std_path().join(id.as_str());
    let snapshot = unshare(fs, mounter, mounts_dir, id, SNAPSHOT_DIR);
    note(directory.join(SNAPSHOT_DIR), snapshot.map_err(KataError::from));
    let rootfs = remove_rootfs_dir(fs, mounts_dir, id, suffix);
    note(directory.join(suffix), rootfs.map_err(KataError::from));
    report
}

fn of_image(unmounted: RafsUnmount) -> Removal {
    Removal::of_layers(u32::from(unmounted == RafsUnmount::Done), NameAfter::Kept)
}

/// Removes the directory of the root filesystem. The daemon serves the root filesystem; on the host it is an empty
/// directory. A directory that cannot be removed is an error here: it has unexpected contents or a mount on it.
fn remove_rootfs_dir(
    fs: &dyn Filesystem,
    mounts_dir: &Utf8Path,
    id: &ContainerId,
    suffix: &str,
) -> Result<Removal, Error> {
    share_location(mounts_dir, id, suffix)?;
    let container = match ContainerDir::open(fs, mounts_dir, id) {
        Ok(container) => container,
        Err(error) => {
            return match placeholder::gone_or_kept(fs, &container_dir(mounts_dir, id)?, error) {
                NameRemoval::Removed => Ok(Removal::NotMounted { target: NameAfter::Removed }),
                NameRemoval::Kept(error) => Err(error.into()),
            };
        }
    };
    let suffix = OsStr::new(suffix);
    if let Err(error) = container.directory.remove_dir(suffix)
        && let NameRemoval::Kept(error) = placeholder::gone_in_or_kept(&*container.directory, suffix, error)
    {
        return Err(error.into());
    }
    if let NameRemoval::Kept(error) = container.remove_if_empty() {
        return Err(error.into());
    }
    Ok(Removal::NotMounted { target: NameAfter::Removed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::{DeviceNumber, DirectoryEntry, FileKind, Metadata};
    use crate::kata::RafsUnmount;
    use crate::kata::rafs_daemon::MockRafsDaemon;
    use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter, Ports};

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

    fn daemon(answer: Result<RafsUnmount, KataError>) -> MockRafsDaemon {
        let mut daemon = MockRafsDaemon::new();
        daemon.expect_unmount().withf(|path| path == "/rafs/c/lowerdir").times(1).returning(move |_| answer.clone());
        daemon
    }

    /// The paths of a report with their results.
    fn results(report: &Report<KataError>) -> Vec<(&str, Result<Removal, KataError>)> {
        report.mounts.iter().map(|mount| (mount.path.to_str().unwrap(), mount.result.clone())).collect()
    }

    #[test]
    fn a_hypervisor_without_a_daemon_is_a_typed_error() {
        let (sandbox, container) = sandbox("firecracker");
        let (fs, mounter, daemon) = (MockFilesystem::new(), MockMounter::new(), MockRafsDaemon::new());
        let report = sandbox.cleanup_nydus(&Ports { filesystem: fs, mounter }, &daemon, &container);
        let error = KataError::NydusNotSupported("firecracker".into());
        assert_eq!(results(&report), [("/rafs/c/lowerdir", Err(error))]);
    }

    #[test]
    fn all_mounts_and_names_are_removed() {
        let (sandbox, container) = sandbox("qemu");
        let daemon = daemon(Ok(RafsUnmount::Done));
        let report = cleanup_nydus(&filesystem(Ok(()), Ok(())), &MockMounter::new(), &daemon, &sandbox, &container);
        assert!(report.is_clean(), "{report}");
        let expected = [
            ("/rafs/c/lowerdir", Ok(Removal::of_layers(1, NameAfter::Kept))),
            ("/m/c/snapshotdir", Ok(Removal::of_layers(1, NameAfter::Removed))),
            ("/m/c/rootfs", Ok(Removal::of_layers(0, NameAfter::Removed))),
        ];
        assert_eq!(results(&report), expected);
    }

    #[test]
    fn one_failing_step_does_not_skip_the_rest() {
        let (sandbox, container) = sandbox("clh");
        let daemon = daemon(Err(KataError::Rafs("gone".into())));
        let (fs, mounter) = (filesystem(Err(Errno::EPERM), Err(Errno::ENOTEMPTY)), MockMounter::new());
        let report = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container);
        assert!(report.mounts.len() == 3 && report.mounts.iter().all(|mount| mount.result.is_err()), "{report}");
    }

    #[test]
    fn a_second_call_succeeds() {
        let (sandbox, container) = sandbox("qemu");
        let daemon = daemon(Ok(RafsUnmount::NotMounted));
        let (fs, mounter) = (filesystem(Err(Errno::ENOENT), Err(Errno::ENOENT)), MockMounter::new());
        let report = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container);
        assert!(report.is_clean() && report.unmounted().next().is_none(), "{report}");
    }

    #[test]
    fn name_that_only_one_call_reports_as_missing_is_reported() {
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
        let report = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container);
        assert!(report.mounts[2].result.is_err(), "{report}");
    }

    #[test]
    fn a_suffix_is_one_name() {
        let (sandbox, mut container) = sandbox("qemu");
        container.rootfs_suffix = "../other".into();
        let (mut fs, daemon) = (MockFilesystem::new(), daemon(Ok(RafsUnmount::Done)));
        fs.expect_open_dir().returning(|_| Err(os(Errno::ELOOP)));
        let mounter = MockMounter::new();
        let report = cleanup_nydus(&fs, &mounter, &daemon, &sandbox, &container);
        assert!(matches!(report.mounts[2].result, Err(KataError::Core(Error::InvalidPath(_)))), "{report}");
    }
}

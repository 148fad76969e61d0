//! Removal of everything that a sandbox has shared.

use std::path::PathBuf;

use crate::error::Errno;
use crate::file::{FileKind, FinalSymlink};
use crate::kata::host_mounts::unmount_host_mount;
use crate::kata::nydus::rafs_mount_path;
use crate::kata::nydus_cleanup::cleanup_nydus;
use crate::kata::{Container, KataError, RafsDaemon, Sandbox};
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::ROOTFS_DIR;
use crate::share::layout::container_dir;
use crate::share::unshare::{unshare, warn_symlink};
use crate::unmount::{Removal, Report, ReportedMount};

impl Sandbox {
    /// Removes everything that the containers have shared, and continues after every failure.
    ///
    /// For each container, in order: its mounts on the host, the last one first; then, unless its root filesystem is a
    /// block device ([`Container::fs_type`] set), its root filesystem, or for a nydus image
    /// [`cleanup_nydus`](Self::cleanup_nydus). A container whose directory is a symlink is skipped with a warning and
    /// reported as such.
    ///
    /// `daemon` is called for containers on nydus images alone. The report has each mount by its path; a nydus image by
    /// its path in the daemon's tree.
    #[doc(alias = "bindUnmountAllRootfs")]
    pub fn unshare_all(&self, backend: &dyn Backend, daemon: Option<&dyn RafsDaemon>) -> Report<KataError> {
        unshare_all(backend.filesystem(), backend.mounter(), daemon, self)
    }
}

fn unshare_all(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    daemon: Option<&dyn RafsDaemon>,
    sandbox: &Sandbox,
) -> Report<KataError> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_all", subsystem = "mount",
        "shared-dir" = %sandbox.mounts_dir, "sandbox-id" = %sandbox.id);
    let _entered = span.enter();
    let mut teardown = Teardown { fs, mounter, daemon, sandbox, report: Report::default() };
    for container in &sandbox.containers {
        teardown.container(container);
    }
    teardown.report
}

struct Teardown<'a> {
    fs: &'a dyn Filesystem,
    mounter: &'a dyn Mounter,
    daemon: Option<&'a dyn RafsDaemon>,
    sandbox: &'a Sandbox,
    report: Report<KataError>,
}

impl Teardown<'_> {
    fn container(&mut self, container: &Container) {
        let directory = self.sandbox.mounts_dir.join(container.id.as_str());
        if let Some(refused) = self.refused(container) {
            return self.note(container, directory, refused);
        }
        self.host_mounts(container);
        if !container.fs_type.is_empty() {
            return;
        }
        if container.is_nydus() {
            return self.nydus(container);
        }
        let removal = unshare(self.fs, self.mounter, &self.sandbox.mounts_dir, &container.id, ROOTFS_DIR);
        self.note(container, directory.join(ROOTFS_DIR), removal.map_err(KataError::from));
    }

    fn host_mounts(&mut self, container: &Container) {
        for mount in container.mounts.iter().rev() {
            let Some(path) = mount.host_path.as_deref().filter(|path| !path.as_str().is_empty()) else { continue };
            let mounts_dir = &self.sandbox.mounts_dir;
            let removal = unmount_host_mount(self.fs, self.mounter, mounts_dir, &container.id, mount, path);
            if let Err(error) = &removal {
                tracing::warn!(target: "mountwright", subsystem = "mount", container = %container.id,
                    "host-path" = %path, %error, "Could not umount");
            }
            self.note(container, path, removal);
        }
    }

    fn nydus(&mut self, container: &Container) {
        match self.daemon {
            Some(daemon) => {
                self.report.append(cleanup_nydus(self.fs, self.mounter, daemon, self.sandbox, container));
            }
            None => self.note(container, rafs_mount_path(&container.id), Err(KataError::NoRafsDaemon)),
        }
    }

    /// The result for a container's directory that is a symlink or cannot be looked at.
    fn refused(&self, container: &Container) -> Option<Result<Removal, KataError>> {
        let at = match container_dir(&self.sandbox.mounts_dir, &container.id) {
            Ok(at) => at,
            Err(error) => return Some(Err(error.into())),
        };
        match self.fs.metadata(&at, FinalSymlink::Itself) {
            Ok(found) if found.kind != FileKind::Symlink => None,
            Ok(_) => {
                warn_symlink(&container.id);
                Some(Ok(Removal::Symlink))
            }
            Err(error) if error.errno() == Errno::ENOENT => None,
            Err(error) => Some(Err(error.into())),
        }
    }

    fn note(&mut self, container: &Container, path: impl Into<PathBuf>, result: Result<Removal, KataError>) {
        self.report.push(ReportedMount::new(path, result).of(&container.id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::{DeviceNumber, Metadata};
    use crate::kata::rafs_daemon::MockRafsDaemon;
    use crate::kata::{NYDUS_ROOTFS_TYPE, RafsUnmount};
    use crate::path::{ContainerId, Location};
    use crate::ports::{MockDirectory, MockFilesystem, MockMounter};
    use crate::spec::Mount;
    use crate::unmount::NameAfter;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    fn id(text: &str) -> ContainerId {
        ContainerId::new(text).unwrap()
    }

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Unmount, "/m", errno)
    }

    type Unmounted = Arc<Mutex<Vec<String>>>;

    /// A directory in which everything can be unmounted and removed, except on paths that contain `fail`. Records the
    /// unmounted paths.
    fn directory(path: String, fail: &'static str, unmounted: &Unmounted) -> Box<dyn crate::ports::Directory> {
        let mut directory = MockDirectory::new();
        let found = || Metadata::new(FileKind::Directory, DeviceNumber::new(0, 1), 2);
        directory.expect_own_metadata().returning(move || Ok(found()));
        directory.expect_metadata().returning(move |_| Ok(found()));
        directory.expect_remove_dir().returning(|_| Ok(()));
        let (seen, at) = (unmounted.clone(), path.clone());
        directory.expect_unmount().returning(move |name, _, _| {
            let path = format!("{at}/{}", name.to_str().unwrap());
            seen.lock().unwrap().push(path.clone());
            if path.contains(fail) { Err(os(Errno::EPERM)) } else { Ok(()) }
        });
        let unmounted = unmounted.clone();
        directory.expect_open_dir().returning(move |name, _| {
            Ok(self::directory(format!("{path}/{}", name.to_str().unwrap()), fail, &unmounted))
        });
        Box::new(directory)
    }

    /// A filesystem in which the containers of these ids are symlinks, and the paths that were unmounted through it.
    fn filesystem(symlinks: &'static [&'static str], fail: &'static str) -> (MockFilesystem, Unmounted) {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata().returning(move |at, link| {
            assert_eq!(link, FinalSymlink::Itself);
            let is_link = symlinks.iter().any(|id| *at == Location::beneath("/m", *id).unwrap());
            let kind = if is_link { FileKind::Symlink } else { FileKind::Directory };
            Ok(Metadata::new(kind, DeviceNumber::new(0, 1), 2))
        });
        let unmounted = Unmounted::default();
        let seen = unmounted.clone();
        fs.expect_open_dir().returning(move |at| Ok(directory(at.for_display().display().to_string(), fail, &seen)));
        (fs, unmounted)
    }

    fn sandbox(containers: impl IntoIterator<Item = Container>) -> Sandbox {
        let mut sandbox = Sandbox::new(id("s"), "/m", "qemu");
        sandbox.containers.extend(containers);
        sandbox
    }

    fn with_host_mounts(container: &str, paths: &[&str]) -> Container {
        let mut container = Container::new(id(container));
        for path in paths {
            let mut mount = Mount::new("/s", "/d", "bind");
            mount.host_path = Some((*path).into());
            container.mounts.push(mount);
        }
        container
    }

    #[test]
    fn continues_after_an_error_and_reports_each_mount_host_mounts_included() {
        let containers = [
            with_host_mounts("a", &["/m/a-0123456789abcdef-bad", "/m/a-0123456789abcdef-good"]),
            Container::new(id("bad")),
            Container::new(id("c")),
        ];
        let (fs, unmounted) = filesystem(&[], "bad");
        let report = unshare_all(&fs, &MockMounter::new(), None, &sandbox(containers));
        let failed: Vec<_> = report.failures().map(|f| (f.container.as_ref().unwrap().as_str(), &*f.path)).collect();
        assert_eq!(
            failed,
            [("a", Path::new("/m/a-0123456789abcdef-bad")), ("bad", Path::new("/m/bad/rootfs"))],
            "{report}"
        );
        assert_eq!(report.unmounted().count(), 3);
        assert_eq!(
            *unmounted.lock().unwrap(),
            ["/m/a-0123456789abcdef-good", "/m/a-0123456789abcdef-bad", "/m/a/rootfs", "/m/bad/rootfs", "/m/c/rootfs"]
        );
        assert!(report.to_string().contains("/m/bad/rootfs: could not unmount"), "{report}");
    }

    #[test]
    fn a_symlinked_container_is_skipped_and_the_outcome_says_so() {
        let (fs, unmounted) = filesystem(&["evil"], "never");
        let containers = [with_host_mounts("evil", &["/m/evil-0123456789abcdef-x"]), Container::new(id("good"))];
        let report = unshare_all(&fs, &MockMounter::new(), None, &sandbox(containers));
        assert_eq!((&*report.mounts[0].path, &report.mounts[0].result), (Path::new("/m/evil"), &Ok(Removal::Symlink)));
        assert_eq!(*unmounted.lock().unwrap(), ["/m/good/rootfs"]);
    }

    #[test]
    fn a_block_device_rootfs_loses_only_its_host_mounts() {
        let mut container = with_host_mounts("c", &["", "/m/c/vol"]);
        container.fs_type = "ext4".into();
        let (fs, unmounted) = filesystem(&[], "never");
        let report = unshare_all(&fs, &MockMounter::new(), None, &sandbox([container]));
        assert!(report.is_clean() && report.mounts.len() == 1, "{report}");
        assert_eq!(*unmounted.lock().unwrap(), ["/m/c/vol"]);
    }

    #[test]
    fn a_nydus_container_is_cleaned_up_by_its_daemon() {
        let mut container = Container::new(id("c"));
        container.rootfs_type = NYDUS_ROOTFS_TYPE.into();
        let sandbox = sandbox([container]);
        let (fs, unmounted) = filesystem(&[], "never");
        let mut daemon = MockRafsDaemon::new();
        daemon.expect_unmount().times(1).returning(|_| Ok(RafsUnmount::Done));
        let report = unshare_all(&fs, &MockMounter::new(), Some(&daemon), &sandbox);
        let paths: Vec<_> = report.mounts.iter().map(|mount| &*mount.path).collect();
        assert_eq!(paths, ["/rafs/c/lowerdir", "/m/c/snapshotdir", "/m/c/rootfs"].map(Path::new));
        assert_eq!(report.mounts[1].result, Ok(Removal::of_layers(1, NameAfter::Removed)));
        assert_eq!(report.removed, ["/m/c/snapshotdir", "/m/c/rootfs"].map(Path::new));
        assert_eq!(*unmounted.lock().unwrap(), ["/m/c/snapshotdir"]);
        let report = unshare_all(&fs, &MockMounter::new(), None, &sandbox);
        assert_eq!(report.mounts[0].result, Err(KataError::NoRafsDaemon));
    }

    #[test]
    fn a_container_directory_that_cannot_be_looked_at_is_a_failure() {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata().returning(|_, _| Err(os(Errno::EACCES)));
        let sandbox = sandbox([Container::new(id("c"))]);
        let report = unshare_all(&fs, &MockMounter::new(), None, &sandbox);
        assert_eq!(report.mounts[0].path, Path::new("/m/c"));
        assert_eq!(report.mounts[0].result.as_ref().unwrap_err().errno(), Some(Errno::EACCES));
    }
}

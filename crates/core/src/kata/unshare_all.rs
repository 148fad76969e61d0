//! Removal of everything that a sandbox has shared.

use crate::error::{Errno, Error};
use crate::file::{FileKind, FinalSymlink};
use crate::kata::host_mounts::unmount_host_mount;
use crate::kata::nydus_cleanup::cleanup_nydus;
use crate::kata::{
    Container, KataError, RafsDaemon, Sandbox, UnshareAllError, UnshareDone, UnshareFailure, UnshareStep,
};
use crate::path::ContainerId;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::ROOTFS_DIR;
use crate::share::layout::container_dir;
use crate::share::unshare::{unshare, warn_symlink};
use crate::unmount::UnshareOutcome;

impl Sandbox {
    /// Removes everything that the containers have shared, and continues after every failure.
    ///
    /// For each container, in order: its mounts on the host, the last one first; then, unless its root filesystem is a
    /// block device ([`Container::fs_type`] set), its root filesystem, or for a nydus image
    /// [`cleanup_nydus`](Self::cleanup_nydus). A container whose directory is a symlink is skipped with a warning and
    /// reported as such.
    ///
    /// `daemon` is called for containers on nydus images alone.
    ///
    /// # Errors
    ///
    /// [`UnshareAllError`] with all failed and all successful steps.
    #[doc(alias = "bindUnmountAllRootfs")]
    pub fn unshare_all(
        &self,
        backend: &dyn Backend,
        daemon: Option<&dyn RafsDaemon>,
    ) -> Result<Vec<UnshareDone>, UnshareAllError> {
        unshare_all(backend.filesystem(), backend.mounter(), daemon, self)
    }
}

fn unshare_all(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    daemon: Option<&dyn RafsDaemon>,
    sandbox: &Sandbox,
) -> Result<Vec<UnshareDone>, UnshareAllError> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_all", subsystem = "mount",
        "shared-dir" = %sandbox.mounts_dir, "sandbox-id" = %sandbox.id);
    let _entered = span.enter();
    let mut teardown = Teardown { fs, mounter, daemon, sandbox, failures: Vec::new(), done: Vec::new() };
    for container in &sandbox.containers {
        teardown.container(container);
    }
    match teardown {
        Teardown { failures, done, .. } if failures.is_empty() => Ok(done),
        Teardown { failures, done, .. } => Err(UnshareAllError { failures, done }),
    }
}

struct Teardown<'a> {
    fs: &'a dyn Filesystem,
    mounter: &'a dyn Mounter,
    daemon: Option<&'a dyn RafsDaemon>,
    sandbox: &'a Sandbox,
    failures: Vec<UnshareFailure>,
    done: Vec<UnshareDone>,
}

impl Teardown<'_> {
    fn container(&mut self, container: &Container) {
        match self.is_symlink(&container.id) {
            Ok(false) => {}
            Ok(true) => {
                warn_symlink(&container.id);
                return self.record(container, UnshareStep::ContainerDir, Ok(UnshareOutcome::RefusedSymlink));
            }
            Err(error) => return self.record(container, UnshareStep::ContainerDir, Err(error.into())),
        }
        self.host_mounts(container);
        if !container.fs_type.is_empty() {
            return;
        }
        if container.is_nydus() {
            return self.nydus(container);
        }
        let outcome = unshare(self.fs, self.mounter, &self.sandbox.mounts_dir, &container.id, ROOTFS_DIR);
        self.record(container, UnshareStep::Rootfs, outcome.map_err(KataError::from));
    }

    fn host_mounts(&mut self, container: &Container) {
        for mount in container.mounts.iter().rev() {
            let Some(path) = mount.host_path.as_deref().filter(|path| !path.as_str().is_empty()) else { continue };
            let mounts_dir = &self.sandbox.mounts_dir;
            let outcome = unmount_host_mount(self.fs, self.mounter, mounts_dir, &container.id, mount, path);
            if let Err(error) = &outcome {
                tracing::warn!(target: "mountwright", subsystem = "mount", container = %container.id,
                    "host-path" = %path, %error, "Could not umount");
            }
            self.record(container, UnshareStep::HostMount(path.to_owned()), outcome);
        }
    }

    fn nydus(&mut self, container: &Container) {
        let Some(daemon) = self.daemon else {
            return self.record(container, UnshareStep::Rafs, Err(KataError::NoRafsDaemon));
        };
        match cleanup_nydus(self.fs, self.mounter, daemon, self.sandbox, container) {
            Ok(outcome) => self.record(container, UnshareStep::SnapshotDir, Ok(outcome)),
            Err(failures) => self.failures.extend(failures),
        }
    }

    fn is_symlink(&self, id: &ContainerId) -> Result<bool, Error> {
        match self.fs.metadata(&container_dir(&self.sandbox.mounts_dir, id)?, FinalSymlink::Itself) {
            Ok(found) => Ok(found.kind == FileKind::Symlink),
            Err(error) if error.errno() == Errno::ENOENT => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn record(&mut self, container: &Container, step: UnshareStep, result: Result<UnshareOutcome, KataError>) {
        let container = container.id.clone();
        match result {
            Ok(outcome) => self.done.push(UnshareDone { container, step, outcome }),
            Err(error) => self.failures.push(UnshareFailure { container, step, error }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::{DeviceNumber, Metadata};
    use crate::kata::{MockRafsDaemon, NYDUS_ROOTFS_TYPE, RafsUnmount};
    use crate::path::Location;
    use crate::ports::{MockDirectory, MockFilesystem, MockMounter};
    use crate::spec::Mount;
    use crate::unmount::NameAfter;
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
    fn goes_on_after_an_error_and_reports_all_host_mounts_included() {
        let containers = [
            with_host_mounts("a", &["/m/a-0123456789abcdef-bad", "/m/a-0123456789abcdef-good"]),
            Container::new(id("bad")),
            Container::new(id("c")),
        ];
        let (fs, unmounted) = filesystem(&[], "bad");
        let error = unshare_all(&fs, &MockMounter::new(), None, &sandbox(containers)).unwrap_err();
        let failed: Vec<_> = error.failures.iter().map(|f| (f.container.as_str(), f.step.to_string())).collect();
        assert_eq!(
            failed,
            [("a", "host mount /m/a-0123456789abcdef-bad".to_owned()), ("bad", "root filesystem".to_owned())],
            "{error}"
        );
        assert_eq!(error.done.len(), 3);
        assert_eq!(
            *unmounted.lock().unwrap(),
            ["/m/a-0123456789abcdef-good", "/m/a-0123456789abcdef-bad", "/m/a/rootfs", "/m/bad/rootfs", "/m/c/rootfs"]
        );
        assert!(
            error
                .to_string()
                .starts_with("2 steps failed, 3 done; container a, host mount /m/a-0123456789abcdef-bad: ")
        );
    }

    #[test]
    fn a_symlinked_container_is_skipped_and_the_outcome_says_so() {
        let (fs, unmounted) = filesystem(&["evil"], "never");
        let containers = [with_host_mounts("evil", &["/m/evil-0123456789abcdef-x"]), Container::new(id("good"))];
        let done = unshare_all(&fs, &MockMounter::new(), None, &sandbox(containers)).unwrap();
        assert_eq!(
            (done[0].step.clone(), done[0].outcome),
            (UnshareStep::ContainerDir, UnshareOutcome::RefusedSymlink)
        );
        assert_eq!(*unmounted.lock().unwrap(), ["/m/good/rootfs"]);
    }

    #[test]
    fn a_block_device_rootfs_loses_only_its_host_mounts() {
        let mut container = with_host_mounts("c", &["", "/m/c/vol"]);
        container.fs_type = "ext4".into();
        let (fs, unmounted) = filesystem(&[], "never");
        let done = unshare_all(&fs, &MockMounter::new(), None, &sandbox([container])).unwrap();
        assert_eq!(done.len(), 1);
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
        let done = unshare_all(&fs, &MockMounter::new(), Some(&daemon), &sandbox).unwrap();
        assert_eq!(done[0].outcome, UnshareOutcome::Detached { layers: 1, name: NameAfter::Removed });
        assert_eq!(*unmounted.lock().unwrap(), ["/m/c/snapshotdir"]);
        let error = unshare_all(&fs, &MockMounter::new(), None, &sandbox).unwrap_err();
        assert_eq!(error.failures[0].error, KataError::NoRafsDaemon);
    }

    #[test]
    fn a_container_directory_that_cannot_be_looked_at_is_a_failure() {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata().returning(|_, _| Err(os(Errno::EACCES)));
        let sandbox = sandbox([Container::new(id("c"))]);
        let error = unshare_all(&fs, &MockMounter::new(), None, &sandbox).unwrap_err();
        assert_eq!(error.failures[0].step, UnshareStep::ContainerDir);
        assert_eq!(error.failures[0].error.errno(), Some(Errno::EACCES));
    }
}

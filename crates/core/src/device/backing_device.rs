//! Storage behind a path, found by the identity of its mount.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::device::BackingDevice;
use crate::device::kind_and_device::kind_and_device;
use crate::device::within_root::within_root;
use crate::error::{Errno, Error, Operation, OsError};
use crate::file::FileKind;
use crate::mount::{MountFlags, MountInfo};
use crate::path::Location;
use crate::ports::{Backend, Filesystem};

/// The suffix in mountinfo of the root of a mount whose directory or file was deleted (`fs/d_path.c`).
const DELETED: &[u8] = b"//deleted";

impl BackingDevice {
    /// The storage behind `path`: a whole device, a subtree of one, or no device; with the mount that holds the path.
    ///
    /// The result comes from the mount that holds the path. Comparing device numbers on the way up to `/`, as
    /// [`PathDevice::of`](crate::device::PathDevice::of) does, takes a bind for the whole disk (CVE-2026-24054). A file
    /// or directory that is bound is a [`Subtree`](BackingDevice::Subtree), and so is every path below a mount point; a
    /// btrfs subvolume and an overlay are [`Anonymous`](BackingDevice::Anonymous).
    ///
    /// XFS with its log or its realtime data on another device is `Anonymous` too. The mount table does not show an
    /// external journal of ext4 or the further devices of f2fs: the result names the device that was mounted, which
    /// cannot be mounted without the others.
    ///
    /// A device node on a `nodev` mount opens no device: it is a file of its filesystem.
    ///
    /// Symlinks are followed; a relative path starts at the current directory. The path is resolved more than once: use
    /// it only for paths that no untrusted process can change. At the root of a filesystem's mount the server is not
    /// asked, nor at the root of a bind (Linux 5.12); elsewhere it may block in a dead filesystem, because the type of the file
    /// is read there, unless it is asked through [`WithoutWaiting`](crate::ports::WithoutWaiting).
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty. [`Error::OutsideRoot`]: its mount point lies outside this process's
    /// root. [`Error::Os`]: it leads nowhere (`ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`), or another process is moving it,
    /// so that its place within its mount could not be determined (`ESTALE`).
    pub fn of(backend: &dyn Backend, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let (fs, mounter) = (backend.filesystem(), backend.mounter());
        if path.as_os_str().is_empty() {
            return Err(Error::Unspecified { what: "path" });
        }
        let at = Location::trusted(path);
        let looked = mounter.mount_of(&at);
        // The root of a filesystem is a directory: nothing has to be read there.
        let is_whole = looked.as_ref().is_ok_and(|found| found.is_root && found.mount.root.as_os_str() == "/");
        let metadata = if is_whole { None } else { Some(kind_and_device(fs, &at)?) };
        let found = within_root(fs, mounter, &at, looked)?;
        let opens = !found.mount.attributes.flags.contains(MountFlags::NO_DEV);
        match metadata.map(|metadata| (metadata.kind, metadata.represents)) {
            Some((FileKind::BlockDevice, Some(device))) if opens => return Ok(BackingDevice::BlockNode { device }),
            Some((FileKind::CharacterDevice, Some(device))) if opens => return Ok(BackingDevice::CharNode { device }),
            _ => {}
        }
        let mount = Box::new(found.mount);
        let device = mount.device;
        if device.is_anonymous() || needs_another_device(&mount) {
            return Ok(BackingDevice::Anonymous { fs_type: mount.fs_type.clone(), mount });
        }
        if found.is_root && mount.root.as_os_str() == "/" {
            return Ok(BackingDevice::WholeFilesystem { device, mount });
        }
        let (root, deleted) = root_and_whether_deleted(&mount);
        let subpath = if found.is_root { root.to_path_buf() } else { joined(root, &path_within(fs, &mount, path)?) };
        Ok(BackingDevice::Subtree { device, subpath, deleted, mount })
    }
}

/// True where the options name a second device for the log or the realtime data of XFS.
fn needs_another_device(mount: &MountInfo) -> bool {
    mount.superblock_options().any(|(key, value)| (*key == *"logdev" || *key == *"rtdev") && value.is_some())
}

fn root_and_whether_deleted(mount: &MountInfo) -> (&Path, bool) {
    match mount.root.as_os_str().as_bytes().strip_suffix(DELETED) {
        Some(name) => (Path::new(OsStr::from_bytes(name)), true),
        None => (&mount.root, false),
    }
}

/// The path of `path` below the mount point of the mount that holds it.
fn path_within(fs: &dyn Filesystem, mount: &MountInfo, path: &Path) -> Result<PathBuf, Error> {
    let absolute = if path.is_absolute() { Cow::Borrowed(path) } else { Cow::Owned(fs.current_dir()?.join(path)) };
    let resolved = fs.canonicalize(&absolute)?;
    match resolved.strip_prefix(&mount.mount_point) {
        Ok(rest) => Ok(rest.to_path_buf()),
        Err(_) => Err(OsError::new(Operation::MountOf, resolved, Errno::ESTALE).at_step("placing it within").into()),
    }
}

/// `root` and `rest` as one path, without a slash at its end.
fn joined(root: &Path, rest: &Path) -> PathBuf {
    if rest.as_os_str().is_empty() { root.to_path_buf() } else { root.join(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{DeviceNumber, Metadata};
    use crate::mount::{MountId, PathMount};
    use crate::ports::Ports;
    use crate::ports::{MockFilesystem, MockMounter};
    use crate::test_support::read_only_tree::SmallWorld;
    use mockall::predicate::eq;

    const NVME: DeviceNumber = DeviceNumber::new(259, 2);

    fn mount(device: DeviceNumber, root: &str, mount_point: &str, fs_type: &str) -> MountInfo {
        let mut mount = MountInfo::new(MountId(40), MountId(28), device);
        mount.root = root.into();
        mount.mount_point = mount_point.into();
        mount.fs_type = fs_type.into();
        mount
    }

    fn mounter(path: &Path, mount: &MountInfo, is_root: bool) -> MockMounter {
        let mut mounter = MockMounter::new();
        let answer = PathMount { mount: mount.clone(), is_root };
        mounter.expect_mount_of().with(eq(Location::trusted(path))).once().return_once(move |_| Ok(answer));
        mounter
    }

    /// The result for a path that is on `mount`; the files' own device numbers differ from it on purpose.
    fn ask(world: &SmallWorld, path: &str, mount: &MountInfo, is_root: bool) -> Result<BackingDevice, Error> {
        BackingDevice::of(
            &Ports { filesystem: world, mounter: &mounter(Path::new(path), mount, is_root) },
            Path::new(path),
        )
    }

    #[track_caller]
    fn assert_subtree(answer: Result<BackingDevice, Error>, wanted: &str, mount: &MountInfo) {
        let expected = BackingDevice::Subtree {
            device: mount.device,
            subpath: wanted.into(),
            deleted: false,
            mount: Box::new(mount.clone()),
        };
        let answer = answer.unwrap();
        assert_eq!(answer, expected);
        // Equality of paths is by component: a slash at the end would not show.
        let BackingDevice::Subtree { subpath, .. } = answer else { unreachable!() };
        assert_eq!(subpath.as_os_str(), wanted);
    }

    #[test]
    fn empty_path_is_an_error_without_a_port_call() {
        let error = BackingDevice::of(
            &Ports { filesystem: &MockFilesystem::new(), mounter: &MockMounter::new() },
            Path::new(""),
        )
        .unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "path" });
    }

    #[test]
    fn the_root_of_a_whole_mount_of_a_device_is_the_whole_filesystem() {
        let volume = mount(DeviceNumber::new(253, 3), "/", "/v/mount", "ext4");
        let answer = ask(&SmallWorld::new().directory("/v/mount"), "/v/mount", &volume, true).unwrap();
        assert_eq!(answer.device(), Some(DeviceNumber::new(253, 3)));
        assert_eq!(answer.mount(), Some(&volume));
        assert!(matches!(answer, BackingDevice::WholeFilesystem { .. }));
    }

    #[test]
    fn xfs_with_a_log_on_another_device_is_on_no_single_device() {
        for option in ["logdev=/dev/loop1", "rtdev=/dev/vdc"] {
            let mut volume = mount(DeviceNumber::new(7, 0), "/", "/v/mount", "xfs");
            volume.options = format!("rw,attr2,inode64,logbufs=8,logbsize=32k,{option},noquota").into();
            for (path, is_root) in [("/v/mount", true), ("/v/mount/d", false)] {
                let answer = ask(&SmallWorld::new().directory("/v/mount/d"), path, &volume, is_root).unwrap();
                assert!(matches!(answer, BackingDevice::Anonymous { .. }), "{option} {path}: {answer:?}");
            }
        }
    }

    #[test]
    fn xfs_without_a_log_on_another_device_is_on_its_own() {
        for options in ["rw,attr2,inode64,logbufs=8,logbsize=32k,noquota", "rw,logdev", "rw,rtdev,logbufs=8"] {
            let mut volume = mount(DeviceNumber::new(7, 0), "/", "/v/mount", "xfs");
            volume.options = options.into();
            let answer = ask(&SmallWorld::new().directory("/v/mount"), "/v/mount", &volume, true).unwrap();
            assert!(matches!(answer, BackingDevice::WholeFilesystem { .. }), "{options}: {answer:?}");
        }
    }

    #[test]
    fn a_path_below_the_mount_point_is_a_subtree_named_from_the_filesystems_root() {
        let world = SmallWorld::new().file("/v/mount/d/file", 1);
        assert_subtree(
            ask(&world, "/v/mount/d/file", &mount(NVME, "/", "/v/mount", "ext4"), false),
            "/d/file",
            &mount(NVME, "/", "/v/mount", "ext4"),
        );
        let bound = mount(NVME, "/srv/data", "/v/mount", "ext4");
        assert_subtree(ask(&world, "/v/mount/d", &bound, false), "/srv/data/d", &bound);
        let root = mount(NVME, "/", "/", "ext4");
        assert_subtree(ask(&world, "/v/mount", &root, false), "/v/mount", &root);
    }

    #[test]
    fn a_bound_directory_is_a_subtree_whatever_st_dev_says() {
        // A comparison of device numbers sees a change at /v/bound and would return the whole disk.
        let world = SmallWorld::new().mount("/v/bound", NVME);
        let bound = mount(NVME, "/srv/data", "/v/bound", "ext4");
        assert_subtree(ask(&world, "/v/bound", &bound, true), "/srv/data", &bound);
    }

    #[test]
    fn a_mount_point_is_not_resolved_a_second_time() {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata_cached().return_once(|_, _| Ok(Metadata::new(FileKind::Directory, NVME, 2)));
        let (path, bound) = (Path::new("/v/bound"), mount(NVME, "/srv/data", "/v/bound", "ext4"));
        assert_subtree(
            BackingDevice::of(&Ports { filesystem: &fs, mounter: &mounter(path, &bound, true) }, path),
            "/srv/data",
            &bound,
        );
    }

    #[test]
    fn path_that_became_a_mount_point_has_no_slash_at_its_end() {
        let bound = mount(NVME, "/srv/data", "/v/bound", "ext4");
        assert_subtree(ask(&SmallWorld::new().directory("/v/bound"), "/v/bound", &bound, false), "/srv/data", &bound);
    }

    #[test]
    fn a_bound_file_is_a_subtree() {
        let world = SmallWorld::new().file("/etc/app.yaml", 1);
        let bound = mount(NVME, "/pods/1/..v/app.yaml", "/etc/app.yaml", "ext4");
        assert_subtree(ask(&world, "/etc/app.yaml", &bound, true), "/pods/1/..v/app.yaml", &bound);
    }

    #[test]
    fn overlay_and_btrfs_and_nfs_and_tmpfs_are_anonymous() {
        let world = SmallWorld::new().mount("/v/d", NVME).file("/v/d/f", 1);
        for (fs_type, root) in [("overlay", "/"), ("btrfs", "/@home"), ("nfs4", "/"), ("tmpfs", "/")] {
            let mount = mount(DeviceNumber::new(0, 45), root, "/v/d", fs_type);
            for (path, is_root) in [("/v/d", true), ("/v/d/f", false)] {
                let answer = ask(&world, path, &mount, is_root).unwrap();
                let expected = BackingDevice::Anonymous { fs_type: fs_type.into(), mount: Box::new(mount.clone()) };
                assert_eq!((answer.device(), answer), (None, expected));
            }
        }
    }

    #[test]
    fn device_nodes_are_themselves_unless_their_mount_is_nodev() {
        let world = SmallWorld::new()
            .node("/dev/loop0", FileKind::BlockDevice, DeviceNumber::new(7, 0))
            .node("/dev/null", FileKind::CharacterDevice, DeviceNumber::new(1, 3))
            .symlink("/disk", "/dev/loop0");
        let mut devtmpfs = mount(DeviceNumber::new(0, 6), "/", "/dev", "devtmpfs");
        let of = |path, mount: &MountInfo| ask(&world, path, mount, false).unwrap();
        let ask = |path| of(path, &devtmpfs);
        assert_eq!(ask("/dev/loop0"), BackingDevice::BlockNode { device: DeviceNumber::new(7, 0) });
        assert_eq!(ask("/disk"), BackingDevice::BlockNode { device: DeviceNumber::new(7, 0) });
        assert_eq!(ask("/dev/null"), BackingDevice::CharNode { device: DeviceNumber::new(1, 3) });
        assert_eq!((ask("/disk").device(), ask("/disk").mount()), (Some(DeviceNumber::new(7, 0)), None));
        devtmpfs.attributes.flags = MountFlags::NO_DEV;
        for path in ["/dev/loop0", "/disk", "/dev/null"] {
            assert!(matches!(of(path, &devtmpfs), BackingDevice::Anonymous { .. }), "{path}");
        }
    }

    #[test]
    fn a_socket_in_dev_is_on_its_filesystem() {
        let world = SmallWorld::new().socket("/dev/log");
        let devtmpfs = mount(DeviceNumber::new(0, 6), "/", "/dev", "devtmpfs");
        assert!(matches!(ask(&world, "/dev/log", &devtmpfs, false).unwrap(), BackingDevice::Anonymous { .. }));
    }

    #[test]
    fn a_deleted_root_is_a_subtree_that_says_so() {
        let gone = mount(NVME, "/srv/gone//deleted", "/mnt/old", "ext4");
        let answer = ask(&SmallWorld::new().directory("/mnt/old"), "/mnt/old", &gone, true).unwrap();
        let BackingDevice::Subtree { subpath, deleted, .. } = answer else { panic!("{answer:?}") };
        assert_eq!((subpath.as_os_str(), deleted), (OsStr::new("/srv/gone"), true));
        // A directory that is only called so is nothing special.
        let named = mount(NVME, "/srv/deleted", "/mnt/old", "ext4");
        assert_subtree(ask(&SmallWorld::new().directory("/mnt/old"), "/mnt/old", &named, true), "/srv/deleted", &named);
    }

    #[test]
    fn symlinks_are_followed_and_relative_paths_start_at_the_current_directory() {
        let world = SmallWorld::new().file("/v/m/d/f", 1).symlink("/link", "v/m").current_directory("/v");
        let bound = mount(NVME, "/srv", "/v/m", "ext4");
        assert_subtree(ask(&world, "/link/d", &bound, false), "/srv/d", &bound);
        assert_subtree(ask(&world, "m/d/../d/f", &bound, false), "/srv/d/f", &bound);
    }

    #[test]
    fn paths_are_bytes() {
        let world = SmallWorld::new().mount_bytes(b"/v/\xff", NVME);
        let path = Path::new(OsStr::from_bytes(b"/v/\xff"));
        let root = mount(NVME, "/", "/", "ext4");
        let answer =
            BackingDevice::of(&Ports { filesystem: &world, mounter: &mounter(path, &root, false) }, path).unwrap();
        let BackingDevice::Subtree { subpath, .. } = answer else { panic!("{answer:?}") };
        assert_eq!(subpath, path);
    }

    #[test]
    fn a_path_outside_its_mount_is_not_guessed_at() {
        let world = SmallWorld::new().directory("/v/m2/d");
        let error = ask(&world, "/v/m2/d", &mount(NVME, "/srv", "/v/m", "ext4"), false).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ESTALE));
    }

    #[test]
    fn a_path_on_a_mount_whose_point_is_outside_the_root_is_not_guessed_at() {
        let world = SmallWorld::new().directory("/srv/vol");
        let error = ask(&world, "/srv/vol", &mount(NVME, "/", "", "ext4"), false).unwrap_err();
        assert_eq!(error, Error::OutsideRoot { path: "/srv/vol".into() });
    }

    #[test]
    fn a_missing_path_is_an_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().returning(|_| Err(OsError::new(Operation::MountOf, "/none", Errno::ENOENT)));
        let backend = Ports { filesystem: &SmallWorld::new(), mounter: &mounter };
        let error = BackingDevice::of(&backend, Path::new("/none")).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
    }

    #[test]
    fn of_a_whole_mount_no_file_is_looked_at() {
        let volume = mount(DeviceNumber::new(0, 45), "/", "/v", "fuse");
        let backend = Ports { filesystem: &MockFilesystem::new(), mounter: &mounter(Path::new("/v"), &volume, true) };
        let answer = BackingDevice::of(&backend, Path::new("/v"));
        assert!(matches!(answer, Ok(BackingDevice::Anonymous { .. })), "{answer:?}");
    }

    #[test]
    fn a_mount_that_cannot_be_found_is_an_error() {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata_cached().return_once(|_, _| Ok(Metadata::new(FileKind::Directory, NVME, 2)));
        let mut mounter = MockMounter::new();
        mounter.expect_mount_of().return_once(|_| Err(OsError::new(Operation::MountOf, "/d", Errno::EACCES)));
        assert_eq!(
            BackingDevice::of(&Ports { filesystem: &fs, mounter: &mounter }, Path::new("/d")).unwrap_err().errno(),
            Some(Errno::EACCES)
        );
    }
}

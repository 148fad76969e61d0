//! The device that a path is on, by comparing device numbers up to `/`.

use std::borrow::Cow;
use std::path::Path;

use crate::device::PathDevice;
use crate::device::kind_and_device::kind_and_device;
use crate::error::Error;
use crate::file::{FileKind, FinalSymlink};
use crate::path::Location;
use crate::ports::Filesystem;

impl PathDevice {
    /// The device that `path` is on and the mount point of its filesystem, or the device that a node represents.
    ///
    /// * A block or character device node, wherever it is, gives the device that it represents. Everything else is on a
    ///   filesystem, also a socket or a directory in `/dev`.
    /// * Symlinks are followed first. A relative path starts at the current directory.
    /// * At the root of a mount the server is not asked (Linux 5.12); elsewhere it may block in a dead filesystem, unless it
    ///   is asked through [`WithoutWaiting`](crate::ports::WithoutWaiting).
    /// * The mount point is the directory at which the device number changes on the way up. A bind from the same
    ///   filesystem is not seen, and a device number can be anonymous (btrfs, overlay): do not pass a device to a guest
    ///   because of this result. Use [`BackingDevice::of`](crate::device::BackingDevice::of) for that.
    ///
    /// # Errors
    ///
    /// [`Error::Unspecified`]: the path is empty. [`Error::MountPointNotFound`]: the device number is the same up to
    /// `/`, so no device is mounted there; callers then share the path. [`Error::Os`]: the metadata of the path, or of
    /// a directory above it, could not be read (`ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`).
    #[doc(alias = "getDeviceForPath")]
    pub fn of(fs: &dyn Filesystem, path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        if path.as_os_str().is_empty() {
            return Err(Error::Unspecified { what: "path" });
        }
        let metadata = kind_and_device(fs, &Location::trusted(path))?;
        match (metadata.kind, metadata.represents) {
            (FileKind::BlockDevice, Some(device)) => return Ok(PathDevice::BlockNode { device }),
            (FileKind::CharacterDevice, Some(device)) => return Ok(PathDevice::CharNode { device }),
            _ => {}
        }
        let absolute = if path.is_absolute() { Cow::Borrowed(path) } else { Cow::Owned(fs.current_dir()?.join(path)) };
        let resolved = fs.canonicalize(&absolute)?;
        let device = metadata.device;
        let mut mount_point = resolved.as_path();
        if mount_point.parent().is_none() {
            return Ok(PathDevice::Filesystem { device, mount_point: resolved });
        }
        while let Some(parent) = mount_point.parent() {
            if fs.metadata(&Location::trusted(parent), FinalSymlink::Itself)?.device != device {
                return Ok(PathDevice::Filesystem { device, mount_point: mount_point.to_path_buf() });
            }
            mount_point = parent;
        }
        Err(Error::MountPointNotFound { path: resolved })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::{DeviceNumber, Metadata};
    use crate::ports::MockFilesystem;
    use crate::test_support::read_only_tree::SmallWorld;
    use mockall::predicate::eq;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    const SDA1: DeviceNumber = DeviceNumber::new(8, 1);
    const TMPFS: DeviceNumber = DeviceNumber::new(0, 40);

    fn on(device: DeviceNumber, mount_point: &str) -> PathDevice {
        PathDevice::Filesystem { device, mount_point: mount_point.into() }
    }

    /// `sda1` on `/a/b/c`, a tmpfs in it, devtmpfs on `/dev`.
    fn world() -> SmallWorld {
        SmallWorld::new()
            .mount("/a/b/c", SDA1)
            .file("/a/b/c/d/file", 1)
            .mount("/a/b/c/tmp", TMPFS)
            .file("/a/b/c/tmp/x", 1)
            .file("/etc/hosts", 1)
            .mount("/dev", DeviceNumber::new(0, 6))
            .node("/dev/sda1", FileKind::BlockDevice, SDA1)
            .node("/dev/null", FileKind::CharacterDevice, DeviceNumber::new(1, 3))
            .socket("/dev/log")
            .directory("/dev/mapper")
    }

    #[track_caller]
    fn assert_device(world: &SmallWorld, path: &str, expected: &PathDevice) {
        assert_eq!(&PathDevice::of(world, Path::new(path)).unwrap(), expected, "{path}");
    }

    #[test]
    fn empty_path_is_an_error_without_a_port_call() {
        let error = PathDevice::of(&MockFilesystem::new(), Path::new("")).unwrap_err();
        assert_eq!(error, Error::Unspecified { what: "path" });
    }

    #[test]
    fn a_path_on_a_mounted_device_gives_it_and_its_mount_point() {
        let world = world();
        for path in ["/a/b/c", "/a/b/c/d", "/a/b/c/d/file", "/a/b/c/d/../d/"] {
            assert_device(&world, path, &on(SDA1, "/a/b/c"));
        }
        assert_device(&world, "/a/b/c/tmp/x", &on(TMPFS, "/a/b/c/tmp"));
    }

    #[test]
    fn the_root_is_its_own_mount_point() {
        assert_device(&world(), "/", &on(SmallWorld::ROOT_DEVICE, "/"));
        assert_device(&world(), "/a/..", &on(SmallWorld::ROOT_DEVICE, "/"));
    }

    #[test]
    fn a_walk_to_the_root_without_a_change_is_a_distinct_error() {
        for path in ["/etc", "/etc/hosts", "/a/b"] {
            let error = PathDevice::of(&world(), Path::new(path)).unwrap_err();
            assert_eq!(error, Error::MountPointNotFound { path: path.into() });
        }
    }

    #[test]
    fn device_nodes_return_their_own_device_and_kind() {
        let world = world();
        assert_device(&world, "/dev/sda1", &PathDevice::BlockNode { device: SDA1 });
        assert_device(&world, "/dev/null", &PathDevice::CharNode { device: DeviceNumber::new(1, 3) });
        let null = PathDevice::of(&world, Path::new("/dev/null")).unwrap();
        assert_eq!((null.mount_point(), null.device()), (None, DeviceNumber::new(1, 3)));
    }

    #[test]
    fn device_nodes_anywhere_are_device_nodes() {
        let world = world().node("/a/b/c/disk", FileKind::BlockDevice, DeviceNumber::new(7, 0));
        assert_device(&world, "/a/b/c/disk", &PathDevice::BlockNode { device: DeviceNumber::new(7, 0) });
    }

    #[test]
    fn nothing_else_in_dev_is_a_device_node() {
        let devtmpfs = on(DeviceNumber::new(0, 6), "/dev");
        for path in ["/dev", "/dev/log", "/dev/mapper"] {
            assert_device(&world(), path, &devtmpfs);
        }
    }

    #[test]
    fn symlinks_are_resolved_before_the_walk() {
        let world = world()
            .symlink("/link", "/a/b/c")
            .symlink("/etc/far", "../a/b/c/d/file")
            .symlink("/a/b/c/home", "/etc")
            .symlink("/disk", "/dev/sda1");
        assert_device(&world, "/link", &on(SDA1, "/a/b/c"));
        assert_device(&world, "/link/d/file", &on(SDA1, "/a/b/c"));
        assert_device(&world, "/etc/far", &on(SDA1, "/a/b/c"));
        assert_device(&world, "/disk", &PathDevice::BlockNode { device: SDA1 });
        let error = PathDevice::of(&world, Path::new("/a/b/c/home/hosts")).unwrap_err();
        assert_eq!(error, Error::MountPointNotFound { path: "/etc/hosts".into() });
    }

    #[test]
    fn a_relative_path_starts_at_the_current_directory() {
        let world = world().current_directory("/a/b/c/tmp");
        assert_device(&world, "../d/file", &on(SDA1, "/a/b/c"));
        assert_device(&world, ".", &on(TMPFS, "/a/b/c/tmp"));
    }

    #[test]
    fn a_current_directory_that_is_gone_is_an_error() {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata_cached().return_once(|_, _| Ok(Metadata::new(FileKind::Directory, SDA1, 2)));
        fs.expect_current_dir().once().return_once(|| Err(OsError::new(Operation::CurrentDir, ".", Errno::ENOENT)));
        let Error::Os(error) = PathDevice::of(&fs, Path::new(".")).unwrap_err() else { panic!("another error") };
        assert_eq!((error.operation(), error.errno()), (Operation::CurrentDir, Errno::ENOENT));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_an_error() {
        let world = world().symlink("/loop", "loop").symlink("/dangling", "/nowhere");
        for (path, errno) in [
            ("/nowhere", Errno::ENOENT),
            ("/dangling", Errno::ENOENT),
            ("/etc/hosts/x", Errno::ENOTDIR),
            ("/loop", Errno::ELOOP),
        ] {
            assert_eq!(PathDevice::of(&world, Path::new(path)).unwrap_err().errno(), Some(errno), "{path}");
        }
    }

    #[test]
    fn a_directory_above_that_cannot_be_looked_at_is_an_error() {
        let mut fs = MockFilesystem::new();
        let at = Location::trusted;
        fs.expect_metadata_cached()
            .with(eq(at("/p/f")), eq(FinalSymlink::Follow))
            .return_once(|_, _| Ok(Metadata::new(FileKind::Regular, SDA1, 2)));
        fs.expect_canonicalize().with(eq(Path::new("/p/f"))).return_once(|_| Ok("/p/f".into()));
        fs.expect_metadata()
            .with(eq(at("/p")), eq(FinalSymlink::Itself))
            .return_once(|_, _| Err(OsError::new(Operation::Metadata, "/p", Errno::EACCES)));
        assert_eq!(PathDevice::of(&fs, Path::new("/p/f")).unwrap_err().errno(), Some(Errno::EACCES));
    }

    #[test]
    fn paths_are_bytes() {
        let world = world().mount_bytes(b"/a/\xff", SDA1);
        let path = Path::new(OsStr::from_bytes(b"/a/\xff"));
        assert_eq!(
            PathDevice::of(&world, path).unwrap(),
            PathDevice::Filesystem { device: SDA1, mount_point: path.to_path_buf() }
        );
    }
}

//! The test for devices of the host.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::device::PathDevice;
use crate::error::{Errno, Error};
use crate::file::{FileKind, FinalSymlink};
use crate::path::prefix::rest_below;
use crate::path::{Location, clean_path};
use crate::ports::Filesystem;

impl PathDevice {
    /// True of `/dev`, and of everything below it that is no regular file: device nodes, directories, sockets.
    ///
    /// * The path is [cleaned](crate::path::clean_path) first and then looked up on the host; symlinks are followed.
    ///   Outside `/dev`, and for a relative or empty path, the result is `false` without a look-up.
    /// * A path that does not exist is no device: runtimes pass a mount's *destination*, and the `/dev/termination-log` of
    ///   a pod exists in the container alone.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: the look-up failed with an errno other than `ENOENT` and `ENOTDIR` (`EACCES`, `EIO`, `ELOOP`).
    #[doc(alias = "isHostDevice")]
    pub fn is_host_device(fs: &dyn Filesystem, path: impl AsRef<Path>) -> Result<bool, Error> {
        let path = clean_path(path.as_ref());
        match rest_below(path.as_os_str().as_bytes(), b"/dev") {
            None => Ok(false),
            Some(b"") => Ok(true),
            Some(_) => match fs.metadata(&Location::trusted(path), FinalSymlink::Follow) {
                Ok(metadata) => Ok(metadata.kind != FileKind::Regular),
                Err(error) if matches!(error.errno(), Errno::ENOENT | Errno::ENOTDIR) => Ok(false),
                Err(error) => Err(error.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::{DeviceNumber, Metadata};
    use crate::ports::MockFilesystem;
    use crate::test_support::read_only_tree::SmallWorld;
    use mockall::predicate::eq;

    /// A port that must not be called.
    fn nobody() -> MockFilesystem {
        MockFilesystem::new()
    }

    fn answering(path: &'static str, answer: Result<FileKind, Errno>) -> MockFilesystem {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata().with(eq(Location::trusted(path)), eq(FinalSymlink::Follow)).once().return_once(
            move |_, _| match answer {
                Ok(kind) => Ok(Metadata::new(kind, DeviceNumber::new(0, 6), 1)),
                Err(errno) => Err(OsError::new(Operation::Metadata, path, errno)),
            },
        );
        fs
    }

    #[test]
    fn dev_itself_is_one_without_a_look() {
        for path in ["/dev", "/dev/", "//dev", "/./dev", "/etc/../dev"] {
            assert!(PathDevice::is_host_device(&nobody(), Path::new(path)).unwrap(), "{path}");
        }
    }

    #[test]
    fn path_outside_dev_is_no_host_device_without_a_port_call() {
        for path in ["/", "/device", "/dev2/null", "/etc", "/x/dev/null"] {
            assert!(!PathDevice::is_host_device(&nobody(), Path::new(path)).unwrap(), "{path}");
        }
    }

    #[test]
    fn a_relative_or_empty_path_is_not() {
        for path in ["", "dev", "dev/null", "./dev"] {
            assert!(!PathDevice::is_host_device(&nobody(), Path::new(path)).unwrap(), "{path:?}");
        }
    }

    #[test]
    fn whatever_is_no_regular_file_below_dev_is_one() {
        use FileKind::{BlockDevice, CharacterDevice, Directory, Fifo, Socket};
        for kind in [BlockDevice, CharacterDevice, Directory, Fifo, Socket] {
            assert!(PathDevice::is_host_device(&answering("/dev/x", Ok(kind)), Path::new("/dev/x")).unwrap(), "{kind}");
        }
    }

    #[test]
    fn a_regular_file_below_dev_is_not() {
        assert!(
            !PathDevice::is_host_device(&answering("/dev/x/y", Ok(FileKind::Regular)), Path::new("/dev/x/y")).unwrap()
        );
    }

    #[test]
    fn the_path_is_cleaned_before_it_is_judged_and_looked_up() {
        assert!(!PathDevice::is_host_device(&nobody(), Path::new("/dev/../etc")).unwrap());
        assert!(!PathDevice::is_host_device(&nobody(), Path::new("/dev/..")).unwrap());
        let null = answering("/dev/null", Ok(FileKind::CharacterDevice));
        assert!(PathDevice::is_host_device(&null, Path::new("//dev/./pts/../null/")).unwrap());
    }

    #[test]
    fn what_is_not_there_is_no_device() {
        let path = "/dev/termination-log";
        for errno in [Errno::ENOENT, Errno::ENOTDIR] {
            assert!(!PathDevice::is_host_device(&answering(path, Err(errno)), Path::new(path)).unwrap(), "{errno}");
        }
    }

    #[test]
    fn any_other_failure_is_the_callers_to_see() {
        for errno in [Errno::EACCES, Errno::EIO, Errno::ELOOP, Errno::ENAMETOOLONG] {
            let error = PathDevice::is_host_device(&answering("/dev/x", Err(errno)), Path::new("/dev/x")).unwrap_err();
            assert_eq!(error.errno(), Some(errno));
        }
    }

    #[test]
    fn a_symlink_below_dev_is_what_it_points_to() {
        let world = SmallWorld::new()
            .file("/etc/log", 1)
            .symlink("/dev/log", "/etc/log")
            .node("/dev/tty7", FileKind::CharacterDevice, DeviceNumber::new(4, 7))
            .symlink("/dev/console", "tty7");
        assert!(!PathDevice::is_host_device(&world, Path::new("/dev/log")).unwrap());
        assert!(PathDevice::is_host_device(&world, Path::new("/dev/console")).unwrap());
    }
}

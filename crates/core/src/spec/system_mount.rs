//! Mounts that every container gets from its own kernel.

use camino::Utf8Path;

use crate::path::clean::clean_absolute;
use crate::path::prefix::rest_below;
use crate::spec::Mount;

/// The mount points of the kernel's own filesystems. A guest has its own, so nothing below these is shared with a
/// guest.
#[doc(alias = "systemMountPrefixes")]
pub const SYSTEM_MOUNT_PREFIXES: [&str; 2] = ["/proc", "/sys"];

impl Mount {
    /// True of [`SYSTEM_MOUNT_PREFIXES`] and everything below them, component by component.
    ///
    /// A rule about text: the path is [cleaned](crate::path::clean_path), nothing is looked up. False for a relative or empty path.
    ///
    /// ```
    /// use mountwright_core::spec::Mount;
    ///
    /// assert!(Mount::is_system_mount("/sys/fs/cgroup".into()));
    /// assert!(!Mount::is_system_mount("/system".into()));
    /// assert!(!Mount::is_system_mount("/proc/../etc".into()));
    /// ```
    #[doc(alias = "isSystemMount")]
    pub fn is_system_mount(path: &Utf8Path) -> bool {
        clean_absolute(path.as_str().as_bytes()).is_some_and(|path| {
            SYSTEM_MOUNT_PREFIXES.iter().any(|prefix| rest_below(&path, prefix.as_bytes()).is_some())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_system(expected: bool, paths: &[&str]) {
        for path in paths {
            assert_eq!(Mount::is_system_mount(Utf8Path::new(path)), expected, "{path:?}");
        }
    }

    #[test]
    fn proc_and_sys_and_below_are_system_mounts() {
        assert_system(true, &["/proc", "/sys", "/proc/sys/net", "/sys/fs/cgroup"]);
    }

    #[test]
    fn a_name_that_only_starts_alike_is_not() {
        assert_system(false, &["/process", "/sysroot", "/system/x", "/a/proc", "/", "/dev", "/proc.d/x"]);
    }

    #[test]
    fn the_path_is_cleaned_first() {
        assert_system(true, &["//proc", "/./sys", "/proc/", "/etc/../proc/1", "/../sys"]);
        assert_system(false, &["/proc/../etc", "/proc/..", "/sys/fs/../../home"]);
    }

    #[test]
    fn a_relative_or_empty_path_is_not() {
        assert_system(false, &["", "proc", "./proc", "sys/fs", "../proc"]);
    }
}

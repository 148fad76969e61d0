//! The subtree of a filesystem that a path shows.

use std::path::{Path, PathBuf};

use crate::mount::MountInfo;

/// The path of `path` within its filesystem, where `mount` is the mount that holds it: the root that a bind of it would
/// have. `None` where `path` is not below that mount point, or where the mount point lies outside this process's root.
pub(crate) fn subpath(mount: &MountInfo, path: &Path) -> Option<PathBuf> {
    if is_outside_root(mount) {
        return None;
    }
    let below = path.strip_prefix(&mount.mount_point).ok()?;
    Some(if below.as_os_str().is_empty() { mount.root.clone() } else { mount.root.join(below) })
}

/// True where the mount point lies outside the root of this process, as in a chroot that is no mount point: the kernel
/// gives it no path, so no path can be located within the mount.
pub(crate) fn is_outside_root(mount: &MountInfo) -> bool {
    mount.mount_point.as_os_str().is_empty()
}

/// True where `mount` shows just what lies under it on `parent`, the mount that it is on.
pub(crate) fn is_onto_itself(mount: &MountInfo, parent: &MountInfo) -> bool {
    mount.device == parent.device && subpath(parent, &mount.mount_point).is_some_and(|under| under == mount.root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::MountId;

    fn mount(root: &str, at: &str) -> MountInfo {
        let mut info = MountInfo::new(MountId(1), MountId(0), DeviceNumber::new(8, 1));
        info.root = root.into();
        info.mount_point = at.into();
        info
    }

    #[test]
    fn joins_what_the_mount_shows_with_what_lies_below_it() {
        let under = |root, at, path| subpath(&mount(root, at), Path::new(path));
        assert_eq!(under("/", "/", "/a/b"), Some("/a/b".into()));
        assert_eq!(under("/x", "/mnt", "/mnt/a"), Some("/x/a".into()));
        assert_eq!(under("/x", "/mnt", "/mnt"), Some("/x".into()));
        assert_eq!(under("/x", "/mnt", "/mntx"), None);
        assert_eq!(under("/", "", "/srv"), None);
    }

    #[test]
    fn a_bind_onto_itself_shows_what_is_under_it() {
        assert!(is_onto_itself(&mount("/x/a", "/mnt/a"), &mount("/x", "/mnt")));
        assert!(is_onto_itself(&mount("/x", "/mnt"), &mount("/x", "/mnt")));
        assert!(!is_onto_itself(&mount("/x/b", "/mnt/a"), &mount("/x", "/mnt")));
        let mut other = mount("/x/a", "/mnt/a");
        other.device = DeviceNumber::new(8, 2);
        assert!(!is_onto_itself(&other, &mount("/x", "/mnt")));
    }
}

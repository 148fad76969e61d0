//! The subtree of a filesystem that a path shows.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::mount::MountInfo;

/// The path of `path` within its filesystem, where `mount` is the mount that holds it: the root that a bind of it would
/// have. `None` where `path` is not below that mount point, or where the mount point lies outside this process's root.
pub(crate) fn subpath(mount: &MountInfo, path: &Path) -> Option<PathBuf> {
    if is_outside_root(mount) {
        return None;
    }
    let below = path.strip_prefix(&mount.mount_point).ok()?;
    Some(if below.as_os_str().is_empty() || shows_path_in_source(mount) {
        mount.root.clone()
    } else {
        mount.root.join(below)
    })
}

/// The source that a bind of `path` would show, where the type shows the path there; `None`: the root has the path.
pub(crate) fn source_of_bind(mount: &MountInfo, path: &Path) -> Option<OsString> {
    let below = path.strip_prefix(&mount.mount_point).ok().filter(|_| shows_path_in_source(mount))?;
    let mut source = mount.source.clone();
    if !below.as_os_str().is_empty() {
        if !source.as_bytes().ends_with(b"/") {
            source.push("/");
        }
        source.push(below);
    }
    Some(source)
}

/// True of NFS: each mount shows `/` as its root and the path on the server in its source, and mounts of several exports
/// can share a superblock.
fn shows_path_in_source(mount: &MountInfo) -> bool {
    mount.fs_type == "nfs" || mount.fs_type == "nfs4"
}

/// True where the mount point lies outside the root of this process, as in a chroot that is no mount point: the kernel
/// gives it no path, so no path can be located within the mount.
pub(crate) fn is_outside_root(mount: &MountInfo) -> bool {
    mount.mount_point.as_os_str().is_empty()
}

/// True where `mount` shows just what lies under it on `parent`, the mount that it is on.
pub(crate) fn is_onto_itself(mount: &MountInfo, parent: &MountInfo) -> bool {
    let same_source = || source_of_bind(parent, &mount.mount_point).is_none_or(|source| source == mount.source);
    mount.device == parent.device
        && subpath(parent, &mount.mount_point).is_some_and(|under| under == mount.root)
        && same_source()
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

    #[test]
    fn path_of_a_bind_of_nfs_is_in_its_source() {
        let nfs = |source: &str, at| {
            let mut info = mount("/", at);
            (info.fs_type, info.source) = ("nfs4".into(), source.into());
            info
        };
        let export = nfs("nas:/export", "/mnt");
        let bind_of =
            |mount: &MountInfo, path: &str| (subpath(mount, path.as_ref()), source_of_bind(mount, path.as_ref()));
        assert_eq!(bind_of(&export, "/mnt/a/b"), (Some("/".into()), Some("nas:/export/a/b".into())));
        assert_eq!(bind_of(&export, "/mnt"), (Some("/".into()), Some("nas:/export".into())));
        assert_eq!(bind_of(&nfs("nas:/", "/mnt"), "/mnt/a").1, Some("nas:/a".into()));
        assert_eq!(bind_of(&mount("/x", "/mnt"), "/mnt/a"), (Some("/x/a".into()), None));
        assert!(is_onto_itself(&nfs("nas:/export/a", "/mnt/a"), &export));
        assert!(!is_onto_itself(&nfs("nas:/export/b", "/mnt/a"), &export));
    }
}

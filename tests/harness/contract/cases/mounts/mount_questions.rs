//! Questions about mounts.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::file::FilesystemMagic;
use mountwright_core::mount::{MountId, PathMount, UniqueMountId};
use mountwright_core::{Errno, MountFlags, MountInfo, MountKey};

use crate::contract::case::Case;
use crate::contract::cases::places::locations::odd_names;
use crate::contract::scene::{Scene, at, below, unmount};

fn mount_of(s: &Scene<'_>, path: impl AsRef<Path>) -> PathMount {
    s.mounter().mount_of(&at(path.as_ref())).unwrap()
}

/// Every query of the mount at a path returns the row of the table.
#[track_caller]
fn agrees(s: &Scene<'_>, path: impl AsRef<Path>) {
    let path = path.as_ref();
    let shown = path.display();
    let row = s.mount(path);
    let found = mount_of(s, path);
    assert!(found.is_root, "{shown}");
    let as_row = |info: &MountInfo| {
        let mut info = info.clone();
        info.unique_id = None;
        info
    };
    assert_eq!(as_row(&found.mount), row, "mount_of {shown}");
    assert_eq!(s.mounter().find_mount(found.mount.key()).unwrap(), found.mount, "find_mount {shown}");
    let table = s.mounter().mounts().unwrap();
    assert_eq!(table.by_id(row.id).unwrap().to_info(), row, "mounts {shown}");
    let filesystem = s.mounter().filesystem_of(&at(path)).unwrap();
    assert_eq!((filesystem.device, filesystem.is_mount_root), (row.device, true));
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("every way of asking for a mount answers what the kernel's table says of it", |s| {
        s.does("tmpfs /w/m");
        s.dir("/w/m/sub dir");
        s.does("remount nosuid,noexec,noatime /w/m; shared /w/m; bind /w/m /w/peer; dir /w/slave");
        s.bound("/w/m/sub dir", "/w/slave");
        s.does("slave /w/slave; read-only /w/slave; bind /w/slave /w/both; shared /w/both; tmpfs /w/private");
        s.does("remount ro,nosuid,nodev,noexec,nodiratime,nosymfollow,relatime /w/private; tmpfs /w/unbindable");
        s.does("remount rw /w/unbindable; unbindable /w/unbindable; file /w/file; file /w/bound");
        s.does("bind /w/file /w/bound");
        for path in
            ["/", "/proc", "/w", "/w/m", "/w/peer", "/w/slave", "/w/both", "/w/private", "/w/unbindable", "/w/bound"]
        {
            agrees(s, path);
        }
    }),
    Case::new("the table is the kernel's, row by row, in its order", |s| {
        s.does("tmpfs /w/b /w/a /w/b /w/a/c");
        assert_eq!(s.mounter().mounts().unwrap().text(), s.world().mountinfo());
        s.does("detach /w/a");
        assert_eq!(s.mounter().mounts().unwrap().text(), s.world().mountinfo());
    }),
    Case::new("names of any bytes come back as they are", |s| {
        for name in odd_names() {
            let (source, target) = (Path::new("/w/from").join(&name), Path::new("/w/to").join(&name));
            s.dir(&source);
            s.dir(&target);
            s.bound(&source, &target);
            let found = mount_of(s, &target).mount;
            assert_eq!(found.mount_point, target);
            assert_eq!(found.root, Path::new("/from").join(&name));
            agrees(s, &target);
        }
    }),
    Case::new("sources of any bytes come back as they are, and an empty one hides nothing", |s| {
        let sources = [&b""[..], b"with space", b"a#b", b"tab\tnew\nline", b"back\\slash\\040", b"\xff", b"none"];
        for (number, source) in sources.iter().enumerate() {
            s.tmpfs(OsStr::from_bytes(source), format!("/w/m{number}"));
        }
        for (number, source) in sources.iter().enumerate() {
            let path = format!("/w/m{number}");
            assert_eq!(mount_of(s, &path).mount.source.as_bytes(), *source);
            agrees(s, &path);
        }
        assert_eq!(s.mounter().mounts().unwrap().odd_lines().len(), 0);
    }),
    Case::new("the mount of a path is the one that holds it, and is_root only at its root", |s| {
        s.does("tmpfs /w/m; dir /w/m/a/b; file /w/m/a/f");
        for (path, mount_point, is_root) in [
            ("/w/m", "/w/m", true),
            ("/w/m/", "/w/m", true),
            ("/w/m/a", "/w/m", false),
            ("/w/m/a/b/..", "/w/m", false),
            ("/w/m/a/..", "/w/m", true),
            ("/w/m/a/f", "/w/m", false),
            ("/w/m/..", "/w", true),
            ("/w", "/w", true),
            ("/run", "/", false),
            ("/", "/", true),
        ] {
            let found = mount_of(s, path);
            assert_eq!((found.mount.mount_point.as_path(), found.is_root), (Path::new(mount_point), is_root), "{path}");
            assert_eq!(s.mounter().filesystem_of(&at(path)).unwrap().is_mount_root, is_root, "{path}");
        }
    }),
    Case::new("a bind of a file over a file of the same filesystem is a mount root", |s| {
        s.does("file /w/a; file /w/b; bind /w/a /w/b");
        let found = mount_of(s, "/w/b");
        assert!(found.is_root && s.mounter().filesystem_of(&at("/w/b")).unwrap().is_mount_root);
        assert_eq!(
            (found.mount.root.as_path(), found.mount.mount_point.as_path()),
            (Path::new("/a"), Path::new("/w/b"))
        );
        assert!(!mount_of(s, "/w/a").is_root);
    }),
    Case::new("a question follows a trusted symlink, at the end too", |s| {
        s.does("tmpfs /w/m; link m /w/link");
        assert_eq!(mount_of(s, "/w/link").mount.mount_point, Path::new("/w/m"));
        assert!(s.mounter().filesystem_of(&at("/w/link")).unwrap().is_mount_root);
        s.changes_nothing(|| s.mounter().mount_of(&at("/w/link")).map(drop)).unwrap();
        s.refuses(Errno::ELOOP, || s.mounter().mount_of(&below("/w", "link")));
        s.refuses(Errno::ELOOP, || s.mounter().filesystem_of(&below("/w", "link")));
    }),
    Case::new("of a stack the topmost mount is the answer", |s| {
        s.does("tmpfs /w/m; file /w/m/f; tmpfs:top /w/m");
        assert_eq!(mount_of(s, "/w/m").mount.source, "top");
        s.refuses(Errno::ENOENT, || s.mounter().mount_of(&at("/w/m/f")));
        agrees(s, "/w/m");
    }),
    Case::new("a mount that is hidden is found by its key, with its path as it was", |s| {
        s.does("tmpfs /w/m /w/m/inner");
        let hidden = [mount_of(s, "/w/m").mount, mount_of(s, "/w/m/inner").mount];
        s.does("tmpfs /w/m");
        for mount in hidden {
            assert_eq!(s.mounter().find_mount(mount.key()).unwrap(), mount);
        }
        s.refuses(Errno::ENOENT, || s.mounter().mount_of(&at("/w/m/inner")));
    }),
    Case::new("a mount is found by its key wherever it is now, and whatever it is now", |s| {
        s.does("tmpfs /w/dir/m");
        let key = mount_of(s, "/w/dir/m").mount.key();
        s.does("dir /w/old/to");
        s.mounter().move_mount(&at("/w/dir/m"), &at("/w/old/to")).unwrap();
        assert_eq!(s.mounter().find_mount(key).unwrap().mount_point, Path::new("/w/old/to"));
        s.does("rename /w/old /w/new; read-only /w/new/to");
        let found = s.mounter().find_mount(key).unwrap();
        assert_eq!(found.mount_point, Path::new("/w/new/to"));
        assert_eq!(found.attributes.flags, MountFlags::READ_ONLY);
        agrees(s, "/w/new/to");
    }),
    Case::new("a mount that is gone, or never was, is ENOENT", |s| {
        s.does("tmpfs /w/m");
        let key = mount_of(s, "/w/m").mount.key();
        s.mounter().unmount(&unmount("/w/m")).unwrap();
        s.refuses(Errno::ENOENT, || s.mounter().find_mount(key));
        let never = match key {
            MountKey::Unique(_) => MountKey::Unique(UniqueMountId(u64::MAX.try_into().unwrap())),
            MountKey::Reused(_) => MountKey::Reused(MountId(2_000_000_000)),
        };
        s.refuses(Errno::ENOENT, || s.mounter().find_mount(never));
        s.refuses(Errno::ENOENT, || s.mounter().find_mount(MountKey::Reused(MountId(2_000_000_001))));
    }),
    Case::new("a mount that was detached and is still in use is ENOENT", |s| {
        s.does("tmpfs /w/m; chdir /w/m");
        let key = mount_of(s, "/w/m").mount.key();
        s.does("detach /w/m");
        s.refuses(Errno::ENOENT, || s.mounter().find_mount(key));
    }),
    Case::new("a mount is found by the id of the table too", |s| {
        s.does("tmpfs /w/m");
        let row = s.mount("/w/m");
        let found = s.mounter().find_mount(MountKey::Reused(row.id)).unwrap();
        assert_eq!((found.id, found.mount_point, found.device), (row.id, row.mount_point, row.device));
    }),
    Case::new("a mount whose directory was removed says so, and answers", |s| {
        s.does("dir /w/gone; bind /w/gone /w/m; rmdir /w/gone");
        let found = mount_of(s, "/w/m");
        assert_eq!(found.mount.root, Path::new("/gone//deleted"));
        agrees(s, "/w/m");
    }),
    Case::new("a path that was removed is ENOENT", |s| {
        s.does("dir /w/gone; rmdir /w/gone");
        s.refuses(Errno::ENOENT, || s.mounter().mount_of(&at("/w/gone")));
        s.refuses(Errno::ENOENT, || s.mounter().filesystem_of(&at("/w/gone")));
    }),
    Case::new("the filesystem of a path has its magic number and its device", |s| {
        s.does("tmpfs /w/m; dir /w/m/a");
        for path in ["/w/m", "/w/m/a"] {
            let found = s.mounter().filesystem_of(&at(path)).unwrap();
            assert_eq!((found.magic, found.device), (FilesystemMagic::TMPFS, s.stat(path).device));
        }
        assert_eq!(s.mounter().filesystem_of(&at("/proc")).unwrap().magic, FilesystemMagic::PROC);
        let found = s.mounter().filesystem_of(&below("/w/m", "a")).unwrap();
        assert_eq!((found.device, found.is_mount_root), (s.stat("/w/m").device, false));
    }),
    Case::new("two mounts at once have two keys, and a copy is another mount", |s| {
        s.does("tmpfs /w/a; bind /w/a /w/b");
        assert_ne!(mount_of(s, "/w/a").mount.key(), mount_of(s, "/w/b").mount.key());
        assert_eq!(mount_of(s, "/w/a").mount.device, mount_of(s, "/w/b").mount.device);
    }),
    Case::new("the origin is known where there is a procfs, and mounts do not change it", |s| {
        let origin = s.mounter().origin().unwrap();
        assert!(origin.is_known(), "{origin:?}");
        s.does("tmpfs /w/m; bind /w/m /w/m");
        assert_eq!(s.mounter().origin().unwrap(), origin);
    }),
    Case::new("a question changes nothing, and leaves no descriptor", |s| {
        s.does("tmpfs /w/m; dir /w/m/a");
        let key = mount_of(s, "/w/m").mount.key();
        s.changes_nothing(|| {
            s.mounter().mount_of(&at("/w/m/a")).unwrap();
            s.mounter().filesystem_of(&below("/w", "m")).unwrap();
            s.mounter().find_mount(key).unwrap();
            s.mounter().mounts().unwrap();
            s.mounter().origin().unwrap();
        });
    }),
];

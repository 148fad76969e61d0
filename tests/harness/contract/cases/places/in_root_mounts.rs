//! Mounts at places in a root, and targets that are created there.

use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::{OccupiedTarget, SuperblockAccess, UnmountMode};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, Errno, FileMode, Location, MountRequest, Propagation, Recursion,
    UnmountRequest,
};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, within};

fn mode(bits: u16) -> FileMode {
    FileMode::from_bits(bits)
}

fn place(path: &str) -> Location {
    within("/w/root", path)
}

/// A bind of `/w/source` into the root.
fn onto(path: &str) -> BindRequest {
    BindRequest::new(at("/w/source"), place(path))
}

fn unmount(path: &str) -> UnmountRequest {
    UnmountRequest::new(place(path))
}

/// An image with symlinks, and a source.
fn image(s: &Scene<'_>) {
    s.does("file /w/source/f text; file /w/text text; dir /w/root/run/target; dir /w/root/etc");
    s.does("link /run /w/root/var/run");
    s.does("link ../../../run/target /w/root/etc/link; dir /w/run/target");
}

/// A created file in the root, once its mount is gone.
#[track_caller]
fn left_behind(s: &Scene<'_>, request: &BindRequest, created: &[&str]) {
    let report = s.mounter().bind(request).unwrap();
    assert_eq!(report.created, created.iter().map(Path::new).collect::<Vec<_>>());
    let target = created.last().unwrap();
    assert_eq!(s.mount_points(), [*target]);
    s.does(&format!("detach {target}"));
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("in a root a bind is on the file that the path leads to there", |s| {
        image(s);
        for (path, target) in [
            ("var/run/target", "/w/root/run/target"),
            ("etc/link", "/w/root/run/target"),
            ("/../var/run/../etc", "/w/root/etc"),
        ] {
            let report = s.mounter().bind(&onto(path).read_only()).unwrap();
            assert_eq!(
                (s.mount_points(), s.text(Path::new(target).join("f"))),
                (vec![target.to_owned()], b"text".to_vec())
            );
            assert_eq!(s.mounter().mount_of(&place(path)).unwrap().mount.key(), report.mount);
            s.does(&format!("detach {target}"));
        }
        s.refuses(Errno::ENOENT, || s.mounter().bind(&onto("var/run/missing")));
        s.refuses(Errno::ENOENT, || s.mounter().bind(&onto("../run/missing")));
    }),
    Case::new("in a root the source of a bind is the file that the path leads to there", |s| {
        image(s);
        s.does("file /w/root/run/target/f inside; file /w/run/target/f outside; dir /w/target");
        for path in ["etc/link", "var/run/target/", "etc/../../run/target"] {
            for request in [
                BindRequest::new(place(path), at("/w/target")),
                BindRequest::new(place(path), at("/w/target")).read_only().propagation(Propagation::Slave),
            ] {
                s.mounter().bind(&request).unwrap();
                assert_eq!(s.text("/w/target/f"), b"inside");
                s.does("detach /w/target");
            }
        }
    }),
    Case::new("in a root a bind of and onto the root itself is of and onto its top", |s| {
        image(s);
        s.does("tmpfs /w/root; file /w/root/top; dir /w/target");
        s.mounter().bind(&BindRequest::new(place("/"), at("/w/target"))).unwrap();
        assert!(s.exists("/w/target/top"));
        s.does("dir /w/root/a");
        for path in ["", "/", "a/..", "../."] {
            s.refuses(Errno::EBUSY, || s.mounter().bind(&onto(path)));
        }
    }),
    Case::new("in a root a target that is a mount point is EBUSY, unless the bind is to stack", |s| {
        image(s);
        s.does("tmpfs /w/root/run/target");
        s.refuses(Errno::EBUSY, || s.mounter().bind(&onto("etc/link")));
        s.refuses(Errno::EBUSY, || s.mounter().bind(&onto("etc/link").creating_target(mode(0o755))));
        let report = s.mounter().bind(&onto("etc/link").stacking()).unwrap();
        assert_eq!(s.mounter().mount_of(&place("run/target")).unwrap().mount.key(), report.mount);
        let on = OccupiedTarget::StackOn(report.mount);
        assert_eq!(onto("etc/link").stacking_on(report.mount).occupied_target(), on);
        s.does("dir /w/root/run/target/below");
        s.mounter().bind(&onto("var/run/target/below")).unwrap();
        assert!(s.is_mounted("/w/root/run/target/below"));
    }),
    Case::new("in a root a missing target is made by descriptor, behind symlinks, of exactly the modes", |s| {
        image(s);
        s.world().set_umask(0o777);
        let request = onto("var/run/a/b").creating_target(mode(0o2751));
        left_behind(s, &request, &["/w/root/run/a", "/w/root/run/a/b"]);
        let request = BindRequest::new(at("/w/text"), place("etc/link/c/./file"));
        let request = request.creating_target_with(mode(0o711), mode(0o604));
        left_behind(s, &request, &["/w/root/run/target/c", "/w/root/run/target/c/file"]);
        for (path, bits) in [("a", 0o2751), ("a/b", 0o2751), ("target/c", 0o711), ("target/c/file", 0o604)] {
            assert_eq!(s.mode(Path::new("/w/root/run").join(path)), bits, "{path}");
        }
        left_behind(s, &onto("new/").creating_target(mode(0o700)), &["/w/root/new"]);
        assert!(!s.exists("/w/run/a") && !s.exists("/w/new"));
    }),
    Case::new("in a root the target of a dangling symlink is made inside the root", |s| {
        image(s);
        s.does("link /made/by/link /w/root/dangles; link dangles /w/root/chain");
        s.does("link ../../../../w/high /w/root/etc/high");
        let create = |path: &str| onto(path).creating_target(mode(0o755));
        let made = ["/w/root/made", "/w/root/made/by", "/w/root/made/by/link"];
        left_behind(s, &create("chain"), &made);
        left_behind(s, &create("dangles/x"), &["/w/root/made/by/link/x"]);
        left_behind(s, &create("etc/high"), &["/w/root/w", "/w/root/w/high"]);
        s.does("link gone/file /w/root/etc/f");
        let file = BindRequest::new(at("/w/text"), place("etc/f")).creating_target(mode(0o644));
        left_behind(s, &file, &["/w/root/etc/gone", "/w/root/etc/gone/file"]);
        assert_eq!(s.kind("/w/root/etc/gone/file"), Some(FileKind::Regular));
        assert!(!s.exists("/made") && !s.exists("/w/high"));
    }),
    Case::new("in a root two dots after a missing component are ENOENT, and nothing is made", |s| {
        image(s);
        s.does("link missing/../etc /w/root/by-link; link missing/in /w/root/dangles");
        for path in ["missing/../etc", "a/b/../c", "by-link", "by-link/x", "dangles/../x", "etc/../a/.."] {
            s.refuses(Errno::ENOENT, || s.mounter().bind(&onto(path).creating_target(mode(0o755))));
        }
        left_behind(s, &onto("etc/../a/./b").creating_target(mode(0o755)), &["/w/root/a", "/w/root/a/b"]);
    }),
    Case::new("in a root a path that leads through its own target is ESTALE, and nothing is left", |s| {
        image(s);
        s.does("dir /w/root/a/b");
        s.refuses(Errno::ESTALE, || s.mounter().bind(&onto("a/b/..")));
        s.refuses(Errno::ESTALE, || s.mounter().mount(&MountRequest::new("tmpfs", place("a/b/.."))));
    }),
    Case::new("in a root a target that cannot be made leaves nothing", |s| {
        image(s);
        s.does("file /w/root/file; link loop /w/root/loop; fifo /w/root/fifo; link /file /w/root/to-file");
        let create = |path: &str| onto(path).creating_target(mode(0o755));
        for (path, errno) in [
            ("loop/x", Errno::ELOOP),
            ("loop", Errno::ELOOP),
            ("file/x", Errno::ENOTDIR),
            ("file/../x", Errno::ENOTDIR),
            ("to-file/x", Errno::ENOTDIR),
            ("to-file", Errno::ENOTDIR),
            ("fifo", Errno::ENOTDIR),
            ("a/b\0c", Errno::EINVAL),
        ] {
            s.refuses(errno, || s.mounter().bind(&create(path)));
        }
        let long = format!("a/b/{}", "n".repeat(256));
        s.refuses(Errno::ENAMETOOLONG, || s.mounter().bind(&create(&long)));
        let text = |path: &str| BindRequest::new(at("/w/text"), place(path)).creating_target(mode(0o644));
        s.refuses(Errno::ENOTDIR, || s.mounter().bind(&text("a/b/")));
        s.refuses(Errno::ENOTDIR, || s.mounter().bind(&text("a/.")));
        s.refuses(Errno::ENOTDIR, || s.mounter().bind(&text("etc")));
        s.does("tmpfs /w/source; unbindable /w/source");
        s.refuses(Errno::EINVAL, || s.mounter().bind(&create("var/run/a/b")));
        s.does("tmpfs /w/root/ro; read-only /w/root/ro; dir /w/source2");
        let request = BindRequest::new(at("/w/source2"), place("ro/a")).creating_target(mode(0o755));
        s.refuses(Errno::EROFS, || s.mounter().bind(&request));
    }),
    Case::new("in a root a new filesystem is mounted below mounts that were made there before", |s| {
        image(s);
        s.does("link /run/target /w/root/dev");
        let mount = |path: &str| s.mounter().mount(&MountRequest::new("tmpfs", place(path)));
        mount("dev").unwrap();
        s.fs().create_dir(&place("dev/pts"), mode(0o755)).unwrap();
        let key = mount("dev/pts").unwrap().mount;
        assert_eq!(s.mount_points(), ["/w/root/run/target", "/w/root/run/target/pts"]);
        assert_eq!(s.mounter().mount_of(&place("/dev/pts/.")).unwrap().mount.key(), key);
        s.refuses(Errno::ENOENT, || mount("dev/missing"));
        s.does("file /w/root/run/file");
        s.refuses(Errno::ENOTDIR, || mount("var/run/file"));
    }),
    Case::new("in a root a mount is changed by any path that leads to it", |s| {
        image(s);
        s.does("tmpfs /w/root/run/target");
        let change = |path: &str| AttributesRequest::new(place(path), AttributeChange::READ_ONLY);
        s.mounter().change_attributes(&change("etc/link")).unwrap();
        assert!(s.mount("/w/root/run/target").attributes.is_read_only());
        s.mounter().set_propagation(&place("var/run/target"), Propagation::Shared, Recursion::This).unwrap();
        let found = s.mounter().mount_of(&at("/w/root/run/target")).unwrap().mount;
        assert!(found.propagation.peers.is_some());
        s.mounter().set_propagation_of(&place("etc/link"), found.key(), Propagation::Private).unwrap();
        assert!(s.mount("/w/root/run/target").propagation.peers.is_none());
        s.mounter().set_superblock(&place("etc/link/"), SuperblockAccess::ReadOnly).unwrap();
        assert!(s.mount("/w/root/run/target").option("ro").is_some());
        for path in ["etc", "var/run"] {
            s.refuses(Errno::EINVAL, || s.mounter().change_attributes(&change(path)));
            s.refuses(Errno::EINVAL, || s.mounter().set_superblock(&place(path), SuperblockAccess::ReadOnly));
        }
    }),
    Case::new("in a root an unmount follows symlinks on the way and none at the end", |s| {
        image(s);
        s.does("tmpfs /w/root/run/target");
        s.refuses(Errno::ELOOP, || s.mounter().unmount(&unmount("etc/link")));
        s.refuses(Errno::ELOOP, || s.mounter().unmount(&unmount("etc/link/").with_mode(UnmountMode::Detach)));
        s.refuses(Errno::EINVAL, || s.mounter().unmount(&unmount("var/run/../etc")));
        let key = s.mounter().mount_of(&place("etc/link")).unwrap().mount.key();
        s.mounter().unmount(&unmount("var/run/target").only(key)).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
        s.does("tmpfs /w/root/run/target; tmpfs /w/root/run/target/in");
        s.mounter().unmount(&unmount("/var/run/../run/target/in/")).unwrap();
        s.mounter().unmount(&unmount("var/run/target").with_mode(UnmountMode::Detach)).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
    }),
    Case::new("in a root the root's own mount is unmounted by a slash, and lazily by a path that leads there", |s| {
        image(s);
        for path in ["", "/"] {
            s.does("tmpfs /w/mounted");
            s.mounter().unmount(&UnmountRequest::new(within("/w/mounted", path))).unwrap();
            assert_eq!(s.mount_points(), [""; 0]);
        }
        s.does("tmpfs /w/mounted");
        let dots = UnmountRequest::new(within("/w/mounted", "../."));
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&dots));
        s.mounter().unmount(&dots.with_mode(UnmountMode::Detach)).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
        s.refuses(Errno::EINVAL, || s.mounter().unmount(&unmount("etc/..")));
    }),
    Case::new("in a root a mount moves from and to places behind symlinks, and neither end is followed", |s| {
        image(s);
        s.does("tmpfs /w/root/etc/from; dir /w/root/run/target/in");
        s.mounter().move_mount(&place("etc/../etc/from"), &place("var/run/target/")).unwrap();
        assert_eq!(s.mount_points(), ["/w/root/run/target"]);
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&place("etc/link"), &place("etc/from")));
        s.does("link from /w/root/etc/to");
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&place("run/target"), &place("etc/to")));
        s.mounter().move_mount(&place("run/target"), &place("/../etc/from")).unwrap();
        assert_eq!(s.mount_points(), ["/w/root/etc/from"]);
        s.does("dir /w/root/etc/from/in");
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&place("etc/from"), &place("etc/from/in")));
    }),
    Case::new("in a root every change leaves the current directory, the umask and the descriptors as they were", |s| {
        image(s);
        s.changes_nothing(|| {
            s.mounter().bind(&onto("var/run/target")).unwrap();
            s.fs().open_dir(&place("etc/link")).unwrap().read_file("f".as_ref(), 10).unwrap();
            s.fs().metadata(&place("etc/link/f"), FinalSymlink::Itself).unwrap();
            s.mounter().unmount(&unmount("var/run/target")).unwrap();
            s.mounter().bind(&onto("var/run/a/b").creating_target(mode(0o755))).unwrap();
            s.mounter().unmount(&unmount("run/a/b")).unwrap();
            s.fs().remove_dir(&place("var/run/a/b")).unwrap();
            s.fs().remove_dir(&place("var/run/a")).unwrap();
        });
    }),
];

//! Trees of mounts that are built before they are visible.

use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::{FilesystemOption, OccupiedTarget, PropagationWord};
use mountwright_core::ports::DetachedTree;
use mountwright_core::{
    AttributeChange, BindRequest, DeviceNumber, Errno, Location, MountFlags, MountRequest, Propagation, Recursion,
};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, bind, mode};

fn place(path: &str) -> Location {
    Location::in_tree(path)
}

/// A bind of a path of the host onto a place in the tree.
fn onto(source: &str, path: &str) -> BindRequest {
    BindRequest::new(at(source), place(path))
}

fn tmpfs(path: &str) -> MountRequest {
    MountRequest::new("tmpfs", place(path))
}

/// An image with symlinks, and a source.
fn image(s: &Scene<'_>) {
    s.does("dir /w/root/dev /w/root/proc /w/root/a/b /w/root/run; link /run /w/root/var/run");
    s.does("file /w/source/f text; file /w/text text");
}

fn words(text: &str) -> Vec<PropagationWord> {
    text.split(' ').map(|word| word.parse().unwrap()).collect()
}

/// A tree of the image, bound onto itself.
fn begun(s: &Scene<'_>) -> Box<dyn DetachedTree> {
    s.mounter().detached_tree(&bind("/w/root", "/w/root")).unwrap()
}

/// Discards a tree, which must leave nothing.
#[track_caller]
fn discarded(tree: Box<dyn DetachedTree>) {
    tree.discard().unwrap();
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a tree is visible as a whole once it is committed, and not before", |s| {
        image(s);
        let tree = begun(s);
        tree.mount(&tmpfs("/dev")).unwrap();
        tree.open_dir("dev".as_ref(), None).unwrap().create_dir("pts".as_ref(), mode(0o755)).unwrap();
        tree.mount(&tmpfs("/dev/pts").read_only()).unwrap();
        tree.bind(&onto("/w/source", "/a/b").read_only()).unwrap();
        assert!(s.mount_points().iter().all(|path| !path.starts_with("/w/root")), "{:?}", s.mount_points());
        assert!(!s.exists("/w/root/a/b/f") && !s.exists("/w/root/dev/pts"));
        let report = tree.commit().unwrap();
        assert_eq!(s.mount_points(), ["/w/root", "/w/root/dev", "/w/root/dev/pts", "/w/root/a/b"]);
        assert_eq!(s.mounter().mount_of(&at("/w/root")).unwrap().mount.key(), report.mount);
        assert_eq!(s.text("/w/root/a/b/f"), b"text");
        for (path, written) in
            [("", Ok(())), ("dev", Ok(())), ("dev/pts", Err(Errno::EROFS)), ("a/b", Err(Errno::EROFS))]
        {
            assert_eq!(s.try_write(&format!("/w/root/{path}")), written, "{path}");
        }
        assert!(s.table().iter().all(|row| row.propagation().is_private()), "every mount is private");
    }),
    Case::new("a tree that is dropped or discarded leaves nothing", |s| {
        image(s);
        let build = |tree: &dyn DetachedTree| {
            tree.mount(&tmpfs("/dev")).unwrap();
            let new = onto("/w/source", "/a/new/deep").creating_target(mode(0o755));
            assert_eq!(tree.bind(&new).unwrap().created.len(), 2);
            let file = onto("/w/text", "/dev/x/file").creating_target(mode(0o644));
            assert_eq!(
                tree.bind(&file).unwrap().created,
                [Path::new("/w/root/dev/x"), Path::new("/w/root/dev/x/file")]
            );
        };
        s.changes_nothing(|| build(&*begun(s)));
        s.changes_nothing(|| {
            let tree = begun(s);
            build(&*tree);
            discarded(tree);
        });
        s.changes_nothing(|| drop(begun(s)));
    }),
    Case::new("a tree that cannot be attached is discarded, with all that it has created", |s| {
        image(s);
        s.does("tmpfs /w/occupied; file /w/file");
        for (target, errno) in
            [("/w/occupied", Errno::EBUSY), ("/w/missing", Errno::ENOENT), ("/w/file", Errno::ENOTDIR)]
        {
            s.refuses(errno, || {
                let tree = s.mounter().detached_tree(&bind("/w/root", target)).unwrap();
                tree.bind(&onto("/w/source", "/a/new").creating_target(mode(0o755))).unwrap();
                tree.commit()
            });
        }
        let tree = s.mounter().detached_tree(&bind("/w/root", "/w/occupied").stacking()).unwrap();
        tree.commit().unwrap();
        assert!(s.exists("/w/occupied/proc"));
        let request = bind("/w/root", "/w/made/here").creating_target(mode(0o700));
        let report = s.mounter().detached_tree(&request).unwrap().commit().unwrap();
        assert_eq!(report.created, [Path::new("/w/made"), Path::new("/w/made/here")]);
    }),
    Case::new("in a tree symlinks are followed inside it, and mounts of the tree are crossed", |s| {
        image(s);
        s.does("link /dev/pts /w/root/pts; dir /run/lock; file /w/root/run/f image");
        let tree = begun(s);
        tree.mount(&tmpfs("/dev")).unwrap();
        let dev = tree.open_dir("/dev".as_ref(), None).unwrap();
        dev.create_symlink("up".as_ref(), "../run".as_ref()).unwrap();
        dev.create_file("null".as_ref(), mode(0o600)).unwrap();
        tree.bind(&onto("/w/source", "pts").creating_target(mode(0o755))).unwrap();
        tree.bind(&onto("/w/source", "dev/up/../../var/run/x").creating_target(mode(0o755))).unwrap();
        let kind = |path: &str| tree.metadata(path.as_ref(), FinalSymlink::Follow).unwrap().kind;
        assert_eq!((kind("var/run/x/f"), kind("dev/up/f")), (FileKind::Regular, FileKind::Regular));
        let link = tree.metadata("dev/up".as_ref(), FinalSymlink::Itself).unwrap();
        assert_eq!(link.kind, FileKind::Symlink);
        let missing = tree.metadata("/w/root".as_ref(), FinalSymlink::Follow).unwrap_err();
        assert_eq!((missing.errno(), kind("../../..")), (Errno::ENOENT, FileKind::Directory));
        tree.commit().unwrap();
        assert_eq!(s.mount_points(), ["/w/root", "/w/root/dev", "/w/root/dev/pts", "/w/root/run/x"]);
        assert!(!s.exists("/run/x"));
    }),
    Case::new(
        "in a tree missing directories are created where they are asked for, of exactly the mode, and stay",
        |s| {
            image(s);
            s.world().set_umask(0o777);
            s.does("link new/by-link /w/root/dangles");
            let tree = begun(s);
            let missing = tree.open_dir("a/x".as_ref(), None).map(drop).unwrap_err();
            assert_eq!((missing.errno(), s.exists("/w/root/a/x")), (Errno::ENOENT, false));
            let made = tree.open_dir("a/x/y".as_ref(), Some(mode(0o711))).unwrap();
            made.create_file("f".as_ref(), mode(0o640)).unwrap();
            tree.open_dir("/dangles/".as_ref(), Some(mode(0o750))).unwrap();
            tree.open_dir("a".as_ref(), Some(mode(0o700))).unwrap();
            let up = tree.open_dir("none/../a".as_ref(), Some(mode(0o755))).map(drop).unwrap_err();
            assert_eq!((up.errno(), s.exists("/w/root/none")), (Errno::ENOENT, false));
            assert_eq!(tree.open_dir("a/x/y/f".as_ref(), None).map(drop).unwrap_err().errno(), Errno::ENOTDIR);
            drop(made);
            discarded(tree);
            for (path, bits) in
                [("a/x", 0o711), ("a/x/y", 0o711), ("a/x/y/f", 0o640), ("new/by-link", 0o750), ("a", 0o755)]
            {
                assert_eq!(s.mode(Path::new("/w/root").join(path)), bits, "{path}");
            }
        },
    ),
    Case::new("in a tree a place of it can be bound onto another, or onto itself with other attributes", |s| {
        image(s);
        s.does("file /w/root/a/b/f image");
        let tree = begun(s);
        tree.mount(&tmpfs("/dev")).unwrap();
        tree.open_dir("/dev/sub".as_ref(), Some(mode(0o755))).unwrap();
        let itself = BindRequest::new(place("/dev/sub"), place("/dev/sub")).read_only();
        tree.bind(&itself).unwrap();
        tree.bind(&BindRequest::new(place("a"), place("/run")).recursive().read_only()).unwrap();
        tree.commit().unwrap();
        let writes = |path: &str| s.try_write(&format!("/w/root/{path}"));
        assert_eq!((writes("dev"), writes("dev/sub")), (Ok(()), Err(Errno::EROFS)));
        assert_eq!((writes("run/b"), s.text("/w/root/run/b/f")), (Err(Errno::EROFS), b"image".to_vec()));
    }),
    Case::new(
        "in a tree a path leads into the filesystem that covers it by now, also where a symlink led there",
        |s| {
            image(s);
            s.does("link /dev /w/root/to-dev; link /a /w/root/to-a; dir /w/source/sub /w/source/b/sub");
            let tree = begun(s);
            let made = |path: &str| tree.open_dir(path.as_ref(), Some(mode(0o755))).map(drop).unwrap();
            let is_dir =
                |path: &str| tree.metadata(path.as_ref(), FinalSymlink::Follow).is_ok_and(|found| found.is_dir());
            tree.mount(&tmpfs("/dev")).unwrap();
            made("/dev/first");
            tree.bind(&onto("/w/source", "/to-dev").stacking()).unwrap();
            assert!(is_dir("/dev/sub") && !is_dir("/dev/first"));
            tree.bind(&onto("/w/text", "/dev/f").read_only()).unwrap();
            tree.mount(&tmpfs("/a/b")).unwrap();
            made("/a/b/second");
            tree.bind(&onto("/w/source", "/to-a").stacking()).unwrap();
            assert!(is_dir("/a/b/sub") && !is_dir("/a/b/second"));
            let onto_itself = BindRequest::new(place("/a/b/sub"), place("/a/b/sub")).read_only().stacking();
            tree.bind(&onto_itself).unwrap();
            tree.mount(&tmpfs("/run")).unwrap();
            made("/run/third");
            tree.bind(&onto("/w/source", "/run").stacking()).unwrap();
            assert!(is_dir("/run/sub") && !is_dir("/run/third"));
            tree.commit().unwrap();
            assert_eq!(s.try_write("/w/root/a/b/sub"), Err(Errno::EROFS));
            assert_eq!(s.text("/w/root/dev/f"), b"text");
        },
    ),
    Case::new("in a tree nodes and symlinks are created in its own filesystems", |s| {
        image(s);
        let tree = begun(s);
        tree.mount(&tmpfs("dev").option(FilesystemOption::with_value("mode", "755"))).unwrap();
        let dev = tree.open_dir("dev".as_ref(), None).unwrap();
        let null = DeviceNumber::new(1, 3);
        dev.create_node("null".as_ref(), FileKind::CharacterDevice, Some(null), mode(0o666)).unwrap();
        dev.create_symlink("fd".as_ref(), "/proc/self/fd".as_ref()).unwrap();
        drop(dev);
        tree.commit().unwrap();
        assert_eq!((s.stat("/w/root/dev/null").represents, s.mode("/w/root/dev/null")), (Some(null), 0o666));
        assert_eq!(s.kind("/w/root/dev/fd"), Some(FileKind::Symlink));
        s.does("detach /w/root");
        assert!(!s.exists("/w/root/dev/null"));
    })
    .needing(Needs::DeviceNodes),
    Case::new("a tree has the attributes of its request, its root others later, and its members their own", |s| {
        image(s);
        let request = bind("/w/root", "/w/root").attributes(AttributeChange::setting(MountFlags::NO_DEV));
        let tree = s.mounter().detached_tree(&request).unwrap();
        tree.mount(&tmpfs("/dev").attributes(AttributeChange::setting(MountFlags::NO_EXEC))).unwrap();
        tree.change_attributes(AttributeChange::READ_ONLY, Recursion::This).unwrap();
        tree.commit().unwrap();
        let flags = |path: &str| s.mounter().mount_of(&at(path)).unwrap().mount.attributes.flags;
        assert_eq!(flags("/w/root"), MountFlags::NO_DEV | MountFlags::READ_ONLY);
        assert_eq!(flags("/w/root/dev"), MountFlags::NO_EXEC);
        let tree = s.mounter().detached_tree(&bind("/w/root", "/w/root").recursive().stacking()).unwrap();
        tree.change_attributes(AttributeChange::setting(MountFlags::NO_SUID), Recursion::Tree).unwrap();
        tree.commit().unwrap();
        assert_eq!(flags("/w/root/dev"), MountFlags::NO_EXEC | MountFlags::NO_SUID);
        assert!(flags("/w/root").contains(MountFlags::NO_SUID | MountFlags::READ_ONLY));
    }),
    Case::new("in a tree a target that is a mount point is EBUSY, unless the bind is to stack", |s| {
        image(s);
        let tree = begun(s);
        tree.mount(&tmpfs("/dev")).unwrap();
        assert_eq!(tree.bind(&onto("/w/source", "/dev")).unwrap_err().errno(), Errno::EBUSY);
        for root in ["", "/", "./"] {
            assert_eq!(tree.bind(&onto("/w/source", root).stacking()).unwrap_err().errno(), Errno::EBUSY);
            assert_eq!(tree.mount(&tmpfs(root)).unwrap_err().errno(), Errno::EBUSY);
        }
        tree.bind(&onto("/w/source", "/dev").stacking()).unwrap();
        assert_eq!(tree.bind(&onto("/w/text", "/a")).unwrap_err().errno(), Errno::ENOTDIR);
        assert_eq!(tree.mount(&tmpfs("/missing")).unwrap_err().errno(), Errno::ENOENT);
        assert_eq!(tree.mount(&MountRequest::new("nosuchfs", place("/a"))).unwrap_err().errno(), Errno::ENODEV);
        tree.commit().unwrap();
        assert_eq!(s.mount_points(), ["/w/root", "/w/root/dev", "/w/root/dev"]);
        assert_eq!(s.text("/w/root/dev/f"), b"text");
    }),
    Case::new("a later mount of a tree may hide the target of an earlier one", |s| {
        image(s);
        s.does("dir /w/root/a/b/c");
        let tree = begun(s);
        tree.bind(&onto("/w/source", "a/b/c")).unwrap();
        tree.mount(&tmpfs("a")).unwrap();
        let error = tree.metadata("a/b".as_ref(), FinalSymlink::Follow).unwrap_err();
        assert_eq!(error.errno(), Errno::ENOENT);
        tree.open_dir("a/b/c".as_ref(), Some(mode(0o755))).unwrap();
        tree.commit().unwrap();
        assert_eq!(s.mount_points(), ["/w/root", "/w/root/a/b/c", "/w/root/a"]);
    }),
    Case::new("a member whose target's name leads elsewhere is ESTALE, and the tree leaves nothing", |s| {
        image(s);
        let build = || {
            let tree = begun(s);
            tree.mount(&tmpfs("/dev")).unwrap();
            tree.bind(&onto("/w/source", "a/b")).unwrap();
            tree
        };
        for (change, back) in [
            ("rename /w/root/a /w/root/moved", "rename /w/root/moved /w/root/a"),
            (
                "rename /w/root/a /w/root/moved; dir /w/root/a/b",
                "rmdir /w/root/a/b /w/root/a; rename /w/root/moved /w/root/a",
            ),
            (
                "rename /w/root/a /w/root/moved; link /run /w/root/a; dir /w/root/run/b",
                "rmdir /w/root/run/b; unlink /w/root/a; rename /w/root/moved /w/root/a",
            ),
        ] {
            let tree = build();
            s.does(change);
            let error = tree.commit().unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[][..]), "{change}: {error}");
            assert!(error.to_string().contains("a/b"), "{error}");
            assert_eq!(s.mount_points(), Vec::<String>::new());
            s.does(back);
        }
        build().commit().unwrap();
    }),
    Case::new(
        "a tree of a shared mount propagates nothing, and its members are private unless they are to be others",
        |s| {
            image(s);
            s.does("bind /w/root /w/root; shared /w/root; bind /w/root /w/peer; bind /w/source /w/source; shared /w/source");
            s.does("dir /w/source/sub /w/target");
            let tree = s.mounter().detached_tree(&bind("/w/root", "/w/target").recursive()).unwrap();
            tree.mount(&tmpfs("/dev")).unwrap();
            let report = tree.bind(&onto("/w/source", "/a").propagation(Propagation::Slave)).unwrap();
            let shown = [Some(Propagation::Slave), None].contains(&report.propagation);
            assert!(shown, "{report:?}");
            tree.bind(&onto("/w/source", "/proc").propagation(Propagation::Shared)).unwrap();
            tree.bind(&onto("/w/source", "/run")).unwrap();
            let slave_and_shared = onto("/w/source", "/etc").creating_target(mode(0o755));
            tree.bind(&slave_and_shared.recursive().propagations(words("rslave shared"))).unwrap();
            for path in ["/proc", "/proc/sub"] {
                let occupied = onto("/w/text", path).stacking();
                assert_eq!(tree.bind(&occupied).unwrap_err().errno(), Errno::EINVAL, "{path}");
                assert_eq!(tree.mount(&tmpfs(path)).unwrap_err().errno(), Errno::EINVAL, "{path}");
            }
            tree.mount(&tmpfs("/a/sub")).unwrap();
            tree.commit().unwrap();
            let kind = |path: &str| s.mounter().mount_of(&at(path)).unwrap().mount.propagation.kind();
            assert_eq!(kind("/w/target"), Propagation::Private);
            assert_eq!(kind("/w/target/a"), Propagation::Slave);
            assert_eq!(kind("/w/target/proc"), Propagation::Shared);
            assert_eq!((kind("/w/target/run"), kind("/w/target/dev")), (Propagation::Private, Propagation::Private));
            let both = s.mounter().mount_of(&at("/w/target/etc")).unwrap().mount.propagation;
            assert!(both.peers.is_some() && both.master.is_some(), "{both}");
            for path in ["/w/root/dev", "/w/peer/dev", "/w/source/sub", "/w/target/proc/sub", "/w/target/run/sub"] {
                assert!(!s.is_mounted(path), "{path}");
            }
            s.does("tmpfs /w/source/sub");
            assert!(s.is_mounted("/w/target/proc/sub") && !s.is_mounted("/w/target/run/sub"));
        },
    ),
    Case::new("a tree that is discarded or refused leaves the peers of its shared members as they are", |s| {
        image(s);
        s.does("bind /w/source /w/source; shared /w/source; tmpfs /w/source/sub");
        s.does("bind /w/root /w/shared; shared /w/shared");
        let build = |target: &str| {
            let tree = s.mounter().detached_tree(&bind("/w/root", target)).unwrap();
            tree.bind(&onto("/w/source", "/a").propagation(Propagation::Shared).recursive()).unwrap();
            tree
        };
        s.changes_nothing(|| drop(build("/w/root")));
        s.refuses(Errno::EINVAL, || build("/w/shared/run").commit());
        let tree = build("/w/root");
        tree.bind(&onto("/w/source", "x/y").creating_target(mode(0o755))).unwrap();
        s.does("rename /w/root/x /w/root/moved");
        assert_eq!(tree.commit().unwrap_err().errno(), Errno::ESTALE);
        assert!(s.is_mounted("/w/source/sub"));
    }),
    Case::new("a tree refuses what it cannot be: shared, onto a mount by identity, a file, targets outside", |s| {
        image(s);
        let itself = bind("/w/root", "/w/root");
        let below = s.mounter().mount_of(&at("/w/root")).unwrap().mount.key();
        for (request, errno) in [
            (itself.clone().propagation(Propagation::Shared), Errno::EINVAL),
            (itself.clone().propagations(words("rslave shared")), Errno::EINVAL),
            (itself.clone().recursive().propagations(words("private")), Errno::EINVAL),
            (itself.clone().stacking_on(below), Errno::EINVAL),
            (bind("/w/text", "/w/text"), Errno::ENOTDIR),
            (bind("/w/missing", "/w/root"), Errno::ENOENT),
        ] {
            s.refuses(errno, || s.mounter().detached_tree(&request));
        }
        let tree = begun(s);
        for target in
            [at("/w/root/dev"), Location::in_root("/w/root", "dev"), Location::beneath("/w/root", "dev").unwrap()]
        {
            let request = BindRequest::new(at("/w/source"), target.clone());
            assert_eq!(tree.bind(&request).unwrap_err().errno(), Errno::EINVAL, "{target:?}");
            let request = MountRequest::new("tmpfs", target);
            assert_eq!(tree.mount(&request).unwrap_err().errno(), Errno::EINVAL);
        }
        let on = onto("/w/source", "/dev").stacking_on(below).propagation(Propagation::Private);
        assert_eq!(on.occupied_target(), OccupiedTarget::StackOn(below));
        assert_eq!(tree.bind(&on).unwrap_err().errno(), Errno::EINVAL);
        assert_eq!(tree.bind(&onto("/w/missing", "/dev")).unwrap_err().errno(), Errno::ENOENT);
        discarded(tree);
    }),
    Case::new("a place in a tree is ENOENT outside of one", |s| {
        image(s);
        let error = |place| s.refuses(Errno::ENOENT, || s.fs().metadata(place, FinalSymlink::Follow));
        error(&place("/"));
        s.refuses(Errno::ENOENT, || s.mounter().bind(&onto("/w/source", "/w/root/dev")));
        s.refuses(Errno::ENOENT, || s.mounter().detached_tree(&BindRequest::new(place("/"), at("/w/root"))));
        s.refuses(Errno::ENOENT, || {
            s.mounter().detached_tree(&BindRequest::new(at("/w/root"), place("/"))).unwrap().commit()
        });
    }),
];

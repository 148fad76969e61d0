//! Binding: attributes and propagation of the new mount.

use mountwright_core::mount::{AtimeMode, Guarantee, MountAttributes, PropagationState};
use mountwright_core::{AttributeChange, BindRequest, Errno, FileMode, MountFlags, Propagation};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, bind};

const KEPT: MountFlags =
    MountFlags::NO_SUID.union(MountFlags::NO_DEV).union(MountFlags::NO_EXEC).union(MountFlags::NO_DIR_ATIME);

/// A source on a mount with many attributes, and a target.
fn restricted_source(s: &Scene<'_>, atime: AtimeMode) {
    let attributes = MountAttributes { flags: KEPT | MountFlags::NO_SYMLINK_FOLLOW, atime };
    s.does(&format!("tmpfs /w/source; file /w/source/f text; remount {attributes} /w/source; dir /w/target"));
}

/// A directory whose mount is shared, and a peer of it: `/w/parent/target` shows as `/w/peer/target`.
fn shared_parent(s: &Scene<'_>) {
    s.does("dir /w/source; tmpfs /w/parent; dir /w/parent/target; shared /w/parent; bind /w/parent /w/peer");
}

/// A shared mount with a directory in it.
fn shared_origin(s: &Scene<'_>) {
    s.does("tmpfs /w/origin; dir /w/origin/sub; shared /w/origin");
}

fn slave(source: &str, target: &str) -> BindRequest {
    bind(source, target).propagation(Propagation::Slave)
}

/// A slave bind below a shared parent that has a peer. `None`: the kernel cannot give it the source's group as its master
/// (before 5.15), and it is refused.
fn binds_slave(s: &Scene<'_>, request: &BindRequest) -> Option<()> {
    if s.mounter().bind(request).is_ok() {
        return Some(());
    }
    s.refuses(Errno::EOPNOTSUPP, || s.mounter().bind(request));
    None
}

/// The mount is no peer of any, and the group of the source is its master.
#[track_caller]
fn assert_slave_of(s: &Scene<'_>, source: &str, target: &str) {
    let slave = state(s, target);
    assert_eq!((slave.peers, slave.master), (None, state(s, source).peers), "{target}");
}

fn bound(s: &Scene<'_>, request: &BindRequest) -> MountAttributes {
    s.mounter().bind(request).unwrap();
    s.mount("/w/target").attributes
}

fn state(s: &Scene<'_>, path: &str) -> PropagationState {
    s.mount(path).propagation
}

const PRIVATE: PropagationState =
    PropagationState { peers: None, master: None, propagate_from: None, unbindable: false };

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a bind has the attributes of the source's mount", |s| {
        for atime in [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict] {
            restricted_source(s, atime);
            let attributes = bound(s, &bind("/w/source", "/w/target"));
            assert_eq!(attributes, s.mount("/w/source").attributes);
            assert_eq!((attributes.flags, attributes.atime), (KEPT | MountFlags::NO_SYMLINK_FOLLOW, atime));
            s.does("detach /w/target /w/source");
        }
    }),
    Case::new("a read-only bind keeps every other attribute of the source's mount", |s| {
        for atime in [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict] {
            restricted_source(s, atime);
            let attributes = bound(s, &bind("/w/source", "/w/target").read_only());
            let all = KEPT | MountFlags::NO_SYMLINK_FOLLOW | MountFlags::READ_ONLY;
            assert_eq!(attributes, MountAttributes { flags: all, atime });
            s.does("detach /w/target /w/source");
        }
    }),
    Case::new("attributes of the top of a recursive bind are not those of the mounts below", |s| {
        s.does("tmpfs /w/source /w/source/sub; remount nodev,relatime /w/source/sub; dir /w/target");
        let request = bind("/w/source", "/w/target").recursive().require(Guarantee::Atomic);
        let request = request.top_attributes(AttributeChange::READ_ONLY);
        let request = request.attributes(AttributeChange::setting(MountFlags::NO_EXEC));
        s.mounter().bind(&request).unwrap();
        assert_eq!(s.mount("/w/target").attributes.flags, MountFlags::READ_ONLY | MountFlags::NO_EXEC);
        assert_eq!(s.mount("/w/target/sub").attributes.flags, MountFlags::NO_DEV | MountFlags::NO_EXEC);
        assert_eq!(s.mount("/w/source").attributes.flags, MountFlags::NONE);
        assert_eq!((s.try_write("/w/target"), s.try_write("/w/source")), (Err(Errno::EROFS), Ok(())));
    }),
    Case::new("a read-only bind cannot be written through, and its source still can", |s| {
        s.does("dir /w/source /w/target");
        s.mounter().bind(&bind("/w/source", "/w/target").read_only()).unwrap();
        assert_eq!(s.try_write("/w/target"), Err(Errno::EROFS));
        assert_eq!(s.try_write("/w/source"), Ok(()));
        assert!(!s.mount("/w").attributes.is_read_only());
        assert_eq!(s.mount("/w/target").option("rw").map(|value| value.len()), Some(0), "the superblock is writable");
    }),
    Case::new("a read-only bind of a file cannot be written through", |s| {
        s.does("file /w/source text; file /w/target");
        s.mounter().bind(&bind("/w/source", "/w/target").read_only()).unwrap();
        assert_eq!((s.try_overwrite("/w/target"), s.try_overwrite("/w/source")), (Err(Errno::EROFS), Ok(())));
    }),
    Case::new("a bind of a read-only source is read-only, unless that is cleared", |s| {
        s.does("tmpfs /w/source; dir /w/target; remount ro,noexec,relatime /w/source");
        let attributes = bound(s, &bind("/w/source", "/w/target"));
        assert_eq!(attributes.flags, MountFlags::READ_ONLY | MountFlags::NO_EXEC);
        s.does("detach /w/target");
        let change = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
        let attributes = bound(s, &bind("/w/source", "/w/target").attributes(change));
        assert_eq!(attributes.flags, MountFlags::NO_EXEC);
        assert_eq!((s.try_write("/w/target"), s.try_write("/w/source")), (Ok(()), Err(Errno::EROFS)));
    }),
    Case::new("a bind changes what it is told to, and nothing else", |s| {
        restricted_source(s, AtimeMode::Never);
        let change = |set, clear, atime| AttributeChange::new(set, clear, atime).unwrap();
        for (change, flags, atime) in [
            (
                change(MountFlags::READ_ONLY, MountFlags::NO_EXEC, None),
                (KEPT | MountFlags::NO_SYMLINK_FOLLOW | MountFlags::READ_ONLY).without(MountFlags::NO_EXEC),
                AtimeMode::Never,
            ),
            (
                change(MountFlags::NONE, MountFlags::NO_SYMLINK_FOLLOW | MountFlags::NO_DIR_ATIME, None),
                KEPT.without(MountFlags::NO_DIR_ATIME),
                AtimeMode::Never,
            ),
            (
                change(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Strict)),
                KEPT | MountFlags::NO_SYMLINK_FOLLOW,
                AtimeMode::Strict,
            ),
            (
                change(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Relative)),
                KEPT | MountFlags::NO_SYMLINK_FOLLOW,
                AtimeMode::Relative,
            ),
        ] {
            let attributes = bound(s, &bind("/w/source", "/w/target").attributes(change));
            assert_eq!(attributes, MountAttributes { flags, atime });
            s.does("detach /w/target");
        }
        assert_eq!(s.mount("/w/source").attributes.flags, KEPT | MountFlags::NO_SYMLINK_FOLLOW);
    }),
    Case::new("a recursive bind changes every mount that it makes", |s| {
        s.does("tmpfs /w/source /w/source/a; remount nodev,relatime /w/source/a; dir /w/target");
        let request = bind("/w/source", "/w/target").recursive().read_only().propagation(Propagation::Shared);
        s.mounter().bind(&request).unwrap();
        assert_eq!(s.mount("/w/target").attributes.flags, MountFlags::READ_ONLY);
        assert_eq!(s.mount("/w/target/a").attributes.flags, MountFlags::READ_ONLY | MountFlags::NO_DEV);
        assert_eq!(s.try_write("/w/target/a"), Err(Errno::EROFS));
        assert!(state(s, "/w/target").peers.is_some() && state(s, "/w/target/a").peers.is_some());
        assert_eq!((s.mount("/w/source").attributes.flags, state(s, "/w/source/a")), (MountFlags::NONE, PRIVATE));
    }),
    Case::new("attributes of an atomic bind are in the copies that propagation makes", |s| {
        shared_parent(s);
        let request = bind("/w/source", "/w/parent/target").read_only().propagation(Propagation::Private);
        let report = s.mounter().bind(&request).unwrap();
        assert_eq!(s.mount("/w/parent/target").attributes.flags, MountFlags::READ_ONLY);
        let copy = s.mount("/w/peer/target").attributes.flags;
        assert!(report.guarantee < Guarantee::Atomic || copy == MountFlags::READ_ONLY, "{copy}");
    }),
    Case::new("a bind below a shared mount appears at its peers and its slaves", |s| {
        shared_parent(s);
        s.does("file /w/source/f text; bind /w/parent /w/slave; slave /w/slave");
        s.mounter().bind(&bind("/w/source", "/w/parent/target")).unwrap();
        for path in ["/w/parent/target/f", "/w/peer/target/f", "/w/slave/target/f"] {
            assert_eq!(s.text(path), b"text", "{path}");
        }
    }),
    Case::new("without a word about propagation a bind has what the kernel gives it", |s| {
        s.does("tmpfs /w/source; dir /w/target");
        s.mounter().bind(&bind("/w/source", "/w/target")).unwrap();
        assert_eq!(state(s, "/w/target"), PRIVATE);
        s.does("detach /w/target; shared /w/source");
        s.mounter().bind(&bind("/w/source", "/w/target")).unwrap();
        assert_eq!(state(s, "/w/target").peers, state(s, "/w/source").peers);
        s.does("tmpfs /w/parent; shared /w/parent; dir /w/parent/target /w/plain");
        s.mounter().bind(&bind("/w/plain", "/w/parent/target")).unwrap();
        assert!(state(s, "/w/parent/target").peers.is_some());
    }),
    Case::new("a private bind is private, below a shared parent and of a shared source too", |s| {
        shared_parent(s);
        s.mounter().bind(&bind("/w/source", "/w/parent/target").propagation(Propagation::Private)).unwrap();
        assert_eq!(state(s, "/w/parent/target"), PRIVATE);
        s.does("dir /w/target");
        s.mounter().bind(&bind("/w/parent", "/w/target").propagation(Propagation::Private)).unwrap();
        assert_eq!(state(s, "/w/target"), PRIVATE);
        s.does("tmpfs /w/parent/new");
        assert!(!s.is_mounted("/w/target/new") && s.is_mounted("/w/peer/new"));
    }),
    Case::new("the copies of a private bind are no peers of its source: what is mounted in them stays in them", |s| {
        shared_parent(s);
        s.does("tmpfs /w/source; dir /w/source/sub /w/parent/other; shared /w/source");
        for (target, propagation) in [("target", Propagation::Private), ("other", Propagation::Unbindable)] {
            let request = bind("/w/source", &format!("/w/parent/{target}")).propagation(propagation);
            s.mounter().bind(&request).unwrap();
            s.does(&format!("tmpfs /w/peer/{target}/sub"));
            assert!(!s.is_mounted("/w/source/sub"), "{propagation}: mounted in the view, it is in the source");
            s.does(&format!("detach /w/peer/{target}/sub; tmpfs /w/source/sub"));
            assert!(
                !s.is_mounted(format!("/w/peer/{target}/sub")),
                "{propagation}: mounted in the source, it is in the view"
            );
            s.does("detach /w/source/sub");
        }
    }),
    Case::new("a shared bind is shared, below a private parent too", |s| {
        s.does("dir /w/source /w/target");
        s.mounter().bind(&bind("/w/source", "/w/target").propagation(Propagation::Shared)).unwrap();
        assert!(state(s, "/w/target").peers.is_some());
    }),
    Case::new("a slave bind of a shared mount receives and does not send, below a shared parent too", |s| {
        shared_parent(s);
        shared_origin(s);
        let Some(()) = binds_slave(s, &slave("/w/origin", "/w/parent/target")) else { return };
        assert_slave_of(s, "/w/origin", "/w/parent/target");
        s.does("tmpfs /w/origin/sub");
        assert!(s.is_mounted("/w/parent/target/sub") && s.is_mounted("/w/peer/target/sub"));
        s.does("detach /w/parent/target/sub; tmpfs /w/parent/target/sub; detach /w/origin/sub");
        assert!(!s.is_mounted("/w/origin/sub"));
    }),
    Case::new(
        "the report of a bind names the propagation that the mount has: a slave without a master is private",
        |s| {
            s.does("tmpfs /w/source; dir /w/target");
            shared_parent(s);
            let report = |target: &str, propagation: Propagation, tree: bool| {
                let request = bind("/w/source", target).propagation(propagation);
                let request = if tree { request.recursive() } else { request };
                let bound = s.mounter().bind(&request);
                // Before 5.12 no tree can be changed there; before 5.15 a slave has no place below a mount with peers.
                let report = bound.map(|report| report.propagation).ok()?;
                let is_slave = state(s, target).master.is_some();
                assert_eq!(report == Some(Propagation::Slave), is_slave, "{target} {propagation} {report:?}");
                s.does(&format!("detach {target}"));
                report
            };
            for (source, given) in
                [(Propagation::Private, Propagation::Private), (Propagation::Shared, Propagation::Slave)]
            {
                s.does(&format!("{source} /w/source"));
                assert_eq!(report("/w/target", Propagation::Slave, false), Some(given), "a slave of a {source} mount");
                for (target, tree) in [("/w/target", true), ("/w/parent/target", false), ("/w/parent/target", true)] {
                    let found = report(target, Propagation::Slave, tree);
                    assert!(
                        found.is_none() || found == Some(given),
                        "{target}: a slave of a {source} mount: {found:?}"
                    );
                }
                for wanted in [Propagation::Private, Propagation::Shared, Propagation::Unbindable] {
                    assert_eq!(report("/w/target", wanted, false), Some(wanted));
                }
            }
            assert_eq!(s.mounter().bind(&bind("/w/source", "/w/target")).unwrap().propagation, None);
        },
    ),
    Case::new("what is mounted in the copy of a slave bind is neither in its source nor in the bind", |s| {
        shared_parent(s);
        shared_origin(s);
        let Some(()) = binds_slave(s, &slave("/w/origin", "/w/parent/target")) else { return };
        s.does("tmpfs /w/peer/target/sub");
        assert!(!s.is_mounted("/w/origin/sub"), "mounted in the copy, it is in the source");
        assert!(!s.is_mounted("/w/parent/target/sub"), "mounted in the copy, it is in the bind");
    }),
    Case::new("a slave bind of a slave has the same master, below a shared parent too", |s| {
        shared_parent(s);
        shared_origin(s);
        s.does("bind /w/origin /w/follower; slave /w/follower; dir /w/target");
        s.mounter().bind(&slave("/w/follower", "/w/target")).unwrap();
        assert_eq!(state(s, "/w/target").master, state(s, "/w/origin").peers);
        let Some(()) = binds_slave(s, &slave("/w/follower", "/w/parent/target")) else { return };
        assert_slave_of(s, "/w/origin", "/w/parent/target");
    }),
    Case::new("each mount of a recursive slave bind below a shared parent has the master of its own source", |s| {
        shared_parent(s);
        shared_origin(s);
        s.does("tmpfs /w/origin/sub; dir /w/origin/sub/deep; tmpfs /w/origin/alone; private /w/origin/alone");
        let Some(()) = binds_slave(s, &slave("/w/origin", "/w/parent/target").recursive()) else { return };
        assert_slave_of(s, "/w/origin", "/w/parent/target");
        assert_slave_of(s, "/w/origin/sub", "/w/parent/target/sub");
        assert_eq!(state(s, "/w/parent/target/alone"), PRIVATE);
        s.does("tmpfs /w/peer/target/sub/deep");
        assert!(!s.is_mounted("/w/origin/sub/deep") && !s.is_mounted("/w/parent/target/sub/deep"));
    }),
    Case::new("a slave bind below a shared parent without peers has the source's group as its master", |s| {
        s.does("tmpfs /w/parent; dir /w/parent/target; shared /w/parent");
        shared_origin(s);
        s.mounter().bind(&slave("/w/origin", "/w/parent/target")).unwrap();
        assert_slave_of(s, "/w/origin", "/w/parent/target");
    }),
    Case::new("a slave bind of a mount that is not shared is private below a shared parent too", |s| {
        shared_parent(s);
        s.does("tmpfs /w/source");
        s.mounter().bind(&slave("/w/source", "/w/parent/target")).unwrap();
        assert_eq!(state(s, "/w/parent/target"), PRIVATE);
    }),
    Case::new("a slave bind that is refused below a shared parent leaves its copies nowhere", |s| {
        shared_parent(s);
        shared_origin(s);
        s.does("file /w/parent/file");
        s.refuses(Errno::ENOTDIR, || s.mounter().bind(&slave("/w/origin", "/w/parent/file")));
    }),
    Case::new("a slave bind of a mount that is not shared is private", |s| {
        s.does("dir /w/source /w/target");
        s.mounter().bind(&slave("/w/source", "/w/target")).unwrap();
        assert_eq!(state(s, "/w/target"), PRIVATE);
    }),
    Case::new("an unbindable bind is unbindable, below a shared parent too", |s| {
        shared_parent(s);
        s.mounter().bind(&bind("/w/source", "/w/parent/target").propagation(Propagation::Unbindable)).unwrap();
        assert!(state(s, "/w/parent/target").unbindable);
        s.does("dir /w/elsewhere");
        s.refuses(Errno::EINVAL, || s.mounter().bind(&bind("/w/parent/target", "/w/elsewhere")));
    }),
    Case::new("a recursive private bind below a shared parent is private in all its mounts", |s| {
        shared_parent(s);
        s.does("tmpfs /w/tree /w/tree/a");
        let request = bind("/w/tree", "/w/parent/target").recursive().propagation(Propagation::Private);
        s.mounter().bind(&request).unwrap();
        assert_eq!((state(s, "/w/parent/target"), state(s, "/w/parent/target/a")), (PRIVATE, PRIVATE));
    }),
    Case::new("a bind with everything at once below a root is all of it", |s| {
        s.does("tmpfs /w/source; file /w/source/f text; remount nosuid,relatime /w/source; tmpfs /w/mounts");
        s.does("shared /w/mounts");
        let target = crate::contract::scene::below("/w/mounts", "box/rootfs");
        let request = BindRequest::new(at("/w/source"), target)
            .read_only()
            .propagation(Propagation::Private)
            .creating_target(FileMode::from_bits(0o700));
        let report = s.mounter().bind(&request).unwrap();
        let mount = s.mount("/w/mounts/box/rootfs");
        assert_eq!(mount.attributes.flags, MountFlags::READ_ONLY | MountFlags::NO_SUID);
        assert_eq!((mount.propagation, report.created.len()), (PRIVATE, 2));
        assert_eq!((s.text("/w/mounts/box/rootfs/f"), s.mode("/w/mounts/box")), (b"text".to_vec(), 0o700));
    }),
];

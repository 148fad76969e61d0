//! Share and unshare by core.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::file::FileKind;
use mountwright_core::mount::{BootId, Difference, MountNamespaceId, Origin, PeerGroup, PropagationState};
use mountwright_core::sandbox::TearDown;
use mountwright_core::share::{Ensured, FoundAgain, Share, ShareName, ShareRecord};
use mountwright_core::unmount::{NameAfter, Refusal, Removal, StaleReason};
use mountwright_core::{ContainerId, DeviceNumber, Errno, Error, Location, MountFlags, MountKey};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at};

const REMOVED: NameAfter = NameAfter::Removed;
const KEPT: NameAfter = NameAfter::Kept;
const ROOTFS: &str = "/w/mounts/box/rootfs";

fn id() -> ContainerId {
    ContainerId::new("box").unwrap()
}

fn share(s: &Scene<'_>, source: &Location, read_only: bool) -> Result<ShareRecord, Error> {
    Share::rootfs("/w/mounts", &id(), source.clone()).and_then(|share| {
        let share = if read_only { share.read_only() } else { share };
        share.create(s.backend())
    })
}

/// A share that must be refused, and change nothing.
#[track_caller]
fn refuses_share(s: &Scene<'_>, source: &str, read_only: bool, errno: Errno) {
    let error = s.changes_nothing(|| share(s, &at(source), read_only)).unwrap_err();
    assert_eq!(error.errno(), Some(errno));
}

fn unshare(s: &Scene<'_>) -> Result<Removal, Error> {
    ShareName::Rootfs.unshare(s.backend(), "/w/mounts".into(), &id())
}

#[track_caller]
fn unshare_recorded(s: &Scene<'_>, record: &ShareRecord) -> Removal {
    record.unshare(s.backend(), "/w/mounts".into()).unwrap()
}

fn detached(layers: u32, name: NameAfter) -> Removal {
    Removal::Unmounted { layers, target: name }
}

/// An image with a file in it, and the directory for shares on a shared mount, as a runtime has them.
fn ready(s: &Scene<'_>) {
    s.does("file /w/images/box/bin/sh #!; tmpfs /w/mounts; shared /w/mounts");
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a shared rootfs shows the image, private, and the record finds it again", |s| {
        ready(s);
        s.does("link images/box /w/image");
        let record = share(s, &at("/w/image"), false).unwrap();
        assert_eq!(s.text("/w/mounts/box/rootfs/bin/sh"), b"#!");
        let mount = s.mount(ROOTFS);
        assert_eq!(mount.propagation, PropagationState::default());
        assert_eq!(s.mounter().find_mount(record.mount).unwrap().id, mount.id);
        assert_eq!((record.device, record.subpath.as_path()), (mount.device, Path::new("/images/box")));
        assert_eq!(record.path, Path::new(ROOTFS));
        assert_eq!((s.mode("/w/mounts/box"), s.try_write(ROOTFS)), (0o755, Ok(())));
    }),
    Case::new("an ensure finishes what a caller has left between its attach and its last step", |s| {
        ready(s);
        s.does("tmpfs /w/images/box; shared /w/images/box");
        let image = at("/w/images/box");
        let shares = [Share::rootfs("/w/mounts", &id(), image.clone()), Share::snapshot_dir("/w/mounts", &id(), image)];
        for share in shares.map(Result::unwrap) {
            let record = share.create(s.backend()).unwrap();
            let path = record.path.to_str().unwrap();
            let finished = s.mount(path).propagation;
            s.does(&format!("shared {path}"));
            let ended = share.ensure(s.backend()).unwrap();
            assert!(!matches!(ended, Ensured::Conflict(_)), "{ended:?}");
            assert_eq!(s.mount(path).propagation, finished);
        }
        assert_eq!(s.mount_points().iter().filter(|at| at.starts_with("/w/mounts/")).count(), 2);
    }),
    Case::new("a rootfs shared read-only cannot be written, and the image still can", |s| {
        ready(s);
        share(s, &at("/w/images/box"), true).unwrap();
        assert_eq!((s.try_write(ROOTFS), s.try_write("/w/images/box")), (Err(Errno::EROFS), Ok(())));
    }),
    Case::new("a record of another boot, of another namespace or of none is stale: it unmounts nothing", |s| {
        ready(s);
        let record = share(s, &at("/w/images/box"), false).unwrap();
        let origin = record.origin.unwrap();
        assert_eq!(origin, s.mounter().origin().unwrap());
        let boot = Some(BootId::from_bytes([0; 16]));
        let namespace = origin.namespace.map(|id| match id {
            MountNamespaceId::Unique(id) => MountNamespaceId::Unique(id + 1),
            MountNamespaceId::Inode { device, inode } => MountNamespaceId::Inode { device, inode: inode + 1 },
        });
        for (other, reason) in [
            (None, StaleReason::UnknownOrigin),
            (Some(Origin { boot, ..origin }), StaleReason::AnotherBoot),
            (Some(Origin { namespace, ..origin }), StaleReason::AnotherNamespace),
        ] {
            let mut stale = record.clone();
            stale.origin = other;
            s.changes_nothing(|| {
                assert_eq!(unshare_recorded(s, &stale), Removal::Stale { reason, target: KEPT });
                let torn = TearDown::container("/w/mounts", &[stale]).run(s.backend());
                assert_eq!(torn.mounts[0].result, Ok(Removal::Stale { reason, target: KEPT }));
            });
        }
        assert_eq!(unshare_recorded(s, &record), detached(1, REMOVED));
    }),
    Case::new("a stale record removes the files that it names while they are the same, and no other", |s| {
        ready(s);
        let mut record = share(s, &at("/w/images/box"), false).unwrap();
        record.origin.as_mut().unwrap().boot = Some(BootId::from_bytes([0; 16]));
        s.does(&format!("detach {ROOTFS}"));
        let reason = StaleReason::AnotherBoot;
        s.does(&format!("rename {ROOTFS} /w/mounts/box/away; dir {ROOTFS}"));
        assert_eq!(unshare_recorded(s, &record), Removal::Stale { reason, target: KEPT });
        assert!(s.exists(ROOTFS) && s.exists("/w/mounts/box/away"));
        s.does(&format!("rmdir {ROOTFS}; rename /w/mounts/box/away {ROOTFS}"));
        assert_eq!(unshare_recorded(s, &record), Removal::Stale { reason, target: REMOVED });
        assert!(!s.exists("/w/mounts/box"));
    }),
    Case::new("a unique id in a record whose device or root differs is stale, and its mount stays", |s| {
        ready(s);
        let record = share(s, &at("/w/images/box"), false).unwrap();
        unshare(s).unwrap();
        s.does("tmpfs /w/srv/db; bind /w/images /w/srv/bound");
        for victim in ["/w/srv/db", "/w/srv/bound"] {
            let mut stale = record.clone();
            stale.mount = s.key(victim);
            s.changes_nothing(|| {
                let outcome = unshare_recorded(s, &stale);
                assert!(!matches!(outcome, Removal::Unmounted { .. }), "{outcome}");
                if matches!(stale.mount, MountKey::Unique(_)) {
                    let is_stale = matches!(outcome, Removal::Stale { reason: StaleReason::AnotherMount, .. });
                    assert!(is_stale, "{outcome}");
                }
                let torn = TearDown::container("/w/mounts", &[stale]).run(s.backend());
                assert!(!matches!(torn.mounts[0].result, Ok(Removal::Unmounted { .. })), "{torn}");
            });
            assert!(s.is_mounted(victim));
        }
    }),
    Case::new(
        "a record is found again where device, root and place are the same, and else it is told what differs",
        |s| {
            ready(s);
            let record = share(s, &at("/w/images/box"), false).unwrap();
            let find = |record: &ShareRecord| record.find_again(s.mounter()).unwrap();
            let FoundAgain::Record(again) = find(&record) else { panic!("it is there") };
            assert_eq!(*again, record);
            let mut other = record.clone();
            other.origin.as_mut().unwrap().boot = Some(BootId::from_bytes([0; 16]));
            assert_eq!(find(&other), FoundAgain::Stale(StaleReason::AnotherBoot));
            let mut other = record.clone();
            other.subpath = "/images".into();
            assert_eq!(find(&other), FoundAgain::Differs(Difference::Subpath));
            let mut other = record.clone();
            other.device = DeviceNumber::new(259, 1);
            assert_eq!(find(&other), FoundAgain::Differs(Difference::Device));
            let mut other = record.clone();
            other.peers = PeerGroup::new(77);
            assert_eq!(find(&other), FoundAgain::Differs(Difference::Propagation));
            // As another namespace has it: the same mount under another id.
            s.does(&format!("detach {ROOTFS}; bind /w/images/box {ROOTFS}; private {ROOTFS}"));
            let FoundAgain::Record(again) = find(&record) else { panic!("it is there") };
            assert_eq!(unshare_recorded(s, &again), detached(1, REMOVED));
            assert_eq!(find(&record), FoundAgain::NotMounted);
        },
    ),
    Case::new("share then unshare is no change", |s| {
        ready(s);
        s.changes_nothing(|| {
            share(s, &at("/w/images/box"), true).unwrap();
            assert_eq!(unshare(s).unwrap(), detached(1, REMOVED));
        });
        s.changes_nothing(|| {
            let record = share(s, &at("/w/images/box"), false).unwrap();
            assert_eq!(unshare_recorded(s, &record), detached(1, REMOVED));
        });
    }),
    Case::new("a snapshot directory is shared read-only, as a slave", |s| {
        ready(s);
        s.does("tmpfs /w/snapshot; shared /w/snapshot; dir /w/snapshot/layer");
        let (mounts, snapshot) = (Utf8Path::new("/w/mounts"), at("/w/snapshot"));
        Share::snapshot_dir(mounts, &id(), snapshot.clone()).unwrap().create(s.backend()).unwrap();
        let mount = s.mount("/w/mounts/box/snapshotdir");
        assert_eq!(mount.attributes.flags, MountFlags::READ_ONLY);
        assert_eq!(mount.propagation.master, s.mount("/w/snapshot").propagation.peers);
        s.does("tmpfs /w/snapshot/layer");
        assert!(s.is_mounted("/w/mounts/box/snapshotdir/layer"));
        let outcome = ShareName::SnapshotDir.unshare(s.backend(), mounts, &id()).unwrap();
        assert_eq!(outcome, detached(1, REMOVED));
        assert!(s.is_mounted("/w/snapshot/layer") && !s.exists("/w/mounts/box"));
    }),
    Case::new("volumes are shared under names of their own, files too", |s| {
        ready(s);
        s.does("file /w/config key=value; dir /w/data");
        let mounts = Utf8Path::new("/w/mounts");
        Share::volume(mounts, &id(), "config", at("/w/config")).unwrap().read_only().create(s.backend()).unwrap();
        Share::volume(mounts, &id(), "data", at("/w/data")).unwrap().create(s.backend()).unwrap();
        assert_eq!(s.text("/w/mounts/box/config"), b"key=value");
        assert!(s.mount("/w/mounts/box/config").attributes.is_read_only());
        assert_eq!(s.try_write("/w/mounts/box/data"), Ok(()));
        let unshare = |name| ShareName::volume(name).unshare(s.backend(), mounts, &id()).unwrap();
        assert_eq!(unshare("config"), detached(1, REMOVED));
        assert!(s.exists("/w/mounts/box/data"), "the other volume stays");
        assert_eq!(unshare("data"), detached(1, REMOVED));
        assert!(!s.exists("/w/mounts/box"));
        assert_eq!((s.text("/w/config"), s.kind("/w/data")), (b"key=value".to_vec(), Some(FileKind::Directory)));
    }),
    Case::new("a read-only volume is read-only in the copy that the guest sees", |s| {
        ready(s);
        s.does("file /w/config key=value; bind /w/mounts /w/guest; slave /w/guest");
        let share = Share::volume("/w/mounts", &id(), "c", at("/w/config")).unwrap().read_only();
        share.create(s.backend()).unwrap();
        assert_eq!(s.text("/w/guest/box/c"), b"key=value");
        assert_eq!(s.try_overwrite("/w/guest/box/c"), Err(Errno::EROFS));
    }),
    Case::new("sharing a second time under one name is EBUSY, and the first stays", |s| {
        ready(s);
        share(s, &at("/w/images/box"), false).unwrap();
        refuses_share(s, "/w/images/box", false, Errno::EBUSY);
    }),
    Case::new("a share that fails leaves nothing", |s| {
        ready(s);
        for (source, errno) in [("/w/missing", Errno::ENOENT), ("/w/images/box/bin/sh/x", Errno::ENOTDIR)] {
            refuses_share(s, source, true, errno);
        }
    }),
    Case::new("sharing through a container directory that is a symlink is ELOOP, one that is a mount EXDEV", |s| {
        ready(s);
        s.does("dir /w/victim; link /w/victim /w/mounts/box");
        refuses_share(s, "/w/images/box", false, Errno::ELOOP);
        s.does("unlink /w/mounts/box; tmpfs /w/mounts/box");
        refuses_share(s, "/w/images/box", false, Errno::EXDEV);
    }),
    Case::new("every stacked layer is detached, and no byte of any source is lost", |s| {
        ready(s);
        s.does(&format!("dir {ROOTFS}"));
        for layer in ["one", "two", "three"] {
            s.does(&format!("file /w/layers/{layer}/f {layer}; bind /w/layers/{layer} {ROOTFS}"));
        }
        assert_eq!(unshare(s).unwrap(), detached(3, REMOVED));
        assert_eq!(s.mount_points(), ["/w/mounts"]);
        for layer in ["one", "two", "three"] {
            assert_eq!(s.text(format!("/w/layers/{layer}/f")), layer.as_bytes());
        }
        assert_eq!(s.text("/w/images/box/bin/sh"), b"#!");
    }),
    Case::new("what is mounted inside a share goes with it, and what was bound there stays where it was", |s| {
        ready(s);
        s.does("dir /w/images/box/proc");
        share(s, &at("/w/images/box"), false).unwrap();
        s.does("dir /w/inner; file /w/inner/f inner; bind /w/inner /w/mounts/box/rootfs/proc");
        assert_eq!(unshare(s).unwrap(), detached(1, REMOVED));
        assert_eq!((s.mount_points(), s.text("/w/inner/f")), (vec!["/w/mounts".to_owned()], b"inner".to_vec()));
    }),
    Case::new("a rootfs in use is detached all the same, and its user goes on", |s| {
        ready(s);
        share(s, &at("/w/images/box"), false).unwrap();
        s.does("chdir /w/mounts/box/rootfs/bin");
        assert_eq!(unshare(s).unwrap(), detached(1, REMOVED));
        assert_eq!(s.text("sh"), b"#!");
    }),
    Case::new("a missing path is no error", |s| {
        ready(s);
        assert_eq!(s.changes_nothing(|| unshare(s)).unwrap(), Removal::NotFound);
        s.does("dir /w/mounts/box");
        assert_eq!(unshare(s).unwrap(), Removal::NotFound);
        assert!(!s.exists("/w/mounts/box"), "an empty container directory goes");
    }),
    Case::new("a directory that is no mount is not unmounted: removed if empty, kept with all its bytes if not", |s| {
        ready(s);
        s.does(&format!("dir {ROOTFS}"));
        assert_eq!(unshare(s).unwrap(), Removal::NotMounted { target: REMOVED });
        assert!(!s.exists("/w/mounts/box"));
        s.does("file /w/mounts/box/rootfs/data kept");
        assert_eq!(s.changes_nothing(|| unshare(s)), Ok(Removal::NotMounted { target: KEPT }));
    }),
    Case::new("a name with something beneath the mount is kept with all its bytes", |s| {
        ready(s);
        s.does(&format!("file /w/mounts/box/rootfs/beneath kept; bind /w/images/box {ROOTFS}"));
        assert_eq!(unshare(s).unwrap(), detached(1, KEPT));
        assert_eq!(s.text("/w/mounts/box/rootfs/beneath"), b"kept");
    }),
    Case::new("a symlink in the place of the rootfs is refused: the victim's mount stays", |s| {
        ready(s);
        s.does(&format!("tmpfs /w/victim; file /w/victim/f kept; link /w/victim {ROOTFS}"));
        assert_eq!(s.changes_nothing(|| unshare(s)), Ok(Removal::Symlink));
    }),
    Case::new("a symlink in the place of the container's directory is refused: the victim's mount stays", |s| {
        ready(s);
        s.does("tmpfs /w/victim/rootfs; file /w/victim/rootfs/f kept; link /w/victim /w/mounts/box");
        assert_eq!(s.changes_nothing(|| unshare(s)), Ok(Removal::Symlink));
    }),
    Case::new("a container directory that is itself a mount is refused with the reason, and nothing is touched", |s| {
        ready(s);
        s.does(&format!("tmpfs /w/mounts/box {ROOTFS}"));
        assert_eq!(s.changes_nothing(|| unshare(s)), Ok(Removal::Refused { reason: Refusal::MountOnPath }));
    }),
    Case::new("a record takes off its own mount and no other: covered, nothing is done", |s| {
        ready(s);
        let record = share(s, &at("/w/images/box"), false).unwrap();
        s.does(&format!("dir /w/other; bind /w/other {ROOTFS}"));
        let unshare = || record.unshare(s.backend(), "/w/mounts".into());
        assert_eq!(s.changes_nothing(unshare).unwrap(), Removal::Covered);
        s.does(&format!("detach {ROOTFS}"));
        assert_eq!(unshare().unwrap(), detached(1, REMOVED));
    }),
    Case::new("a record whose mount is gone touches nothing", |s| {
        ready(s);
        let record = share(s, &at("/w/images/box"), false).unwrap();
        s.does(&format!("detach {ROOTFS}"));
        let unshare = || unshare_recorded(s, &record);
        assert_eq!(s.changes_nothing(unshare), Removal::NotMounted { target: KEPT });
        s.does(&format!("rmdir {ROOTFS} /w/mounts/box"));
        let outcome = s.changes_nothing(unshare);
        assert!(!matches!(outcome, Removal::Unmounted { .. }), "{outcome}");
    }),
    Case::new("a record finds its mount under another name", |s| {
        ready(s);
        let record = share(s, &at("/w/images/box"), false).unwrap();
        s.does(&format!("rename /w/mounts/box /w/mounts/moved; tmpfs {ROOTFS}"));
        assert_eq!(unshare_recorded(s, &record), detached(1, KEPT));
        assert_eq!(s.mount_points(), ["/w/mounts", ROOTFS], "the stranger on the old name stays");
        assert_eq!(s.text("/w/images/box/bin/sh"), b"#!");
    }),
];

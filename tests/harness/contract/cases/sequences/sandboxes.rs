//! Sandboxes by core: the two directories, and the tear-down.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::kata::{Container, KataError, NYDUS_ROOTFS_TYPE, RafsDaemon, RafsUnmount, Sandbox};
use mountwright_core::mount::Difference;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{FoundAgain, Share};
use mountwright_core::spec::Mount;
use mountwright_core::unmount::{NameAfter, Refusal, Removal, Report};
use mountwright_core::{ContainerId, Errno, Error, MountFlags};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at};

/// A daemon that has nothing mounted.
struct NothingThere;

impl RafsDaemon for NothingThere {
    fn unmount(&self, _: &str) -> Result<RafsUnmount, KataError> {
        Ok(RafsUnmount::NotMounted)
    }
}

fn id(text: &str) -> ContainerId {
    ContainerId::new(text).unwrap()
}

fn set_up(s: &Scene<'_>, unshared: IfNotShared) -> Result<SandboxDirs, Error> {
    let setup = SandboxSetup::new("/w/mounts", "/w/shared").unwrap().unshared(unshared);
    setup.run(s.backend())
}

fn tear_down(s: &Scene<'_>, dirs: &SandboxDirs) -> Report {
    TearDown::sandbox(dirs, &[]).run(s.backend())
}

/// The mounts directory on a shared mount.
fn shared_mounts(s: &Scene<'_>) {
    s.does("tmpfs /w/mounts; shared /w/mounts");
}

/// Two containers with a shared rootfs each.
fn two_containers(s: &Scene<'_>) -> Sandbox {
    shared_mounts(s);
    let mut sandbox = Sandbox::new(id("pod"), "/w/mounts", "qemu");
    for name in ["one", "two"] {
        s.does(&format!("file /w/images/{name}/f {name}"));
        let image = at(format!("/w/images/{name}"));
        Share::rootfs("/w/mounts", &id(name), image.clone()).unwrap().create(s.backend()).unwrap();
        sandbox.containers.push(Container::new(id(name)));
    }
    sandbox
}

fn images_are_whole(s: &Scene<'_>) {
    for name in ["one", "two"] {
        assert_eq!(s.text(format!("/w/images/{name}/f")), name.as_bytes());
    }
}

fn bound(host_path: &str) -> Mount {
    let mut mount = Mount::new("/src", "/dst", "bind");
    mount.host_path = Some(host_path.into());
    mount
}

const GONE: Removal = Removal::Unmounted { layers: 1, target: NameAfter::Removed };

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new(
        "whatever is mounted below the mounts directory appears in the shared one, which cannot be written",
        |s| {
            shared_mounts(s);
            let dirs = set_up(s, IfNotShared::Fail).unwrap();
            assert_eq!(dirs.made_shared, None);
            let shared = s.mount("/w/shared");
            assert_eq!(shared.attributes.flags, MountFlags::READ_ONLY);
            assert_eq!(shared.propagation.master, s.mount("/w/mounts").propagation.peers);
            assert_eq!(s.try_write("/w/shared"), Err(Errno::EROFS));
            s.does("file /w/image/f text");
            Share::rootfs("/w/mounts", &id("box"), at("/w/image")).unwrap().create(s.backend()).unwrap();
            assert_eq!(s.text("/w/shared/box/rootfs/f"), b"text");
            s.does("tmpfs /w/mounts/later");
            assert!(s.is_mounted("/w/shared/later"));
        },
    ),
    Case::new("a sandbox's binds are read-only unless their word ends in :rw, in the guest's directory too", |s| {
        shared_mounts(s);
        for name in ["certs", "keys", "cache"] {
            s.does(&format!("file /w/host/{name}/f {name}"));
        }
        let setup = SandboxSetup::new("/w/mounts", "/w/shared").unwrap();
        let setup = setup.bind_mount_words(&["/w/host/certs", "/w/host/keys:ro", "/w/host/cache:rw"]).unwrap();
        let dirs = setup.run(s.backend()).unwrap();
        assert_eq!(dirs.bind_mounts.len(), 3);
        for directory in ["/w/mounts", "/w/shared"] {
            let writes = |name: &str| s.try_write(&format!("{directory}/sandbox-mounts/{name}"));
            assert_eq!((writes("certs"), writes("keys")), (Err(Errno::EROFS), Err(Errno::EROFS)), "{directory}");
            assert_eq!(writes("cache"), Ok(()), "{directory}");
            assert_eq!(s.text(format!("{directory}/sandbox-mounts/cache/f")), b"cache");
        }
        assert!(tear_down(s, &dirs).is_clean());
        assert!(s.exists("/w/host/cache/f") && !s.exists("/w/mounts/sandbox-mounts"));
    }),
    Case::new("a mounts directory that is not shared is refused, and nothing is left", |s| {
        s.does("dir /w/mounts");
        let error = s.changes_nothing(|| set_up(s, IfNotShared::Fail)).unwrap_err();
        assert_eq!(error, Error::NotShared { path: "/w/mounts".into() });
    }),
    Case::new("a mounts directory that is not shared is made so where that was asked for, and unmade again", |s| {
        s.does("dir /w/mounts /w/shared");
        s.changes_nothing(|| {
            let dirs = set_up(s, IfNotShared::MakeShared).unwrap();
            assert_eq!(dirs.made_shared, Some(s.key("/w/mounts")));
            s.does("dir /w/mounts/later; tmpfs /w/mounts/later");
            assert!(s.is_mounted("/w/shared/later"));
            s.does("detach /w/mounts/later; rmdir /w/mounts/later");
            for _ in 0..2 {
                let report = tear_down(s, &dirs);
                assert!(report.is_clean(), "{report}");
            }
        });
    }),
    Case::new("the record of a set-up is found again, and tears down what another namespace would have", |s| {
        s.does("dir /w/mounts /w/shared");
        let dirs = set_up(s, IfNotShared::MakeShared).unwrap();
        let FoundAgain::Record(again) = dirs.find_again(s.mounter()).unwrap() else { panic!("it is there") };
        assert_eq!(*again, dirs);
        // The same mount under another id, as a copy of the namespace has it.
        s.does("detach /w/shared; bind /w/mounts /w/shared; slave /w/shared");
        let FoundAgain::Record(again) = dirs.find_again(s.mounter()).unwrap() else { panic!("it is there") };
        assert_eq!(again.shared, s.key("/w/shared"));
        assert!(tear_down(s, &again).is_clean());
        assert_eq!(s.mount_points(), [""; 0]);
        assert_eq!(dirs.find_again(s.mounter()).unwrap(), FoundAgain::NotMounted);
        s.does("tmpfs /w/shared");
        assert_eq!(dirs.find_again(s.mounter()).unwrap(), FoundAgain::Differs(Difference::Device));
    }),
    Case::new("a set-up that fails leaves nothing, the mount that was made shared included", |s| {
        s.does("dir /w/mounts; file /w/shared no directory");
        let error = s.changes_nothing(|| set_up(s, IfNotShared::MakeShared)).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Some(Errno::ENOTDIR), &[][..]));
    }),
    Case::new("a tear-down takes off its own mounts and no other: covered where something covers one", |s| {
        shared_mounts(s);
        let dirs = set_up(s, IfNotShared::Fail).unwrap();
        s.does("tmpfs /w/shared");
        let report = s.changes_nothing(|| tear_down(s, &dirs));
        assert_eq!(report.mounts[0].result, Ok(Removal::Covered));
        s.does("detach /w/shared");
        assert!(tear_down(s, &dirs).is_clean());
        assert!(!s.is_mounted("/w/shared") && s.is_mounted("/w/mounts"));
    }),
    Case::new("a tear-down leaves a mount that no record has, and reports it", |s| {
        shared_mounts(s);
        let dirs = set_up(s, IfNotShared::Fail).unwrap();
        s.does("file /w/image/f image");
        Share::rootfs("/w/mounts", &id("box"), at("/w/image")).unwrap().create(s.backend()).unwrap();
        let report = tear_down(s, &dirs);
        let left: Vec<_> = report.failures().map(|left| (&*left.path, left.result.clone())).collect();
        let refused = Removal::Refused { reason: Refusal::NotRecorded };
        assert_eq!(left, [(Path::new("/w/mounts/box/rootfs"), Ok(refused))], "{report}");
        assert!(s.is_mounted("/w/mounts/box/rootfs") && !s.is_mounted("/w/shared"));
        s.does("detach /w/mounts/box/rootfs");
        assert!(tear_down(s, &dirs).is_clean());
    }),
    Case::new("unshare_all takes every container's rootfs off, and loses no byte", |s| {
        let sandbox = two_containers(s);
        let report = sandbox.unshare_all(s.backend(), None);
        let gone = |name: &str| (Some(id(name)), Ok(GONE));
        let found: Vec<_> = report.mounts.iter().map(|mount| (mount.container.clone(), mount.result.clone())).collect();
        assert_eq!(found, [gone("one"), gone("two")]);
        assert_eq!(s.mount_points(), ["/w/mounts"]);
        assert_eq!(s.world().names("/w/mounts".as_ref()).unwrap(), [""; 0]);
        images_are_whole(s);
        let again = sandbox.unshare_all(s.backend(), None);
        assert!(again.mounts.iter().all(|mount| mount.result == Ok(Removal::NotFound)));
    }),
    Case::new("unshare_all goes on after an error, and reports each", |s| {
        let sandbox = two_containers(s);
        s.does("tmpfs /w/mounts/one");
        let report = sandbox.unshare_all(s.backend(), None);
        let failures: Vec<_> = report.failures().collect();
        assert_eq!((failures.len(), report.unmounted().count()), (1, 1));
        assert_eq!(failures[0].container, Some(id("one")));
        assert_eq!(failures[0].result, Ok(Removal::Refused { reason: Refusal::MountOnPath }));
        assert!(!s.exists("/w/mounts/two"));
        images_are_whole(s);
    }),
    Case::new("unshare_all skips a container whose directory is a symlink", |s| {
        let mut sandbox = two_containers(s);
        s.does("tmpfs /w/victim/rootfs; link /w/victim /w/mounts/evil");
        let mut evil = Container::new(id("evil"));
        evil.mounts.push(bound("/w/mounts/evil/rootfs"));
        sandbox.containers.insert(0, evil);
        let report = sandbox.unshare_all(s.backend(), None);
        assert_eq!((report.mounts.len(), &report.mounts[0].result), (3, &Ok(Removal::Symlink)));
        assert_eq!(report.mounts[0].path, Path::new("/w/mounts/evil"));
        assert_eq!(s.mount_points(), ["/w/mounts", "/w/victim/rootfs"]);
    }),
    Case::new("a container on a block device loses its host mounts alone", |s| {
        let mut sandbox = two_containers(s);
        s.does("file /w/mounts/one-0123456789abcdef-hosts; file /w/hosts 127.0.0.1");
        s.does("bind /w/hosts /w/mounts/one-0123456789abcdef-hosts");
        sandbox.containers[0].fs_type = "ext4".into();
        sandbox.containers[0].mounts.push(bound("/w/mounts/one-0123456789abcdef-hosts"));
        assert!(sandbox.unshare_all(s.backend(), None).is_clean());
        assert_eq!(s.mount_points(), ["/w/mounts", "/w/mounts/one/rootfs"]);
        assert!(!s.exists("/w/mounts/one-0123456789abcdef-hosts") && s.exists("/w/mounts/one/rootfs/f"));
        assert_eq!(s.text("/w/hosts"), b"127.0.0.1");
    }),
    Case::new("host mounts go in reverse order, with their empty placeholders, and what is not ours stays", |s| {
        let mut sandbox = two_containers(s);
        s.does("tmpfs /w/mounts/one-0123456789abcdef-data /w/mounts/one-0123456789abcdef-data/inner /w/foreign");
        let container = &mut sandbox.containers[0];
        container.mounts.push(bound("/w/mounts/one-0123456789abcdef-data"));
        container.mounts.push(bound("/w/foreign"));
        let report = sandbox.unshare_all(s.backend(), None);
        let failures: Vec<_> = report.failures().collect();
        assert!(matches!(failures[..], [only] if matches!(only.result, Err(KataError::NotOurs { .. }))), "{report}");
        let paths: Vec<_> = report.mounts[..2].iter().map(|mount| &*mount.path).collect();
        assert_eq!(paths, ["/w/foreign", "/w/mounts/one-0123456789abcdef-data"].map(Path::new));
        assert_eq!(s.mount_points(), ["/w/mounts", "/w/foreign"]);
        assert!(!s.exists("/w/mounts/one-0123456789abcdef-data"));
    }),
    Case::new("a name that is another container's directory, or one of its volumes, is not a container's own", |s| {
        let mut sandbox = two_containers(s);
        for name in ["one-b", "one-b-0123456789abcdef-hosts"] {
            s.does(&format!("dir /w/mounts/{name}"));
            sandbox.containers[0].mounts.push(bound(&format!("/w/mounts/{name}")));
        }
        s.does("tmpfs /w/mounts/one-b-0123456789abcdef-hosts");
        let report = sandbox.unshare_all(s.backend(), None);
        assert!(report.failures().all(|failure| matches!(failure.result, Err(KataError::NotOurs { .. }))), "{report}");
        assert_eq!(report.failures().count(), 2);
        assert!(s.exists("/w/mounts/one-b"));
        assert_eq!(s.mount_points(), ["/w/mounts", "/w/mounts/one-b-0123456789abcdef-hosts"]);
    }),
    Case::new("a host mount that was recorded is taken off anywhere, and another on its place is not", |s| {
        let mut sandbox = two_containers(s);
        s.does("tmpfs /w/elsewhere");
        let mut mount = bound("/w/elsewhere");
        mount.host_mount = Some(s.key("/w/elsewhere"));
        sandbox.containers[0].mounts.push(mount);
        s.does("tmpfs /w/elsewhere");
        let report = sandbox.unshare_all(s.backend(), None);
        assert_eq!(report.mounts[0].result, Ok(Removal::Covered));
        assert_eq!(s.mount_points(), ["/w/mounts", "/w/elsewhere", "/w/elsewhere"]);
        s.does("detach /w/elsewhere");
        assert!(sandbox.unshare_all(s.backend(), None).is_clean());
        assert_eq!(s.mount_points(), ["/w/mounts"]);
        assert!(!s.exists("/w/elsewhere"), "the empty placeholder of a bind goes");
    }),
    Case::new("a container on a nydus image loses its snapshot directory and its rootfs directory", |s| {
        shared_mounts(s);
        s.does("file /w/snapshot/layer kept");
        let (mounts, snapshot) = (Utf8Path::new("/w/mounts"), at("/w/snapshot"));
        Share::snapshot_dir(mounts, &id("box"), snapshot.clone()).unwrap().create(s.backend()).unwrap();
        s.does("dir /w/mounts/box/rootfs");
        let mut sandbox = Sandbox::new(id("pod"), mounts, "qemu");
        let mut container = Container::new(id("box"));
        container.rootfs_type = NYDUS_ROOTFS_TYPE.into();
        sandbox.containers.push(container);
        let report = sandbox.unshare_all(s.backend(), Some(&NothingThere));
        assert!(report.is_clean() && report.mounts[1].result == Ok(GONE), "{report}");
        assert!(!s.exists("/w/mounts/box"));
        assert_eq!(s.text("/w/snapshot/layer"), b"kept");
        assert!(sandbox.unshare_all(s.backend(), Some(&NothingThere)).is_clean());
        let report = sandbox.unshare_all(s.backend(), None);
        assert_eq!(report.mounts[0].result, Err(KataError::NoRafsDaemon));
    }),
];

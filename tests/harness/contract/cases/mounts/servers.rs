//! Mounts whose server refuses stat, or every look-up.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{PropagationState, UnmountMode};
use mountwright_core::sandbox::TearDown;
use mountwright_core::share::Share;
use mountwright_core::unmount::Removal;
use mountwright_core::{BindRequest, ContainerId, Errno, FileMode, MountKey};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, below, bind, unmount};
use crate::contract::world::{Held, Serving};

/// A mount of another user at `/w/served`, which refuses root too.
fn of_another_user(s: &Scene<'_>) -> Held {
    s.does("dir /w/served");
    s.world().mount_served(Path::new("/w/served"), Serving::AnotherUser).unwrap()
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("the mount of a server that serves another user is found, by every way of asking", |s| {
        let _server = of_another_user(s);
        s.refuses(Errno::EACCES, || s.fs().metadata(&at("/w/served"), FinalSymlink::Follow));
        let row = s.mount("/w/served");
        for place in [at("/w/served"), below("/w", "served")] {
            let found = s.mounter().mount_of(&place).unwrap();
            assert!(found.is_root);
            assert_eq!((found.mount.id, found.mount.device), (row.id, row.device));
            assert_eq!(s.mounter().find_mount(found.mount.key()).unwrap().id, row.id);
            let filesystem = s.mounter().filesystem_of(&place).unwrap();
            assert_eq!((filesystem.device, filesystem.is_mount_root), (row.device, true));
        }
        s.refuses(Errno::EACCES, || s.mounter().mount_of(&at("/w/served/name")));
    })
    .needing(Needs::OtherUsers),
    Case::new("the mount of a server that serves another user is bound, and its target is made as a directory", |s| {
        let _server = of_another_user(s);
        s.does("dir /w/copy");
        let target = below("/w", "made/target");
        let made = BindRequest::new(at("/w/served"), target).read_only().creating_target(FileMode::from_bits(0o755));
        for (request, path) in [(bind("/w/served", "/w/copy"), "/w/copy"), (made, "/w/made/target")] {
            let report = s.mounter().bind(&request).unwrap();
            let mount = s.mount(path);
            assert_eq!(s.mounter().find_mount(report.mount).unwrap().id, mount.id);
            assert_eq!((mount.device, mount.propagation), (s.mount("/w/served").device, PropagationState::default()));
        }
        s.does("dir /w/source");
        s.refuses(Errno::EBUSY, || s.mounter().bind(&bind("/w/source", "/w/served")));
        s.refuses(Errno::EBUSY, || s.mounter().bind(&BindRequest::new(at("/w/source"), below("/w", "served"))));
    })
    .needing(Needs::OtherUsers),
    Case::new("the mount of a server that serves another user is unmounted by its identity, and no other", |s| {
        for mode in [UnmountMode::Plain, UnmountMode::Detach] {
            let _server = of_another_user(s);
            let key = s.mounter().mount_of(&at("/w/served")).unwrap().mount.key();
            s.does("tmpfs /w/other");
            let other = s.mounter().mount_of(&at("/w/other")).unwrap().mount;
            for wrong in [other.key(), MountKey::Reused(other.id)] {
                s.refuses(Errno::ESTALE, || s.mounter().unmount(&unmount("/w/served").with_mode(mode).only(wrong)));
            }
            s.mounter().unmount(&unmount("/w/served").with_mode(mode).only(key)).unwrap();
            assert!(!s.is_mounted("/w/served"));
            s.does("detach /w/other");
        }
    })
    .needing(Needs::OtherUsers),
    Case::new("a share of what a server shows to another user alone is made, unshared and torn down", |s| {
        let _server = of_another_user(s);
        s.does("dir /w/mounts");
        let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
        let record = Share::rootfs(mounts, &id, at("/w/served")).unwrap().read_only().create(s.backend()).unwrap();
        assert!(s.is_mounted("/w/mounts/box/rootfs"));
        assert!(matches!(record.unshare(s.backend(), mounts).unwrap(), Removal::Unmounted { .. }));
        let record = Share::rootfs(mounts, &id, at("/w/served")).unwrap().read_only().create(s.backend()).unwrap();
        let report = TearDown::container(mounts, &[record]).run(s.backend());
        assert!(!s.is_mounted("/w/mounts/box/rootfs") && !s.exists("/w/mounts/box"), "{report}");
        assert!(s.is_mounted("/w/served"));
    })
    .needing(Needs::OtherUsers),
    Case::new("a server that fails each look-up with an errno fails the call with it, at once", |s| {
        for errno in [Errno::EAGAIN, Errno::EINTR, Errno::EIO, Errno::ESTALE] {
            s.does("dir /w/served");
            let _server = s.world().mount_served(Path::new("/w/served"), Serving::FailsLookUps(errno)).unwrap();
            let name = below("/w/served", "name");
            s.refuses(errno, || s.fs().open_dir(&name).map(drop));
            s.refuses(errno, || s.fs().metadata(&at("/w/served/name"), FinalSymlink::Follow));
            s.refuses(errno, || s.mounter().mount_of(&below("/w/served", "name/further")));
            s.refuses(errno, || s.mounter().mount_of(&at("/w/served/name")));
            s.does("dir /w/source");
            s.refuses(errno, || s.mounter().bind(&BindRequest::new(at("/w/source"), name.clone())));
            s.does("bind /w/source /w/served");
            s.does("detach /w/served /w/served");
        }
    })
    .needing(Needs::OtherUsers),
];

//! Roots that a process enters. These rules are of [`ProcessRoot`](mountwright_core::ports::ProcessRoot), which not every
//! backend implements: [`root_cases`](crate::contract::root_cases) lists them.

use mountwright_core::mount::{NamespaceGuard, RootChange, RootRequest};
use mountwright_core::{Errno, Propagation, Recursion};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, within};

/// A root with a mount and a file in it, of a filesystem of its own.
fn new_root(s: &Scene<'_>) {
    s.does("tmpfs /w/new; tmpfs /w/new/sub; file /w/new/f text; dir /w/new/run");
}

/// The same with a procfs. A refusal is compared by every file below `/w`, and those of a procfs change.
fn new_root_with_procfs(s: &Scene<'_>) {
    new_root(s);
    s.does("mount proc proc /w/new/proc");
}

fn to(path: &str) -> RootRequest {
    RootRequest::new(at(path)).in_this_namespace()
}

/// The new root is `/` and the current directory, and the old one cannot be reached.
#[track_caller]
fn is_entered(s: &Scene<'_>) {
    assert_eq!(s.fs().current_dir().unwrap().as_os_str(), "/");
    assert_eq!((s.text("/f"), s.text("f")), (b"text".to_vec(), b"text".to_vec()));
    assert!(!s.exists("/w") && !s.exists("../w"));
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a root is refused without a guard, and in the namespace that the process came from", |s| {
        new_root(s);
        s.chdir("/w");
        let why = |error: mountwright_core::OsError| error.to_string();
        for change in [RootChange::Pivot, RootChange::Move, RootChange::Chroot] {
            let unknown = || s.roots().enter_root(RootRequest::new(at("/w/new")).by(change));
            assert!(why(s.refuses(Errno::EPERM, unknown)).contains("cannot know"));
            let own = || {
                let here = s.roots().pin_namespace().unwrap();
                s.roots().enter_root(RootRequest::new(at("/w/new")).by(change).coming_from(here))
            };
            assert!(why(s.refuses(Errno::EPERM, own)).contains("still in the mount namespace"));
        }
        let set = |guard: NamespaceGuard| s.roots().set_root_propagation(Propagation::Shared, Recursion::Tree, &guard);
        s.refuses(Errno::EPERM, || set(NamespaceGuard::CannotTell));
        s.refuses(Errno::EPERM, || set(NamespaceGuard::CameFrom(s.roots().pin_namespace().unwrap())));
        assert_eq!(s.fs().current_dir().unwrap().as_os_str(), "/w");
    }),
    Case::new("a pivot leaves the new root and what is mounted in it, and nothing else", |s| {
        new_root_with_procfs(s);
        s.does("shared /w; chdir /w");
        s.does("private /w");
        s.roots().enter_root(to("/w/new")).unwrap();
        is_entered(s);
        assert_eq!(s.table().iter().map(|row| row.mount_point().into_owned()).collect::<Vec<_>>().len(), 3);
        assert!(s.is_mounted("/sub") && s.is_mounted("/proc"));
        // The backend continues in the new root.
        assert!(s.mounter().mount_of(&at("/")).unwrap().is_root);
        assert_eq!(s.mounter().mounts().unwrap().iter().count(), 3);
        s.mounter().mount(&mountwright_core::MountRequest::new("tmpfs", at("/run"))).unwrap();
        assert!(s.is_mounted("/run"));
    }),
    Case::new("a root is found in a root, behind symlinks", |s| {
        new_root_with_procfs(s);
        s.does("link /new /w/link");
        s.roots().enter_root(RootRequest::new(within("/w", "link")).in_this_namespace()).unwrap();
        is_entered(s);
    }),
    Case::new("a moved mount becomes the root, and a chroot is any directory", |s| {
        new_root_with_procfs(s);
        s.does("dir /w/new/below; file /w/new/below/f text; mount proc proc /w/new/below/proc");
        s.roots().enter_root(to("/w/new").by(RootChange::Move)).unwrap();
        is_entered(s);
        assert!(s.mounter().mount_of(&at("/")).unwrap().is_root && s.is_mounted("/sub"));
        s.roots().enter_root(to("/below").by(RootChange::Chroot)).unwrap();
        is_entered(s);
        assert!(!s.exists("/sub"));
        let set =
            || s.roots().set_root_propagation(Propagation::Private, Recursion::Tree, &NamespaceGuard::InThisNamespace);
        assert_eq!(set().unwrap_err().errno(), Errno::EINVAL);
    }),
    Case::new("a root that cannot be is refused by name, and the process stays where it is", |s| {
        new_root(s);
        s.does("dir /w/dir; file /w/file; chdir /w");
        let refused =
            |errno, path: &str, change| s.refuses(errno, || s.roots().enter_root(to(path).by(change))).to_string();
        for change in [RootChange::Pivot, RootChange::Move] {
            assert!(refused(Errno::EINVAL, "/w/dir", change).contains("no mount point"));
        }
        for change in [RootChange::Pivot, RootChange::Move, RootChange::Chroot] {
            refused(Errno::ENOENT, "/w/missing", change);
            refused(Errno::ENOTDIR, "/w/file", change);
        }
        refused(Errno::EBUSY, "/", RootChange::Pivot);
        s.does("shared /w/new");
        for change in [RootChange::Pivot, RootChange::Move] {
            assert!(refused(Errno::EINVAL, "/w/new", change).contains("the new root is a shared mount"));
        }
        s.does("private /w/new; shared /w");
        for change in [RootChange::Pivot, RootChange::Move] {
            assert!(refused(Errno::EINVAL, "/w/new", change).contains("on a shared mount"));
        }
        assert_eq!(s.fs().current_dir().unwrap().as_os_str(), "/w");
    }),
    Case::new("an old root that is shared is unmounted here alone", |s| {
        new_root_with_procfs(s);
        s.does("bind /w /w/peer; dir /w/new/peer; bind /w/peer /w/new/peer; shared /w/new/peer");
        s.does("bind /w/new/peer /w/old; tmpfs /w/old/x");
        assert!(s.is_mounted("/w/new/peer/x"));
        s.roots().enter_root(to("/w/new")).unwrap();
        is_entered_with_peer(s);
    }),
    Case::new("the propagation of the root is set for one mount or for all", |s| {
        new_root_with_procfs(s);
        let set = |propagation, recursion| {
            s.roots().set_root_propagation(propagation, recursion, &NamespaceGuard::InThisNamespace).unwrap();
        };
        let kind = |path: &str| s.mounter().mount_of(&at(path)).unwrap().mount.propagation.kind();
        set(Propagation::Shared, Recursion::Tree);
        assert_eq!((kind("/"), kind("/w/new/sub")), (Propagation::Shared, Propagation::Shared));
        set(Propagation::Private, Recursion::This);
        assert_eq!((kind("/"), kind("/w/new/sub")), (Propagation::Private, Propagation::Shared));
        set(Propagation::Slave, Recursion::Tree);
        assert_eq!(kind("/w/new/sub"), Propagation::Private);
    }),
    Case::new("without privilege a root is EPERM", |s| {
        new_root(s);
        s.without_privilege();
        for change in [RootChange::Pivot, RootChange::Move, RootChange::Chroot] {
            s.refuses(Errno::EPERM, || s.roots().enter_root(to("/w/new").by(change)));
        }
    }),
];

/// The mount that a shared mount of the old root had propagated stays.
#[track_caller]
fn is_entered_with_peer(s: &Scene<'_>) {
    assert!(!s.exists("/w") && s.is_mounted("/peer/x"));
}

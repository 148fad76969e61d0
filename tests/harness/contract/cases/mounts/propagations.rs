//! Setting propagation.

use mountwright_core::mount::PropagationState;
use mountwright_core::{Errno, Location, OsError, Propagation, Recursion};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below};

const ALL: [Propagation; 4] = [Propagation::Private, Propagation::Shared, Propagation::Slave, Propagation::Unbindable];

fn set(s: &Scene<'_>, place: &Location, propagation: Propagation) -> Result<(), OsError> {
    s.mounter().set_propagation(place, propagation, Recursion::This)
}

/// Shared, slave, unbindable.
fn seen(state: PropagationState) -> (bool, bool, bool) {
    (state.peers.is_some(), state.master.is_some(), state.unbindable)
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("each type makes of each what sharedsubtree.rst says", |s| {
        // From a mount with a peer, so that becoming a slave of it is seen.
        let expected = |from: Propagation, to: Propagation| match (from, to) {
            (_, Propagation::Private) | (Propagation::Private, Propagation::Slave) => (false, false, false),
            (Propagation::Slave, Propagation::Shared) => (true, true, false),
            (_, Propagation::Shared) => (true, false, false),
            (Propagation::Shared | Propagation::Slave, Propagation::Slave) => (false, true, false),
            (Propagation::Unbindable, Propagation::Slave) | (_, Propagation::Unbindable) => (false, false, true),
        };
        for from in ALL {
            for to in ALL {
                s.does("tmpfs /w/master; shared /w/master; bind /w/master /w/m");
                set(s, &at("/w/m"), from).unwrap();
                set(s, &at("/w/m"), to).unwrap();
                assert_eq!(seen(s.mount("/w/m").propagation), expected(from, to), "{from} to {to}");
                s.does("detach /w/m /w/master");
            }
        }
    }),
    Case::new("a shared mount sends what is mounted below it, a private one does not", |s| {
        s.does("tmpfs /w/m; dir /w/m/a /w/m/b /w/peer");
        set(s, &at("/w/m"), Propagation::Shared).unwrap();
        s.does("bind /w/m /w/peer; tmpfs /w/m/a");
        set(s, &at("/w/m"), Propagation::Private).unwrap();
        s.does("tmpfs /w/m/b");
        assert_eq!((s.is_mounted("/w/peer/a"), s.is_mounted("/w/peer/b")), (true, false));
    }),
    Case::new("the propagation of one mount is set only while it is topmost", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner");
        let mount = s.mounter().mount_of(&at("/w/m")).unwrap().mount.key();
        let set_of = |place: &str| s.mounter().set_propagation_of(&at(place), mount, Propagation::Shared);
        s.refuses(Errno::EINVAL, || set_of("/w/m/inner"));
        s.refuses(Errno::ENOENT, || set_of("/w/missing"));
        s.does("tmpfs /w/m");
        s.refuses(Errno::ESTALE, || set_of("/w/m"));
        s.does("detach /w/m");
        set_of("/w/m").unwrap();
        assert_eq!(seen(s.mount("/w/m").propagation), (true, false, false));
        s.mounter().set_propagation_of(&below("/w", "m"), mount, Propagation::Private).unwrap();
        assert_eq!(seen(s.mount("/w/m").propagation), (false, false, false));
    }),
    Case::new("slave on a mount that is not shared is private", |s| {
        s.does("tmpfs /w/m");
        set(s, &at("/w/m"), Propagation::Slave).unwrap();
        assert_eq!(s.mount("/w/m").propagation, PropagationState::default());
        set(s, &at("/w/m"), Propagation::Shared).unwrap();
        set(s, &at("/w/m"), Propagation::Slave).unwrap();
        assert_eq!(s.mount("/w/m").propagation, PropagationState::default(), "shared, without a peer");
    }),
    Case::new("one mount is set, or the whole tree, also what is hidden in it", |s| {
        s.does("tmpfs /w/m /w/m/a /w/m/a/b /w/m/a");
        let shared = || s.mounts().iter().map(|mount| mount.propagation.peers.is_some()).collect::<Vec<_>>();
        set(s, &at("/w/m"), Propagation::Shared).unwrap();
        assert_eq!(shared(), [true, false, false, false]);
        s.mounter().set_propagation(&at("/w/m"), Propagation::Shared, Recursion::Tree).unwrap();
        assert_eq!(shared(), [true; 4]);
        s.mounter().set_propagation(&below("/w", "m"), Propagation::Private, Recursion::Tree).unwrap();
        assert_eq!(shared(), [false; 4]);
    }),
    Case::new("of a stack the topmost mount is set", |s| {
        s.does("tmpfs /w/m /w/m");
        set(s, &at("/w/m"), Propagation::Shared).unwrap();
        let shared: Vec<_> = s.mounts().iter().map(|mount| mount.propagation.peers.is_some()).collect();
        assert_eq!(shared, [false, true]);
    }),
    Case::new("a mount of a file has propagation too", |s| {
        s.does("file /w/source; file /w/target; bind /w/source /w/target");
        set(s, &at("/w/target"), Propagation::Shared).unwrap();
        assert!(s.mount("/w/target").propagation.peers.is_some());
    }),
    Case::new("where no mount has its root, setting propagation is EINVAL", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner; file /w/m/file");
        for propagation in ALL {
            for place in [at("/w/m/inner"), at("/w/m/file"), below("/w/m", "inner")] {
                s.refuses(Errno::EINVAL, || set(s, &place, propagation));
            }
        }
    }),
    Case::new("a trusted place may be a symlink, a place below a root not", |s| {
        s.does("tmpfs /w/m; link m /w/link");
        s.refuses(Errno::ELOOP, || set(s, &below("/w", "link"), Propagation::Shared));
        set(s, &at("/w/link"), Propagation::Shared).unwrap();
        assert!(s.mount("/w/m").propagation.peers.is_some());
    }),
];

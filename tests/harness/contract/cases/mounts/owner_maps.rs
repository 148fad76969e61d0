//! Maps of the owners of mounts.

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{IdMap, IdRange, TreeForm};
use mountwright_core::{BindRequest, Errno, FileMode, Location, MountRequest, OsError, Recursion};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, bind};

/// Users from `uid` on and groups from `gid` on in the place of 0 to 9.
fn shown_as(uid: u32, gid: u32) -> IdMap {
    let range = |shown| vec![IdRange { stored: 0, shown, count: 10 }];
    IdMap::Ranges { uids: range(uid), gids: range(gid) }
}

/// A source with files of root, of user 5 and of user 50, another filesystem in it, and a target.
fn source(s: &Scene<'_>) {
    s.does("tmpfs /w/source; file /w/source/f text; file /w/source/five x; file /w/source/fifty x; dir /w/target");
    s.does("chown 5:5 /w/source/five; chown 50:50 /w/source/fifty; tmpfs /w/source/sub; file /w/source/sub/f text");
}

#[track_caller]
fn owner(s: &Scene<'_>, path: &str) -> (u32, u32) {
    let found = s.fs().metadata(&at(path), FinalSymlink::Follow).unwrap();
    (found.uid, found.gid)
}

/// True where every call is there that maps or replaces: the kernel builds detached trees.
fn has_all(s: &Scene<'_>) -> bool {
    let tree = s.mounter().detached_tree(&bind("/w", "/w"));
    tree.is_ok_and(|tree| tree.form() == TreeForm::Detached)
}

/// The detail where the filesystem maps no owners: a tmpfs before 6.3.
const NO_OWNERS: &str = "maps no owners";

/// The result of a call that maps owners. Without the calls that it needs it has to be refused with this errno, by name.
#[track_caller]
fn maps_or<T>(s: &Scene<'_>, errno: Errno, reason: &str, call: impl Fn() -> Result<T, OsError>) -> Option<T> {
    if has_all(s) {
        return Some(call().unwrap());
    }
    let (errno, reason) = match call() {
        Ok(done) => return Some(done),
        Err(error) if error.detail().is_some_and(|detail| detail.contains(NO_OWNERS)) => (Errno::EINVAL, NO_OWNERS),
        Err(_) => (errno, reason),
    };
    let error = s.refuses(errno, call);
    assert!(error.to_string().contains(reason), "{error}");
    None
}

fn maps<T>(s: &Scene<'_>, call: impl Fn() -> Result<T, OsError>) -> Option<T> {
    maps_or(s, Errno::EOPNOTSUPP, "IDMAP", call)
}

fn mapped(s: &Scene<'_>, request: &BindRequest) -> Option<()> {
    maps(s, || s.mounter().bind(request)).map(drop)
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a map shows other owners than the filesystem stores, on the new mount alone", |s| {
        source(s);
        let request = bind("/w/source", "/w/target").map_owners(shown_as(100_000, 200_000), Recursion::This);
        let Some(()) = mapped(s, &request) else { return };
        assert!(s.mount("/w/target").idmapped);
        assert_eq!((owner(s, "/w/target"), owner(s, "/w/target/f")), ((100_000, 200_000), (100_000, 200_000)));
        assert_eq!((owner(s, "/w/target/five"), owner(s, "/w/target/fifty")), ((100_005, 200_005), (65_534, 65_534)));
        assert_eq!(owner(s, "/w/source/five"), (5, 5));
        // Root has no id of the filesystem there, and a file whose owner the map lacks cannot be changed.
        let mode = FileMode::from_bits(0o600);
        s.refuses(Errno::EOVERFLOW, || s.fs().create_file(&at("/w/target/new"), mode));
        s.refuses(Errno::EOVERFLOW, || s.fs().remove_file(&at("/w/target/fifty")));
        s.fs().remove_file(&at("/w/target/five")).unwrap();
    })
    .needing(Needs::OtherUsers),
    Case::new("a map reaches the mounts of a tree, or its top alone", |s| {
        source(s);
        let tree = |to: &str, reach| bind("/w/source", to).recursive().map_owners(shown_as(1_000, 2_000), reach);
        let Some(()) = mapped(s, &tree("/w/target", Recursion::Tree)) else { return };
        assert_eq!((owner(s, "/w/target/f"), owner(s, "/w/target/sub/f")), ((1_000, 2_000), (1_000, 2_000)));
        s.does("dir /w/top");
        mapped(s, &tree("/w/top", Recursion::This)).unwrap();
        assert_eq!((owner(s, "/w/top/f"), owner(s, "/w/top/sub/f")), ((1_000, 2_000), (0, 0)));
    })
    .needing(Needs::OtherUsers),
    Case::new("a map of the source is replaced or cleared, and is kept without a request", |s| {
        source(s);
        let request = bind("/w/source", "/w/target").map_owners(shown_as(1_000, 2_000), Recursion::This);
        let Some(()) = mapped(s, &request) else { return };
        s.does("dir /w/kept /w/other /w/none");
        let from = |to: &str| bind("/w/target", to);
        s.mounter().bind(&from("/w/kept")).unwrap();
        assert_eq!(owner(s, "/w/kept/five"), (1_005, 2_005));
        let other = from("/w/other").map_owners(shown_as(3_000, 4_000), Recursion::Tree);
        let none = from("/w/none").map_owners(IdMap::Clear, Recursion::This);
        if maps_or(s, Errno::EPERM, "map of owners already", || s.mounter().bind(&other)).is_some() {
            assert_eq!(owner(s, "/w/other/five"), (3_005, 4_005));
        }
        if maps_or(s, Errno::EOPNOTSUPP, "since Linux 6.15", || s.mounter().bind(&none)).is_some() {
            assert_eq!((owner(s, "/w/none/five"), s.mount("/w/none").idmapped), ((5, 5), false));
        }
        assert_eq!(owner(s, "/w/target/five"), (1_005, 2_005));
    })
    .needing(Needs::OtherUsers),
    Case::new("a new filesystem has its map before it is visible", |s| {
        s.does("dir /w/target; file /w/target/f text; chown 3:4 /w/target/f");
        let request = MountRequest::new("tmpfs", at("/w/target")).copying_up().map_owners(shown_as(1_000, 2_000));
        if maps(s, || s.mounter().mount(&request)).is_some() {
            assert_eq!((owner(s, "/w/target"), owner(s, "/w/target/f")), ((1_000, 2_000), (1_003, 2_004)));
        }
    })
    .needing(Needs::OtherUsers),
    Case::new("a map and every other property of a bind are there at once", |s| {
        source(s);
        let request = bind("/w/source", "/w/target").recursive().read_only();
        let request = request.propagation(mountwright_core::Propagation::Slave);
        let Some(()) = mapped(s, &request.map_owners(shown_as(1_000, 2_000), Recursion::Tree)) else { return };
        for path in ["/w/target", "/w/target/sub"] {
            let mount = s.mount(path);
            assert!(mount.attributes.is_read_only() && mount.idmapped && mount.propagation.peers.is_none());
        }
    })
    .needing(Needs::OtherUsers),
    Case::new("members of a tree have maps of their own", |s| {
        source(s);
        let tree = s.mounter().detached_tree(&bind("/w/source", "/w/target")).unwrap();
        let in_tree = |path: &str| Location::in_tree(path);
        s.does("dir /w/source/a /w/source/b");
        let a = BindRequest::new(at("/w/source"), in_tree("/a")).map_owners(shown_as(1_000, 2_000), Recursion::This);
        let b = MountRequest::new("tmpfs", in_tree("/b")).map_owners(shown_as(3_000, 4_000));
        let results = [tree.bind(&a), tree.mount(&b)];
        if results.iter().all(Result::is_ok) {
            tree.commit().unwrap();
            assert_eq!((owner(s, "/w/target/a/five"), owner(s, "/w/target/b")), ((1_005, 2_005), (3_000, 4_000)));
            assert_eq!(owner(s, "/w/target/five"), (5, 5));
        } else {
            assert!(!has_all(s), "{results:?}");
            for error in results.into_iter().filter_map(Result::err) {
                assert!([Errno::EOPNOTSUPP, Errno::EINVAL].contains(&error.errno()), "{error}");
            }
            tree.discard().unwrap();
        }
    })
    .needing(Needs::OtherUsers),
    Case::new("a map that is none, or that the filesystem does not take, is refused by name", |s| {
        source(s);
        if !has_all(s) {
            return;
        }
        let one = |stored, shown, count| vec![IdRange { stored, shown, count }];
        let good = || one(0, 1_000, 10);
        let refused = |errno, from: &str, map: IdMap| {
            let request = bind(from, "/w/target").map_owners(map, Recursion::This);
            s.refuses(errno, || s.mounter().bind(&request)).to_string()
        };
        for (uids, gids, reason) in [
            (vec![], good(), "no map of users: there is no range"),
            (good(), one(0, 0, 0), "no map of groups: a range is empty"),
            (one(5, u32::MAX, 1), good(), "no map of users: a range ends above the last id"),
            (good(), [good(), one(9, 0, 1)].concat(), "no map of groups: two ranges overlap"),
        ] {
            let error = refused(Errno::EINVAL, "/w/source", IdMap::Ranges { uids, gids });
            assert!(error.contains(reason), "{error}");
        }
        let error = refused(Errno::EINVAL, "/proc", shown_as(1_000, 2_000));
        assert!(error.contains(NO_OWNERS), "{error}");
        refused(Errno::ESRCH, "/w/source", IdMap::OfProcess(u32::MAX >> 2));
    })
    .needing(Needs::OtherUsers),
    Case::new("without privilege a map is EPERM", |s| {
        source(s);
        let has_all = has_all(s);
        s.without_privilege();
        let request = bind("/w/source", "/w/target").map_owners(shown_as(1_000, 2_000), Recursion::This);
        let Err(error) = s.changes_nothing(|| s.mounter().bind(&request)) else { panic!("it succeeded") };
        assert!(error.errno() == Errno::EPERM || !has_all && error.errno() == Errno::EOPNOTSUPP, "{error}");
    }),
];

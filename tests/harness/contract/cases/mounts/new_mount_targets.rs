//! Mounting new filesystems: missing and occupied targets, options whose value is a place.

use std::path::{Path, PathBuf};

use mountwright_core::mount::{FilesystemOption, Guarantee, OccupiedTarget};
use mountwright_core::{AttributeChange, Errno, Location, MountFlags, MountKey, MountRequest, Propagation};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below, bind, mode, within};

fn tmpfs(target: Location) -> MountRequest {
    MountRequest::new("tmpfs", target)
}

/// Checks that this mount is at the path.
fn assert_at(s: &Scene<'_>, mount: MountKey, path: &str) {
    assert_eq!(s.mounter().find_mount(mount).unwrap().id, s.mount(path).id, "{path}");
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new(
        "a missing target of a new filesystem is made with all above it, of exactly the mode, and reported",
        |s| {
            let umask = s.world().set_umask(0o077);
            for place in [at("/w/a/b/t"), below("/w", "a/b/t"), within("/w", "/a/b/t")] {
                s.refuses(Errno::ENOENT, || s.mounter().mount(&tmpfs(place.clone())));
                let report = s.mounter().mount(&tmpfs(place).creating_target(mode(0o751)).read_only()).unwrap();
                assert_eq!(report.created, ["/w/a", "/w/a/b", "/w/a/b/t"].map(PathBuf::from));
                assert_at(s, report.mount, "/w/a/b/t");
                assert_eq!(report.guarantee, Guarantee::Atomic);
                assert_eq!((s.mode("/w/a"), s.mode("/w/a/b")), (0o751, 0o751));
                s.does("detach /w/a/b/t");
                assert_eq!(s.mode("/w/a/b/t"), 0o751);
                s.does("rmdir /w/a/b/t /w/a/b /w/a");
            }
            s.world().set_umask(umask);
        },
    ),
    Case::new("what was made for a new filesystem that is then refused is gone again", |s| {
        s.does("file /w/file");
        for place in [at("/w/a/t"), below("/w", "a/t"), within("/w", "/a/t")] {
            let request = tmpfs(place.clone()).creating_target(mode(0o755));
            let unknown = request.clone().option(FilesystemOption::flag("nosuchoption"));
            s.refuses(Errno::EINVAL, || s.mounter().mount(&unknown));
            let unknown = MountRequest::new("nosuchfs", place).creating_target(mode(0o755));
            s.refuses(Errno::ENODEV, || s.mounter().mount(&unknown));
        }
        for place in [at("/w/file/t"), below("/w", "file/t"), at("/w/file"), below("/w", "file"), within("/w", "file")]
        {
            s.refuses(Errno::ENOTDIR, || s.mounter().mount(&tmpfs(place).creating_target(mode(0o755))));
        }
    }),
    Case::new("in a root a new filesystem is mounted behind a dangling symlink, where it is made", |s| {
        s.does("dir /w/root; link /run/here /w/root/link");
        let request = tmpfs(within("/w/root", "link")).creating_target(mode(0o755));
        let report = s.mounter().mount(&request).unwrap();
        assert_eq!(report.created, ["/w/root/run", "/w/root/run/here"].map(PathBuf::from));
        assert_at(s, report.mount, "/w/root/run/here");
    }),
    Case::new("a new filesystem covers what is on its target, unless the request refuses that", |s| {
        s.does("tmpfs /w/target");
        for place in [at("/w/target"), below("/w", "target"), within("/w", "target")] {
            let refusing = tmpfs(place.clone()).occupied_target(OccupiedTarget::Refuse);
            s.refuses(Errno::EBUSY, || s.mounter().mount(&refusing));
            s.mounter().mount(&tmpfs(place)).unwrap();
        }
        s.does("clear /w/target");
        for place in [at("/w/target"), below("/w", "target"), within("/w", "target")] {
            let report = s.mounter().mount(&tmpfs(place).occupied_target(OccupiedTarget::Refuse)).unwrap();
            s.does("detach /w/target");
            assert_eq!(report.target, Some((&s.stat("/w/target")).into()));
        }
    }),
    Case::new("a new filesystem that stacks on one mount is EBUSY on any other, and while that one is shared", |s| {
        s.does("tmpfs /w/m; dir /w/m/t; tmpfs /w/other; dir /w/other/t");
        let on = s.mount("/w/m").key();
        let request = |path: &str| tmpfs(at(path)).occupied_target(OccupiedTarget::StackOn(on));
        for path in ["/w/m", "/w/m/t"] {
            let report = s.mounter().mount(&request(path).propagation(Propagation::Shared)).unwrap();
            assert_at(s, report.mount, path);
            assert_eq!(report.propagation, Some(Propagation::Shared));
            s.does(&format!("detach {path}"));
            s.refuses(Errno::EINVAL, || s.mounter().mount(&request(path)));
            s.refuses(Errno::EINVAL, || s.mounter().mount(&request(path).propagation(Propagation::Slave)));
        }
        s.refuses(Errno::EBUSY, || s.mounter().mount(&request("/w/other/t").propagation(Propagation::Private)));
        s.does("shared /w/m");
        s.refuses(Errno::EBUSY, || s.mounter().mount(&request("/w/m/t").propagation(Propagation::Private)));
    }),
    Case::new("the report of a new filesystem names its propagation: a slave is private", |s| {
        s.does("tmpfs /w/parent; dir /w/parent/t; shared /w/parent");
        for (wanted, given) in [
            (None, None),
            (Some(Propagation::Private), Some(Propagation::Private)),
            (Some(Propagation::Slave), Some(Propagation::Private)),
            (Some(Propagation::Unbindable), Some(Propagation::Unbindable)),
        ] {
            let mut request = tmpfs(at("/w/parent/t"));
            request.propagation = wanted;
            assert_eq!(s.mounter().mount(&request).unwrap().propagation, given);
            assert_eq!(s.mount("/w/parent/t").propagation.peers.is_some(), wanted.is_none());
            s.does("detach /w/parent/t");
        }
    }),
    Case::new("read-only reaches the superblock of a new filesystem where an option asks for it", |s| {
        s.does("dir /w/t /w/other");
        let request = tmpfs(at("/w/t")).read_only().option(FilesystemOption::flag("ro"));
        s.mounter().mount(&request).unwrap();
        let mount = s.mount("/w/t");
        assert_eq!((mount.attributes.flags, mount.option("ro").is_some()), (MountFlags::READ_ONLY, true));
        let clear = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
        s.mounter().bind(&bind("/w/t", "/w/other").attributes(clear)).unwrap();
        assert_eq!(s.try_write("/w/other"), Err(Errno::EROFS));
    }),
    Case::new(
        "an option whose value is a place names a missing one, and the filesystem that takes none refuses it",
        |s| {
            s.does("dir /w/t /w/dir");
            let request = |place| tmpfs(at("/w/t")).option(FilesystemOption::at_place("nosuch", place));
            for missing in [at("/w/missing"), below("/w", "missing"), within("/w", "missing")] {
                // A trusted path is resolved by the kernel, before 5.2 after the option is refused.
                let Err(error) = s.changes_nothing(|| s.mounter().mount(&request(missing.clone()))) else {
                    panic!("mounted")
                };
                assert!(
                    error.errno() == Errno::ENOENT || missing == at("/w/missing") && error.errno() == Errno::EINVAL,
                    "{error}"
                );
                if error.errno() == Errno::ENOENT {
                    assert_eq!(error.detail(), Some("option nosuch: /w/missing"));
                }
            }
            for place in [at("/w/dir"), below("/w", "dir"), within("/w", "dir")] {
                s.refuses(Errno::EINVAL, || s.mounter().mount(&request(place)));
            }
            assert!(s.exists(Path::new("/w/dir")));
        },
    ),
];

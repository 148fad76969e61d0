//! Symlinks and nodes: device files, named pipes and sockets.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileIdentity, FileKind, Metadata};
use mountwright_core::{AttributeChange, AttributesRequest, DeviceNumber, Directory, Errno, Location, MountFlags};
use mountwright_fake::abi;

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, below, mode, within};
use crate::machine::here;

/// Kinds that need no privilege.
const PLAIN: [FileKind; 2] = [FileKind::Fifo, FileKind::Socket];
const DEVICES: [FileKind; 2] = [FileKind::CharacterDevice, FileKind::BlockDevice];
/// Modes without and with set-id and sticky bits.
const MODES: [u16; 7] = [0o000, 0o600, 0o666, 0o777, 0o2660, 0o1777, 0o7777];
const UMASKS: [u16; 3] = [0o000, 0o077, 0o777];
const NULL: DeviceNumber = DeviceNumber::new(1, 3);

/// `/w/d/name` by each way to it; the link of the root is relative.
fn ways(s: &Scene<'_>, name: &str) -> [Location; 4] {
    if !s.exists("/w/link") {
        s.does("dir /w/d; link d /w/link; link / /w/d/up");
    }
    let inside = Path::new("d").join(name);
    [at(Path::new("/w").join(&inside)), below("/w", inside), within("/w", Path::new("/d/up/link").join(name)), {
        within("/w", Path::new("../link/../link").join(name))
    }]
}

/// Creates `/w/d/name` by each way and by an open directory, checks it by `check` and removes it.
#[track_caller]
fn each_way(s: &Scene<'_>, create: impl Fn(Way<'_>) -> FileIdentity, check: impl Fn(&str)) {
    let path = "/w/d/name";
    let places = ways(s, "name");
    let directory = s.fs().open_dir(&at("/w/d")).unwrap();
    let all = places.iter().map(Way::Place).chain([Way::In(&*directory)]);
    for way in all {
        let made = create(way);
        assert_eq!(made, FileIdentity::from(&s.stat(path)));
        check(path);
        s.fs().remove_file(&at(path)).unwrap();
    }
}

/// A place of a port, or a name in an open directory.
enum Way<'a> {
    Place(&'a Location),
    In(&'a dyn Directory),
}

impl Way<'_> {
    #[track_caller]
    fn symlink(&self, s: &Scene<'_>, target: &Path) -> FileIdentity {
        match self {
            Self::Place(place) => s.fs().create_symlink(place, target),
            Self::In(directory) => directory.create_symlink(OsStr::new("name"), target),
        }
        .unwrap()
    }

    #[track_caller]
    fn node(&self, s: &Scene<'_>, kind: FileKind, device: Option<DeviceNumber>, bits: u16) -> FileIdentity {
        let made = match self {
            Self::Place(place) => s.fs().create_node(place, kind, device, mode(bits)),
            Self::In(directory) => directory.create_node(OsStr::new("name"), kind, device, mode(bits)),
        };
        FileIdentity::from(&made.unwrap())
    }
}

/// Each node of these kinds has exactly its mode, by each way and whatever the umask. To open a pipe would wait for its other
/// end.
fn exact_modes(s: &Scene<'_>, kinds: [FileKind; 2], device: Option<DeviceNumber>) {
    for mask in UMASKS {
        s.world().set_umask(mask);
        for (kind, bits) in kinds.into_iter().flat_map(|kind| MODES.map(|bits| (kind, bits))) {
            let create = |way: Way<'_>| way.node(s, kind, device, bits);
            each_way(s, create, |path| {
                let found = s.stat(path);
                assert_eq!((found.kind, found.mode, found.represents), (kind, mode(bits), device), "umask {mask:03o}");
            });
        }
    }
}

/// Both ways to create something that is neither a file nor a directory are refused.
#[track_caller]
fn refused(s: &Scene<'_>, place: &Location, errno: Errno) {
    s.refuses(errno, || s.fs().create_symlink(place, Path::new("target")));
    for kind in PLAIN {
        s.refuses(errno, || s.fs().create_node(place, kind, None, mode(0o600)));
    }
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a symlink has the target that was asked for, byte by byte, and is reported by its identity", |s| {
        s.does("file /w/d/file");
        let long = "t".repeat(4095);
        let targets: [&[u8]; 11] = [
            b"file",
            b"/w/d/file",
            b"/nowhere",
            b"../../../..",
            b"..",
            b".",
            b"/",
            b"a//b/./c/",
            b"name",
            b"\xff\xfe\n \\040",
            long.as_bytes(),
        ];
        s.world().set_umask(0o777);
        for target in targets.map(|target| Path::new(OsStr::from_bytes(target))) {
            each_way(
                s,
                |way| way.symlink(s, target),
                |path| {
                    let found = s.stat(path);
                    assert_eq!((found.kind, found.mode), (FileKind::Symlink, mode(0o777)));
                    assert_eq!(s.fs().read_link(&at(path)).unwrap(), target);
                },
            );
        }
    }),
    Case::new("a symlink with an empty target is ENOENT, with a NUL in it EINVAL, one too long ENAMETOOLONG", |s| {
        let bad = [(String::new(), Errno::ENOENT), ("a\0b".to_owned(), Errno::EINVAL)];
        for (target, errno) in bad.into_iter().chain([("t".repeat(4096), Errno::ENAMETOOLONG)]) {
            let target = PathBuf::from(target);
            for place in ways(s, "name") {
                s.refuses(errno, || s.fs().create_symlink(&place, &target));
            }
            let directory = s.fs().open_dir(&at("/w/d")).unwrap();
            s.refuses(errno, || directory.create_symlink(OsStr::new("name"), &target));
        }
    }),
    Case::new("a pipe and a socket have exactly their mode, whatever the umask, and their identity is reported", |s| {
        exact_modes(s, PLAIN, None);
    }),
    Case::new("a device has exactly its mode, whatever the umask, and its identity is reported", |s| {
        exact_modes(s, DEVICES, Some(NULL));
    })
    .needing(Needs::DeviceNodes),
    Case::new("a device has its number, the largest that mknod takes too", |s| {
        for (kind, device) in DEVICES.into_iter().flat_map(|kind| {
            [(0, 0), (5, 2), (259, 70_000), (0xfff, 0xf_ffff)].map(|(major, minor)| (kind, (major, minor)))
        }) {
            let device = DeviceNumber::new(device.0, device.1);
            let made = s.fs().create_node(&at("/w/device"), kind, Some(device), mode(0o640)).unwrap();
            let found = s.stat("/w/device");
            let seen = |found: &Metadata| {
                (FileIdentity::from(found), found.represents, found.mode, found.uid, found.gid, found.links)
            };
            assert_eq!((seen(&made), made.represents), (seen(&found), Some(device)));
            s.fs().remove_file(&at("/w/device")).unwrap();
        }
    })
    .needing(Needs::DeviceNodes),
    Case::new(
        "a kind that is no node and a number that does not fit the kind are EINVAL, before anything is looked at",
        |s| {
            s.does("file /w/file kept");
            let large = [DeviceNumber::new(0x1000, 0), DeviceNumber::new(0, 0x10_0000), DeviceNumber::new(!0, !0)];
            let mut bad = vec![(FileKind::CharacterDevice, None), (FileKind::BlockDevice, None)];
            bad.extend(DEVICES.into_iter().flat_map(|kind| large.map(|device| (kind, Some(device)))));
            bad.extend(PLAIN.map(|kind| (kind, Some(NULL))));
            for kind in [FileKind::Regular, FileKind::Directory, FileKind::Symlink] {
                bad.extend([(kind, None), (kind, Some(NULL))]);
            }
            let directory = s.fs().open_dir(&at("/w")).unwrap();
            for (kind, device) in bad {
                for place in
                    [at("/w/new"), at("/w/file"), at("/w/missing/new"), below("/w", "new"), within("/w", "new")]
                {
                    let error = s.refuses(Errno::EINVAL, || s.fs().create_node(&place, kind, device, mode(0o600)));
                    assert_eq!(error.step(), Some("mknodat"));
                    assert!(error.detail().is_some_and(|why| why.contains(&kind.to_string()) || why.contains("large")));
                }
                s.refuses(Errno::EINVAL, || directory.create_node(OsStr::new("new"), kind, device, mode(0o600)));
            }
        },
    ),
    Case::new("creating a symlink or node where something is, a dangling symlink too, is EEXIST", |s| {
        s.does("dir /w/dir; file /w/file kept; link nowhere /w/link; fifo /w/fifo; tmpfs /w/mounted");
        let directory = s.fs().open_dir(&at("/w")).unwrap();
        for name in ["dir", "file", "link", "fifo", "mounted"] {
            for place in [at(Path::new("/w").join(name)), below("/w", name), within("/w", name)] {
                refused(s, &place, Errno::EEXIST);
            }
            s.refuses(Errno::EEXIST, || directory.create_symlink(OsStr::new(name), Path::new("target")));
            s.refuses(Errno::EEXIST, || directory.create_node(OsStr::new(name), FileKind::Fifo, None, mode(0o600)));
        }
        for place in [at("/"), at("."), at("/w/dir/.."), at("/w/dir/"), at("/w/dir/.")] {
            refused(s, &place, Errno::EEXIST);
        }
        for path in ["", "/", ".", "..", "dir/.", "dir/..", "dir/"] {
            refused(s, &within("/w", path), Errno::EEXIST);
        }
    }),
    Case::new("a symlink or node whose path ends in a slash is ENOENT, as it is none of a directory", |s| {
        s.does("link nowhere /w/dangles");
        refused(s, &at("/w/new/"), Errno::ENOENT);
        refused(s, &within("/w", "new/"), Errno::ENOENT);
    }),
    Case::new("a symlink or node is made in a directory that is there, and makes no level", |s| {
        s.does("file /w/file; dir /w/gone; link nowhere /w/dangles; link loop /w/loop; link file /w/to-file");
        for (name, errno) in [("missing/name", Errno::ENOENT), ("file/name", Errno::ENOTDIR)] {
            for place in [at(Path::new("/w").join(name)), below("/w", name), within("/w", name)] {
                refused(s, &place, errno);
            }
        }
        for (name, errno) in
            [("dangles/name", Errno::ENOENT), ("loop/name", Errno::ELOOP), ("to-file/name", Errno::ENOTDIR)]
        {
            refused(s, &at(Path::new("/w").join(name)), errno);
            refused(s, &within("/w", name), errno);
            refused(s, &below("/w", name), Errno::ELOOP);
        }
        let gone = s.fs().open_dir(&at("/w/gone")).unwrap();
        s.does("rmdir /w/gone");
        s.refuses(Errno::ENOENT, || gone.create_symlink(OsStr::new("name"), Path::new("target")));
        s.refuses(Errno::ENOENT, || gone.create_node(OsStr::new("name"), FileKind::Fifo, None, mode(0o600)));
    }),
    Case::new("below a root a symlink or node is made through no symlink and into no mount", |s| {
        s.does("dir /w/root/dir /w/outside; link dir /w/root/link; link ../outside /w/root/out; tmpfs /w/root/m; dir /w/root/m/d");
        for path in ["link/name", "out/name"] {
            refused(s, &below("/w/root", path), Errno::ELOOP);
        }
        refused(s, &below("/w/root", "m/d/name"), Errno::EXDEV);
    }),
    Case::new("in a root a symlink or node is made behind its symlinks, never outside", |s| {
        s.does(
            "dir /w/root/run; link /run /w/root/var; link ../../../../run /w/root/up; dir /run; tmpfs /w/root/run/m",
        );
        for (path, made) in [("var/a", "run/a"), ("up/b", "run/b"), ("../var/m/../c", "run/c"), ("var/m/d", "run/m/d")]
        {
            let file = Path::new("/w/root").join(made);
            s.fs().create_symlink(&within("/w/root", path), Path::new("/run")).unwrap();
            assert_eq!((s.kind(&file), s.exists(Path::new("/").join(made))), (Some(FileKind::Symlink), false));
            s.fs().remove_file(&within("/w/root", path)).unwrap();
            s.fs().create_node(&within("/w/root", path), FileKind::Fifo, None, mode(0o621)).unwrap();
            assert_eq!((s.kind(&file), s.mode(&file)), (Some(FileKind::Fifo), 0o621));
            assert!(!s.exists(Path::new("/").join(made)));
        }
    }),
    Case::new("creating a symlink or node on a read-only mount is EROFS, of a name that is there EEXIST", |s| {
        s.does("tmpfs /w/m; file /w/m/file kept; read-only /w/m");
        refused(s, &at("/w/m/new"), Errno::EROFS);
        refused(s, &within("/w", "m/new"), Errno::EROFS);
        refused(s, &below("/w/m", "new"), Errno::EROFS);
        refused(s, &at("/w/m/file"), Errno::EEXIST);
    }),
    Case::new("on a mount without devices a device is made, and cannot be opened", |s| {
        s.does("tmpfs /w/m");
        let nodev = AttributeChange::setting(MountFlags::NO_DEV);
        s.mounter().change_attributes(&AttributesRequest::new(at("/w/m"), nodev)).unwrap();
        s.fs().create_node(&at("/w/m/null"), FileKind::CharacterDevice, Some(NULL), mode(0o666)).unwrap();
        assert_eq!((s.stat("/w/m/null").represents, s.mode("/w/m/null")), (Some(NULL), 0o666));
        let opened =
            s.world().call(|calls| calls.openat(here(Path::new("/w/m/null")), abi::O_RDONLY | abi::O_CLOEXEC, 0));
        assert_eq!(opened.unwrap_err(), Errno::EACCES);
    })
    .needing(Needs::DeviceNodes),
    Case::new("a node in a directory with set-group-id has its group, and no such bit that was not asked for", |s| {
        s.does("dir /w/d; chown 0:5 /w/d; chmod 2777 /w/d");
        s.world().set_umask(0o077);
        for bits in [0o666, 0o710] {
            s.fs().create_node(&at("/w/d/fifo"), FileKind::Fifo, None, mode(bits)).unwrap();
            assert_eq!((s.mode("/w/d/fifo"), s.stat("/w/d/fifo").gid), (bits, 5));
            s.fs().remove_file(&at("/w/d/fifo")).unwrap();
        }
    })
    .needing(Needs::OtherUsers),
    Case::new("without CAP_MKNOD a device is EPERM with its cause, and a pipe, a socket and a symlink are made", |s| {
        s.does("dir /w/d");
        s.without_privilege();
        let directory = s.fs().open_dir(&at("/w/d")).unwrap();
        for kind in DEVICES {
            for place in [at("/w/d/device"), below("/w", "d/device"), within("/w", "d/device")] {
                let error = s.refuses(Errno::EPERM, || s.fs().create_node(&place, kind, Some(NULL), mode(0o666)));
                assert_eq!(error.step(), Some("mknodat"));
                assert!(error.detail().is_some_and(|why| why.contains("CAP_MKNOD")), "{error}");
            }
            s.refuses(Errno::EPERM, || directory.create_node(OsStr::new("device"), kind, Some(NULL), mode(0o666)));
        }
        // Overlayfs takes this node for a removed name; it stands for no device.
        let whiteout = Some(DeviceNumber::new(0, 0));
        let made = s.fs().create_node(&at("/w/d/whiteout"), FileKind::CharacterDevice, whiteout, mode(0o604)).unwrap();
        assert_eq!(FileIdentity::from(&made), FileIdentity::from(&s.stat("/w/d/whiteout")));
        for kind in PLAIN {
            s.fs().create_node(&at("/w/d/node"), kind, None, mode(0o604)).unwrap();
            assert_eq!((s.kind("/w/d/node"), s.mode("/w/d/node")), (Some(kind), 0o604));
            s.fs().remove_file(&at("/w/d/node")).unwrap();
        }
        s.fs().create_symlink(&at("/w/d/link"), Path::new("target")).unwrap();
    }),
    Case::new("a directory that may not be written to or searched is EACCES for a symlink and a node", |s| {
        s.does("dir /w/read /w/closed/in; chmod 555 /w/read; chmod 600 /w/closed");
        s.without_privilege();
        for path in ["read/name", "closed/in/name"] {
            for place in [at(Path::new("/w").join(path)), below("/w", path), within("/w", path)] {
                refused(s, &place, Errno::EACCES);
            }
        }
    }),
];

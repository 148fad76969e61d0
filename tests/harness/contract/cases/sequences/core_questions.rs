//! Queries of core.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use mountwright_core::device::{BackingDevice, PathDevice, Sysfs};
use mountwright_core::file::FinalSymlink;
use mountwright_core::kubernetes::{EmptyDirMedium, EmptyDirVolume, FileCount, Watchability};
use mountwright_core::ports::WithoutWaiting;
use mountwright_core::spec::Mount;
use mountwright_core::{Backend, DeviceNumber, Errno, Error, Filesystem, Location, MountInfo, Mounter, UnmountRequest};

use crate::contract::case::{Case, Needs};
use crate::contract::cases::places::locations::odd_names;
use crate::contract::scene::{Scene, at, below};

const VOLUMES: &str = "/w/pods/7/volumes";
const EMPTY_DIR: &str = "/w/pods/7/volumes/kubernetes.io~empty-dir/cache";
const SECRET: &str = "/w/pods/7/volumes/kubernetes.io~secret/tls";

fn count(s: &Scene<'_>, path: &str, limit: u64) -> FileCount {
    FileCount::below(s.fs(), Path::new(path), limit).unwrap()
}

/// A volume as the kubelet lays it out: `..<time>` with the files, `..data` to it, a link for each key.
fn atomic_writer(s: &Scene<'_>, volume: &str, keys: usize) {
    let version = format!("{volume}/..2026_01_01");
    s.does(&format!("dir {version}; link ..2026_01_01 {volume}/..data"));
    for key in 0..keys {
        s.does(&format!("file {version}/key{key} value; link ..data/key{key} {volume}/key{key}"));
    }
}

fn on_filesystem(s: &Scene<'_>, path: &str) -> (DeviceNumber, PathBuf) {
    match PathDevice::of(s.fs(), Path::new(path)).unwrap() {
        PathDevice::Filesystem { device, mount_point } => (device, mount_point),
        other => panic!("{path}: {other:?}"),
    }
}

/// The result without waiting is the other one, or that it would wait. A mount point is always in the caches.
#[track_caller]
fn same_or_waits<T: PartialEq + Debug>(path: &Path, found: Result<T, Error>, otherwise: &Result<T, Error>) {
    match found {
        Err(error) if error.would_wait() => assert_ne!(path, Path::new("/w/m"), "{error}"),
        // Before 5.12 the kernel cannot look at its caches alone.
        Err(error) if error.errno() == Some(Errno::EOPNOTSUPP) => {}
        found => {
            let errno = |found: &Result<T, Error>| found.as_ref().err().and_then(Error::errno);
            assert!(
                &found == otherwise || found.is_err() && errno(&found) == errno(otherwise),
                "{}: {found:?}",
                path.display()
            );
        }
    }
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("PathDevice::of walks up to where the device changes, symlinks resolved first", |s| {
        s.does("dir /w/m/a; tmpfs /w/m/a; file /w/m/a/b/f; link /w/m/a/b/f /w/link");
        let inner = (s.stat("/w/m/a").device, PathBuf::from("/w/m/a"));
        for path in ["/w/m/a", "/w/m/a/b", "/w/m/a/b/f", "/w/link", "/w/m/a/b/../b/"] {
            assert_eq!(on_filesystem(s, path), inner, "{path}");
        }
        assert_eq!(on_filesystem(s, "/w/m"), (s.stat("/w").device, "/w".into()));
        assert_eq!(on_filesystem(s, "/"), (s.stat("/").device, "/".into()));
        s.does("chdir /w/m/a");
        assert_eq!(on_filesystem(s, "b/f"), inner);
    }),
    Case::new("a walk that comes to the root without a change is a distinct error", |s| {
        s.does("dir /plain/dir");
        let error = PathDevice::of(s.fs(), Path::new("/plain/dir")).unwrap_err();
        assert_eq!(error, Error::MountPointNotFound { path: "/plain/dir".into() });
    }),
    Case::new("PathDevice::of of what leads nowhere is an error, of a socket its filesystem", |s| {
        s.does("file /w/file; link loop /w/loop");
        for (path, errno) in [("/w/missing", Errno::ENOENT), ("/w/file/x", Errno::ENOTDIR), ("/w/loop", Errno::ELOOP)] {
            assert_eq!(PathDevice::of(s.fs(), Path::new(path)).unwrap_err().errno(), Some(errno));
            assert_eq!(BackingDevice::of(s.backend(), Path::new(path)).unwrap_err().errno(), Some(errno));
        }
        let nothing = Error::Unspecified { what: "path" };
        assert_eq!(PathDevice::of(s.fs(), Path::new("")), Err(nothing.clone()));
        assert_eq!(BackingDevice::of(s.backend(), Path::new("")), Err(nothing));
        s.does("socket /w/socket");
        assert_eq!(on_filesystem(s, "/w/socket").1, Path::new("/w"));
    }),
    Case::new("a device node answers with the device that it stands for, wherever it is", |s| {
        s.does("block 7:3 /w/disk; char 1:3 /w/null; link disk /w/link");
        let (block, char) = (DeviceNumber::new(7, 3), DeviceNumber::new(1, 3));
        let walk = |path: &str| PathDevice::of(s.fs(), Path::new(path)).unwrap();
        assert_eq!(walk("/w/link"), PathDevice::BlockNode { device: block });
        assert_eq!(walk("/w/null"), PathDevice::CharNode { device: char });
        let backing = |path: &str| BackingDevice::of(s.backend(), Path::new(path)).unwrap();
        assert_eq!(backing("/w/disk"), BackingDevice::BlockNode { device: block });
        assert_eq!(backing("/w/null"), BackingDevice::CharNode { device: char });
    })
    .needing(Needs::DeviceNodes),
    Case::new("what is on no device is anonymous, with the type and the mount that say so", |s| {
        s.does("tmpfs /w/m; dir /w/m/a; bind /w/m/a /w/bound");
        for (path, mount_point) in [("/w/m", "/w/m"), ("/w/m/a", "/w/m"), ("/w/bound", "/w/bound")] {
            let found = BackingDevice::of(s.backend(), Path::new(path)).unwrap();
            assert_eq!(found.device(), None, "{path}");
            match found {
                BackingDevice::Anonymous { fs_type, mount } => {
                    assert_eq!(
                        (fs_type.to_str(), mount.mount_point.as_path()),
                        (Some("tmpfs"), Path::new(mount_point))
                    );
                }
                other => panic!("{path}: {other:?}"),
            }
        }
    }),
    Case::new(
        "a question without waiting is answered as otherwise, or with would_wait; at a mount point answered",
        |s| {
            s.does("tmpfs /w/m; file /w/m/file text; link m/file /w/link; dir /w/m/dir; chdir /w/m");
            let view = WithoutWaiting(s.backend());
            for path in
                ["/w/m", "/w/m/", "/w/m/file", "/w/m/dir", "/w/link", "/w/missing", "/w/m/file/x", "dir", "", "/"]
            {
                let path = Path::new(path);
                let backing = |of: &dyn Backend| BackingDevice::of(of, path);
                same_or_waits(path, backing(&view), &backing(s.backend()));
                same_or_waits(path, PathDevice::of(&view, path), &PathDevice::of(s.fs(), path));
                same_or_waits(path, MountInfo::at(&view, path), &MountInfo::at(s.mounter(), path));
                let size = |fs: &dyn Filesystem| Ok(fs.metadata(&Location::trusted(path), FinalSymlink::Follow)?.size);
                same_or_waits(path, size(&view), &size(s.fs()));
                let real = |fs: &dyn Filesystem| Ok(fs.canonicalize(path)?);
                same_or_waits(path, real(&view), &real(s.fs()));
            }
            for place in [below("/w", "m"), below("/w", "m/file"), below("/w", "link"), below("/w", "missing")] {
                let filesystem = |of: &dyn Mounter| Ok(of.filesystem_of(&place)?);
                same_or_waits(&place.for_display(), filesystem(&view), &filesystem(s.mounter()));
            }
            assert!(view.open_dir(&at("/w/m")).is_err_and(|error| error.would_wait()));
            assert!(view.unmount(&UnmountRequest::new(at("/w/m"))).is_err_and(|error| error.would_wait()));
        },
    ),
    Case::new("MountInfo::at wants a mount point, and answers with the topmost", |s| {
        s.does("tmpfs:lower /w/m; tmpfs:upper /w/m; dir /w/m/a; link m /w/link");
        assert_eq!(MountInfo::at(s.mounter(), Path::new("/w/m")).unwrap().source, "upper");
        assert_eq!(MountInfo::at(s.mounter(), Path::new("/w/link")).unwrap().mount_point, Path::new("/w/m"));
        let none = Error::NotAMountPoint { path: "/w/m/a".into() };
        assert_eq!(MountInfo::at(s.mounter(), Path::new("/w/m/a")), Err(none));
        assert_eq!(MountInfo::at(s.mounter(), Path::new("/w/no")).unwrap_err().errno(), Some(Errno::ENOENT));
        assert_eq!(MountInfo::at(s.mounter(), Path::new("")), Err(Error::Unspecified { what: "path" }));
    }),
    Case::new("MountInfo::at finds names of any bytes, beside a mount without a source", |s| {
        s.does("tmpfs: /w/nosource");
        for name in odd_names() {
            let path = Path::new("/w").join(name);
            s.tmpfs("tmp", &path);
            assert_eq!(MountInfo::at(s.mounter(), &path).unwrap().mount_point, path);
        }
    }),
    Case::new("an emptyDir that is mounted at several destinations is one volume, by whatever path", |s| {
        let other = "/w/pods/7/volumes/kubernetes.io~empty-dir/logs";
        s.does(&format!("tmpfs {EMPTY_DIR}; dir {other} /w/plain; link pods /w/kubelet"));
        let linked = EMPTY_DIR.replace("/w/pods", "/w/kubelet");
        let sources = [EMPTY_DIR, "/w/plain", other, &linked, EMPTY_DIR];
        let mounts: Vec<_> = sources.iter().map(|source| Mount::new(*source, "/in", "bind")).collect();
        let found = EmptyDirVolume::of(s.backend(), &mounts).unwrap();
        let found: Vec<_> = found.iter().map(|volume| (volume.medium, &volume.mounts[..])).collect();
        assert_eq!(found, [(EmptyDirMedium::Memory, &[0, 3, 4][..]), (EmptyDirMedium::Disk, &[2])]);
    }),
    Case::new("an emptyDir is memory where its directory is a tmpfs's root, and disk in a tmpfs", |s| {
        s.does(&format!("dir {EMPTY_DIR}"));
        let asked = |path: &str| EmptyDirMedium::of(s.mounter(), path.into()).unwrap();
        assert_eq!(asked(EMPTY_DIR), Some(EmptyDirMedium::Disk));
        s.does(&format!("tmpfs {EMPTY_DIR}"));
        assert_eq!(asked(EMPTY_DIR), Some(EmptyDirMedium::Memory));
        s.does("link pods /w/kubelet");
        let linked = EMPTY_DIR.replace("/w/pods", "/w/kubelet");
        assert_eq!(asked(&linked), Some(EmptyDirMedium::Memory));
        s.does("dir /w/plain");
        assert_eq!(asked("/w/plain"), None);
    }),
    Case::new("an emptyDir that is missing is an error and not an answer", |s| {
        s.does(&format!("dir {VOLUMES}"));
        let error = EmptyDirMedium::of(s.mounter(), EMPTY_DIR.into()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOENT));
    }),
    Case::new(
        "FileCount::below counts what is no directory, up to its limit, and follows no link below the root",
        |s| {
            s.does("dir /w/d/empty; file /w/d/a; file /w/d/sub/b; file /w/d/sub/deep/c; fifo /w/d/fifo");
            s.does("link / /w/d/root; link nowhere /w/d/dangles");
            assert_eq!(count(s, "/w/d", 8), FileCount::Exactly(6));
            assert_eq!(count(s, "/w/d", 6), FileCount::Exactly(6));
            assert_eq!(count(s, "/w/d", 5), FileCount::Over(5));
            assert_eq!(count(s, "/w/d/empty", 0), FileCount::Exactly(0));
            assert_eq!(count(s, "/w/d/a", 8), FileCount::Exactly(1));
            assert_eq!(count(s, "/w/d/a", 0), FileCount::Over(0));
            s.does("link d /w/link");
            assert_eq!(count(s, "/w/link", 8), FileCount::Exactly(6), "the root itself may be a link");
        },
    ),
    Case::new("FileCount::below is over however deep the files are, and leaves no descriptor", |s| {
        for directory in 0..5 {
            for file in 0..5 {
                s.does(&format!("file /w/d/{directory}/{file}"));
            }
        }
        s.changes_nothing(|| {
            assert_eq!(count(s, "/w/d", 8), FileCount::Over(8));
            assert_eq!(count(s, "/w/d", 25), FileCount::Exactly(25));
            let missing = FileCount::below(s.fs(), Path::new("/w/missing"), 8).unwrap_err();
            assert_eq!(missing.errno(), Some(Errno::ENOENT));
        });
    }),
    Case::new("FileCount::below enters mounts, and names are bytes", |s| {
        s.does("tmpfs /w/d/m");
        for name in odd_names() {
            s.file(Path::new("/w/d/m").join(name), b"");
        }
        assert_eq!(count(s, "/w/d", 1000), FileCount::Exactly(odd_names().len() as u64));
    }),
    Case::new("FileCount::below of a directory that may not be read is an error", |s| {
        s.does("dir /w/d/closed; chmod 300 /w/d/closed");
        s.without_privilege();
        let error = FileCount::below(s.fs(), Path::new("/w/d"), 8).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EACCES));
    }),
    Case::new("a secret of one to three keys in the kubelet's layout is watchable", |s| {
        for (keys, watchable) in [(0, true), (1, true), (3, true), (4, false)] {
            let volume = format!("{SECRET}{keys}");
            atomic_writer(s, &volume, keys);
            assert_eq!(
                Watchability::is_watchable_at(s.fs(), volume.as_str().into()).unwrap(),
                watchable,
                "{keys} keys"
            );
            let found = Watchability::of(s.fs(), volume.as_str().into()).unwrap();
            assert_eq!(found.is_watchable(), watchable);
            if let Watchability::Watchable { entries, keys: seen, bytes, .. } = found {
                assert_eq!((entries, seen, bytes), (2 * keys as u64 + 1, keys as u64, 5 * keys as u64));
            }
        }
    }),
    Case::new("a volume without anything in it, or missing, is not watchable", |s| {
        s.does(&format!("dir {SECRET}"));
        assert!(!Watchability::is_watchable_at(s.fs(), SECRET.into()).unwrap());
        assert_eq!(Watchability::of(s.fs(), SECRET.into()).unwrap(), Watchability::Empty);
        let missing = format!("{VOLUMES}/kubernetes.io~secret/missing");
        assert_eq!(
            Watchability::is_watchable_at(s.fs(), missing.as_str().into()).unwrap_err().errno(),
            Some(Errno::ENOENT)
        );
        assert!(
            !Watchability::is_watchable_at(s.fs(), "/w/missing".into()).unwrap(),
            "what is no volume is not looked at"
        );
    }),
    Case::new("below /dev all but regular files is a host device, and what is not there is none", |s| {
        s.does("file /dev/regular; dir /dev/dir; socket /dev/socket; link socket /dev/link; link loop /dev/loop");
        s.does("file /w/file");
        let asked = |path: &str| PathDevice::is_host_device(s.fs(), Path::new(path));
        for path in ["/dev", "/dev/", "/dev/dir", "/dev/socket", "//dev/socket", "/dev/link", "/w/../dev/dir"] {
            assert_eq!(asked(path), Ok(true), "{path}");
        }
        for path in ["/dev/regular", "/dev/termination-log", "/dev/regular/x", "/dev/../w/file", "/devices", "dev", ""]
        {
            assert_eq!(asked(path), Ok(false), "{path}");
        }
        assert_eq!(asked("/dev/loop").unwrap_err().errno(), Some(Errno::ELOOP));
    }),
    Case::new("sysfs says what is a block device and what a device-mapper one", |s| {
        s.does("dir /w/sys/devices/dm-0/dm /w/sys/devices/sda; link ../../devices/dm-0 /w/sys/dev/block/253:0");
        s.does("link ../../devices/sda /w/sys/dev/block/8:0");
        let sysfs = Path::new("/w/sys");
        let asked = |major, minor| {
            let device = DeviceNumber::new(major, minor);
            let block = Sysfs::at(sysfs).is_block_device(s.fs(), device).unwrap();
            (block, Sysfs::at(sysfs).is_device_mapper(s.fs(), device).unwrap())
        };
        assert_eq!((asked(253, 0), asked(8, 0), asked(9, 9)), ((true, true), (true, false), (false, false)));
        s.does("link loop /w/sys/dev/block/loop");
        let error = Sysfs::at(Path::new("/w/sys/dev/block/loop")).is_block_device(s.fs(), DeviceNumber::new(8, 0));
        assert_eq!(error.unwrap_err().errno(), Some(Errno::ELOOP));
    }),
];

//! Places in a root: every path is resolved as if the root were `/`.

use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::{Errno, FileMode, MountFlags};

use crate::contract::case::{Case, Needs};
use crate::contract::cases::places::every_call::{FILE_CHANGES, LOOKS, MOUNT_QUESTIONS, every_call, ready};
use crate::contract::scene::{Scene, at, within};
use crate::contract::world::Hold;

/// Every call fails with this errno at a place in `/w/root`.
fn all_refuse_in_root(s: &Scene<'_>, paths: &[&str], errno: Errno) {
    ready(s);
    for path in paths {
        for (operation, call) in every_call() {
            let error = s.refuses(errno, || call(s, &within("/w/root", *path)));
            assert_eq!(error.operation(), *operation, "{path}: {error}");
        }
    }
}

/// The place in `/w/root` is this file, for every question.
#[track_caller]
fn leads(s: &Scene<'_>, path: &str, file: &str) {
    let place = within("/w/root", path);
    s.assert_metadata(&s.fs().metadata(&place, FinalSymlink::Follow).unwrap(), file);
    let mount = s.mounter().mount_of(&at(file)).unwrap();
    assert_eq!(s.mounter().mount_of(&place).unwrap(), mount, "{path}");
    assert_eq!(s.mounter().filesystem_of(&place), s.mounter().filesystem_of(&at(file)), "{path}");
    if s.kind(file) == Some(FileKind::Directory) {
        s.assert_metadata(&s.fs().open_dir(&place).unwrap().own_metadata().unwrap(), file);
    } else {
        s.refuses(Errno::ENOTDIR, || s.fs().open_dir(&place));
    }
}

#[track_caller]
fn refused(s: &Scene<'_>, path: &str, errno: Errno) {
    s.refuses(errno, || s.fs().metadata(&within("/w/root", path), FinalSymlink::Follow));
}

/// Directories, files and symlinks such as images have, and some that no image should have.
fn image(s: &Scene<'_>) {
    s.does("dir /w/root/etc; dir /w/root/run/lock; file /w/root/usr/lib/file text; link /run /w/root/var/run");
    s.does("link usr/lib /w/root/lib");
    s.does("link /usr/lib/file /w/root/absolute; link ../../../../usr/lib/file /w/root/etc/high");
    s.does("link / /w/root/etc/top");
    s.does("link top/../../.. /w/root/etc/up; link ../lib/ /w/root/etc/slash; link nowhere /w/root/dangles");
    s.does("file /w/usr/lib/file another");
    s.does("dir /w/outside");
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("in a root symlinks are followed inside it, absolute ones from the root", |s| {
        image(s);
        leads(s, "var/run/lock", "/w/root/run/lock");
        leads(s, "/var/run/", "/w/root/run");
        leads(s, "lib/file", "/w/root/usr/lib/file");
        leads(s, "absolute", "/w/root/usr/lib/file");
        leads(s, "etc/top/etc/top/usr", "/w/root/usr");
        leads(s, "etc/slash/file", "/w/root/usr/lib/file");
        leads(s, "etc/slash", "/w/root/usr/lib");
    }),
    Case::new("in a root two dots stop at the root, and go up from where a symlink led", |s| {
        image(s);
        leads(s, "..", "/w/root");
        leads(s, "../../../../../etc", "/w/root/etc");
        leads(s, "/../etc/../../usr", "/w/root/usr");
        leads(s, "etc/high", "/w/root/usr/lib/file");
        leads(s, "etc/up", "/w/root");
        leads(s, "var/run/..", "/w/root");
        leads(s, "lib/..", "/w/root/usr");
        leads(s, "lib/../../etc/../lib", "/w/root/usr/lib");
        leads(s, "./run/./lock/.", "/w/root/run/lock");
        leads(s, "run//lock///..//", "/w/root/run");
    }),
    Case::new("in a root an empty path and a slash are the root", |s| {
        image(s);
        for path in ["", "/", "//", ".", "/."] {
            leads(s, path, "/w/root");
        }
        s.does("tmpfs /w/real; link /w/real /w/by-link");
        let found = s.mounter().mount_of(&within("/w/by-link", "")).unwrap();
        assert_eq!((found.is_root, found.mount.mount_point.as_path()), (true, Path::new("/w/real")));
    }),
    Case::new("in a root mounts are crossed, and two dots come back from them", |s| {
        image(s);
        s.does("tmpfs /w/root/dev; tmpfs /w/root/dev/pts; file /w/root/dev/pts/0");
        s.does("link ../../etc /w/root/dev/pts/etc");
        s.does("link /dev/pts /w/root/pts");
        leads(s, "dev/pts/0", "/w/root/dev/pts/0");
        leads(s, "pts/0", "/w/root/dev/pts/0");
        leads(s, "pts/../..", "/w/root");
        leads(s, "pts/etc", "/w/root/etc");
        s.does("bind /w/root/usr /w/root/dev/pts");
        leads(s, "pts/lib/../..", "/w/root/dev");
        s.does("dir /w/elsewhere; bind /w/root/usr/lib /w/elsewhere");
        let place = within("/w/elsewhere", "../../etc");
        s.refuses(Errno::ENOENT, || s.fs().metadata(&place, FinalSymlink::Follow));
    }),
    Case::new("in a root no more than 40 symlinks are followed", |s| {
        s.does("file /w/root/0");
        for link in 1..=41 {
            s.does(&format!("link {} /w/root/{link}", link - 1));
        }
        leads(s, "40", "/w/root/0");
        refused(s, "41", Errno::ELOOP);
        s.does("link . /w/root/dot");
        leads(s, &"dot/".repeat(40), "/w/root");
        refused(s, &"dot/".repeat(41), Errno::ELOOP);
    }),
    Case::new("in a root symlinks without end are ELOOP for every call", |s| {
        s.does("link loop /w/root/loop; link /b /w/root/a; link ../a/x /w/root/b");
        all_refuse_in_root(s, &["loop/name", "a/name", "loop/../name", "a/.."], Errno::ELOOP);
        refused(s, "loop", Errno::ELOOP);
    }),
    Case::new("in a root a missing component is ENOENT for every call, and what is outside is missing", |s| {
        image(s);
        let paths = [
            "missing/name",
            "missing/../etc/name",
            "dangles/name",
            "../outside/name",
            "/w/outside/name",
            "lib/missing/../name",
        ];
        all_refuse_in_root(s, &paths, Errno::ENOENT);
    }),
    Case::new("in a root a component that is no directory is ENOTDIR for every call", |s| {
        image(s);
        s.does("fifo /w/root/run/fifo");
        all_refuse_in_root(s, &["absolute/name", "absolute/../name", "run/fifo/.", "absolute/.."], Errno::ENOTDIR);
        for path in ["absolute/", "run/fifo/", "usr/lib/file//"] {
            refused(s, path, Errno::ENOTDIR);
            s.refuses(Errno::ENOTDIR, || s.fs().remove_file(&within("/w/root", "usr/lib/file/")));
        }
    }),
    Case::new("in a root a NUL is EINVAL, and a name or path that is too long ENAMETOOLONG, for every call", |s| {
        image(s);
        all_refuse_in_root(s, &["a\0b", "etc/a\0b", "missing/a\0b"], Errno::EINVAL);
        let (name, path) = ("n".repeat(256), "n/".repeat(2047) + "nn");
        all_refuse_in_root(s, &[&name, &format!("var/run/{name}"), &path], Errno::ENAMETOOLONG);
    }),
    Case::new("a root that is not there is ENOENT, and one that is no directory ENOTDIR, for every path in it", |s| {
        ready(s);
        s.does("file /w/file");
        for (_, call) in every_call() {
            for path in ["name", "a/../b"] {
                s.refuses(Errno::ENOENT, || call(s, &within("/w/missing", path)));
                s.refuses(Errno::ENOENT, || call(s, &within("", path)));
                s.refuses(Errno::ENOTDIR, || call(s, &within("/w/file", path)));
            }
        }
    }),
    Case::new("in a root a magic link is ELOOP, and other symlinks of procfs are followed", |s| {
        s.does("file /w/file");
        let _held = s.hold("/w/file", Hold::Read);
        let is_file = |name: &String| s.fs().read_link(&at(name.as_str())).is_ok_and(|to| to == Path::new("/w/file"));
        let names = s.world().names(Path::new("/proc/thread-self/fd")).unwrap();
        let links = names.iter().map(|name| format!("/proc/thread-self/fd/{}", name.to_str().unwrap()));
        let link = links.into_iter().find(is_file).expect("a descriptor is open");
        let metadata = |path: &str, link| s.fs().metadata(&within("/", path), link).map(|found| found.kind);
        for path in [link.clone(), format!("{link}/"), format!("{link}/name"), format!("proc/../{link}")] {
            s.refuses(Errno::ELOOP, || metadata(&path, FinalSymlink::Follow));
        }
        assert_eq!(metadata(&link, FinalSymlink::Itself).unwrap(), FileKind::Symlink);
        assert_eq!(metadata("/proc/self/fd/..", FinalSymlink::Follow).unwrap(), FileKind::Directory);
        assert_eq!(metadata("/proc/thread-self/mountinfo", FinalSymlink::Follow).unwrap(), FileKind::Regular);
    }),
    Case::new("in a root a mount of which no symlink is followed is obeyed", |s| {
        s.does("tmpfs /w/root/m; dir /w/root/m/d; link d /w/root/m/link; link m/d /w/root/outer");
        // Before 5.10 no kernel has the flag.
        let flag = mountwright_core::AttributeChange::setting(MountFlags::NO_SYMLINK_FOLLOW);
        let request = mountwright_core::AttributesRequest::new(at("/w/root/m"), flag);
        if s.mounter().change_attributes(&request).is_ok()
            && s.mount("/w/root/m").attributes.flags.contains(MountFlags::NO_SYMLINK_FOLLOW)
        {
            refused(s, "m/link", Errno::ELOOP);
            refused(s, "m/link/..", Errno::ELOOP);
        }
        leads(s, "outer", "/w/root/m/d");
    }),
    Case::new("in a root a directory that may not be searched is EACCES, for dots too", |s| {
        s.does("dir /w/root/closed/in; chmod 600 /w/root/closed");
        s.without_privilege();
        for path in ["closed/in", "closed/in/..", "closed/..", "closed/.", "closed/./../etc"] {
            let calls = LOOKS.iter().chain(MOUNT_QUESTIONS).chain(FILE_CHANGES);
            for (_, call) in calls.filter(|_| path == "closed/in") {
                s.refuses(Errno::EACCES, || call(s, &within("/w/root", path)));
            }
            refused(s, path, Errno::EACCES);
        }
        leads(s, "closed", "/w/root/closed");
    }),
    Case::new("in a root a path may go down and up further than directories are held open", |s| {
        let deep = "d/".repeat(150);
        s.dir(Path::new("/w/root").join(&deep));
        s.does("file /w/root/end");
        s.does(&format!("link /{deep} /w/root/deep"));
        leads(s, &format!("{deep}{}end", "../".repeat(150)), "/w/root/end");
        leads(s, &format!("deep/{}{}", "../".repeat(149), "d/".repeat(148)), &format!("/w/root/{}d", "d/".repeat(148)));
        leads(s, &format!("deep/{}end", "../".repeat(400)), "/w/root/end");
    }),
    Case::new("in a root the last component is the name itself for calls that speak of names", |s| {
        image(s);
        let place = |path: &str| within("/w/root", path);
        let itself = |path: &str| s.fs().metadata(&place(path), FinalSymlink::Itself).unwrap();
        s.assert_metadata(&itself("/etc/../absolute"), "/w/root/absolute");
        s.assert_metadata(&itself("var/run/../dangles"), "/w/root/dangles");
        assert_eq!(s.fs().read_link(&place("etc/top/var/run")).unwrap(), Path::new("/run"));
        for path in ["etc", "", "/", "etc/.", "lib/.."] {
            s.refuses(Errno::EINVAL, || s.fs().read_link(&place(path)));
        }
        for path in ["dangles", "lib", "var/run"] {
            s.refuses(Errno::EEXIST, || s.fs().create_dir(&place(path), FileMode::from_bits(0o755)));
            s.refuses(Errno::EEXIST, || s.fs().create_file(&place(path), FileMode::from_bits(0o644)));
            s.refuses(Errno::ENOTDIR, || s.fs().remove_dir(&place(path)));
        }
        s.fs().remove_file(&place("var/run/../dangles")).unwrap();
        s.fs().remove_file(&place("lib")).unwrap();
        assert!(!s.exists("/w/root/dangles") && !s.exists("/w/root/lib") && s.exists("/w/root/usr/lib"));
    }),
    Case::new("in a root files and directories are made and removed behind symlinks, of exactly the mode", |s| {
        image(s);
        s.world().set_umask(0o777);
        let place = |path: &str| within("/w/root", path);
        for (path, file) in [("var/run/a", "/w/root/run/a"), ("/lib/../b", "/w/root/usr/b"), ("etc/up/c/", "/w/root/c")]
        {
            let made = s.fs().create_dir(&place(path), FileMode::from_bits(0o2751)).unwrap();
            assert_eq!((s.mode(file), s.stat(file).inode), (0o2751, made.inode));
            s.fs().remove_dir(&place(path)).unwrap();
            assert!(!s.exists(file));
        }
        let made = s.fs().create_file(&place("var/run/f"), FileMode::from_bits(0o604)).unwrap();
        assert_eq!((s.mode("/w/root/run/f"), s.stat("/w/root/run/f").inode), (0o604, made.inode));
        s.refuses(Errno::EISDIR, || s.fs().create_file(&place("run/g/"), FileMode::from_bits(0o604)));
        s.fs().remove_file(&place("var/run/../run/f")).unwrap();
        assert!(!s.exists("/w/root/run/f"));
    }),
    Case::new("in a root a path that ends in no name is not made and not removed", |s| {
        image(s);
        s.does("dir /w/root/empty");
        for path in ["", "/", ".", "..", "empty/.", "empty/..", "etc/../empty/."] {
            let place = within("/w/root", path);
            s.refuses(Errno::EEXIST, || s.fs().create_dir(&place, FileMode::from_bits(0o755)));
            s.refuses(Errno::EEXIST, || s.fs().create_file(&place, FileMode::from_bits(0o644)));
            s.refuses(Errno::EINVAL, || s.fs().remove_dir(&place));
            s.refuses(Errno::EISDIR, || s.fs().remove_file(&place));
        }
    }),
    Case::new("in a root devices, pipes and sockets are looked at and not opened", |s| {
        s.does("fifo /w/root/run/fifo; socket /w/root/run/socket; char 1:3 /w/root/run/null; link /run /w/root/var");
        for name in ["fifo", "socket", "null"] {
            leads(s, &format!("var/{name}"), &format!("/w/root/run/{name}"));
        }
    })
    .needing(Needs::DeviceNodes),
];

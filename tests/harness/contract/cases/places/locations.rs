//! Places: resolution of paths, by every call.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::{Errno, FileMode};

use crate::contract::case::Case;
use crate::contract::cases::places::every_call::{
    FILE_CHANGES, LOOKS, MOUNT_CHANGES, MOUNT_QUESTIONS, every_call, ready,
};
use crate::contract::scene::{Scene, at, below, bind, unmount};

/// Every call fails with this errno at a trusted path, and its error has the call and the path.
fn all_refuse(s: &Scene<'_>, path: &str, errno: Errno) {
    ready(s);
    for (operation, call) in every_call() {
        let error = s.refuses(errno, || call(s, &at(path)));
        assert_eq!(error.operation(), *operation, "{error}");
    }
}

/// Every call fails with this errno at a place below `/w/root`.
fn all_refuse_below(s: &Scene<'_>, paths: &[&str], errno: Errno) {
    ready(s);
    for path in paths {
        for (operation, call) in every_call() {
            let error = s.refuses(errno, || call(s, &below("/w/root", *path)));
            assert_eq!(error.operation(), *operation, "{error}");
        }
    }
}

/// Names that are hard to print, and one that looks deleted.
pub(in crate::contract::cases) fn odd_names() -> Vec<PathBuf> {
    let bytes = [
        &b"with space"[..],
        b"tab\there",
        b"line\nbreak",
        b"back\\slash",
        b"\\040",
        b"#hash",
        b"\xff\xfe",
        b"\x01\x7f\r",
        b"..data",
        b" (deleted)",
        "h\u{e9}llo".as_bytes(),
    ];
    bytes.iter().map(|name| PathBuf::from(OsString::from_vec(name.to_vec()))).collect()
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("every call on a missing path is ENOENT, and names the call and the path", |s| {
        all_refuse(s, "/w/missing/name", Errno::ENOENT);
        for (_, call) in LOOKS.iter().chain(FILE_CHANGES).chain(MOUNT_QUESTIONS) {
            let error = s.refuses(Errno::ENOENT, || call(s, &at("/w/missing/name")));
            assert_eq!(error.path(), Some(Path::new("/w/missing/name")));
        }
    }),
    Case::new("every call below something that is no directory is ENOTDIR", |s| {
        s.does("file /w/file");
        all_refuse(s, "/w/file/name", Errno::ENOTDIR);
    }),
    Case::new("every call through symlinks without end is ELOOP", |s| {
        s.does("link loop /w/loop");
        all_refuse(s, "/w/loop/name", Errno::ELOOP);
    }),
    Case::new("every call on an empty path is ENOENT", |s| all_refuse(s, "", Errno::ENOENT)),
    Case::new("every call on a path with a NUL is EINVAL", |s| {
        s.does("dir /w/a");
        all_refuse(s, "/w/a\0b", Errno::EINVAL);
    }),
    Case::new("every call on a name of more than 255 bytes is ENAMETOOLONG", |s| {
        all_refuse(s, &format!("/w/{}", "n".repeat(256)), Errno::ENAMETOOLONG);
    }),
    Case::new("every call on a path of 4096 bytes is ENAMETOOLONG, below a root too", |s| {
        // Every name of it is short, and the first is missing.
        let long = "n/".repeat(2047) + "nn";
        assert_eq!(long.len(), 4096);
        all_refuse(s, &long, Errno::ENAMETOOLONG);
        s.does("dir /w/root");
        all_refuse_below(s, &[&long], Errno::ENAMETOOLONG);
    }),
    Case::new("a name of 255 bytes is a name", |s| {
        let path = format!("/w/{}", "n".repeat(255));
        s.fs().create_dir(&at(&path), FileMode::from_bits(0o755)).unwrap();
        assert_eq!(s.kind(&path), Some(FileKind::Directory));
    }),
    Case::new("looking below a directory that may not be searched is EACCES", |s| {
        s.does("file /w/closed/file; chmod 600 /w/closed");
        s.without_privilege();
        for (_, call) in LOOKS.iter().chain(MOUNT_QUESTIONS).chain(FILE_CHANGES) {
            s.refuses(Errno::EACCES, || call(s, &at("/w/closed/file")));
        }
        let error = s.fs().canonicalize(Path::new("/w/closed/file")).unwrap_err();
        assert_eq!(error.errno(), Errno::EACCES);
    }),
    Case::new("every change of mounts without privilege is EPERM", |s| {
        ready(s);
        s.does("tmpfs /w/place");
        s.without_privilege();
        for (operation, call) in MOUNT_CHANGES {
            let error = s.refuses(Errno::EPERM, || call(s, &at("/w/place")));
            assert_eq!(error.operation(), *operation);
        }
    }),
    Case::new("a call that succeeds leaves the current directory, the umask and the descriptors as they were", |s| {
        s.does("file /w/source/f text; link f /w/source/link; dir /w/here; chdir /w/here");
        s.world().set_umask(0o027);
        s.changes_nothing(|| {
            for (target, parent) in [(at("/w/a/b"), at("/w/a")), (below("/w", "a/b"), below("/w", "a"))] {
                let bind = mountwright_core::BindRequest::new(at("/w/source"), target.clone());
                let report = s.mounter().bind(&bind.read_only().creating_target(FileMode::from_bits(0o755))).unwrap();
                s.mounter().mount_of(&target).unwrap();
                s.mounter().find_mount(report.mount).unwrap();
                let directory = s.fs().open_dir(&target).unwrap();
                directory.read_file("f".as_ref(), 10).unwrap();
                directory.read_link("link".as_ref()).unwrap();
                assert_eq!(directory.entries().unwrap().count(), 2);
                drop(directory);
                let own = mountwright_core::UnmountRequest::new(target.clone()).only(report.mount);
                s.mounter().unmount(&own).unwrap();
                s.fs().remove_dir(&target).unwrap();
                s.fs().create_file(&target, FileMode::from_bits(0o600)).unwrap();
                s.fs().remove_file(&target).unwrap();
                s.fs().remove_dir(&parent).unwrap();
            }
        });
    }),
    Case::new("a trusted path follows symlinks on the way", |s| {
        s.does("dir /w/real/inner; link /w/real /w/absolute; link real /w/relative; link .. /w/real/inner/up");
        for path in ["/w/absolute/a", "/w/relative/b", "/w/relative/inner/up/c"] {
            s.fs().create_dir(&at(path), FileMode::from_bits(0o755)).unwrap();
        }
        assert!(s.exists("/w/real/a") && s.exists("/w/real/b") && s.exists("/w/real/c"));
        s.does("dir /w/source");
        s.mounter().bind(&bind("/w/absolute/inner/up/a", "/w/relative/b")).unwrap();
        assert_eq!(s.mount_points(), ["/w/real/b"]);
        s.mounter().unmount(&unmount("/w/absolute/b")).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
    }),
    Case::new("a trusted path may go up with two dots, from where it is then", |s| {
        s.does("dir /w/a/b /w/c; link /w/a/b /w/c/link");
        s.fs().create_dir(&at("/w/c/link/../made"), FileMode::from_bits(0o755)).unwrap();
        assert!(s.exists("/w/a/made") && !s.exists("/w/c/made"));
    }),
    Case::new("a relative path starts at the current directory", |s| {
        s.does("dir /w/here; chdir /w/here");
        s.fs().create_dir(&at("made"), FileMode::from_bits(0o755)).unwrap();
        assert!(s.exists("/w/here/made"));
        s.does("dir /w/source");
        s.mounter().bind(&bind("../source", "made")).unwrap();
        assert_eq!(s.mount_points(), ["/w/here/made"]);
        assert_eq!(s.mounter().mount_of(&at("made")).unwrap().mount.mount_point, Path::new("/w/here/made"));
        assert_eq!(s.fs().canonicalize(Path::new("made/..")).unwrap(), Path::new("/w/here"));
        s.mounter().unmount(&unmount("made")).unwrap();
        s.fs().remove_dir(&at("made")).unwrap();
        let rooted = below("../here", "below");
        s.fs().create_dir(&rooted, FileMode::from_bits(0o755)).unwrap();
        assert!(s.exists("/w/here/below"));
    }),
    Case::new("slashes may be doubled, and a directory may end in one", |s| {
        s.does("dir /w/a/b");
        s.assert_metadata(&s.fs().metadata(&at("//w//a///b/"), FinalSymlink::Itself).unwrap(), "/w/a/b");
        s.does("file /w/file");
        s.refuses(Errno::ENOTDIR, || s.fs().metadata(&at("/w/file/"), FinalSymlink::Itself));
    }),
    Case::new("below a root a symlink on the way is ELOOP for every call, wherever it leads", |s| {
        s.does("dir /w/root/real/inner /w/outside/inner; link real /w/root/stays; link /w/root/real /w/root/absolute");
        s.does("link ../outside /w/root/leaves; link nowhere /w/root/dangles; link / /w/root/top");
        s.does("link inner /w/root/real/deep");
        all_refuse_below(
            s,
            &["stays/inner", "absolute/inner", "leaves/inner", "dangles/inner", "top/w", "real/deep/x"],
            Errno::ELOOP,
        );
    }),
    Case::new("below a root a mount point before the last component is EXDEV for every call", |s| {
        s.does("tmpfs /w/root/mounted; dir /w/root/mounted/inner /w/root/plain; bind /w/root/plain /w/root/same");
        all_refuse_below(s, &["mounted/inner", "mounted/missing", "same/inner"], Errno::EXDEV);
    }),
    Case::new("below a root a missing component is ENOENT for every call", |s| {
        s.does("dir /w/root");
        all_refuse_below(s, &["missing/name"], Errno::ENOENT);
    }),
    Case::new("below a root a component that is no directory is ENOTDIR for every call", |s| {
        s.does("file /w/root/file");
        all_refuse_below(s, &["file/name"], Errno::ENOTDIR);
    }),
    Case::new("a root that is not there is ENOENT, and one that is no directory ENOTDIR, for every call", |s| {
        ready(s);
        s.does("file /w/file");
        for (_, call) in every_call() {
            s.refuses(Errno::ENOENT, || call(s, &below("/w/missing", "name")));
            s.refuses(Errno::ENOENT, || call(s, &below("", "name")));
            s.refuses(Errno::ENOTDIR, || call(s, &below("/w/file", "name")));
        }
    }),
    Case::new("the root itself is trusted: its symlinks are followed and its mounts entered", |s| {
        s.does("tmpfs /w/real; link /w/real /w/root");
        s.fs().create_dir(&below("/w/root", "made"), FileMode::from_bits(0o755)).unwrap();
        assert!(s.exists("/w/real/made"));
        s.does("dir /w/real/source");
        s.mounter().bind(&bind("/w/real/source", "/w/real/made")).unwrap();
        assert!(s.mounter().mount_of(&below("/w/root", "made")).unwrap().is_root);
    }),
    Case::new("below a root the last component may be a mount point", |s| {
        s.does("tmpfs /w/root/mounted");
        let place = below("/w/root", "mounted");
        s.assert_metadata(&s.fs().metadata(&place, FinalSymlink::Follow).unwrap(), "/w/root/mounted");
        s.assert_metadata(&s.fs().metadata(&place, FinalSymlink::Itself).unwrap(), "/w/root/mounted");
        s.assert_metadata(&s.fs().open_dir(&place).unwrap().own_metadata().unwrap(), "/w/root/mounted");
        assert!(s.mounter().filesystem_of(&place).unwrap().is_mount_root);
    }),
    Case::new("names are bytes, at every call", |s| {
        s.does("file /w/source/f x");
        for name in odd_names() {
            for place in [at(Path::new("/w").join(&name)), below("/w", &name)] {
                let path = Path::new("/w").join(&name);
                s.fs().create_dir(&place, FileMode::from_bits(0o700)).unwrap();
                s.assert_metadata(&s.fs().metadata(&place, FinalSymlink::Itself).unwrap(), &path);
                assert_eq!(s.fs().canonicalize(&path).unwrap(), path);
                let request = mountwright_core::BindRequest::new(at("/w/source"), place.clone());
                s.mounter().bind(&request).unwrap();
                assert_eq!(s.mounter().mount_of(&place).unwrap().mount.mount_point, path);
                assert_eq!(s.text(path.join("f")), b"x");
                s.mounter().unmount(&mountwright_core::UnmountRequest::new(place.clone())).unwrap();
                s.fs().remove_dir(&place).unwrap();
                s.fs().create_file(&place, FileMode::from_bits(0o600)).unwrap();
                s.fs().remove_file(&place).unwrap();
                assert!(!s.exists(&path));
            }
        }
    }),
];

//! The port to files: queries, creation, removal.

use std::path::{Path, PathBuf};

use mountwright_core::file::{FileIdentity, FileKind, FinalSymlink};
use mountwright_core::{DeviceNumber, Errno};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, below, mode};

/// The port's metadata of a path, itself not followed, are those of the kernel.
#[track_caller]
fn same_metadata(s: &Scene<'_>, path: &str) {
    let found = s.fs().metadata(&at(path), FinalSymlink::Itself).unwrap();
    s.assert_metadata(&found, path);
    assert_eq!(s.fs().metadata(&below("/w", path.strip_prefix("/w/").unwrap()), FinalSymlink::Itself).unwrap(), found);
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("metadata is what stat(2) says: kind, filesystem, inode, mode, owner, size, names", |s| {
        s.does("dir /w/d/e; file /w/d/f five!; hardlink /w/d/f /w/d/g; chmod 4751 /w/d/f; link f /w/d/link");
        s.does("fifo /w/d/fifo; socket /w/d/socket; tmpfs /w/d/other");
        for path in ["/w/d", "/w/d/e", "/w/d/f", "/w/d/g", "/w/d/link", "/w/d/fifo", "/w/d/socket", "/w/d/other"] {
            same_metadata(s, path);
        }
        let found = s.fs().metadata(&at("/w/d/f"), FinalSymlink::Itself).unwrap();
        assert_eq!((found.kind, found.size, found.links, found.mode), (FileKind::Regular, 5, 2, mode(0o4751)));
        assert_eq!(found.represents, None);
    }),
    Case::new("a device node represents a device, and nothing else does", |s| {
        s.does("char 1:3 /w/null; block 259:70000 /w/disk");
        let null = s.fs().metadata(&at("/w/null"), FinalSymlink::Follow).unwrap();
        assert_eq!((null.kind, null.represents), (FileKind::CharacterDevice, Some(DeviceNumber::new(1, 3))));
        let disk = s.fs().metadata(&at("/w/disk"), FinalSymlink::Follow).unwrap();
        assert_eq!((disk.kind, disk.represents), (FileKind::BlockDevice, Some(DeviceNumber::new(259, 70_000))));
    })
    .needing(Needs::DeviceNodes),
    Case::new("metadata follows a symlink at the end where it is asked to, and speaks of it otherwise", |s| {
        s.does("file /w/file text; link file /w/link; link link /w/again");
        let link = |path: &str, how| s.fs().metadata(&at(path), how).unwrap();
        s.assert_metadata(&link("/w/again", FinalSymlink::Follow), "/w/file");
        s.assert_metadata(&link("/w/again", FinalSymlink::Itself), "/w/again");
        assert_eq!(link("/w/again", FinalSymlink::Itself).kind, FileKind::Symlink);
    }),
    Case::new("metadata of a dangling symlink is ENOENT, of the link itself an answer", |s| {
        s.does("link nowhere /w/link");
        s.refuses(Errno::ENOENT, || s.fs().metadata(&at("/w/link"), FinalSymlink::Follow));
        assert_eq!(s.fs().metadata(&at("/w/link"), FinalSymlink::Itself).unwrap().kind, FileKind::Symlink);
    }),
    Case::new("below a root metadata of a symlink is ELOOP, of the link itself an answer", |s| {
        s.does("dir /w/dir; link dir /w/link");
        s.refuses(Errno::ELOOP, || s.fs().metadata(&below("/w", "link"), FinalSymlink::Follow));
        let found = s.fs().metadata(&below("/w", "link"), FinalSymlink::Itself).unwrap();
        s.assert_metadata(&found, "/w/link");
    }),
    Case::new("canonicalize answers the absolute path without symlinks and dots", |s| {
        s.does("dir /w/real/inner; file /w/real/file; link real /w/link; link /w/link/inner /w/other");
        s.does("tmpfs /w/real/mounted");
        s.dir("/w/gone (deleted)");
        for (path, resolved) in [
            ("/", "/"),
            ("/w/link", "/w/real"),
            ("/w/link/", "/w/real"),
            ("/w/other/..", "/w/real"),
            ("/w/./real//inner/../file", "/w/real/file"),
            ("/w/link/mounted", "/w/real/mounted"),
            ("/w/gone (deleted)", "/w/gone (deleted)"),
            ("/..", "/"),
        ] {
            assert_eq!(s.fs().canonicalize(Path::new(path)).unwrap(), Path::new(resolved), "{path}");
        }
    }),
    Case::new("canonicalize wants the whole path to exist", |s| {
        s.does("link nowhere /w/dangles; link loop /w/loop; file /w/file");
        for (path, errno) in [
            ("/w/missing", Errno::ENOENT),
            ("/w/dangles", Errno::ENOENT),
            ("/w/loop", Errno::ELOOP),
            ("/w/file/x", Errno::ENOTDIR),
            ("/w/file/", Errno::ENOTDIR),
            ("", Errno::ENOENT),
            ("/w/a\0b", Errno::EINVAL),
            (&format!("/w/{}", "n".repeat(256)), Errno::ENAMETOOLONG),
            (&"n/".repeat(2048), Errno::ENAMETOOLONG),
        ] {
            s.refuses(errno, || s.fs().canonicalize(Path::new(path)));
        }
    }),
    Case::new("canonicalize of a stack is the path of what is on top", |s| {
        s.does("tmpfs /w/m /w/m; dir /w/m/top");
        assert_eq!(s.fs().canonicalize(Path::new("/w/m/top")).unwrap(), Path::new("/w/m/top"));
    }),
    Case::new("the current directory is an absolute path", |s| {
        for path in ["/", "/w", "/w/a b\n"] {
            s.dir(path);
            s.chdir(path);
            assert_eq!(s.fs().current_dir().unwrap(), Path::new(path));
        }
    }),
    Case::new("the current directory follows a rename", |s| {
        s.does("dir /w/old; chdir /w/old; rename /w/old /w/new");
        assert_eq!(s.fs().current_dir().unwrap(), Path::new("/w/new"));
    }),
    Case::new("a current directory that was removed is ENOENT", |s| {
        s.does("dir /w/gone; chdir /w/gone; rmdir /w/gone");
        s.refuses(Errno::ENOENT, || s.fs().current_dir());
    }),
    Case::new("a current directory outside the root is ENOENT", |s| {
        s.does("tmpfs /w/gone; chdir /w/gone; detach /w/gone");
        s.refuses(Errno::ENOENT, || s.fs().current_dir());
    }),
    Case::new("a symlink is read, not followed, also below a root", |s| {
        s.link("../target of any kind".as_ref(), "/w/link");
        s.does("link link /w/again");
        assert_eq!(s.fs().read_link(&at("/w/again")).unwrap(), Path::new("link"));
        assert_eq!(s.fs().read_link(&at("/w/link")).unwrap(), Path::new("../target of any kind"));
        assert_eq!(s.fs().read_link(&below("/w", "link")).unwrap(), Path::new("../target of any kind"));
    }),
    Case::new("a long symlink is read whole", |s| {
        let target = PathBuf::from("t".repeat(4000));
        s.link(&target, "/w/link");
        assert_eq!(s.fs().read_link(&at("/w/link")).unwrap(), target);
    }),
    Case::new("reading a link that is none is EINVAL", |s| {
        s.does("dir /w/dir; file /w/file");
        for path in ["dir", "file"] {
            s.refuses(Errno::EINVAL, || s.fs().read_link(&at(Path::new("/w").join(path))));
            s.refuses(Errno::EINVAL, || s.fs().read_link(&below("/w", path)));
        }
        s.refuses(Errno::ENOENT, || s.fs().read_link(&at("/w/missing")));
    }),
    Case::new("what is created has exactly its mode, whatever the umask", |s| {
        s.world().set_umask(0o777);
        for bits in [0o000, 0o755, 0o777, 0o2770, 0o1777, 0o7777, 0o4711] {
            let name = format!("{bits:04o}");
            for (place, path) in [
                (at(format!("/w/t{name}")), format!("/w/t{name}")),
                (below("/w", format!("b{name}")), format!("/w/b{name}")),
            ] {
                s.fs().create_dir(&place, mode(bits)).unwrap();
                assert_eq!((s.kind(&path), s.mode(&path)), (Some(FileKind::Directory), bits), "{path}");
                s.fs().remove_dir(&place).unwrap();
                s.fs().create_file(&place, mode(bits)).unwrap();
                assert_eq!((s.kind(&path), s.mode(&path)), (Some(FileKind::Regular), bits), "{path}");
                assert_eq!(s.stat(&path).size, 0);
            }
        }
    }),
    Case::new("what is created is reported by its identity", |s| {
        for (place, path) in [(at("/w/t"), "/w/t"), (below("/w", "b"), "/w/b")] {
            let made = s.fs().create_dir(&place, mode(0o755)).unwrap();
            assert_eq!(made, FileIdentity::from(&s.stat(path)), "{path}");
            s.fs().remove_dir(&place).unwrap();
            let made = s.fs().create_file(&place, mode(0o644)).unwrap();
            assert_eq!(made, FileIdentity::from(&s.stat(path)), "{path}");
        }
    }),
    Case::new("creating makes one level", |s| {
        for (path, errno) in [("/w/a/b", Errno::ENOENT), ("/w/a/b/c", Errno::ENOENT)] {
            s.refuses(errno, || s.fs().create_dir(&at(path), mode(0o755)));
            s.refuses(errno, || s.fs().create_file(&at(path), mode(0o644)));
            s.refuses(errno, || s.fs().create_dir(&below("/w", path.strip_prefix("/w/").unwrap()), mode(0o755)));
        }
    }),
    Case::new("creating where something is, a symlink too, is EEXIST", |s| {
        s.does("dir /w/dir; file /w/file kept; link nowhere /w/link; tmpfs /w/mounted");
        for name in ["dir", "file", "link", "mounted"] {
            for place in [at(Path::new("/w").join(name)), below("/w", name)] {
                s.refuses(Errno::EEXIST, || s.fs().create_dir(&place, mode(0o755)));
                s.refuses(Errno::EEXIST, || s.fs().create_file(&place, mode(0o644)));
            }
        }
        s.refuses(Errno::EEXIST, || s.fs().create_dir(&at("/"), mode(0o755)));
    }),
    Case::new("creating and removing on a read-only mount is EROFS", |s| {
        s.does("dir /w/m/dir; tmpfs /w/m; dir /w/m/dir; file /w/m/file kept; read-only /w/m");
        s.refuses(Errno::EROFS, || s.fs().create_dir(&at("/w/m/new"), mode(0o755)));
        s.refuses(Errno::EROFS, || s.fs().create_file(&at("/w/m/new"), mode(0o644)));
        s.refuses(Errno::EROFS, || s.fs().remove_dir(&at("/w/m/dir")));
        s.refuses(Errno::EROFS, || s.fs().remove_file(&at("/w/m/file")));
        s.refuses(Errno::EROFS, || s.fs().create_dir(&below("/w/m", "dir/new"), mode(0o755)));
        s.refuses(Errno::EROFS, || s.fs().remove_file(&below("/w/m", "file")));
    }),
    Case::new("an empty directory is removed", |s| {
        s.does("dir /w/a/b");
        s.fs().remove_dir(&at("/w/a/b")).unwrap();
        assert!(!s.exists("/w/a/b"));
        s.fs().remove_dir(&below("/w", "a")).unwrap();
        assert!(!s.exists("/w/a"));
    }),
    Case::new("removing a directory with something in it is ENOTEMPTY", |s| {
        s.does("file /w/a/f kept");
        s.refuses(Errno::ENOTEMPTY, || s.fs().remove_dir(&at("/w/a")));
        s.refuses(Errno::ENOTEMPTY, || s.fs().remove_dir(&below("/w", "a")));
    }),
    Case::new("removing a directory that a mount is on is EBUSY, empty or not", |s| {
        s.does("tmpfs /w/a");
        s.refuses(Errno::EBUSY, || s.fs().remove_dir(&at("/w/a")));
        s.does("file /w/a/f kept");
        s.refuses(Errno::EBUSY, || s.fs().remove_dir(&at("/w/a")));
        s.refuses(Errno::EBUSY, || s.fs().remove_dir(&below("/w", "a")));
    }),
    Case::new("remove_dir of a file or a symlink is ENOTDIR", |s| {
        s.does("dir /w/dir; file /w/file; link dir /w/link");
        for name in ["file", "link"] {
            s.refuses(Errno::ENOTDIR, || s.fs().remove_dir(&at(Path::new("/w").join(name))));
            s.refuses(Errno::ENOTDIR, || s.fs().remove_dir(&below("/w", name)));
        }
        s.refuses(Errno::ENOENT, || s.fs().remove_dir(&at("/w/missing")));
    }),
    Case::new("remove_file removes a name of any kind but a directory, a symlink itself", |s| {
        s.does("file /w/target kept");
        for place in [at("/w/name"), below("/w", "name")] {
            let gone = |what: &str| {
                s.fs().remove_file(&place).unwrap();
                assert!(!s.exists("/w/name"), "{what}");
            };
            s.does("file /w/name");
            gone("file");
            s.does("link target /w/name");
            gone("link");
            s.does("fifo /w/name");
            gone("fifo");
            s.does("socket /w/name");
            gone("socket");
        }
        assert_eq!(s.text("/w/target"), b"kept");
    }),
    Case::new("remove_file of a directory is EISDIR", |s| {
        s.does("dir /w/dir");
        s.refuses(Errno::EISDIR, || s.fs().remove_file(&at("/w/dir")));
        s.refuses(Errno::EISDIR, || s.fs().remove_file(&below("/w", "dir")));
        s.refuses(Errno::ENOENT, || s.fs().remove_file(&at("/w/missing")));
    }),
    Case::new("removing a file that a mount is on is EBUSY", |s| {
        s.does("file /w/source source; file /w/target target; bind /w/source /w/target");
        s.refuses(Errno::EBUSY, || s.fs().remove_file(&at("/w/target")));
        s.refuses(Errno::EBUSY, || s.fs().remove_file(&below("/w", "target")));
    }),
    Case::new("opening what is no directory is ENOTDIR, a symlink below a root ELOOP", |s| {
        s.does("file /w/file; fifo /w/fifo; dir /w/dir; link dir /w/link");
        s.refuses(Errno::ENOTDIR, || s.fs().open_dir(&at("/w/file")));
        s.refuses(Errno::ENOTDIR, || s.fs().open_dir(&below("/w", "file")));
        s.refuses(Errno::ENOTDIR, || s.fs().open_dir(&at("/w/fifo")));
        s.refuses(Errno::ENOENT, || s.fs().open_dir(&at("/w/missing")));
        s.refuses(Errno::ELOOP, || s.fs().open_dir(&below("/w", "link")));
        s.assert_metadata(&s.fs().open_dir(&at("/w/link")).unwrap().own_metadata().unwrap(), "/w/dir");
    }),
];

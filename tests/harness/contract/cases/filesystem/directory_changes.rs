//! The port to open directories: creation, change and removal of names.

use std::path::Path;

use mountwright_core::file::{FileIdentity, FileKind};
use mountwright_core::{Directory, Errno};

use crate::contract::case::{Case, Needs};
use crate::contract::cases::filesystem::directories::{CREATIONS, n, open};
use crate::contract::scene::mode;
use crate::contract::world::Hold;

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("names made in a directory have exactly their mode, whatever the umask", |s| {
        s.does("dir /w/d");
        s.world().set_umask(0o777);
        let d = open(s, "/w/d");
        for bits in [0o000, 0o644, 0o755, 0o1777, 0o2775, 0o7777] {
            d.create_dir(n("made"), mode(bits)).unwrap();
            assert_eq!((s.kind("/w/d/made"), s.mode("/w/d/made")), (Some(FileKind::Directory), bits));
            d.remove_dir(n("made")).unwrap();
            d.create_file(n("made"), mode(bits)).unwrap();
            assert_eq!((s.kind("/w/d/made"), s.mode("/w/d/made")), (Some(FileKind::Regular), bits));
            d.remove_file(n("made")).unwrap();
            d.replace_file(n("made"), b"x", mode(bits)).unwrap();
            assert_eq!((s.kind("/w/d/made"), s.mode("/w/d/made")), (Some(FileKind::Regular), bits));
            d.remove_file(n("made")).unwrap();
        }
    }),
    Case::new("a name made in a directory is reported by its identity", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        let made = d.create_dir(n("dir"), mode(0o755)).unwrap();
        assert_eq!(made, FileIdentity::from(&d.metadata(n("dir")).unwrap()));
        let made = d.create_file(n("file"), mode(0o644)).unwrap();
        assert_eq!(made, FileIdentity::from(&d.metadata(n("file")).unwrap()));
    }),
    Case::new("creating a name that is there, a dangling link too, is EEXIST", |s| {
        s.does("dir /w/d/dir; file /w/d/file kept; link nowhere /w/d/link");
        let d = open(s, "/w/d");
        for name in ["dir", "file", "link"] {
            s.refuses(Errno::EEXIST, || d.create_dir(n(name), mode(0o755)));
            s.refuses(Errno::EEXIST, || d.create_file(n(name), mode(0o644)));
        }
    }),
    Case::new("creating in a directory that was removed is ENOENT", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        s.does("rmdir /w/d");
        for call in CREATIONS {
            s.refuses(Errno::ENOENT, || call(&*d, n("new")));
        }
    }),
    Case::new("changing names and modes on a read-only mount is EROFS", |s| {
        s.does("tmpfs /w/d; dir /w/d/dir; file /w/d/file kept; read-only /w/d");
        let d = open(s, "/w/d");
        for call in CREATIONS {
            s.refuses(Errno::EROFS, || call(&*d, n("new")));
        }
        s.refuses(Errno::EROFS, || d.replace_file(n("file"), b"new", mode(0o644)));
        s.refuses(Errno::EROFS, || d.remove_dir(n("dir")));
        s.refuses(Errno::EROFS, || d.remove_file(n("file")));
        s.refuses(Errno::EROFS, || d.set_owner(n("file"), Some(0), None));
        s.refuses(Errno::EROFS, || d.set_mode(n("file"), mode(0o600)));
        s.refuses(Errno::EROFS, || d.set_own_mode(mode(0o700)));
        s.refuses(Errno::EROFS, || d.set_own_owner(Some(0), None));
    }),
    Case::new("a file is replaced by another one: whoever has the old one open keeps it", |s| {
        s.does("file /w/d/f old; hardlink /w/d/f /w/d/other");
        let held = s.hold("/w/d/f", Hold::Read);
        let d = open(s, "/w/d");
        d.replace_file(n("f"), b"new contents", mode(0o640)).unwrap();
        assert_eq!((s.text("/w/d/f"), s.mode("/w/d/f")), (b"new contents".to_vec(), 0o640));
        assert_eq!((s.text("/w/d/other"), s.mode("/w/d/other")), (b"old".to_vec(), 0o644));
        assert_eq!(s.world().names(Path::new("/w/d")).unwrap(), ["f", "other"]);
        drop(held);
    }),
    Case::new("a file that is not there is made whole", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        let long = vec![7; 200_000];
        d.replace_file(n("f"), &long, mode(0o600)).unwrap();
        assert!(s.text("/w/d/f") == long);
        d.replace_file(n("f"), b"", mode(0o600)).unwrap();
        assert_eq!(s.text("/w/d/f"), b"");
        assert_eq!(s.world().names(Path::new("/w/d")).unwrap(), ["f"]);
    }),
    Case::new("a symlink is itself replaced, what it points to stays", |s| {
        s.does("file /w/target kept; link /w/target /w/d/f");
        open(s, "/w/d").replace_file(n("f"), b"new", mode(0o644)).unwrap();
        assert_eq!((s.kind("/w/d/f"), s.text("/w/d/f")), (Some(FileKind::Regular), b"new".to_vec()));
        assert_eq!(s.text("/w/target"), b"kept");
    }),
    Case::new("replacing a directory is EISDIR, a mount point EBUSY, and the old one stays", |s| {
        s.does("dir /w/d/dir; file /w/d/f beneath; file /w/source mounted; bind /w/source /w/d/f");
        let d = open(s, "/w/d");
        s.refuses(Errno::EISDIR, || d.replace_file(n("dir"), b"new", mode(0o644)));
        s.refuses(Errno::EBUSY, || d.replace_file(n("f"), b"new", mode(0o644)));
        assert_eq!(s.text("/w/d/f"), b"mounted");
    }),
    Case::new("removing a directory's names: empty directories and files go, and nothing else", |s| {
        s.does("dir /w/d/empty; file /w/d/full/f kept; file /w/d/file; link empty /w/d/link; tmpfs /w/d/mounted");
        let d = open(s, "/w/d");
        s.refuses(Errno::ENOTEMPTY, || d.remove_dir(n("full")));
        s.refuses(Errno::ENOTDIR, || d.remove_dir(n("file")));
        s.refuses(Errno::ENOTDIR, || d.remove_dir(n("link")));
        s.refuses(Errno::EBUSY, || d.remove_dir(n("mounted")));
        s.refuses(Errno::EISDIR, || d.remove_file(n("empty")));
        d.remove_file(n("link")).unwrap();
        d.remove_file(n("file")).unwrap();
        d.remove_dir(n("empty")).unwrap();
        assert_eq!(s.world().names(Path::new("/w/d")).unwrap(), ["full", "mounted"]);
    }),
    Case::new("removing a name that a mount is on is EBUSY", |s| {
        s.does("file /w/d/f; file /w/source; bind /w/source /w/d/f");
        s.refuses(Errno::EBUSY, || open(s, "/w/d").remove_file(n("f")));
    }),
    Case::new("set_mode changes the mode of a name, and a symlink is ELOOP", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link file /w/d/link");
        let d = open(s, "/w/d");
        d.set_mode(n("dir"), mode(0o1730)).unwrap();
        d.set_mode(n("file"), mode(0o6751)).unwrap();
        assert_eq!((s.mode("/w/d/dir"), s.mode("/w/d/file")), (0o1730, 0o6751));
        s.refuses(Errno::ELOOP, || d.set_mode(n("link"), mode(0o600)));
        d.set_own_mode(mode(0o2711)).unwrap();
        assert_eq!(s.mode("/w/d"), 0o2711);
    }),
    Case::new("set_mode reaches what is mounted on the name", |s| {
        s.does("tmpfs /w/d/m");
        open(s, "/w/d").set_mode(n("m"), mode(0o711)).unwrap();
        assert_eq!(s.mode("/w/d/m"), 0o711);
        s.does("detach /w/d/m");
        assert_eq!(s.mode("/w/d/m"), 0o755);
    }),
    Case::new("set_mode of a pipe does not open it", |s| {
        s.does("fifo /w/d/fifo");
        open(s, "/w/d").set_mode(n("fifo"), mode(0o600)).unwrap();
        assert_eq!(s.mode("/w/d/fifo"), 0o600);
    }),
    Case::new("set_owner gives a name, a link itself, to a user and a group, and keeps what is not named", |s| {
        s.does("file /w/d/file; link file /w/d/link");
        let owner = |path: &str| (s.stat(path).uid, s.stat(path).gid);
        let d = open(s, "/w/d");
        d.set_owner(n("link"), Some(12), Some(34)).unwrap();
        assert_eq!((owner("/w/d/link"), owner("/w/d/file")), ((12, 34), (0, 0)));
        d.set_owner(n("file"), None, Some(5)).unwrap();
        assert_eq!(owner("/w/d/file"), (0, 5));
        d.set_owner(n("file"), Some(6), None).unwrap();
        assert_eq!(owner("/w/d/file"), (6, 5));
        d.set_owner(n("file"), None, None).unwrap();
        assert_eq!(owner("/w/d/file"), (6, 5));
        d.set_own_owner(Some(7), Some(8)).unwrap();
        assert_eq!(owner("/w/d"), (7, 8));
        d.set_own_owner(None, Some(9)).unwrap();
        assert_eq!(owner("/w/d"), (7, 9));
    })
    .needing(Needs::OtherUsers),
    Case::new("an id of all ones is EINVAL, and not one that stays", |s| {
        s.does("file /w/d/file");
        let d = open(s, "/w/d");
        for (uid, gid) in [(Some(u32::MAX), None), (None, Some(u32::MAX))] {
            s.refuses(Errno::EINVAL, || d.set_owner(n("file"), uid, gid));
            s.refuses(Errno::EINVAL, || d.set_own_owner(uid, gid));
        }
    }),
    Case::new("what belongs to somebody else is EPERM without privilege", |s| {
        s.does("file /w/d/file; chown 1:1 /w/d/file /w/d");
        s.without_privilege();
        let d = open(s, "/w/d");
        s.refuses(Errno::EPERM, || d.set_mode(n("file"), mode(0o777)));
        s.refuses(Errno::EPERM, || d.set_owner(n("file"), Some(0), Some(0)));
        s.refuses(Errno::EPERM, || d.set_own_mode(mode(0o777)));
        s.refuses(Errno::EPERM, || d.set_own_owner(Some(0), None));
    })
    .needing(Needs::OtherUsers),
];

//! One open directory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::file::{FileIdentity, FileKind};
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::{Directory, Errno, FileMode, OsError};

use crate::contract::case::{Case, Needs};
use crate::contract::cases::places::locations::odd_names;
use crate::contract::scene::{Scene, at, mode};
use crate::contract::world::Hold;

/// A call on one name in an open directory.
type Call = fn(&dyn Directory, &OsStr) -> Result<(), OsError>;

const LOOKS: &[Call] = &[
    |d, name| d.metadata(name).map(drop),
    |d, name| d.open_dir(name, Crossing::Enter).map(drop),
    |d, name| d.open_entry(name).map(drop),
    |d, name| d.read_link(name).map(drop),
    |d, name| d.read_file(name, 10).map(drop),
];

const CREATIONS: &[Call] = &[
    |d, name| d.create_dir(name, FileMode::from_bits(0o755)).map(drop),
    |d, name| d.create_file(name, FileMode::from_bits(0o644)).map(drop),
    |d, name| d.create_symlink(name, Path::new("target")).map(drop),
    |d, name| d.create_node(name, FileKind::Fifo, None, FileMode::from_bits(0o600)).map(drop),
    |d, name| d.replace_file(name, b"new", FileMode::from_bits(0o644)),
];

const REMOVALS_AND_CHANGES: &[Call] = &[
    |d, name| d.remove_dir(name),
    |d, name| d.remove_file(name),
    |d, name| d.unmount(name, UnmountMode::Detach, None),
    |d, name| d.set_owner(name, Some(0), Some(0)),
    |d, name| d.set_mode(name, FileMode::from_bits(0o700)),
];

fn open(s: &Scene<'_>, path: &str) -> Box<dyn Directory> {
    s.fs().open_dir(&at(path)).unwrap()
}

fn n(name: &str) -> &OsStr {
    OsStr::new(name)
}

/// The entries as (name, kind), sorted.
fn listed(d: &dyn Directory) -> BTreeSet<(String, String)> {
    let entries = d.entries().unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.name.to_string_lossy().into_owned(), entry.kind.to_string())).collect()
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a name in a directory is one component, else EINVAL", |s| {
        s.does("dir /w/d/e");
        let d = open(s, "/w/d");
        for name in ["", ".", "..", "e/f", "/", "/w", "e/", "a\0b"] {
            for call in LOOKS.iter().chain(CREATIONS).chain(REMOVALS_AND_CHANGES) {
                s.refuses(Errno::EINVAL, || call(&*d, n(name)));
            }
        }
    }),
    Case::new("a name of more than 255 bytes in a directory is ENAMETOOLONG, one of 255 is a name", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        let (long, longest) = ("n".repeat(256), "n".repeat(255));
        for call in LOOKS.iter().chain(CREATIONS).chain(REMOVALS_AND_CHANGES) {
            s.refuses(Errno::ENAMETOOLONG, || call(&*d, n(&long)));
        }
        s.refuses(Errno::ENAMETOOLONG, || d.replace_file(n(&long), b"new", mode(0o644)));
        for contents in [&b"made"[..], b"replaced"] {
            d.replace_file(n(&longest), contents, mode(0o644)).unwrap();
            assert_eq!(d.read_file(n(&longest), 100).unwrap(), contents);
        }
    }),
    Case::new("a missing name in a directory is ENOENT", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        for call in LOOKS.iter().chain(REMOVALS_AND_CHANGES) {
            s.refuses(Errno::ENOENT, || call(&*d, n("missing")));
        }
    }),
    Case::new("an open directory stays the same whatever happens to its name", |s| {
        s.does("dir /w/old/inner");
        let d = open(s, "/w/old");
        let before = d.own_metadata().unwrap();
        s.does("rename /w/old /w/new; link / /w/old");
        assert_eq!(d.own_metadata().unwrap(), before);
        d.create_dir(n("made"), mode(0o755)).unwrap();
        assert!(s.exists("/w/new/made"));
        s.does("tmpfs /w/new");
        d.create_dir(n("beneath"), mode(0o755)).unwrap();
        assert!(!s.exists("/w/new/beneath"));
        s.does("detach /w/new");
        assert!(s.exists("/w/new/beneath"));
    }),
    Case::new("the directory above is the one that holds it now, wherever it was moved", |s| {
        s.does("dir /w/old/d; file /w/new/beside");
        let d = open(s, "/w/old/d");
        s.assert_metadata(&d.parent_metadata().unwrap(), "/w/old");
        s.does("rename /w/old/d /w/new/d");
        s.assert_metadata(&d.parent_metadata().unwrap(), "/w/new");
        let above = d.open_parent().unwrap();
        assert_eq!(above.own_metadata().unwrap(), d.parent_metadata().unwrap());
        assert!(above.metadata(n("beside")).is_ok());
        assert_eq!(listed(&*above).len(), 2);
    }),
    Case::new("the directory above a mount's root is the one that holds the mount point", |s| {
        s.does("tmpfs /w/d/m");
        s.assert_metadata(&open(s, "/w/d/m").parent_metadata().unwrap(), "/w/d");
    }),
    Case::new("a directory closes when it is dropped", |s| {
        s.does("dir /w/d/e");
        let before = s.world().open_descriptors();
        {
            let d = open(s, "/w/d");
            let inner = d.open_dir(n("e"), Crossing::Enter).unwrap();
            let mut entries = d.entries().unwrap();
            entries.next().unwrap().unwrap();
            assert!(s.world().open_descriptors() > before);
            drop((inner, entries));
        }
        assert_eq!(s.world().open_descriptors(), before);
    }),
    Case::new("its own metadata is that of the directory", |s| {
        s.does("dir /w/d/e; chmod 2751 /w/d");
        s.assert_metadata(&open(s, "/w/d").own_metadata().unwrap(), "/w/d");
    }),
    Case::new("entries are every name once, with its kind, without the dots", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link nowhere /w/d/link; fifo /w/d/fifo; socket /w/d/socket");
        let d = open(s, "/w/d");
        let expected = [
            ("dir", "directory"),
            ("fifo", "named pipe"),
            ("file", "regular file"),
            ("link", "symbolic link"),
            ("socket", "socket"),
        ];
        let expected: BTreeSet<_> = expected.iter().map(|(name, kind)| ((*name).into(), (*kind).into())).collect();
        assert_eq!(listed(&*d), expected);
        assert_eq!(listed(&*d), expected, "the second time from the beginning again");
        for entry in d.entries().unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.inode, s.stat(Path::new("/w/d").join(&entry.name)).inode);
        }
    }),
    Case::new("entries of an empty directory are none", |s| {
        s.does("dir /w/d");
        assert_eq!(open(s, "/w/d").entries().unwrap().count(), 0);
    }),
    Case::new("entries of a large directory are all of them", |s| {
        s.does("dir /w/d");
        let names: BTreeSet<_> = (0..1500).map(|number| format!("a-rather-long-name-{number:05}")).collect();
        for name in &names {
            s.does(&format!("file /w/d/{name}"));
        }
        let d = open(s, "/w/d");
        let found: Vec<_> = d.entries().unwrap().map(|entry| entry.unwrap().name.into_string().unwrap()).collect();
        assert_eq!(found.len(), names.len());
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), names);
    }),
    Case::new("names in a directory are bytes", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        for name in odd_names() {
            let name = name.as_os_str();
            d.create_file(name, mode(0o644)).unwrap();
            s.assert_metadata(&d.metadata(name).unwrap(), Path::new("/w/d").join(name));
            let found: Vec<_> = d.entries().unwrap().map(|entry| entry.unwrap().name).collect();
            assert_eq!(found, [name]);
            d.replace_file(name, b"x", mode(0o600)).unwrap();
            assert_eq!(d.read_file(name, 1).unwrap(), b"x");
            d.remove_file(name).unwrap();
        }
    }),
    Case::new("entries outlive the directory that they came from", |s| {
        s.does("file /w/d/a; file /w/d/b");
        let entries = open(s, "/w/d").entries().unwrap();
        assert_eq!(entries.map(Result::unwrap).count(), 2);
    }),
    Case::new("entries of a directory that was removed are ENOENT", |s| {
        s.does("dir /w/d");
        let d = open(s, "/w/d");
        s.does("rmdir /w/d");
        let first = d.entries().and_then(|mut entries| entries.next().unwrap_or_else(|| panic!("no entry, no error")));
        assert_eq!(first.unwrap_err().errno(), Errno::ENOENT);
    }),
    Case::new("entries of a directory that may not be read are EACCES; a known name in it is reached", |s| {
        s.does("file /w/d/f text; chmod 300 /w/d");
        s.without_privilege();
        let d = open(s, "/w/d");
        s.refuses(Errno::EACCES, || d.entries());
        assert_eq!(d.metadata(n("f")).unwrap().size, 4);
        assert_eq!(d.read_file(n("f"), 4).unwrap(), b"text");
    }),
    Case::new("metadata of a name is that of a link itself, and of what is mounted on it", |s| {
        s.does("file /w/d/file text; link file /w/d/link; tmpfs /w/d/mounted");
        let d = open(s, "/w/d");
        for name in ["file", "link", "mounted"] {
            s.assert_metadata(&d.metadata(n(name)).unwrap(), Path::new("/w/d").join(name));
        }
    }),
    Case::new("opening a name: a symlink is ELOOP, what is no directory ENOTDIR, a mount is entered", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link dir /w/d/link; tmpfs /w/d/mounted; dir /w/d/mounted/inside");
        let d = open(s, "/w/d");
        s.refuses(Errno::ELOOP, || d.open_dir(n("link"), Crossing::Enter));
        s.refuses(Errno::ENOTDIR, || d.open_dir(n("file"), Crossing::Enter));
        s.assert_metadata(&d.open_dir(n("dir"), Crossing::Enter).unwrap().own_metadata().unwrap(), "/w/d/dir");
        assert!(d.open_dir(n("mounted"), Crossing::Enter).unwrap().metadata(n("inside")).is_ok());
    }),
    Case::new("opening a name that is a mount point without crossing is EXDEV, and of any other as it is with", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link dir /w/d/link; tmpfs /w/d/mounted; dir /w/image");
        s.does("bind /w/image /w/d/bound");
        let d = open(s, "/w/d");
        for name in ["mounted", "bound"] {
            s.refuses(Errno::EXDEV, || d.open_dir(n(name), Crossing::Refuse));
        }
        s.refuses(Errno::ELOOP, || d.open_dir(n("link"), Crossing::Refuse));
        s.refuses(Errno::ENOTDIR, || d.open_dir(n("file"), Crossing::Refuse));
        s.refuses(Errno::ENOENT, || d.open_dir(n("missing"), Crossing::Refuse));
        s.assert_metadata(&d.open_dir(n("dir"), Crossing::Refuse).unwrap().own_metadata().unwrap(), "/w/d/dir");
    }),
    Case::new(
        "an unmount of a name in an open directory is one of that name, wherever the directory is by then",
        |s| {
            for mode in [UnmountMode::Plain, UnmountMode::Detach] {
                s.does("dir /w/d; tmpfs /w/d/name /w/d/name");
                let d = open(s, "/w/d");
                s.does("rename /w/d /w/away; tmpfs /w/d/name");
                s.refuses(Errno::ESTALE, || d.unmount(n("name"), mode, Some(s.key("/w/d/name"))));
                d.unmount(n("name"), mode, Some(s.key("/w/away/name"))).unwrap();
                d.unmount(n("name"), mode, None).unwrap();
                s.refuses(Errno::EINVAL, || d.unmount(n("name"), mode, None));
                s.refuses(Errno::ENOENT, || d.unmount(n("missing"), mode, None));
                assert_eq!(s.mount_points(), ["/w/d/name"]);
                s.does("link /w/d/name /w/away/link");
                s.refuses(Errno::ELOOP, || d.unmount(n("link"), mode, None));
                s.does("detach /w/d/name; rmdir /w/d/name /w/d; unlink /w/away/link; rmdir /w/away/name /w/away");
            }
        },
    ),
    Case::new("read_link of a name that is no link is EINVAL", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link ../anything /w/d/link");
        let d = open(s, "/w/d");
        assert_eq!(d.read_link(n("link")).unwrap(), Path::new("../anything"));
        s.refuses(Errno::EINVAL, || d.read_link(n("dir")));
        s.refuses(Errno::EINVAL, || d.read_link(n("file")));
    }),
    Case::new("a file is read whole up to the limit, and is EFBIG beyond it", |s| {
        let long: Vec<u8> = (0..300_000_u32).map(|byte| byte.to_le_bytes()[0]).collect();
        s.does("file /w/d/empty; file /w/d/five five!");
        s.file("/w/d/long", &long);
        let d = open(s, "/w/d");
        assert_eq!(d.read_file(n("empty"), 0).unwrap(), b"");
        assert_eq!(d.read_file(n("five"), 5).unwrap(), b"five!");
        assert_eq!(d.read_file(n("five"), u64::MAX).unwrap(), b"five!");
        s.refuses(Errno::EFBIG, || d.read_file(n("five"), 4));
        s.refuses(Errno::EFBIG, || d.read_file(n("five"), 0));
        assert!(d.read_file(n("long"), 300_000).unwrap() == long);
        s.refuses(Errno::EFBIG, || d.read_file(n("long"), 299_999));
    }),
    Case::new("reading: a symlink is ELOOP, a directory EISDIR, any other thing EINVAL, and nothing blocks", |s| {
        s.does("dir /w/d/dir; file /w/d/file; link file /w/d/link; link nowhere /w/d/dangles; fifo /w/d/fifo");
        s.does("socket /w/d/socket");
        let d = open(s, "/w/d");
        s.refuses(Errno::ELOOP, || d.read_file(n("link"), 10));
        s.refuses(Errno::ELOOP, || d.read_file(n("dangles"), 10));
        s.refuses(Errno::EISDIR, || d.read_file(n("dir"), 10));
        s.refuses(Errno::EINVAL, || d.read_file(n("fifo"), 10));
        s.refuses(Errno::EINVAL, || d.read_file(n("socket"), 10));
    }),
    Case::new("reading a device node is EINVAL, and does not open the device", |s| {
        s.does("char 1:5 /w/d/zero; block 240:1 /w/d/none");
        let d = open(s, "/w/d");
        s.refuses(Errno::EINVAL, || d.read_file(n("zero"), 10));
        s.refuses(Errno::EINVAL, || d.read_file(n("none"), 10));
    })
    .needing(Needs::DeviceNodes),
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

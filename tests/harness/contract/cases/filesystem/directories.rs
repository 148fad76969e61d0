//! One open directory: names and looks.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::file::FileKind;
use mountwright_core::mount::UnmountMode;
use mountwright_core::path::Crossing;
use mountwright_core::{Directory, Errno, FileMode, OsError};

use crate::contract::case::{Case, Needs};
use crate::contract::cases::places::locations::odd_names;
use crate::contract::scene::{Scene, at, mode};

/// A call on one name in an open directory.
pub(super) type Call = fn(&dyn Directory, &OsStr) -> Result<(), OsError>;

const LOOKS: &[Call] = &[
    |d, name| d.metadata(name).map(drop),
    |d, name| d.open_dir(name, Crossing::Enter).map(drop),
    |d, name| d.open_entry(name).map(drop),
    |d, name| d.read_link(name).map(drop),
    |d, name| d.read_file(name, 10).map(drop),
];

pub(super) const CREATIONS: &[Call] = &[
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

pub(super) fn open(s: &Scene<'_>, path: &str) -> Box<dyn Directory> {
    s.fs().open_dir(&at(path)).unwrap()
}

pub(super) fn n(name: &str) -> &OsStr {
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
];

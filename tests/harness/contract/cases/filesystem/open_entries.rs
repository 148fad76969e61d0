//! One file of a directory, pinned.

use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::{Errno, OpenEntry};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, mode};

/// `CAP_NET_BIND_SERVICE`, permitted and effective, as version 2 of the attribute has it.
const CAPABILITIES: [u8; 20] = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn pin(s: &Scene<'_>, name: &str) -> Box<dyn OpenEntry> {
    s.fs().open_dir(&at("/w/d")).unwrap().open_entry(OsStr::new(name)).unwrap()
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("an entry stays the same file whatever happens to its name", |s| {
        s.does("file /w/d/f text; file /w/d/other");
        let f = pin(s, "f");
        let before = f.metadata().unwrap();
        s.does("rename /w/d/f /w/d/moved; rename /w/d/other /w/d/f");
        assert_eq!(f.metadata().unwrap(), before);
        f.set_mode(mode(0o4711)).unwrap();
        assert_eq!((s.mode("/w/d/moved"), s.mode("/w/d/f")), (0o4711, 0o644));
        f.set_owner(Some(0), Some(0)).unwrap();
        assert_eq!((s.mode("/w/d/moved"), s.mode("/w/d/f")), (0o711, 0o644));
    }),
    Case::new("an entry is what lstat says, of every kind, and nothing is opened", |s| {
        s.does("dir /w/d/dir; file /w/d/file text; link file /w/d/link; link nowhere /w/d/dangles; fifo /w/d/fifo");
        s.does("socket /w/d/socket");
        for name in ["dir", "file", "link", "dangles", "fifo", "socket"] {
            s.assert_metadata(&pin(s, name).metadata().unwrap(), Path::new("/w/d").join(name));
        }
        pin(s, "fifo").set_mode(mode(0o600)).unwrap();
        pin(s, "dir").set_mode(mode(0o2700)).unwrap();
        assert_eq!((s.mode("/w/d/fifo"), s.mode("/w/d/dir")), (0o600, 0o2700));
    }),
    Case::new("an entry of a device node is pinned where no driver is", |s| {
        s.does("block 240:1 /w/d/none");
        pin(s, "none").set_mode(mode(0o600)).unwrap();
        assert_eq!(s.mode("/w/d/none"), 0o600);
    })
    .needing(Needs::DeviceNodes),
    Case::new("an entry of a symlink is the link itself: it has an owner, and a mode is ELOOP", |s| {
        s.does("file /w/d/file; link file /w/d/link");
        let link = pin(s, "link");
        s.refuses(Errno::ELOOP, || link.set_mode(mode(0o600)));
        link.set_owner(Some(12), Some(34)).unwrap();
        assert_eq!((s.stat("/w/d/link").uid, s.stat("/w/d/link").gid, s.stat("/w/d/file").gid), (12, 34, 0));
    })
    .needing(Needs::OtherUsers),
    Case::new("an entry's owner that is not named stays, and an id of all ones is EINVAL", |s| {
        s.does("file /w/d/f");
        let f = pin(s, "f");
        f.set_owner(None, Some(5)).unwrap();
        f.set_owner(Some(6), None).unwrap();
        f.set_owner(None, None).unwrap();
        assert_eq!((s.stat("/w/d/f").uid, s.stat("/w/d/f").gid), (6, 5));
        s.refuses(Errno::EINVAL, || f.set_owner(Some(u32::MAX), None));
        s.refuses(Errno::EINVAL, || f.set_owner(None, Some(u32::MAX)));
    })
    .needing(Needs::OtherUsers),
    Case::new("metadata names the mount that a file is on: two binds of a directory differ, its files do not", |s| {
        s.does("file /w/d/f; dir /w/d/inner; bind /w/d/inner /w/d/bound");
        let key = |path: &str| Some(s.mounter().mount_of(&at(path)).unwrap().mount.key());
        let d = s.fs().open_dir(&at("/w/d")).unwrap();
        for name in ["f", "inner", "bound"] {
            let path = Path::new("/w/d").join(name);
            let found = pin(s, name).metadata().unwrap();
            assert_eq!(found.mount, key(path.to_str().unwrap()), "{name}");
            // Before 5.8 only a query by descriptor reports it.
            for by_name in [d.metadata(OsStr::new(name)), s.fs().metadata(&at(&path), FinalSymlink::Itself)] {
                let by_name = by_name.unwrap();
                assert!(by_name.mount.is_none() || by_name.mount == found.mount, "{by_name:?}");
                assert_eq!((by_name.inode, by_name.birth), (found.inode, found.birth));
            }
        }
        assert_eq!(d.own_metadata().unwrap().mount, key("/w/d"));
        let [inner, bound] = ["inner", "bound"].map(|name| pin(s, name).metadata().unwrap());
        assert_eq!((inner.device, inner.inode), (bound.device, bound.inode));
        assert_ne!(inner.mount, bound.mount);
    }),
    Case::new("a file's time of birth stays the same", |s| {
        s.does("file /w/d/f");
        let birth = pin(s, "f").metadata().unwrap().birth;
        s.does("chmod 600 /w/d/f; rename /w/d/f /w/d/g");
        assert_eq!(pin(s, "g").metadata().unwrap().birth, birth);
    }),
    Case::new("capabilities of a file are none until they are set, and go with a change of the owner", |s| {
        s.does("file /w/d/f; dir /w/d/dir; link f /w/d/link");
        for name in ["f", "dir", "link"] {
            assert_eq!(pin(s, name).capabilities().unwrap(), None, "{name}");
        }
        let f = pin(s, "f");
        f.set_capabilities(&CAPABILITIES).unwrap();
        s.does("rename /w/d/f /w/d/moved");
        assert_eq!(f.capabilities().unwrap().as_deref(), Some(&CAPABILITIES[..]));
        f.set_mode(mode(0o755)).unwrap();
        assert_eq!(pin(s, "moved").capabilities().unwrap().as_deref(), Some(&CAPABILITIES[..]));
        f.set_owner(None, Some(0)).unwrap();
        assert_eq!(f.capabilities().unwrap(), None);
    }),
    Case::new("capabilities that the kernel cannot read are EINVAL", |s| {
        s.does("file /w/d/f");
        s.refuses(Errno::EINVAL, || pin(s, "f").set_capabilities(b"net"));
        s.refuses(Errno::EINVAL, || pin(s, "f").set_capabilities(&[0; 20]));
    }),
    Case::new("changes of an entry on a read-only mount are EROFS", |s| {
        s.does("tmpfs /w/d; file /w/d/f; read-only /w/d");
        let f = pin(s, "f");
        s.refuses(Errno::EROFS, || f.set_mode(mode(0o600)));
        s.refuses(Errno::EROFS, || f.set_owner(Some(0), None));
        s.refuses(Errno::EROFS, || f.set_capabilities(&CAPABILITIES));
        assert_eq!(f.metadata().unwrap().kind, FileKind::Regular);
    }),
    Case::new("an entry that belongs to somebody else is EPERM without privilege", |s| {
        s.does("file /w/d/f; chown 1:1 /w/d/f");
        s.without_privilege();
        let f = pin(s, "f");
        s.refuses(Errno::EPERM, || f.set_mode(mode(0o777)));
        s.refuses(Errno::EPERM, || f.set_owner(Some(0), Some(0)));
        s.refuses(Errno::EPERM, || f.set_capabilities(&CAPABILITIES));
    })
    .needing(Needs::OtherUsers),
];

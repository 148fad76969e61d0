//! Binds and remounts as a runtime makes them.

use mountwright_core::file::FileKind;
use mountwright_core::mount::{BindReport, Guarantee, PropagationState, PropagationWord, SuperblockAccess};
use mountwright_core::{AttributeChange, AttributesRequest, BindRequest, Errno, MountFlags, OsError};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below};

fn errno<T: std::fmt::Debug>(result: Result<T, OsError>) -> Errno {
    result.unwrap_err().errno()
}

fn binds(s: &Scene<'_>, bind: &BindRequest) -> Result<BindReport, OsError> {
    s.mounter().bind(bind)
}

fn remount(s: &Scene<'_>, path: &str, change: AttributeChange) -> Result<Guarantee, OsError> {
    s.mounter().change_attributes(&AttributesRequest::new(at(path), change))
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a private bind makes its destination, directories of mode 0755, for a file an empty file", |s| {
        s.does("file /w/source/f text");
        s.world().set_umask(0o077);
        binds(s, &BindRequest::private(at("/w/source"), at("/w/to/a/dir"))).unwrap();
        binds(s, &BindRequest::private(at("/w/source/f"), at("/w/to/b/file"))).unwrap();
        assert_eq!((s.text("/w/to/a/dir/f"), s.text("/w/to/b/file")), (b"text".to_vec(), b"text".to_vec()));
        s.does("detach /w/to/a/dir /w/to/b/file");
        for path in ["/w/to", "/w/to/a", "/w/to/a/dir", "/w/to/b", "/w/to/b/file"] {
            assert_eq!(s.mode(path), 0o755, "{path}");
        }
        assert_eq!(s.kind("/w/to/b/file"), Some(FileKind::Regular));
    }),
    Case::new("a private bind resolves symlinks of its source, and is private below a shared mount", |s| {
        s.does("file /w/real/f text; link real /w/source; tmpfs /w/parent; shared /w/parent");
        binds(s, &BindRequest::private(at("/w/source"), at("/w/parent/to"))).unwrap();
        assert_eq!(s.mount("/w/parent/to").propagation, PropagationState::default());
        assert_eq!(s.mount("/w/parent/to").root, std::path::Path::new("/real"));
    }),
    Case::new("a read-only bind keeps nosuid, nodev, noexec and the atime class", |s| {
        s.does("tmpfs /w/source; remount nosuid,nodev,noexec,noatime /w/source");
        let flags = MountFlags::NO_SUID | MountFlags::NO_DEV | MountFlags::NO_EXEC;
        binds(s, &BindRequest::private(at("/w/source"), at("/w/to")).read_only()).unwrap();
        let attributes = s.mount("/w/to").attributes;
        assert_eq!(attributes.flags, flags | MountFlags::READ_ONLY);
        assert_eq!(attributes.atime, mountwright_core::mount::AtimeMode::Never);
        assert_eq!((s.try_write("/w/source"), s.try_write("/w/to")), (Ok(()), Err(Errno::EROFS)));
    }),
    Case::new("every propagation word is what the new mount is", |s| {
        s.does("tmpfs /w/source; shared /w/source");
        for (word, shared, slave, unbindable) in [
            ("private", false, false, false),
            ("rprivate", false, false, false),
            ("shared", true, false, false),
            ("rshared", true, false, false),
            ("slave", false, true, false),
            ("rslave", false, true, false),
            ("unbindable", false, false, true),
            ("ubind", false, false, true),
            ("runbindable", false, false, true),
        ] {
            let word: PropagationWord = word.parse().unwrap();
            binds(s, &BindRequest::private(at("/w/source"), at("/w/to")).propagation(word.propagation)).unwrap();
            let state = s.mount("/w/to").propagation;
            assert_eq!((state.peers.is_some(), state.master.is_some(), state.unbindable), (shared, slave, unbindable));
            s.does("detach /w/to");
        }
    }),
    Case::new("nothing is left of a bind that failed: no mount, no directory, no file", |s| {
        s.does("tmpfs /w/unbindable; unbindable /w/unbindable; dir /w/dir; file /w/file");
        for (source, target, expected) in [
            ("/w/missing", "/w/a/b", Errno::ENOENT),
            ("/w/unbindable", "/w/a/b", Errno::EINVAL),
            ("/w/dir", "/w/file", Errno::ENOTDIR),
            ("/w/file", "/w/dir", Errno::ENOTDIR),
            ("/w/dir", "/w/unbindable", Errno::EBUSY),
            ("/w/dir", "/w/file/below", Errno::ENOTDIR),
        ] {
            let bind = BindRequest::private(at(source), at(target)).read_only();
            let error = s.changes_nothing(|| binds(s, &bind)).unwrap_err();
            assert_eq!((error.errno(), error.left()), (expected, &[][..]), "{source} on {target}");
        }
    }),
    Case::new("an empty source or destination is ENOENT, and nothing is touched", |s| {
        s.does("dir /w/dir");
        s.changes_nothing(|| {
            assert_eq!(errno(binds(s, &BindRequest::private(at(""), at("/w/to")))), Errno::ENOENT);
            assert_eq!(errno(binds(s, &BindRequest::private(at("/w/dir"), at("")))), Errno::ENOENT);
        });
    }),
    Case::new("a destination that is mounted already is EBUSY, unless the bind is to stack", |s| {
        s.does("dir /w/dir; tmpfs /w/to");
        let bind = BindRequest::private(at("/w/dir"), at("/w/to"));
        assert_eq!(errno(binds(s, &bind)), Errno::EBUSY);
        binds(s, &bind.stacking()).unwrap();
        assert_eq!(s.mount_points(), ["/w/to", "/w/to"]);
    }),
    Case::new("a destination below a root refuses symlinks", |s| {
        s.does("dir /w/source /w/victim; link ../victim /w/root/link");
        for path in ["link", "link/a"] {
            let bind = BindRequest::private(at("/w/source"), below("/w/root", path));
            assert_eq!(s.changes_nothing(|| errno(binds(s, &bind))), Errno::ELOOP);
        }
    }),
    Case::new("remount changes one mount, by a delta, and follows symlinks", |s| {
        s.does("tmpfs /w/m; remount nosuid,relatime /w/m; bind /w/m /w/other; link m /w/link");
        remount(s, "/w/link", AttributeChange::READ_ONLY).unwrap();
        assert_eq!(s.mount("/w/m").attributes.flags, MountFlags::NO_SUID | MountFlags::READ_ONLY);
        assert_eq!(s.try_write("/w/other"), Ok(()));
        let clear = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
        remount(s, "/w/m", clear).unwrap();
        assert_eq!(s.mount("/w/m").attributes.flags, MountFlags::NO_SUID);
        s.does("dir /w/plain");
        assert_eq!(errno(remount(s, "/w/plain", AttributeChange::READ_ONLY)), Errno::EINVAL);
        assert_eq!(errno(remount(s, "", AttributeChange::READ_ONLY)), Errno::ENOENT);
    }),
    Case::new("a tree is remounted as one, or not at all", |s| {
        s.does("tmpfs /w/m /w/m/a");
        let tree = AttributesRequest::new(at("/w/m"), AttributeChange::READ_ONLY).recursive();
        let result = s.mounter().change_attributes(&tree);
        if s.world().changes_trees() {
            assert_eq!(result.unwrap(), Guarantee::Atomic);
            assert_eq!((s.try_write("/w/m"), s.try_write("/w/m/a")), (Err(Errno::EROFS), Err(Errno::EROFS)));
        } else {
            assert_eq!(errno(result), Errno::EOPNOTSUPP);
            assert_eq!((s.try_write("/w/m"), s.try_write("/w/m/a")), (Ok(()), Ok(())));
        }
    }),
    Case::new("the superblock is remounted only by name", |s| {
        s.does("tmpfs /w/m; bind /w/m /w/other");
        s.mounter().set_superblock(&at("/w/m"), SuperblockAccess::ReadOnly).unwrap();
        assert_eq!(s.try_write("/w/other"), Err(Errno::EROFS));
        let clear = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
        remount(s, "/w/m", clear).unwrap();
        assert_eq!(s.try_write("/w/m"), Err(Errno::EROFS), "clearing a mount's flag leaves the superblock");
        s.mounter().set_superblock(&at("/w/other"), SuperblockAccess::ReadWrite).unwrap();
        assert_eq!(s.try_write("/w/m"), Ok(()));
    }),
];

//! Changing a mount's attributes, and its superblock's.

use mountwright_core::mount::SuperblockAccess::{self, ReadOnly, ReadWrite};
use mountwright_core::mount::{AtimeMode, Guarantee, MountAttributes};
use mountwright_core::{AttributeChange, AttributesRequest, Errno, Location, MountFlags, OsError};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below};
use crate::contract::world::Hold;

fn change(s: &Scene<'_>, place: Location, change: AttributeChange) -> Result<Guarantee, OsError> {
    s.mounter().change_attributes(&AttributesRequest::new(place, change))
}

fn change_tree(s: &Scene<'_>, place: Location, change: AttributeChange) -> Result<Guarantee, OsError> {
    s.mounter().change_attributes(&AttributesRequest::new(place, change).recursive())
}

fn delta(set: MountFlags, clear: MountFlags, atime: Option<AtimeMode>) -> AttributeChange {
    AttributeChange::new(set, clear, atime).unwrap()
}

fn superblock(s: &Scene<'_>, path: &str, access: SuperblockAccess) -> Result<(), OsError> {
    s.mounter().set_superblock(&at(path), access)
}

const RO: AttributeChange = AttributeChange::READ_ONLY;
const NONE: MountFlags = MountFlags::NONE;

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a change is a delta: what is not named stays", |s| {
        s.does("tmpfs /w/m; remount nosuid,noexec,nodiratime,noatime /w/m");
        let now = || s.mount("/w/m").attributes;
        for (change_of, flags, atime) in [
            (RO, MountFlags::ALL.without(MountFlags::NO_DEV | MountFlags::NO_SYMLINK_FOLLOW), AtimeMode::Never),
            (
                delta(MountFlags::NO_DEV | MountFlags::NO_SYMLINK_FOLLOW, MountFlags::READ_ONLY, None),
                MountFlags::ALL.without(MountFlags::READ_ONLY),
                AtimeMode::Never,
            ),
            (
                delta(NONE, NONE, Some(AtimeMode::Strict)),
                MountFlags::ALL.without(MountFlags::READ_ONLY),
                AtimeMode::Strict,
            ),
            (delta(NONE, MountFlags::ALL, None), NONE, AtimeMode::Strict),
            (delta(MountFlags::ALL, NONE, Some(AtimeMode::Never)), MountFlags::ALL, AtimeMode::Never),
            (delta(NONE, MountFlags::ALL, Some(AtimeMode::Relative)), NONE, AtimeMode::Relative),
            (AttributeChange::NOTHING, NONE, AtimeMode::Relative),
        ] {
            change(s, at("/w/m"), change_of).unwrap();
            assert_eq!(now(), MountAttributes { flags, atime }, "{change_of:?}");
        }
    }),
    Case::new("other mounts of the same filesystem, and the superblock, stay as they are", |s| {
        s.does("tmpfs /w/m; bind /w/m /w/other");
        change(s, at("/w/other"), RO).unwrap();
        assert_eq!((s.try_write("/w/other"), s.try_write("/w/m")), (Err(Errno::EROFS), Ok(())));
        assert_eq!(s.mount("/w/m").attributes.flags, NONE);
        assert!(s.mount("/w/other").option("rw").is_some());
    }),
    Case::new("a mount of a file is changed as any other", |s| {
        s.does("file /w/source; file /w/target; bind /w/source /w/target");
        change(s, below("/w", "target"), RO).unwrap();
        assert_eq!(s.mount("/w/target").attributes.flags, MountFlags::READ_ONLY);
    }),
    Case::new("of a stack the topmost mount is changed", |s| {
        s.does("tmpfs /w/m /w/m");
        change(s, at("/w/m"), RO).unwrap();
        let flags: Vec<_> = s.mounts().iter().map(|mount| mount.attributes.flags).collect();
        assert_eq!(flags, [NONE, MountFlags::READ_ONLY]);
    }),
    Case::new("a change of one mount leaves those below it as they are", |s| {
        s.does("tmpfs /w/m /w/m/a");
        change(s, at("/w/m"), RO).unwrap();
        assert_eq!((s.try_write("/w/m/a"), s.try_write("/w/m")), (Ok(()), Err(Errno::EROFS)));
    }),
    Case::new("a recursive change is of every mount below, also of those that are hidden", |s| {
        s.does("tmpfs /w/m /w/m/a /w/m/a/b /w/m/a; remount noexec,relatime /w/m/a");
        let Some(guarantee) = s.changes_tree(|| change_tree(s, at("/w/m"), RO)) else { return };
        assert_eq!(guarantee, Guarantee::Atomic);
        let flags: Vec<_> = s.mounts().iter().map(|mount| mount.attributes.flags).collect();
        let ro = MountFlags::READ_ONLY;
        assert_eq!(flags, [ro, ro, ro, ro | MountFlags::NO_EXEC]);
    }),
    Case::new("a change of one mount is atomic", |s| {
        s.does("tmpfs /w/m");
        let guarantee = change(s, at("/w/m"), RO).unwrap();
        assert_eq!(guarantee, Guarantee::Atomic);
    }),
    Case::new("where no mount has its root, a change is EINVAL", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner; file /w/m/file");
        for place in [at("/w/m/inner"), at("/w/m/file"), below("/w/m", "inner")] {
            s.refuses(Errno::EINVAL, || change(s, place.clone(), RO));
            s.refuses(Errno::EINVAL, || s.mounter().set_superblock(&place, ReadOnly));
        }
    }),
    Case::new("a mount does not become read-only while a file is open for writing through it: EBUSY", |s| {
        s.does("tmpfs /w/m; file /w/m/f; bind /w/m /w/other");
        let held = s.hold("/w/m/f", Hold::Write);
        s.refuses(Errno::EBUSY, || change(s, at("/w/m"), RO));
        change(s, at("/w/other"), RO).unwrap();
        change(s, at("/w/m"), AttributeChange::setting(MountFlags::NO_EXEC)).unwrap();
        drop(held);
        let held = s.hold("/w/m/f", Hold::Read);
        change(s, at("/w/m"), RO).unwrap();
        drop(held);
    }),
    Case::new("a recursive change that one mount refuses changes none", |s| {
        s.does("tmpfs /w/m /w/m/a /w/m/b; file /w/m/b/f");
        let held = s.hold("/w/m/b/f", Hold::Write);
        let errno = if s.world().changes_trees() { Errno::EBUSY } else { Errno::EOPNOTSUPP };
        s.refuses(errno, || change_tree(s, at("/w/m"), RO));
        drop(held);
    }),
    Case::new("a trusted place may be a symlink to the mount, a place below a root not", |s| {
        s.does("tmpfs /w/m; link m /w/link");
        s.refuses(Errno::ELOOP, || change(s, below("/w", "link"), RO));
        s.refuses(Errno::ELOOP, || s.mounter().set_superblock(&below("/w", "link"), ReadOnly));
        change(s, at("/w/link"), RO).unwrap();
        assert_eq!(s.mount("/w/m").attributes.flags, MountFlags::READ_ONLY);
    }),
    Case::new("a read-only superblock is read-only through every mount, whose attributes stay", |s| {
        s.does("tmpfs /w/m; bind /w/m /w/other; remount noexec,noatime /w/other");
        let before = (s.mount("/w/m").attributes, s.mount("/w/other").attributes);
        superblock(s, "/w/other", ReadOnly).unwrap();
        assert_eq!((s.try_write("/w/m"), s.try_write("/w/other")), (Err(Errno::EROFS), Err(Errno::EROFS)));
        assert!(s.mount("/w/m").option("ro").is_some() && s.mount("/w/other").option("ro").is_some());
        superblock(s, "/w/m", ReadWrite).unwrap();
        assert_eq!((s.try_write("/w/m"), s.try_write("/w/other")), (Ok(()), Ok(())));
        assert_eq!((s.mount("/w/m").attributes, s.mount("/w/other").attributes), before);
        assert_eq!(s.try_write("/w"), Ok(()));
    }),
    Case::new("a superblock keeps its options when it becomes read-only and back", |s| {
        s.does("tmpfs /w/m");
        let before = s.mount("/w/m").options;
        superblock(s, "/w/m", ReadOnly).unwrap();
        superblock(s, "/w/m", ReadOnly).unwrap();
        superblock(s, "/w/m", ReadWrite).unwrap();
        assert_eq!(s.mount("/w/m").options, before);
    }),
    Case::new("a writable superblock does not make a read-only mount writable", |s| {
        s.does("tmpfs /w/m; read-only /w/m");
        superblock(s, "/w/m", ReadOnly).unwrap();
        superblock(s, "/w/m", ReadWrite).unwrap();
        assert_eq!(s.try_write("/w/m"), Err(Errno::EROFS));
        assert_eq!(s.mount("/w/m").attributes.flags, MountFlags::READ_ONLY);
    }),
    Case::new("a superblock does not become read-only while a file is open for writing on it: EBUSY", |s| {
        s.does("tmpfs /w/m; file /w/m/f; bind /w/m /w/other");
        let held = s.hold("/w/other/f", Hold::Write);
        s.refuses(Errno::EBUSY, || superblock(s, "/w/m", ReadOnly));
        drop(held);
        superblock(s, "/w/m", ReadOnly).unwrap();
    }),
];

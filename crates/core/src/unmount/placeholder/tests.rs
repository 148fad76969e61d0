use super::*;
use crate::file::{DeviceNumber, Metadata};
use crate::mount::{MountId, MountInfo, MountKey, PathMount, UniqueMountId};
use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem, MockMounter, MockOpenEntry};
use crate::test_support::in_memory_names::{PAPER, Paper, filesystem};

fn refused(errno: Errno) -> OsError {
    OsError::new(Operation::Metadata, "/m/c", errno)
}

fn made() -> Placeholder {
    let identity = FileIdentity { device: PAPER, inode: 5, kind: FileKind::Directory };
    Placeholder { at: Location::beneath("/m", "c").unwrap(), identity }
}

/// A filesystem with the directory above, where the metadata call and the open of the name return these results.
fn above(look: Errno, open: Errno) -> MockFilesystem {
    let mut fs = MockFilesystem::new();
    fs.expect_open_dir().returning(move |_| {
        let mut directory = MockDirectory::new();
        directory.expect_metadata().returning(move |_| Err(refused(look)));
        directory.expect_open_dir().returning(move |_, _| Err(refused(open)));
        Ok(Box::new(directory))
    });
    fs
}

fn errno(removal: &Result<NameRemoval, OsError>) -> Option<Errno> {
    match removal {
        Ok(NameRemoval::Removed) => None,
        Ok(NameRemoval::Kept(error)) | Err(error) => Some(error.errno()),
    }
}

#[test]
fn a_name_is_gone_only_where_two_calls_say_so() {
    for (look, open, answer) in [
        (Errno::ENOENT, Errno::ENOENT, None),
        (Errno::ENOENT, Errno::ENOTDIR, Some(Errno::ENOENT)),
        (Errno::EIO, Errno::ENOENT, Some(Errno::EIO)),
    ] {
        assert_eq!(errno(&remove_made(&above(look, open), &made())), answer, "{look} {open}");
    }
}

#[test]
fn what_is_above_is_gone_only_where_two_calls_say_so() {
    for (open, look, answer) in [
        (Errno::ENOENT, Errno::ENOENT, None),
        (Errno::ENOENT, Errno::EIO, Some(Errno::ENOENT)),
        (Errno::EACCES, Errno::ENOENT, Some(Errno::EACCES)),
    ] {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| Err(refused(open)));
        fs.expect_metadata().returning(move |_, _| Err(refused(look)));
        assert_eq!(errno(&remove_made(&fs, &made())), answer, "{open} {look}");
        fs.expect_remove_dir().returning(move |_| Err(refused(open)));
        assert_eq!(errno(&remove_at(&fs, &made().at)), answer, "{open} {look}");
    }
}

/// As on an overlay of two filesystems, where `stat(2)` and the listing of the directory give one file two identities.
#[test]
fn a_name_that_is_listed_with_its_identity_is_removed_whatever_stat_says() {
    for (listed, kind, answer) in [
        (5, FileKind::Directory, None),
        (6, FileKind::Directory, Some(Errno::ESTALE)),
        (5, FileKind::Regular, Some(Errno::ESTALE)),
    ] {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| {
            let mut directory = MockDirectory::new();
            let of_other_layer = Metadata::new(FileKind::Directory, DeviceNumber::new(0, 99), 8);
            directory.expect_metadata().returning(move |_| Ok(of_other_layer.clone()));
            directory.expect_own_metadata().returning(|| Ok(Metadata::new(FileKind::Directory, PAPER, 4)));
            let entry = DirectoryEntry { name: "c".into(), kind, inode: listed };
            directory.expect_entries().returning(move || Ok(DirectoryEntries::new([Ok(entry.clone())].into_iter())));
            directory.expect_remove_dir().returning(|_| Ok(()));
            Ok(Box::new(directory))
        });
        assert_eq!(errno(&remove_made(&fs, &made())), answer, "{listed} {kind}");
    }
}

#[test]
fn in_a_directory_too_a_name_is_gone_only_where_two_calls_say_so() {
    for (remove, look, answer) in [
        (Errno::ENOENT, Errno::ENOENT, None),
        (Errno::ENOENT, Errno::EIO, Some(Errno::ENOENT)),
        (Errno::EBUSY, Errno::ENOENT, Some(Errno::EBUSY)),
    ] {
        let mut directory = MockDirectory::new();
        directory.expect_remove_dir().returning(move |_| Err(refused(remove)));
        directory.expect_metadata().returning(move |_| Err(refused(look)));
        let removal = super::remove(&directory, OsStr::new("c")).map_err(|error| panic!("{error}"));
        assert_eq!(errno(&removal), answer, "{remove} {look}");
    }
}

#[test]
fn directory_that_a_mount_is_on_is_another_callers_and_any_other_is_named() {
    let named = vec![Leftover::Directory("/m/c".into())];
    for (errno, is_root, left) in
        [(Errno::EBUSY, true, vec![]), (Errno::EBUSY, false, named.clone()), (Errno::EIO, true, named.clone())]
    {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| {
            let mut directory = MockDirectory::new();
            directory.expect_metadata().returning(|_| Ok(Metadata::new(FileKind::Directory, PAPER, 5)));
            directory.expect_remove_dir().returning(move |_| Err(refused(errno)));
            Ok(Box::new(directory))
        });
        let mut mounter = MockMounter::new();
        let mount = MountInfo::new(MountId(7), MountId(1), PAPER);
        mounter.expect_mount_of().returning(move |_| Ok(PathMount { mount: mount.clone(), is_root }));
        let mut found = Vec::new();
        take_back((&fs, &mounter), &[made()], FailedStep::default(), &mut found);
        assert_eq!(found, left, "{errno} {is_root}");
        let mount = Leftover::File("/m/f".into());
        let mut found = vec![mount.clone()];
        take_back((&fs, &mounter), &[made()], FailedStep { lost_a_race: true, left_a_mount: false }, &mut found);
        assert_eq!(found, [mount, named[0].clone()]);
        let mut found = Vec::new();
        take_back((&fs, &mounter), &[made()], FailedStep { lost_a_race: true, left_a_mount: true }, &mut found);
        assert_eq!(found, named, "the mount on it is this caller's");
    }
}

#[test]
fn directories_above_are_made_only_where_they_are_missing() {
    let paper = Paper::with(&["/"]);
    let mut all = Vec::new();
    make_dirs(&filesystem(&paper), Path::new("/a/b/c"), &mut all).unwrap();
    assert_eq!(paper.lock().unwrap().log, ["make /a", "make /a/b", "make /a/b/c"]);
    for (errno, left) in [(Errno::EACCES, None), (Errno::ENOENT, Some(Leftover::Directory("/a/b".into())))] {
        let mut fs = MockFilesystem::new();
        let error = left.clone().map_or(refused(errno), |left| refused(errno).leaving(left));
        fs.expect_create_dir().times(1).returning(move |_, _| Err(error.clone()));
        assert_eq!(make_dirs(&fs, Path::new("/a/b"), &mut Vec::new()).unwrap_err().errno(), errno);
    }
}

#[test]
fn a_leftover_is_named_for_what_it_is() {
    let at = Location::trusted("/m/c");
    assert_eq!(leftover(&at, FileKind::Directory), Leftover::Directory("/m/c".into()));
    assert_eq!(leftover(&at, FileKind::Regular), Leftover::File("/m/c".into()));
    let found = Metadata::new(FileKind::Directory, DeviceNumber::new(0, 77), 5);
    assert_eq!(FileIdentity::from(&found), made().identity);
}

/// A directory at `/m/c` that holds `v` and cannot be removed, where the looks below it return these results.
fn holding(own: Result<(), Errno>, listed: Result<(), Errno>, look: Result<u64, Errno>) -> MockFilesystem {
    let found = |mount: u64| {
        let mount = UniqueMountId(std::num::NonZeroU64::new(mount).unwrap());
        Metadata { mount: Some(MountKey::Unique(mount)), ..Metadata::new(FileKind::Directory, PAPER, 5) }
    };
    let mut fs = MockFilesystem::new();
    fs.expect_open_dir().withf(|at| *at == Location::trusted("/m")).returning(move |_| {
        let mut directory = MockDirectory::new();
        directory.expect_metadata().returning(move |_| Ok(found(1)));
        directory.expect_remove_dir().returning(|_| Err(refused(Errno::ENOTEMPTY)));
        Ok(Box::new(directory))
    });
    fs.expect_open_dir().returning(move |_| {
        let mut directory = MockDirectory::new();
        directory.expect_own_metadata().returning(move || own.map(|()| found(1)).map_err(refused));
        directory.expect_entries().returning(move || {
            let entry = DirectoryEntry { name: "v".into(), kind: FileKind::Directory, inode: 9 };
            listed.map(|()| DirectoryEntries::new(std::iter::once(Ok(entry)))).map_err(refused)
        });
        directory.expect_metadata().returning(move |_| look.map(found).map_err(refused));
        Ok(Box::new(directory))
    });
    fs
}

fn kept(fs: &MockFilesystem) -> Vec<Errno> {
    let done = remove_all_made(fs, [made()].iter(), None, false);
    assert_eq!(done.removed, []);
    done.kept.iter().map(OsError::errno).collect()
}

#[test]
fn directory_that_another_mount_is_in_stays_without_a_failure() {
    assert_eq!(kept(&holding(Ok(()), Ok(()), Ok(2))), []);
    assert_eq!(kept(&holding(Ok(()), Ok(()), Ok(1))), [Errno::ENOTEMPTY]);
    assert_eq!(kept(&holding(Ok(()), Ok(()), Err(Errno::ENOENT))), [Errno::ENOTEMPTY], "removed since it was listed");
}

#[test]
fn failed_look_for_a_mount_is_reported_and_is_not_a_mount_or_none() {
    for errno in [Errno::EIO, Errno::EACCES, Errno::EMFILE] {
        let error = Err(errno);
        for fs in [holding(error, Ok(()), Ok(2)), holding(Ok(()), error, Ok(2)), holding(Ok(()), Ok(()), Err(errno))] {
            assert_eq!(kept(&fs), [Errno::ENOTEMPTY, errno]);
        }
    }
}

#[test]
fn file_that_cannot_be_looked_at_after_its_removal_is_an_error() {
    let looks = std::sync::atomic::AtomicU32::new(0);
    let looks = std::sync::Arc::new(looks);
    let mut directory = MockDirectory::new();
    directory.expect_remove_dir().returning(|_| Err(refused(Errno::ENOTDIR)));
    directory.expect_remove_file().returning(|_| Ok(()));
    directory.expect_open_entry().returning(move |_| {
        let looks = looks.clone();
        let mut entry = MockOpenEntry::new();
        entry.expect_metadata().returning(move || match looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0 => Ok(Metadata { links: 1, ..Metadata::new(FileKind::Regular, PAPER, 5) }),
            _ => Err(refused(Errno::EIO)),
        });
        Ok(Box::new(entry))
    });
    assert_eq!(remove(&directory, OsStr::new("c")).unwrap_err().errno(), Some(Errno::EIO));
}

#[test]
fn file_with_a_size_holds_data_or_is_mounted_on() {
    let on_mount = |mount| Metadata {
        mount: Some(MountKey::Reused(MountId(mount))),
        ..Metadata::new(FileKind::Regular, PAPER, 5)
    };
    for (own, errno) in
        [(Err(Errno::EIO), Errno::EIO), (Ok(on_mount(1)), Errno::ENOTEMPTY), (Ok(on_mount(2)), Errno::EBUSY)]
    {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| {
            let own = own.clone();
            let mut directory = MockDirectory::new();
            directory.expect_metadata().returning(move |_| Ok(Metadata { size: 3, ..on_mount(1) }));
            directory.expect_own_metadata().returning(move || own.clone().map_err(refused));
            Ok(Box::new(directory))
        });
        let file = Placeholder { identity: FileIdentity { kind: FileKind::Regular, ..made().identity }, ..made() };
        assert_eq!(self::errno(&remove_made(&fs, &file)), Some(errno));
    }
}

/// Results of the removals, by path; any other name is not to be removed.
type Removals = &'static [(&'static str, Result<(), Errno>)];

/// Directories on one mount, each with a name `v`; only `other_root` is the root of another one.
fn removing(removals: Removals, other_root: &'static str) -> (MockFilesystem, MockMounter, Vec<Placeholder>) {
    let on_mount = |id| Metadata {
        mount: Some(MountKey::Reused(MountId(id))),
        size: 4096,
        ..Metadata::new(FileKind::Directory, PAPER, 5)
    };
    let mut fs = MockFilesystem::new();
    fs.expect_open_dir().returning(move |at| {
        let path = at.for_display();
        let of = path.clone();
        let mut directory = MockDirectory::new();
        directory.expect_own_metadata().returning(move || Ok(on_mount(1)));
        directory
            .expect_metadata()
            .returning(move |name| Ok(on_mount(1 + u32::from(of.join(name) == Path::new(other_root)))));
        directory.expect_entries().returning(|| {
            let entry = DirectoryEntry { name: "v".into(), kind: FileKind::Directory, inode: 9 };
            Ok(DirectoryEntries::new(std::iter::once(Ok(entry))))
        });
        directory.expect_remove_dir().returning(move |name| {
            let (_, removal) = removals.iter().find(|(at, _)| path.join(name) == Path::new(at)).unwrap();
            removal.map_err(refused)
        });
        Ok(Box::new(directory))
    });
    let mut mounter = MockMounter::new();
    mounter.expect_mount_of().returning(move |at| {
        let is_root = at.for_display() == Path::new(other_root);
        Ok(PathMount { mount: MountInfo::new(MountId(7), MountId(1), PAPER), is_root })
    });
    let made = removals.iter().map(|(at, _)| Placeholder { at: Location::trusted(*at), ..made() }).collect();
    (fs, mounter, made)
}

#[test]
fn created_directories_of_another_callers_mount_are_left_to_it_and_any_other_is_named() {
    use Errno as E;
    for (removals, mounted, left) in [
        // A mount in it; on it; two directories below it.
        (&[("/a", Err(E::ENOTEMPTY))][..], "/a/v", &[][..]),
        (&[("/a", Err(E::EBUSY)), ("/a/b", Ok(()))], "/a", &[]),
        (&[("/a", Err(E::ENOTEMPTY)), ("/a/b", Err(E::ENOTEMPTY)), ("/a/b/v", Err(E::EBUSY))], "/a/b/v", &[]),
        // Another name in it, and no mount.
        (&[("/a", Err(E::ENOTEMPTY)), ("/a/b", Ok(()))], "", &["/a"]),
        // It holds a directory of this caller's that stays.
        (&[("/a", Err(E::EBUSY)), ("/a/b", Err(E::EIO))], "/a", &["/a/b", "/a"]),
    ] {
        let (fs, mounter, made) = removing(removals, mounted);
        let mut found = Vec::new();
        take_back((&fs, &mounter), &made, FailedStep::default(), &mut found);
        let left: Vec<_> = left.iter().map(|path| Leftover::Directory(path.into())).collect();
        assert_eq!(found, left, "{removals:?} {mounted}");
    }
}

#[test]
fn another_file_at_a_created_name_is_no_failure_where_the_record_is_stale() {
    for (removals, is_stale, kept) in [
        (&[("/a", Err(Errno::ESTALE))], true, &[][..]),
        (&[("/a", Err(Errno::ESTALE))], false, &[Errno::ESTALE]),
        (&[("/a", Err(Errno::EIO))], true, &[Errno::EIO]),
    ] {
        let (fs, _, made) = removing(removals, "");
        let done = remove_all_made(&fs, made.iter(), None, is_stale);
        assert_eq!(done.kept.iter().map(OsError::errno).collect::<Vec<_>>(), kept, "{removals:?} {is_stale}");
    }
}

#[test]
fn name_that_cannot_be_removed_is_of_another_where_a_mount_or_a_name_holds_it() {
    use FileKind::{Directory, Regular};
    for (kind, errno, is_theirs) in [
        (Directory, Errno::EBUSY, true),
        (Regular, Errno::EBUSY, true),
        (Directory, Errno::ENOTEMPTY, true),
        (Directory, Errno::EEXIST, true),
        (Regular, Errno::ENOTEMPTY, false),
        (Directory, Errno::EIO, false),
    ] {
        assert_eq!(is_of_another(kind, errno), is_theirs, "{kind} {errno}");
    }
}

#[test]
fn directory_is_there_gone_another_kind_or_unknown() {
    let directory = |kind| Metadata::new(kind, DeviceNumber::new(8, 1), 2);
    for (found, is_there) in [
        (Ok(directory(FileKind::Directory)), Ok(true)),
        (Ok(directory(FileKind::Regular)), Ok(false)),
        (Err(Errno::ENOENT), Ok(false)),
        (Err(Errno::EIO), Err(Errno::EIO)),
    ] {
        let mut fs = MockFilesystem::new();
        fs.expect_metadata().returning(move |_, _| found.clone().map_err(refused));
        let found = there(&fs, &made().at).map(|found| found.is_some());
        assert_eq!(found.map_err(|error| error.errno()), is_there);
    }
}

#[test]
fn directory_that_was_removed_once_it_was_open_has_no_names() {
    for (errno, names) in [(Errno::ENOENT, Ok(0)), (Errno::EIO, Err(Errno::EIO))] {
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().returning(move |_| {
            let mut directory = MockDirectory::new();
            directory.expect_entries().returning(move || Err(refused(errno)));
            Ok(Box::new(directory))
        });
        let names_found = listed(&fs, &made().at).map(|names| names.len());
        assert_eq!(names_found.map_err(|error| error.errno()), names);
    }
}

#[test]
fn empty_file_that_is_gone_counts_as_removed_and_one_that_cannot_be_opened_does_not() {
    for (open, look, expected) in [
        (Errno::ENOENT, Errno::ENOENT, Ok(true)),
        (Errno::ENOENT, Errno::EIO, Ok(false)),
        (Errno::EIO, Errno::ENOENT, Err(Errno::EIO)),
    ] {
        let mut directory = MockDirectory::new();
        directory.expect_open_entry().returning(move |_| Err(refused(open)));
        directory.expect_metadata().returning(move |_| Err(refused(look)));
        let removal = remove_empty_file(&directory, OsStr::new("c"), refused(Errno::ENOTDIR));
        let removed = removal.map(|removal| matches!(removal, NameRemoval::Removed)).map_err(|error| error.errno());
        assert_eq!(removed, expected);
    }
}

//! The number of files that such a volume shows, and of bytes in them.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{Errno, Error, OsError};
use crate::file::FileKind;
use crate::kubernetes::atomic_writer::VolumeGeneration;
use crate::kubernetes::atomic_writer::layout::{DataLink, shown_through};
use crate::kubernetes::file_walk::each_file;
use crate::ports::Directory;

/// The maximum number of reads while the version is replaced each time; then the last result is returned.
const TRIES: usize = 4;

/// Files that a container sees, and the bytes in them.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Payload {
    pub(crate) keys: u64,
    pub(crate) bytes: u64,
}

impl Payload {
    /// Adds one file of `directory`.
    fn add(&mut self, directory: &dyn Directory, name: &OsStr) -> Result<(), Error> {
        self.keys += 1;
        match directory.metadata(name) {
            Ok(metadata) if metadata.kind == FileKind::Regular => self.bytes += metadata.size,
            Ok(_) => {}
            Err(error) if error.errno() == Errno::ENOENT => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Adds every file below `directory`, until there are more than `limit`.
    pub(crate) fn add_tree(&mut self, directory: &dyn Directory, path: &Path, limit: u64) -> Result<(), Error> {
        each_file(directory, path, |directory, entry| {
            self.add(directory, entry.name)?;
            Ok(if self.keys > limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
    }
}

/// The payload of `volume` where it has the kubelet's layout: the files of the present version that a symlink `<name>`
/// → `..data/<name>` shows. `None` where it has another layout.
///
/// Stops when there are more than `limit` keys. `path` is the path of the volume, for messages.
///
/// # Errors
///
/// The errors of reading the version; a version that was replaced during the read is read again.
pub(crate) fn payload(volume: &dyn Directory, path: &Path, limit: u64) -> Result<Option<Payload>, Error> {
    let mut version = DataLink::read(volume)?.version();
    let mut answer = Ok(None);
    for _ in 0..TRIES {
        let Some(name) = version else { return Ok(None) };
        answer = read_version(volume, &name, path, limit);
        version = DataLink::read(volume)?.version();
        if version.as_ref() == Some(&name) {
            break;
        }
    }
    answer
}

fn read_version(
    volume: &dyn Directory,
    name: &VolumeGeneration,
    path: &Path,
    limit: u64,
) -> Result<Option<Payload>, Error> {
    let version = match volume.open_dir(name.name(), crate::path::Crossing::Enter) {
        Ok(version) => version,
        Err(error) => return absent(error),
    };
    let mut payload = Payload::default();
    for entry in version.entries()? {
        let entry = entry?;
        if !is_shown(volume, &entry.name)? {
            continue;
        }
        if entry.kind == FileKind::Directory {
            payload.add_tree(&*version.open_dir(&entry.name, crate::path::Crossing::Enter)?, path, limit)?;
        } else {
            payload.add(&*version, &entry.name)?;
        }
        if payload.keys > limit {
            break;
        }
    }
    Ok(Some(payload))
}

/// Another layout where the name is missing or has another type than expected; any other errno is an error.
fn absent<T>(error: OsError) -> Result<Option<T>, Error> {
    match error.errno() {
        Errno::ENOENT | Errno::EINVAL | Errno::ENOTDIR | Errno::ELOOP => Ok(None),
        _ => Err(error.into()),
    }
}

/// True where the volume shows this name of the present version to its users.
fn is_shown(volume: &dyn Directory, name: &OsStr) -> Result<bool, Error> {
    match volume.read_link(name) {
        Ok(target) => Ok(target.as_os_str() == shown_through(name)),
        Err(error) => Ok(absent::<()>(error)?.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::path::Location;
    use crate::ports::{Filesystem, MockDirectory};
    use crate::test_support::read_only_tree::SmallWorld;

    fn ask(world: &SmallWorld) -> Result<Option<Payload>, Error> {
        payload(&*world.open_dir(&Location::trusted("/v")).unwrap(), Path::new("/v"), 8)
    }

    #[track_caller]
    fn assert_payload(world: &SmallWorld, keys: u64, bytes: u64) {
        assert_eq!(ask(world).unwrap(), Some(Payload { keys, bytes }));
    }

    fn one_key() -> SmallWorld {
        SmallWorld::new()
            .file("/v/..2026_11_20/key", 5)
            .symlink("/v/..data", "..2026_11_20")
            .symlink("/v/key", "..data/key")
    }

    #[test]
    fn keys_are_the_files_that_links_show_and_bytes_are_theirs() {
        assert_payload(&one_key(), 1, 5);
        assert_payload(&one_key().file("/v/..2026_11_20/b", 7).symlink("/v/b", "..data/b"), 2, 12);
    }

    #[test]
    fn the_files_in_a_directory_of_the_version_are_keys() {
        let world = one_key().file("/v/..2026_11_20/d/x", 1).file("/v/..2026_11_20/d/e/y", 2);
        assert_payload(&world.symlink("/v/d", "..data/d"), 3, 8);
    }

    #[test]
    fn an_older_version_and_strays_are_no_keys() {
        let world = one_key().file("/v/..2026_11_19/key", 100).file("/v/stray", 100);
        assert_payload(&world, 1, 5);
    }

    #[test]
    fn a_file_that_no_link_shows_is_no_key() {
        assert_payload(&one_key().file("/v/..2026_11_20/hidden", 9), 1, 5);
        assert_payload(&one_key().file("/v/..2026_11_20/b", 9).symlink("/v/b", "elsewhere/b"), 1, 5);
        assert_payload(&one_key().file("/v/..2026_11_20/b", 9).file("/v/b", 9), 1, 5);
    }

    #[test]
    fn a_symlink_among_the_files_has_no_bytes() {
        assert_payload(&one_key().symlink("/v/..2026_11_20/l", "key").symlink("/v/l", "..data/l"), 2, 5);
    }

    #[test]
    fn no_keys_is_a_payload_too() {
        assert_payload(&SmallWorld::new().directory("/v/..1").symlink("/v/..data", "..1"), 0, 0);
    }

    #[test]
    fn reading_stops_above_the_limit() {
        let mut world = SmallWorld::new().symlink("/v/..data", "..1");
        for key in 0..20 {
            world = world.file(&format!("/v/..1/{key}"), 1).symlink(&format!("/v/{key}"), &format!("..data/{key}"));
        }
        assert_payload(&world, 9, 9);
        let deep = (0..20).fold(SmallWorld::new(), |world, key| world.file(&format!("/v/..1/d/{key}"), 1));
        assert_payload(&deep.symlink("/v/..data", "..1").symlink("/v/d", "..data/d"), 9, 9);
    }

    #[test]
    fn other_layouts_are_none() {
        for world in [
            SmallWorld::new().file("/v/key", 1),
            SmallWorld::new().file("/v/..data", 1),
            SmallWorld::new().directory("/v/..data"),
            SmallWorld::new().symlink("/v/..data", "..gone"),
            SmallWorld::new().symlink("/v/..data", "..file").file("/v/..file", 1),
            SmallWorld::new().symlink("/v/..data", "..again").symlink("/v/..again", "v1").directory("/v/v1"),
            SmallWorld::new().symlink("/v/..data", "v1").directory("/v/v1"),
            SmallWorld::new().symlink("/v/..data", "..").directory("/v/x"),
            SmallWorld::new().symlink("/v/..data", "../elsewhere").directory("/elsewhere"),
            SmallWorld::new().symlink("/v/..data", "/elsewhere").directory("/elsewhere"),
        ] {
            assert_eq!(ask(&world).unwrap(), None);
        }
    }

    #[test]
    fn failures_are_errors() {
        for (path, operation) in [
            ("/v/..data", Operation::ReadLink),
            ("/v/..2026_11_20", Operation::OpenDir),
            ("/v/..2026_11_20", Operation::ReadDir),
            ("/v/key", Operation::ReadLink),
            ("/v/..2026_11_20/key", Operation::Metadata),
        ] {
            let world = one_key().failing(path, operation, Errno::EIO);
            assert_eq!(ask(&world).unwrap_err().errno(), Some(Errno::EIO), "{path} {operation:?}");
        }
    }

    /// A volume whose `..data` points to these, one after the other; the version `..2` has a file `key` without bytes, the
    /// others are gone.
    fn changing(targets: &'static [&'static str]) -> MockDirectory {
        let mut volume = MockDirectory::new();
        let mut targets = targets.iter();
        volume.expect_read_link().returning(move |name| match name.to_str() {
            Some("..data") => Ok(targets.next().expect("asked too often").into()),
            _ => Ok("..data/key".into()),
        });
        volume.expect_open_dir().returning(|name, _| {
            if name != "..2" {
                return Err(OsError::new(Operation::OpenDir, Path::new(name), Errno::ENOENT));
            }
            let mut version = MockDirectory::new();
            version.expect_entries().return_once(|| {
                let key = crate::file::DirectoryEntry { name: "key".into(), kind: FileKind::Regular, inode: 3 };
                Ok(crate::ports::DirectoryEntries::new(std::iter::once(Ok(key))))
            });
            version.expect_metadata().returning(|_| Err(OsError::new(Operation::Metadata, "key", Errno::ENOENT)));
            Ok(Box::new(version))
        });
        volume
    }

    #[test]
    fn version_that_is_replaced_during_the_read_is_read_again() {
        let volume = changing(&["..1", "..2", "..2"]);
        assert_eq!(payload(&volume, Path::new("/v"), 8).unwrap(), Some(Payload { keys: 1, bytes: 0 }));
    }

    #[test]
    fn a_volume_that_never_rests_is_answered_in_the_end() {
        let volume = changing(&["..1", "..3", "..4", "..2", "..5"]);
        assert_eq!(payload(&volume, Path::new("/v"), 8).unwrap(), Some(Payload { keys: 1, bytes: 0 }));
    }
}

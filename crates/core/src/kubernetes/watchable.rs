//! The test whether a volume is watched from a guest.

use std::ffi::OsStr;
use std::ops::ControlFlow;
use std::path::Path;

use camino::Utf8Path;

use crate::error::{Errno, Error};
use crate::file::FileKind;
use crate::kubernetes::VolumeKind;
use crate::kubernetes::atomic_writer::payload::{self, Payload};
use crate::kubernetes::file_walk::{Entry, Start, each_entry};
use crate::kubernetes::{FileCount, VolumeLayout, WATCHABLE_ENTRIES_MAX as LIMIT, Watchability};
use crate::ports::{Directory, Filesystem};

impl Watchability {
    /// True of a configMap or secret volume with 1 to
    /// [`WATCHABLE_ENTRIES_MAX`](crate::kubernetes::WATCHABLE_ENTRIES_MAX) entries, as
    /// [`FileCount::below`](crate::kubernetes::FileCount::below) counts them: in the kubelet's layout 1 to 3 keys.
    ///
    /// Any other path is not looked up.
    ///
    /// # Errors
    ///
    /// As [`FileCount::below`](crate::kubernetes::FileCount::below); a volume that is missing is an error.
    #[doc(alias = "isWatchableMount")]
    pub fn is_watchable_at(fs: &dyn Filesystem, path: &Utf8Path) -> Result<bool, Error> {
        if !VolumeKind::of(path).is_some_and(is_watched) {
            return Ok(false);
        }
        Ok(matches!(FileCount::below(fs, path, LIMIT)?, FileCount::Exactly(1..)))
    }

    /// The result of testing whether a volume can be watched by the rule of Kata's Go runtime: the reason where it
    /// cannot, and its size where it can. [`by_agent`](Self::by_agent) has the rule of runtime-rs and the agent.
    ///
    /// Watchable exactly where [`is_watchable_at`](Self::is_watchable_at) is true. Entries are counted in the same way;
    /// keys and bytes are those of the files that a container sees: in the kubelet's layout the files of the present
    /// version, otherwise all files.
    ///
    /// The numbers are read one after the other: if the volume changes in between, they may be from two versions.
    ///
    /// # Errors
    ///
    /// As [`FileCount::below`](crate::kubernetes::FileCount::below).
    pub fn of(fs: &dyn Filesystem, path: &Utf8Path) -> Result<Self, Error> {
        let Some(kind) = VolumeKind::of(path) else { return Ok(Self::NotAVolume) };
        if !is_watched(kind) {
            return Ok(Self::KindNotWatched(kind));
        }
        let path = path.as_std_path();
        let entries = match FileCount::below(fs, path, LIMIT)? {
            FileCount::Over(limit) => return Ok(Self::TooMany { limit }),
            FileCount::Exactly(0) => return Ok(Self::Empty),
            FileCount::Exactly(entries) => entries,
        };
        let (Payload { keys, bytes }, layout) = match Start::open(fs, path)? {
            Start::File(metadata) => {
                let bytes = if metadata.kind == FileKind::Regular { metadata.size } else { 0 };
                (Payload { keys: 1, bytes }, VolumeLayout::Plain)
            }
            Start::Directory(volume) => what_is_in(&*volume, path)?,
        };
        if keys > LIMIT {
            return Ok(Self::TooMany { limit: LIMIT });
        }
        Ok(Self::Watchable { entries, keys, bytes, layout })
    }
}

/// The limits of the agent's watcher (`MAX_ENTRIES_PER_STORAGE`, `MAX_SIZE_PER_WATCHABLE_MOUNT`).
const AGENT_ENTRIES_MAX: u64 = 16;
const AGENT_BYTES_MAX: u64 = 1024 * 1024;

impl Watchability {
    /// The same by the rule of Kata's runtime-rs and agent, which differs from that of the Go runtime
    /// ([`of`](Self::of)):
    ///
    /// * The volume is a directory, of a configMap, a secret, a projected or a downward-API volume.
    /// * At most 16 entries: files, symlinks and directories, the volume itself included. In the kubelet's layout that is six
    ///   keys.
    /// * At most 1 MiB, symlinks included by the length of their target.
    /// * An empty volume is watched: keys may come later.
    ///
    /// # Errors
    ///
    /// As [`FileCount::below`](crate::kubernetes::FileCount::below).
    pub fn by_agent(fs: &dyn Filesystem, path: &Utf8Path) -> Result<Self, Error> {
        let Some(kind) = VolumeKind::of(path) else { return Ok(Self::NotAVolume) };
        if !is_watched(kind) && !matches!(kind, VolumeKind::Projected | VolumeKind::DownwardApi) {
            return Ok(Self::KindNotWatched(kind));
        }
        let path = path.as_std_path();
        let Start::Directory(volume) = Start::open(fs, path)? else { return Ok(Self::NotAVolume) };
        let (mut entries, mut size) = (1, 0);
        each_entry(&*volume, path, |directory, entry| {
            entries += 1;
            if let Entry::File(file) = entry {
                size += size_of_entry(directory, file.name)?;
            }
            let is_over = entries > AGENT_ENTRIES_MAX || size > AGENT_BYTES_MAX;
            Ok(if is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if entries > AGENT_ENTRIES_MAX {
            return Ok(Self::TooMany { limit: AGENT_ENTRIES_MAX });
        }
        if size > AGENT_BYTES_MAX {
            return Ok(Self::TooLarge { limit: AGENT_BYTES_MAX });
        }
        let (Payload { keys, bytes }, layout) = what_is_in(&*volume, path)?;
        Ok(Self::Watchable { entries, keys, bytes, layout })
    }
}

/// The size of a file or symlink; nothing where it has vanished.
fn size_of_entry(directory: &dyn Directory, name: &OsStr) -> Result<u64, Error> {
    match directory.metadata(name) {
        Ok(metadata) => Ok(metadata.size),
        Err(error) if error.errno() == Errno::ENOENT => Ok(0),
        Err(error) => Err(error.into()),
    }
}

fn is_watched(kind: VolumeKind) -> bool {
    matches!(kind, VolumeKind::ConfigMap | VolumeKind::Secret)
}

fn what_is_in(volume: &dyn Directory, path: &Path) -> Result<(Payload, VolumeLayout), Error> {
    if let Some(payload) = payload::payload(volume, path, LIMIT)? {
        return Ok((payload, VolumeLayout::AtomicWriter));
    }
    let mut payload = Payload::default();
    payload.add_tree(volume, path, LIMIT)?;
    Ok((payload, VolumeLayout::Plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::ports::MockFilesystem;
    use crate::test_support::read_only_tree::SmallWorld;

    const VOLUMES: &str = "/var/lib/kubelet/pods/5f0861a0/volumes";

    fn volume(kind: VolumeKind) -> String {
        format!("{VOLUMES}/{}/v", kind.plugin_directory())
    }

    /// A volume as the kubelet writes it, each key of ten bytes.
    fn written(kind: VolumeKind, keys: usize) -> SmallWorld {
        let volume = volume(kind);
        let mut world = SmallWorld::new()
            .directory(&format!("{volume}/..2026_11_20_08_15_30.1182736451"))
            .symlink(&format!("{volume}/..data"), "..2026_11_20_08_15_30.1182736451");
        for key in 0..keys {
            world = world
                .file(&format!("{volume}/..2026_11_20_08_15_30.1182736451/{key}"), 10)
                .symlink(&format!("{volume}/{key}"), &format!("..data/{key}"));
        }
        world
    }

    /// The results of both functions, which have to agree.
    #[track_caller]
    fn ask(world: &SmallWorld, path: &str) -> Watchability {
        let path = Utf8Path::new(path);
        let answer = Watchability::of(world, path).unwrap();
        assert_eq!(Watchability::is_watchable_at(world, path).unwrap(), answer.is_watchable(), "{answer:?}");
        assert_eq!(world.open_now(), 0, "something was left open");
        answer
    }

    fn by_agent(world: &SmallWorld, kind: VolumeKind) -> Watchability {
        let answer = Watchability::by_agent(world, Utf8Path::new(&volume(kind))).unwrap();
        assert_eq!(world.open_now(), 0, "something was left open");
        answer
    }

    #[test]
    fn the_agent_watches_four_kinds_and_six_keys() {
        for kind in VolumeKind::ALL {
            let watched = matches!(
                kind,
                VolumeKind::ConfigMap | VolumeKind::Secret | VolumeKind::Projected | VolumeKind::DownwardApi
            );
            if !watched {
                let tail = if kind == VolumeKind::Csi { "/mount" } else { "" };
                let answer =
                    Watchability::by_agent(&written(kind, 1), format!("{}{tail}", volume(kind)).as_str().into());
                assert_eq!(answer.unwrap(), Watchability::KindNotWatched(kind));
                continue;
            }
            let six = Watchability::Watchable { entries: 15, keys: 6, bytes: 60, layout: VolumeLayout::AtomicWriter };
            assert_eq!(by_agent(&written(kind, 6), kind), six);
            assert_eq!(by_agent(&written(kind, 7), kind), Watchability::TooMany { limit: 16 });
        }
    }

    #[test]
    fn the_agent_watches_an_empty_volume_and_no_more_than_a_mebibyte() {
        let path = volume(VolumeKind::ConfigMap);
        let empty = by_agent(&SmallWorld::new().directory(&path), VolumeKind::ConfigMap);
        assert_eq!(empty, Watchability::Watchable { entries: 1, keys: 0, bytes: 0, layout: VolumeLayout::Plain });
        let file = |size| SmallWorld::new().file(&format!("{path}/big"), size);
        let full =
            |entries, keys| Watchability::Watchable { entries, keys, bytes: 1024 * 1024, layout: VolumeLayout::Plain };
        assert_eq!(by_agent(&file(1024 * 1024), VolumeKind::ConfigMap), full(2, 1));
        let with_an_empty_file = file(1024 * 1024).file(&format!("{path}/empty"), 0);
        assert_eq!(by_agent(&with_an_empty_file, VolumeKind::ConfigMap), full(3, 2));
        let files = |count| (0..count).fold(SmallWorld::new(), |world, file| world.file(&format!("{path}/{file}"), 1));
        assert!(by_agent(&files(15), VolumeKind::ConfigMap).is_watchable());
        assert_eq!(by_agent(&files(16), VolumeKind::ConfigMap), Watchability::TooMany { limit: 16 });
        assert_eq!(
            by_agent(&file(1024 * 1024 + 1), VolumeKind::ConfigMap),
            Watchability::TooLarge { limit: 1024 * 1024 }
        );
        assert_eq!(Watchability::by_agent(&file(1), "/etc".into()).unwrap(), Watchability::NotAVolume);
    }

    #[test]
    fn the_agent_fails_where_a_size_cannot_be_read() {
        let path = volume(VolumeKind::ConfigMap);
        let world = SmallWorld::new().file(&format!("{path}/key"), 1);
        let world = world.failing(&format!("{path}/key"), Operation::Metadata, Errno::EACCES);
        let error = Watchability::by_agent(&world, path.as_str().into()).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::EACCES));
    }

    #[test]
    fn an_entry_that_has_vanished_has_no_size_and_one_that_cannot_be_looked_up_is_an_error() {
        for (errno, size) in [(Errno::ENOENT, Ok(0)), (Errno::EACCES, Err(Some(Errno::EACCES)))] {
            let mut directory = crate::ports::MockDirectory::new();
            directory.expect_metadata().returning(move |_| Err(OsError::new(Operation::Metadata, "key", errno)));
            assert_eq!(size_of_entry(&directory, OsStr::new("key")).map_err(|error| error.errno()), size);
        }
    }

    #[test]
    fn three_keys_are_seven_entries_and_watchable_and_four_are_too_many() {
        for kind in [VolumeKind::ConfigMap, VolumeKind::Secret] {
            for keys in 1..=3 {
                let expected = Watchability::Watchable {
                    entries: 2 * keys + 1,
                    keys,
                    bytes: 10 * keys,
                    layout: VolumeLayout::AtomicWriter,
                };
                assert_eq!(ask(&written(kind, usize::try_from(keys).unwrap()), &volume(kind)), expected);
            }
            assert_eq!(ask(&written(kind, 4), &volume(kind)), Watchability::TooMany { limit: 8 });
            assert_eq!(ask(&written(kind, 500), &volume(kind)), Watchability::TooMany { limit: 8 });
        }
    }

    #[test]
    fn one_to_eight_plain_files_are_watchable() {
        let path = volume(VolumeKind::Secret);
        for files in [1, 8, 9] {
            let mut world = SmallWorld::new();
            for file in 0..files {
                world = world.file(&format!("{path}/{file}"), 2);
            }
            let expected = match files {
                9 => Watchability::TooMany { limit: 8 },
                _ => Watchability::Watchable {
                    entries: files,
                    keys: files,
                    bytes: 2 * files,
                    layout: VolumeLayout::Plain,
                },
            };
            assert_eq!(ask(&world, &path), expected);
        }
    }

    #[test]
    fn an_empty_volume_is_not_watchable() {
        let path = volume(VolumeKind::ConfigMap);
        assert_eq!(ask(&SmallWorld::new().directory(&path), &path), Watchability::Empty);
        assert_eq!(ask(&SmallWorld::new().directory(&format!("{path}/d/e")), &path), Watchability::Empty);
    }

    #[test]
    fn a_volume_without_keys_is_an_entry() {
        let expected = Watchability::Watchable { entries: 1, keys: 0, bytes: 0, layout: VolumeLayout::AtomicWriter };
        assert_eq!(ask(&written(VolumeKind::Secret, 0), &volume(VolumeKind::Secret)), expected);
    }

    #[test]
    fn other_kinds_are_not_watched_and_not_looked_at() {
        use VolumeKind::{Csi, DownwardApi, EmptyDir, Projected};
        for kind in [EmptyDir, Projected, DownwardApi, Csi] {
            let path = if kind == Csi { volume(kind) + "/mount" } else { volume(kind) };
            let (nobody, path) = (MockFilesystem::new(), Utf8Path::new(&path));
            assert_eq!(Watchability::of(&nobody, path).unwrap(), Watchability::KindNotWatched(kind));
            assert!(!Watchability::is_watchable_at(&nobody, path).unwrap());
        }
    }

    #[test]
    fn other_paths_are_no_volumes_and_not_looked_at() {
        for path in ["", "/etc", "kubernetes.io~secret/v", "/x/kubernetes.io~secret/v/y"] {
            let (nobody, path) = (MockFilesystem::new(), Utf8Path::new(path));
            assert_eq!(Watchability::of(&nobody, path).unwrap(), Watchability::NotAVolume, "{path:?}");
            assert!(!Watchability::is_watchable_at(&nobody, path).unwrap(), "{path:?}");
        }
    }

    #[test]
    fn a_missing_volume_is_an_error() {
        let path = volume(VolumeKind::Secret);
        let world = SmallWorld::new();
        assert_eq!(Watchability::of(&world, Utf8Path::new(&path)).unwrap_err().errno(), Some(Errno::ENOENT));
        assert_eq!(
            Watchability::is_watchable_at(&world, Utf8Path::new(&path)).unwrap_err().errno(),
            Some(Errno::ENOENT)
        );
    }

    #[test]
    fn a_volume_that_cannot_be_read_is_an_error() {
        let path = volume(VolumeKind::Secret);
        let world = written(VolumeKind::Secret, 1).failing(&path, Operation::ReadDir, Errno::EACCES);
        assert_eq!(Watchability::of(&world, Utf8Path::new(&path)).unwrap_err().errno(), Some(Errno::EACCES));
        assert_eq!(
            Watchability::is_watchable_at(&world, Utf8Path::new(&path)).unwrap_err().errno(),
            Some(Errno::EACCES)
        );
    }

    #[test]
    fn a_volume_that_is_a_file_is_one_key() {
        let path = volume(VolumeKind::Secret);
        let one = |bytes| Watchability::Watchable { entries: 1, keys: 1, bytes, layout: VolumeLayout::Plain };
        assert_eq!(ask(&SmallWorld::new().file(&path, 7), &path), one(7));
        assert_eq!(ask(&SmallWorld::new().socket(&path), &path), one(0));
    }

    #[test]
    fn volume_that_grows_during_the_count_is_too_many() {
        let mut fs = MockFilesystem::new();
        let mut keys = [1, 500].into_iter();
        fs.expect_open_dir().times(2).returning(move |at| {
            let world = written(VolumeKind::Secret, keys.next().unwrap());
            world.open_dir(at)
        });
        let path = volume(VolumeKind::Secret);
        assert_eq!(Watchability::of(&fs, Utf8Path::new(&path)).unwrap(), Watchability::TooMany { limit: 8 });
    }

    #[test]
    fn is_watchable_reads_no_more_than_the_count() {
        let path = volume(VolumeKind::Secret);
        let world = written(VolumeKind::Secret, 500);
        assert!(!Watchability::is_watchable_at(&world, Utf8Path::new(&path)).unwrap());
        // Nine files and the directory that some of them are in.
        assert_eq!(world.entries_read(), 10);
        let world = written(VolumeKind::Secret, 500);
        assert!(!by_agent(&world, VolumeKind::Secret).is_watchable());
        assert_eq!(world.entries_read(), 16);
    }
}

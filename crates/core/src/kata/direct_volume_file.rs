//! The file with the record of a direct-assigned volume.

use std::ffi::OsStr;

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::file::{FileIdentity, FileMode};
use crate::kata::{DIRECT_VOLUME_PATH_MAX, DirectVolume, DirectVolumes, MOUNT_INFO_FILE};
use crate::path::Location;
use crate::ports::{Directory, Filesystem};
use crate::spec::Mount;

/// The longest record that is read or written, in bytes.
pub const MOUNT_INFO_MAX: u64 = 64 * 1024;

/// The maximum number of attempts to write a record whose directory another process removes each time.
const MOST_ATTEMPTS: usize = 8;

const DIRECTORY_MODE: FileMode = FileMode::from_bits(0o700);
const FILE_MODE: FileMode = FileMode::from_bits(0o600);

/// An error in reading or writing the record of a direct-assigned volume. `E` is the error of the JSON library.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectVolumeError<E: std::error::Error + 'static> {
    /// The path can have no record: it is empty, or longer than [`DIRECT_VOLUME_PATH_MAX`].
    #[error("{path:?} cannot be the path of a direct-assigned volume: it has 1 to {DIRECT_VOLUME_PATH_MAX} bytes")]
    Path {
        /// The path.
        path: Utf8PathBuf,
    },
    /// The file holds no record, or the record could not be written as JSON.
    #[error("the record of direct-assigned volume {volume_path} cannot be used")]
    Json {
        /// The volume.
        volume_path: String,
        /// The error of the JSON library: it may quote the record, secrets included.
        source: E,
    },
    /// The file or its directory could not be reached.
    #[error(transparent)]
    File(Error),
}

impl<E: std::error::Error + 'static> From<OsError> for DirectVolumeError<E> {
    fn from(error: OsError) -> Self {
        Self::File(error.into())
    }
}

impl DirectVolumes {
    /// Reads the record of the direct-assigned volume that is to be mounted at `volume_path`:
    /// `<root>/<encoded path>/mountInfo.json`. Returns `None` where there is no such record: then it is no
    /// direct-assigned volume.
    ///
    /// * The name of the directory is that of [`directory_name`](Self::directory_name). A path that is empty or too
    ///   long for one has no record, so any source of a mount can be passed.
    /// * The root is trusted. The directory and the file in it may not be symlinks, and at most [`MOUNT_INFO_MAX`]
    ///   bytes are read.
    /// * `parse` makes the record from the file's bytes. The caller provides it, so that core depends on no JSON
    ///   library and the caller keeps its own error type:
    ///
    /// ```
    /// use camino::Utf8Path;
    /// use mountwright_core::Filesystem;
    /// use mountwright_core::kata::{DirectVolume, DirectVolumeError, DirectVolumes};
    ///
    /// fn volume(
    ///     fs: &dyn Filesystem,
    ///     path: &Utf8Path,
    /// ) -> Result<Option<DirectVolume>, DirectVolumeError<serde_json::Error>> {
    ///     DirectVolumes::default().read(fs, path, |json| serde_json::from_slice(json))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`DirectVolumeError::Json`]: `parse` failed: the file holds no JSON, or an entry cannot be used.
    /// [`DirectVolumeError::File`]: the file could not be read; `EFBIG`: it is longer than the limit; `ELOOP`: the
    /// directory or the file is a symlink.
    pub fn read<E: std::error::Error + 'static>(
        &self,
        fs: &dyn Filesystem,
        volume_path: &Utf8Path,
        parse: impl FnOnce(&[u8]) -> Result<DirectVolume, E>,
    ) -> Result<Option<DirectVolume>, DirectVolumeError<E>> {
        let Some(name) = DirectVolumes::directory_name(volume_path) else { return Ok(None) };
        let Some(bytes) = record_bytes(fs, self.root(), &name).map_err(DirectVolumeError::File)? else {
            return Ok(None);
        };
        let volume = parse(&bytes);
        volume.map(Some).map_err(|source| DirectVolumeError::Json { volume_path: volume_path.to_string(), source })
    }
}

fn record_bytes(fs: &dyn Filesystem, volumes_root: &Utf8Path, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let at = Location::beneath(volumes_root.as_std_path(), name)?;
    let read = fs.open_dir(&at).and_then(|directory| directory.read_file(OsStr::new(MOUNT_INFO_FILE), MOUNT_INFO_MAX));
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.errno() == Errno::ENOENT => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl DirectVolumes {
    /// Applies the record of the direct-assigned volume at the source of `mount`, where there is one
    /// ([`DirectVolume::apply_to`]): device, type, options and fsGroup. Returns the record.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read); the mount is then unchanged.
    pub fn apply<E: std::error::Error + 'static>(
        &self,
        fs: &dyn Filesystem,
        mount: &mut Mount,
        parse: impl FnOnce(&[u8]) -> Result<DirectVolume, E>,
    ) -> Result<Option<DirectVolume>, DirectVolumeError<E>> {
        let volume = self.read(fs, Utf8Path::new(&mount.source), parse)?;
        if let Some(volume) = &volume {
            volume.apply_to(mount);
        }
        Ok(volume)
    }
}

impl DirectVolumes {
    /// Writes the record of the direct-assigned volume that is to be mounted at `volume_path`, or replaces it.
    ///
    /// * Atomic: a reader finds the whole old record or the whole new one, also after a crash. File and directory are
    ///   flushed. The name of a new directory in the root is not flushed, because `/run`, the default place, does not
    ///   survive a boot.
    /// * Several callers may write one record at once: the last record stays, as a whole. A directory that another
    ///   process removes before the record is in it is created again, at most 8 times.
    /// * The file's mode is 0600: it may hold keys. Missing directories are created with mode 0700.
    /// * `write` makes JSON from the record, for example `serde_json::to_vec`.
    ///
    /// # Errors
    ///
    /// [`DirectVolumeError::Path`]: the path cannot have a record. [`DirectVolumeError::Json`]: `write` failed. In both
    /// cases nothing was read or changed. [`DirectVolumeError::File`]: the errors of [`Directory::replace_file`];
    /// `EFBIG`: longer than [`MOUNT_INFO_MAX`]; `ENOTDIR` or `ELOOP`: the volume's directory is a file or a symlink.
    /// The old record is then unchanged, and a directory that was created for the volume is removed or reported as left
    /// over; the root stays.
    pub fn write<E: std::error::Error + 'static>(
        &self,
        fs: &dyn Filesystem,
        volume_path: &Utf8Path,
        volume: &DirectVolume,
        write: impl FnOnce(&DirectVolume) -> Result<Vec<u8>, E>,
    ) -> Result<(), DirectVolumeError<E>> {
        let Some(name) = DirectVolumes::directory_name(volume_path) else {
            return Err(DirectVolumeError::Path { path: volume_path.to_owned() });
        };
        let bytes =
            write(volume).map_err(|source| DirectVolumeError::Json { volume_path: volume_path.to_string(), source })?;
        let path = self.root().join(&name);
        if bytes.len() as u64 > MOUNT_INFO_MAX {
            let file = path.join(MOUNT_INFO_FILE).into_std_path_buf();
            return Err(OsError::new(Operation::ReplaceFile, file, Errno::EFBIG).into());
        }
        let volumes = open_or_create(fs, self.root())?;
        let mut written = write_record(&*volumes, &name, &path, &bytes);
        for _ in 1..MOST_ATTEMPTS {
            match written {
                // Another process removed the directory while it was empty: its own write failed, or the volume was removed.
                Err(error) if error.errno() == Errno::ENOENT => written = write_record(&*volumes, &name, &path, &bytes),
                _ => break,
            }
        }
        written.map_err(Into::into)
    }
}

fn write_record(volumes: &dyn Directory, name: &str, path: &Utf8Path, bytes: &[u8]) -> Result<(), OsError> {
    let made = create_where_missing(volumes.create_dir(OsStr::new(name), DIRECTORY_MODE))?;
    let replaced = volumes
        .open_dir(OsStr::new(name), crate::path::Crossing::Enter)
        .and_then(|directory| directory.replace_file(OsStr::new(MOUNT_INFO_FILE), bytes, FILE_MODE));
    replaced.map_err(|error| if made { take_back(volumes, name, path, error) } else { error })
}

fn take_back(volumes: &dyn Directory, name: &str, path: &Utf8Path, error: OsError) -> OsError {
    match volumes.remove_dir(OsStr::new(name)) {
        Ok(()) => error,
        Err(_) => error.leaving(Leftover::Directory(path.into())),
    }
}

fn open_or_create(fs: &dyn Filesystem, path: &Utf8Path) -> Result<Box<dyn Directory>, OsError> {
    let at = Location::trusted(path.as_std_path());
    match fs.open_dir(&at) {
        Err(error) if error.errno() == Errno::ENOENT => {
            create_with_parents(fs, path)?;
            fs.open_dir(&at)
        }
        answer => answer,
    }
}

fn create_with_parents(fs: &dyn Filesystem, path: &Utf8Path) -> Result<(), OsError> {
    let at = Location::trusted(path.as_std_path());
    match (fs.create_dir(&at, DIRECTORY_MODE), path.parent()) {
        (Err(error), Some(above)) if error.errno() == Errno::ENOENT && !above.as_str().is_empty() => {
            create_with_parents(fs, above)?;
            create_where_missing(fs.create_dir(&at, DIRECTORY_MODE)).map(drop)
        }
        (answer, _) => create_where_missing(answer).map(drop),
    }
}

/// True where it was created; false where it exists already.
fn create_where_missing(answer: Result<FileIdentity, OsError>) -> Result<bool, OsError> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.errno() == Errno::EEXIST => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{FileKind, FinalSymlink, Metadata};
    use crate::kata::DirectVolumeType;
    use crate::ports::MockFilesystem;
    use crate::spec::{FsGroup, FsGroupChangePolicy};
    use crate::test_support::hooked_tree::ChangingTree;

    const ROOT: &str = "/run/kata-containers/shared/direct-volumes";
    const VOLUME: &str = "/data";
    const DIRECTORY: &str = "/run/kata-containers/shared/direct-volumes/L2RhdGE=";
    const FILE: &str = "/run/kata-containers/shared/direct-volumes/L2RhdGE=/mountInfo.json";
    const RECORD: &str = r#"{"volume-type":"block","device":"/dev/sdb","fstype":"ext4",
        "metadata":{"fsGroup":"3000","fsGroupChangePolicy":"OnRootMismatch"},"options":["noatime","ro"]}"#;

    type Answer<T> = Result<T, DirectVolumeError<serde_json::Error>>;

    fn holding(record: &str) -> ChangingTree {
        ChangingTree::new(|files| files.file(FILE, 0o600, record.as_bytes()))
    }

    fn read(fs: &dyn Filesystem, path: &str) -> Answer<Option<DirectVolume>> {
        DirectVolumes::at(ROOT).read(fs, path.into(), |json| serde_json::from_slice(json))
    }

    fn write(fs: &dyn Filesystem, path: &str, volume: &DirectVolume) -> Answer<()> {
        DirectVolumes::at(ROOT).write(fs, path.into(), volume, serde_json::to_vec)
    }

    fn volume(device: &str) -> DirectVolume {
        let metadata = [("fsGroup".to_owned(), "5".to_owned())].into();
        DirectVolume::new(DirectVolumeType::Block, device, "xfs", metadata, Vec::new()).unwrap()
    }

    fn errno<T>(answer: Answer<T>) -> Errno {
        match answer {
            Err(DirectVolumeError::File(error)) => error.errno().unwrap(),
            Err(error) => panic!("{error}"),
            Ok(_) => panic!("it went well"),
        }
    }

    #[test]
    fn the_record_fills_the_mount() {
        let mut mount = Mount::new(VOLUME, "/mnt", "bind");
        let tree = holding(RECORD);
        let parse = |json: &[u8]| serde_json::from_slice(json);
        let volume = DirectVolumes::at(ROOT).apply(&tree, &mut mount, parse).unwrap().unwrap();
        assert_eq!(volume.volume_type, DirectVolumeType::Block);
        assert_eq!(
            (mount.source.as_str(), mount.fs_type.as_str(), mount.destination.as_str()),
            ("/dev/sdb", "ext4", "/mnt")
        );
        assert_eq!((mount.options.join(","), mount.read_only), ("noatime,ro".to_owned(), true));
        let group = FsGroup { gid: 3000, policy: FsGroupChangePolicy::OnRootMismatch };
        assert_eq!(mount.fs_group, Some(group));
        assert_eq!(tree.open_now(), 0);
    }

    #[test]
    fn without_a_record_it_is_no_direct_volume() {
        let empty = ChangingTree::new(|_| ());
        let half = ChangingTree::new(|files| files.directory(DIRECTORY, 0o700));
        let long = "/".repeat(200);
        for (tree, path) in [(&empty, VOLUME), (&half, VOLUME), (&half, "/other"), (&half, ""), (&half, &long)] {
            assert_eq!(read(tree, path).unwrap(), None, "{path:?}");
        }
        let mut mount = Mount::new("/other", "/mnt", "bind");
        let before = mount.clone();
        let parse = |json: &[u8]| serde_json::from_slice(json);
        assert_eq!(DirectVolumes::at(ROOT).apply(&half, &mut mount, parse).unwrap(), None);
        assert_eq!(mount, before);
    }

    #[test]
    fn a_record_that_cannot_be_used_names_the_volume_and_leaves_the_mount() {
        for record in ["", "{", r#"{"volume-type":"tape"}"#, r#"{"volume-type":"block","metadata":{"fsGroup":"x"}}"#] {
            let mut mount = Mount::new(VOLUME, "/mnt", "bind");
            let before = mount.clone();
            let parse = |json: &[u8]| serde_json::from_slice(json);
            let error = DirectVolumes::at(ROOT).apply(&holding(record), &mut mount, parse).unwrap_err();
            assert_eq!(error.to_string(), "the record of direct-assigned volume /data cannot be used");
            assert!(std::error::Error::source(&error).is_some());
            assert_eq!(mount, before);
        }
    }

    #[test]
    fn no_more_than_the_limit_is_read() {
        assert_eq!(MOUNT_INFO_MAX, 65_536);
        let at_limit = format!("{RECORD}{}", " ".repeat(usize::try_from(MOUNT_INFO_MAX).unwrap() - RECORD.len()));
        assert!(read(&holding(&at_limit), VOLUME).unwrap().is_some());
        assert_eq!(errno(read(&holding(&format!("{at_limit} ")), VOLUME)), Errno::EFBIG);
    }

    #[test]
    fn symlinks_are_not_followed() {
        let file = ChangingTree::new(|files| {
            files.file("/elsewhere/mountInfo.json", 0o600, RECORD.as_bytes());
            files.directory(DIRECTORY, 0o700);
            files.symlink(FILE, "/elsewhere/mountInfo.json");
        });
        assert_eq!(errno(read(&file, VOLUME)), Errno::ELOOP);
        let directory = ChangingTree::new(|files| {
            files.directory(ROOT, 0o700);
            files.symlink(DIRECTORY, "/elsewhere");
        });
        assert_eq!(errno(read(&directory, VOLUME)), Errno::ELOOP);
        assert_eq!(errno(write(&directory, VOLUME, &volume("/dev/sdc"))), Errno::ELOOP);
    }

    #[test]
    fn what_is_written_reads_back_and_only_the_owner_can() {
        let tree = ChangingTree::new(|_| ());
        for device in ["/dev/sdc", "/dev/sdd"] {
            write(&tree, VOLUME, &volume(device)).unwrap();
            assert_eq!(read(&tree, VOLUME).unwrap(), Some(volume(device)));
            assert_eq!(tree.shown(FILE), "600 0");
            for directory in ["/run", ROOT, DIRECTORY] {
                assert_eq!(tree.shown(directory), "700 0", "{directory}");
            }
        }
        assert_eq!((tree.metadata_at(FILE).kind, tree.open_now()), (FileKind::Regular, 0));
    }

    fn fs_metadata(tree: &ChangingTree, path: &str) -> Result<Metadata, OsError> {
        tree.metadata(&Location::trusted(path), FinalSymlink::Itself)
    }

    #[test]
    fn record_is_written_when_another_process_removes_the_empty_directory() {
        let whole = ChangingTree::new(|files| files.directory(DIRECTORY, 0o700));
        write(&whole, VOLUME, &volume("/dev/sdc")).unwrap();
        let calls = whole.calls();
        let there = calls.iter().position(|(operation, _)| *operation == Operation::CreateDir).unwrap() + 1;
        for call in there..calls.len() {
            let tree = ChangingTree::new(|files| files.directory(DIRECTORY, 0o700));
            tree.before_call(call, |files| files.remove(DIRECTORY));
            write(&tree, VOLUME, &volume("/dev/sdc")).unwrap();
            assert_eq!(read(&tree, VOLUME).unwrap(), Some(volume("/dev/sdc")), "removed before call {call}");
        }
        let tree = ChangingTree::new(|files| files.directory(DIRECTORY, 0o700));
        tree.failing_anywhere(Operation::ReplaceFile, Errno::ENOENT);
        assert_eq!(errno(write(&tree, VOLUME, &volume("/dev/sdc"))), Errno::ENOENT, "not for ever");
    }

    #[test]
    fn a_failed_write_leaves_the_old_record_or_no_directory() {
        let tree = ChangingTree::new(|files| files.directory(ROOT, 0o755));
        tree.failing_anywhere(Operation::ReplaceFile, Errno::ENOSPC);
        assert_eq!(errno(write(&tree, VOLUME, &volume("/dev/sdc"))), Errno::ENOSPC);
        let there = |path: &str| fs_metadata(&tree, path).is_ok();
        assert!(!there(DIRECTORY) && there(ROOT));
        let tree = holding(RECORD);
        let before = read(&tree, VOLUME).unwrap();
        tree.failing_anywhere(Operation::ReplaceFile, Errno::ENOSPC);
        let Err(DirectVolumeError::File(error)) = write(&tree, VOLUME, &volume("/dev/sdc")) else { panic!() };
        assert_eq!((error.errno(), error.left()), (Some(Errno::ENOSPC), &[][..]));
        assert_eq!(read(&tree, VOLUME).unwrap(), before);
    }

    #[test]
    fn a_directory_that_cannot_be_taken_back_is_named() {
        let tree = ChangingTree::new(|files| files.directory(ROOT, 0o755));
        tree.failing_anywhere(Operation::ReplaceFile, Errno::EIO);
        tree.failing_anywhere(Operation::RemoveDir, Errno::EIO);
        let Err(DirectVolumeError::File(error)) = write(&tree, VOLUME, &volume("/dev/sdc")) else { panic!() };
        assert_eq!(error.left(), [Leftover::Directory(DIRECTORY.into())]);
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_anything_is_touched() {
        let nobody = MockFilesystem::new();
        let long = "/".repeat(200);
        for path in ["", &long] {
            assert!(matches!(write(&nobody, path, &volume("/d")), Err(DirectVolumeError::Path { .. })), "{path}");
        }
        let huge = volume(&"x".repeat(usize::try_from(MOUNT_INFO_MAX).unwrap()));
        assert_eq!(errno(write(&nobody, VOLUME, &huge)), Errno::EFBIG);
    }

    #[test]
    fn a_record_as_long_as_the_limit_is_written() {
        let tree = ChangingTree::new(|_| ());
        for (length, fits) in [(65_536, true), (65_537, false)] {
            let bytes = vec![b' '; length];
            let written = DirectVolumes::at(ROOT)
                .write(&tree, VOLUME.into(), &volume("/d"), |_| Ok::<_, serde_json::Error>(bytes));
            assert_eq!(written.is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn directories_are_made_only_where_they_are_missing() {
        let tree = ChangingTree::new(|files| files.directory(ROOT, 0o700));
        tree.failing(ROOT, Operation::OpenDir, Errno::EACCES);
        assert_eq!(errno(write(&tree, VOLUME, &volume("/d"))), Errno::EACCES);
        assert_eq!(tree.count(&[Operation::CreateDir]), 0);
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_the_error_and_no_other_is_tried() {
        let tree = ChangingTree::new(|files| files.directory("/run/kata-containers/shared", 0o700));
        tree.failing_anywhere(Operation::CreateDir, Errno::EROFS);
        let Err(DirectVolumeError::File(error)) = write(&tree, VOLUME, &volume("/d")) else { panic!() };
        assert_eq!(error.errno(), Some(Errno::EROFS));
        assert_eq!(tree.count(&[Operation::CreateDir]), 1);
    }
}

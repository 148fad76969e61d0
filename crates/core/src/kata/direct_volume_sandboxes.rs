//! The sandboxes that use a direct-assigned volume, and the removal of its record.

use std::ffi::OsStr;

use camino::Utf8Path;

use crate::error::{Errno, Error, Operation, OsError};
use crate::file::{FileKind, FileMode};
use crate::kata::{DirectVolumes, MOUNT_INFO_FILE};
use crate::path::{ContainerId, Crossing, InvalidPath, Location};
use crate::ports::{Directory, Filesystem};

const FILE_MODE: FileMode = FileMode::from_bits(0o600);

impl DirectVolumes {
    /// Records that a sandbox uses the volume: an empty file beside the record, named by the sandbox's id, as Kata's runtimes
    /// write it. Recording it again changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: the volume has no record (`ENOENT`), or the file cannot be created. [`Error::InvalidPath`]: the id is
    /// the name of the record.
    #[doc(alias = "RecordSandboxID")]
    pub fn record_sandbox(&self, fs: &dyn Filesystem, volume_path: &Utf8Path, id: &ContainerId) -> Result<(), Error> {
        if id.as_str() == MOUNT_INFO_FILE {
            return Err(InvalidPath::below_a_root(id.as_str(), "the name is reserved").into());
        }
        let missing = || OsError::new(Operation::OpenDir, volume_path.as_std_path(), Errno::ENOENT);
        let directory = self.directory_of(fs, volume_path)?.ok_or_else(missing)?;
        directory.metadata(OsStr::new(MOUNT_INFO_FILE))?;
        match directory.create_file(OsStr::new(id.as_str()), FILE_MODE) {
            Err(error) if error.errno() != Errno::EEXIST => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The sandboxes that are recorded to use the volume, in the order of their ids; none where it has no record.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: the volume's directory cannot be read; `ELOOP`: it is a symlink.
    #[doc(alias = "GetSandboxIDForVolume")]
    pub fn sandboxes(&self, fs: &dyn Filesystem, volume_path: &Utf8Path) -> Result<Vec<ContainerId>, Error> {
        match self.directory_of(fs, volume_path)? {
            Some(directory) => Ok(recorded(&*directory)?),
            None => Ok(Vec::new()),
        }
    }

    /// Removes the record of the volume, the sandboxes recorded with it, and their directory; returns false where there is no
    /// directory for the volume.
    ///
    /// The record is removed first: from then on it is no direct-assigned volume. Nothing else is removed, and nothing
    /// recursively: where another file is in the directory, the directory stays.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: a name cannot be removed; `ENOTEMPTY`: another file is in the directory; `ELOOP`: the directory is a
    /// symlink, which stays.
    pub fn remove(&self, fs: &dyn Filesystem, volume_path: &Utf8Path) -> Result<bool, Error> {
        let Some((volumes, name)) = self.opened(fs, volume_path)? else { return Ok(false) };
        let name = OsStr::new(&name);
        let Some(directory) = existing(volumes.open_dir(name, Crossing::Refuse))? else { return Ok(false) };
        existing(directory.remove_file(OsStr::new(MOUNT_INFO_FILE)))?;
        for sandbox in recorded(&*directory)? {
            existing(directory.remove_file(OsStr::new(sandbox.as_str())))?;
        }
        existing(volumes.remove_dir(name))?;
        Ok(true)
    }

    fn directory_of(&self, fs: &dyn Filesystem, volume_path: &Utf8Path) -> Result<Option<Box<dyn Directory>>, Error> {
        let Some((volumes, name)) = self.opened(fs, volume_path)? else { return Ok(None) };
        Ok(existing(volumes.open_dir(OsStr::new(&name), Crossing::Refuse))?)
    }

    /// The directory that holds the volumes, and the name of this one.
    fn opened(&self, fs: &dyn Filesystem, volume_path: &Utf8Path) -> Result<Option<Named>, Error> {
        let Some(name) = Self::directory_name(volume_path) else { return Ok(None) };
        let volumes = existing(fs.open_dir(&Location::trusted(self.root().as_std_path())))?;
        Ok(volumes.map(|volumes| (volumes, name)))
    }
}

/// A name in a directory.
type Named = (Box<dyn Directory>, String);

/// `None` where it does not exist.
fn existing<T>(found: Result<T, OsError>) -> Result<Option<T>, OsError> {
    match found {
        Err(error) if error.errno() == Errno::ENOENT => Ok(None),
        found => found.map(Some),
    }
}

/// The empty files whose names are ids.
fn recorded(directory: &dyn Directory) -> Result<Vec<ContainerId>, OsError> {
    let mut ids = Vec::new();
    for entry in directory.entries()? {
        let name = entry?.name;
        let Some(id) = name.to_str().filter(|name| *name != MOUNT_INFO_FILE) else { continue };
        let (Ok(id), Some(found)) = (ContainerId::new(id), existing(directory.metadata(&name))?) else { continue };
        if found.kind == FileKind::Regular && found.size == 0 {
            ids.push(id);
        }
    }
    ids.sort();
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::hooked_tree::ChangingTree;

    const ROOT: &str = "/run/kata-containers/shared/direct-volumes";
    const DIRECTORY: &str = "/run/kata-containers/shared/direct-volumes/L2RhdGE=";
    const RECORD: &str = "/run/kata-containers/shared/direct-volumes/L2RhdGE=/mountInfo.json";

    fn volume() -> &'static Utf8Path {
        Utf8Path::new("/data")
    }

    fn id(text: &str) -> ContainerId {
        ContainerId::new(text).unwrap()
    }

    fn tree() -> ChangingTree {
        ChangingTree::new(|files| files.file(RECORD, 0o600, b"{}"))
    }

    fn volumes() -> DirectVolumes {
        DirectVolumes::at(ROOT)
    }

    fn exists(tree: &ChangingTree, path: &str) -> bool {
        tree.metadata(&Location::trusted(path), crate::file::FinalSymlink::Itself).is_ok()
    }

    #[test]
    fn sandboxes_are_recorded_beside_the_record_and_listed() {
        let tree = tree();
        assert_eq!(volumes().sandboxes(&tree, volume()), Ok(Vec::new()));
        for sandbox in ["s2", "s1", "s2"] {
            volumes().record_sandbox(&tree, volume(), &id(sandbox)).unwrap();
        }
        assert_eq!(volumes().sandboxes(&tree, volume()), Ok(vec![id("s1"), id("s2")]));
        assert_eq!(tree.shown(&format!("{DIRECTORY}/s1")), "600 0");
        assert_eq!(tree.open_now(), 0);
    }

    #[test]
    fn a_volume_without_a_record_has_no_sandboxes_and_takes_none() {
        let empty = ChangingTree::new(|_| ());
        let half = ChangingTree::new(|files| files.directory(DIRECTORY, 0o700));
        for tree in [&empty, &half] {
            assert_eq!(volumes().sandboxes(tree, volume()), Ok(Vec::new()));
            let error = volumes().record_sandbox(tree, volume(), &id("s")).unwrap_err();
            assert_eq!(error.errno(), Some(Errno::ENOENT));
        }
        assert!(!exists(&half, &format!("{DIRECTORY}/s")));
        let reserved = volumes().record_sandbox(&tree(), volume(), &id(MOUNT_INFO_FILE));
        assert!(matches!(reserved, Err(Error::InvalidPath(_))), "{reserved:?}");
    }

    #[test]
    fn a_sandbox_that_cannot_be_recorded_is_an_error() {
        let tree = tree();
        tree.failing(DIRECTORY, Operation::CreateFile, Errno::EROFS);
        assert_eq!(volumes().record_sandbox(&tree, volume(), &id("s")).unwrap_err().errno(), Some(Errno::EROFS));
    }

    #[test]
    fn removal_takes_the_record_its_sandboxes_and_the_directory_and_nothing_else() {
        let tree = tree();
        volumes().record_sandbox(&tree, volume(), &id("s")).unwrap();
        assert_eq!(volumes().remove(&tree, volume()), Ok(true));
        assert!(!exists(&tree, DIRECTORY) && exists(&tree, ROOT));
        assert_eq!(volumes().remove(&tree, volume()), Ok(false));
        assert_eq!(volumes().remove(&tree, "".into()), Ok(false));

        let other = ChangingTree::new(|files| {
            files.file(RECORD, 0o600, b"{}");
            files.file(&format!("{DIRECTORY}/notes"), 0o600, b"another program's");
        });
        assert_eq!(volumes().remove(&other, volume()).unwrap_err().errno(), Some(Errno::ENOTEMPTY));
        assert!(!exists(&other, RECORD) && exists(&other, &format!("{DIRECTORY}/notes")));
        assert_eq!(other.open_now(), 0);
    }

    #[test]
    fn a_symlink_in_the_place_of_the_volume_is_left_with_what_it_leads_to() {
        let tree = ChangingTree::new(|files| {
            files.directory(ROOT, 0o700);
            files.file("/elsewhere/mountInfo.json", 0o600, b"{}");
            files.symlink(DIRECTORY, "/elsewhere");
        });
        assert_eq!(volumes().remove(&tree, volume()).unwrap_err().errno(), Some(Errno::ELOOP));
        assert_eq!(volumes().sandboxes(&tree, volume()).unwrap_err().errno(), Some(Errno::ELOOP));
        assert!(exists(&tree, "/elsewhere/mountInfo.json") && exists(&tree, DIRECTORY));
    }
}

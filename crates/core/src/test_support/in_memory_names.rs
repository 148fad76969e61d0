//! A filesystem of names alone, behind the mock: for tests of the names that sequences create and remove.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, DirectoryEntry, FileIdentity, FileKind, Metadata};
use crate::path::Location;
use crate::ports::{Directory, DirectoryEntries, MockDirectory, MockFilesystem, MockOpenEntry};

/// The names, each with its inode number and kind; and the log of changes, in order.
#[derive(Default)]
pub(crate) struct Paper {
    pub(crate) names: BTreeMap<PathBuf, (u64, FileKind)>,
    pub(crate) log: Vec<String>,
    next: u64,
}

pub(crate) type SharedPaper = Arc<Mutex<Paper>>;

/// The device number of everything on paper.
pub(crate) const PAPER: DeviceNumber = DeviceNumber::new(0, 77);

impl Paper {
    /// Directories at these paths; a path that ends in `file` is an empty file.
    pub(crate) fn with(paths: &[&str]) -> SharedPaper {
        let mut paper = Self::default();
        for path in paths {
            let kind = if path.ends_with("file") { FileKind::Regular } else { FileKind::Directory };
            paper.make(path.into(), kind);
        }
        Arc::new(Mutex::new(paper))
    }

    fn make(&mut self, path: PathBuf, kind: FileKind) {
        self.next += 1;
        self.names.insert(path, (self.next, kind));
    }

    pub(crate) fn inode(&self, path: &str) -> u64 {
        self.names[&PathBuf::from(path)].0
    }

    fn create(&mut self, at: &Location, kind: FileKind, operation: Operation) -> Result<FileIdentity, OsError> {
        let path = at.for_display();
        let refuse = |errno| Err(OsError::new(operation, path.clone(), errno));
        if self.names.contains_key(&path) {
            return refuse(Errno::EEXIST);
        }
        if path.parent().is_none_or(|parent| !self.names.contains_key(parent)) {
            return refuse(Errno::ENOENT);
        }
        self.log.push(format!("make {}", path.display()));
        self.make(path, kind);
        Ok(FileIdentity { device: PAPER, inode: self.next, kind })
    }

    fn remove(&mut self, at: &Location, directory: bool) -> Result<(), OsError> {
        let path = at.for_display();
        let refuse = |errno| Err(OsError::new(Operation::RemoveDir, path.clone(), errno));
        match self.names.get(&path) {
            None => return refuse(Errno::ENOENT),
            Some((_, FileKind::Directory)) if !directory => return refuse(Errno::EISDIR),
            Some((_, FileKind::Regular)) if directory => return refuse(Errno::ENOTDIR),
            Some(_) => {}
        }
        if self.names.keys().any(|other| other.parent() == Some(&path)) {
            return refuse(Errno::ENOTEMPTY);
        }
        self.log.push(format!("remove {}", path.display()));
        self.names.remove(&path);
        Ok(())
    }

    fn metadata(&self, at: &Location) -> Result<Metadata, OsError> {
        let path = at.for_display();
        match self.names.get(&path) {
            Some((inode, kind)) => Ok(Metadata::new(*kind, PAPER, *inode)),
            None => Err(OsError::new(Operation::Metadata, path, Errno::ENOENT)),
        }
    }

    fn entries(&self, path: &std::path::Path) -> Vec<DirectoryEntry> {
        let inside = self.names.iter().filter(|(name, _)| name.parent() == Some(path));
        inside
            .map(|(name, (inode, kind))| DirectoryEntry {
                name: name.file_name().unwrap_or_default().to_owned(),
                kind: *kind,
                inode: *inode,
            })
            .collect()
    }
}

/// A filesystem that shows the paper.
pub(crate) fn filesystem(paper: &SharedPaper) -> MockFilesystem {
    let mut fs = MockFilesystem::new();
    let with = paper.clone();
    fs.expect_create_dir()
        .returning(move |at, _| with.lock().unwrap().create(at, FileKind::Directory, Operation::CreateDir));
    let with = paper.clone();
    fs.expect_create_file()
        .returning(move |at, _| with.lock().unwrap().create(at, FileKind::Regular, Operation::CreateFile));
    let with = paper.clone();
    fs.expect_remove_dir().returning(move |at| with.lock().unwrap().remove(at, true));
    let with = paper.clone();
    fs.expect_remove_file().returning(move |at| with.lock().unwrap().remove(at, false));
    let with = paper.clone();
    fs.expect_metadata().returning(move |at, _| with.lock().unwrap().metadata(at));
    fs.expect_canonicalize().returning(|path| Ok(path.to_owned()));
    let with = paper.clone();
    fs.expect_open_dir().returning(move |at| directory(&with, at.for_display()));
    fs
}

/// The directory at a path of the paper.
fn directory(paper: &SharedPaper, path: PathBuf) -> Result<Box<dyn Directory>, OsError> {
    let own = paper.lock().unwrap().metadata(&Location::Trusted(path.clone()))?;
    let entries = paper.lock().unwrap().entries(&path);
    let mut directory = MockDirectory::new();
    let below = move |name: &OsStr| Location::Trusted(path.join(name));
    let (inside, of) = (paper.clone(), below.clone());
    directory.expect_metadata().returning(move |name| inside.lock().unwrap().metadata(&of(name)));
    let (inside, of) = (paper.clone(), below.clone());
    directory.expect_open_entry().returning(move |name| {
        let (inside, at) = (inside.clone(), of(name));
        let found = inside.lock().unwrap().metadata(&at)?;
        let mut entry = MockOpenEntry::new();
        entry.expect_metadata().returning(move || {
            // A file whose name was removed has none.
            let links = u64::from(inside.lock().unwrap().metadata(&at).is_ok());
            Ok(Metadata { links, ..found.clone() })
        });
        Ok(Box::new(entry))
    });
    let (inside, of) = (paper.clone(), below.clone());
    directory.expect_remove_dir().returning(move |name| inside.lock().unwrap().remove(&of(name), true));
    let (inside, of) = (paper.clone(), below.clone());
    directory.expect_remove_file().returning(move |name| inside.lock().unwrap().remove(&of(name), false));
    let inside = paper.clone();
    directory.expect_open_dir().returning(move |name, _| self::directory(&inside, below(name).for_display()));
    directory.expect_own_metadata().returning(move || Ok(own.clone()));
    directory.expect_entries().returning(move || Ok(DirectoryEntries::new(entries.clone().into_iter().map(Ok))));
    Ok(Box::new(directory))
}

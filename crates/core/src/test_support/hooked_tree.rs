//! A tree of files for tests that change it: by calls of the ports, and between any two calls.

mod files;
mod open_directory;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, FileIdentity, FileKind, FileMode, FinalSymlink, Metadata};
use crate::path::Location;
use crate::ports::{Directory, Filesystem};
pub(crate) use files::Files;
use open_directory::{Open, OpenDirectory, only_directory};

/// A tree of files behind the [`Filesystem`] port. Names lead to inodes, so an open directory stays the same if its
/// name is moved or removed. As on Linux, a change of the owner clears set-id bits and capabilities of a file that is
/// no directory.
#[derive(Clone, Default)]
pub(crate) struct ChangingTree {
    state: Arc<Mutex<State>>,
}

type Hook = Box<dyn FnOnce(&mut Files) + Send>;

#[derive(Default)]
struct State {
    files: Files,
    calls: Vec<(Operation, PathBuf)>,
    faults: BTreeMap<(u64, u8), Errno>,
    faults_anywhere: BTreeMap<u8, Errno>,
    hooks: BTreeMap<usize, Vec<Hook>>,
    dies_at: Option<usize>,
    open: usize,
    most_open: usize,
}

impl ChangingTree {
    pub(crate) fn new(build: impl FnOnce(&mut Files)) -> Self {
        let tree = Self::default();
        build(&mut tree.lock().files);
        tree
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Makes this operation fail from now on, for the file that is at `path` now.
    pub(crate) fn failing(&self, path: &str, operation: Operation, errno: Errno) {
        let mut state = self.lock();
        let inode = state.files.find(Path::new(path)).unwrap();
        state.faults.insert((inode, operation as u8), errno);
    }

    /// Makes this operation fail from now on, for every file.
    pub(crate) fn failing_anywhere(&self, operation: Operation, errno: Errno) {
        self.lock().faults_anywhere.insert(operation as u8, errno);
    }

    /// Makes `change` happen just before call number `call`, counted from 0, after earlier hooks of that call.
    pub(crate) fn before_call(&self, call: usize, change: impl FnOnce(&mut Files) + Send + 'static) {
        self.lock().hooks.entry(call).or_default().push(Box::new(change));
    }

    /// Makes every call from number `call` on fail: the process is dead.
    pub(crate) fn die_at(&self, call: usize) {
        self.lock().dies_at = Some(call);
    }

    pub(crate) fn live(&self) {
        self.lock().dies_at = None;
    }

    pub(crate) fn metadata_at(&self, path: &str) -> Metadata {
        let mut state = self.lock();
        let inode = state.files.find(Path::new(path)).unwrap_or_else(|| panic!("{path} is missing"));
        state.files.node(inode).metadata.clone()
    }

    /// Mode and group, as `2770 5`.
    pub(crate) fn shown(&self, path: &str) -> String {
        let found = self.metadata_at(path);
        format!("{:o} {}", found.mode.bits(), found.gid)
    }

    pub(crate) fn capabilities_at(&self, path: &str) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let inode = state.files.find(Path::new(path)).unwrap_or_else(|| panic!("{path} is missing"));
        state.files.node(inode).capabilities.clone()
    }

    /// The calls so far, with their paths.
    pub(crate) fn calls(&self) -> Vec<(Operation, PathBuf)> {
        self.lock().calls.clone()
    }

    pub(crate) fn count(&self, operations: &[Operation]) -> usize {
        self.lock().calls.iter().filter(|(operation, _)| operations.contains(operation)).count()
    }

    pub(crate) fn open_now(&self) -> usize {
        self.lock().open
    }

    /// The maximum number of descriptors open at a time; a listing counts as one more.
    pub(crate) fn most_open(&self) -> usize {
        self.lock().most_open
    }

    /// One call: first its hooks, then its fault, then the call itself.
    fn call<T>(
        &self,
        operation: Operation,
        path: PathBuf,
        subject: impl FnOnce(&mut Files) -> Result<u64, Errno>,
        body: impl FnOnce(&mut Files, u64) -> Result<T, Errno>,
    ) -> Result<T, OsError> {
        let mut state = self.lock();
        let number = state.calls.len();
        state.calls.push((operation, path.clone()));
        if state.dies_at.is_some_and(|call| number >= call) {
            return Err(OsError::new(operation, path, Errno::ENOTRECOVERABLE));
        }
        for hook in state.hooks.remove(&number).unwrap_or_default() {
            hook(&mut state.files);
        }
        let answer = subject(&mut state.files).and_then(|inode| {
            let fault = state.faults.get(&(inode, operation as u8)).or(state.faults_anywhere.get(&(operation as u8)));
            let fault = fault.copied();
            fault.map_or_else(|| body(&mut state.files, inode), Err)
        });
        answer.map_err(|errno| OsError::new(operation, path, errno))
    }

    fn at<T>(
        &self,
        operation: Operation,
        at: &Location,
        body: impl FnOnce(&mut Files, u64) -> Result<T, Errno>,
    ) -> Result<T, OsError> {
        let path = at.for_display();
        let wanted = path.clone();
        self.call(operation, path, |files| files.find(&wanted).ok_or(Errno::ENOENT), body)
    }

    fn opened(&self, operation: Operation, at: &Location) -> Result<OpenDirectory, OsError> {
        let inode = self.at(operation, at, only_directory)?;
        Ok(OpenDirectory { tree: self.clone(), inode, path: at.for_display(), _open: Open::new(self) })
    }

    /// The directory above a place, for operations on a name in it.
    fn above(at: &Location) -> (Location, OsString) {
        let path = at.for_display();
        (Location::trusted(path.parent().unwrap()), path.file_name().unwrap().to_owned())
    }
}

impl Filesystem for ChangingTree {
    fn metadata(&self, at: &Location, _: FinalSymlink) -> Result<Metadata, OsError> {
        self.at(Operation::Metadata, at, |files, inode| Ok(files.node(inode).metadata.clone()))
    }

    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.metadata(at, link)
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.at(Operation::Canonicalize, &Location::trusted(path), |_, _| Ok(path.to_path_buf()))
    }

    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.canonicalize(path)
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        Ok("/".into())
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        Ok(Box::new(self.opened(Operation::OpenDir, at)?))
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        self.at(Operation::ReadLink, at, |files, inode| Ok(files.node(inode).target.clone()))
    }

    fn create_dir(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::CreateDir, &above)?.create_dir(&name, mode)
    }

    fn create_file(&self, at: &Location, mode: FileMode) -> Result<FileIdentity, OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::CreateFile, &above)?.create_file(&name, mode)
    }

    fn create_symlink(&self, at: &Location, target: &Path) -> Result<FileIdentity, OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::CreateSymlink, &above)?.create_symlink(&name, target)
    }

    fn create_node(
        &self,
        at: &Location,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::CreateNode, &above)?.create_node(&name, kind, device, mode)
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::RemoveDir, &above)?.remove_dir(&name)
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::RemoveFile, &above)?.remove_file(&name)
    }
}

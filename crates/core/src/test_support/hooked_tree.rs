//! A tree of files for tests that change it: by calls of the ports, and between any two calls.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, DirectoryEntry, FileIdentity, FileKind, FileMode, FileTime, FinalSymlink, Metadata};
use crate::mount::{MountId, MountKey, UnmountMode};
use crate::path::{Crossing, Location};
use crate::ports::{Directory, DirectoryEntries, Filesystem, OpenEntry};

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

/// The files themselves. Paths are absolute, and no symlink is followed in them.
pub(crate) struct Files {
    nodes: Vec<Node>,
    /// Behaves as for a process without `CAP_FSETID` that is in no file's group.
    clears_set_group_id: bool,
}

struct Node {
    metadata: Metadata,
    /// The directory that holds a directory.
    above: u64,
    names: BTreeMap<OsString, u64>,
    bytes: Vec<u8>,
    target: PathBuf,
    capabilities: Option<Vec<u8>>,
}

impl Default for Files {
    fn default() -> Self {
        let mut files = Self { nodes: Vec::new(), clears_set_group_id: false };
        let root = files.make(FileKind::Directory, DeviceNumber::new(8, 1), 0o755);
        files.node(root).metadata.mount = Some(MountKey::Reused(MountId(1)));
        files
    }
}

impl Files {
    fn make(&mut self, kind: FileKind, device: DeviceNumber, mode: u16) -> u64 {
        let inode = self.nodes.len() as u64;
        let mut metadata = Metadata::new(kind, device, inode);
        metadata.mode = FileMode::from_bits(mode);
        // No two files have the same time of birth.
        metadata.birth = Some(FileTime { seconds: 0, nanoseconds: u32::try_from(inode).unwrap() });
        let (names, bytes, target) = (BTreeMap::new(), Vec::new(), PathBuf::new());
        self.nodes.push(Node { metadata, above: 0, names, bytes, target, capabilities: None });
        inode
    }

    /// A file in `above`, on the same filesystem and mount.
    fn make_in(&mut self, above: u64, name: &OsStr, kind: FileKind, mode: u16) -> u64 {
        let (device, mount) = (self.node(above).metadata.device, self.node(above).metadata.mount);
        let inode = self.make(kind, device, mode);
        self.node(inode).metadata.mount = mount;
        self.node(inode).above = above;
        self.node(above).names.insert(name.to_owned(), inode);
        inode
    }

    fn node(&mut self, inode: u64) -> &mut Node {
        &mut self.nodes[usize::try_from(inode).unwrap()]
    }

    fn find(&mut self, path: &Path) -> Option<u64> {
        let mut inode = 0;
        for name in path.iter().skip(1) {
            inode = *self.node(inode).names.get(name)?;
        }
        Some(inode)
    }

    fn add(&mut self, path: &str, kind: FileKind, mode: u16) -> u64 {
        let path = Path::new(path);
        let above = path.parent().unwrap();
        if self.find(above).is_none() {
            self.directory(above.to_str().unwrap(), 0o755);
        }
        let above = self.find(above).unwrap();
        self.make_in(above, path.file_name().unwrap(), kind, mode)
    }

    pub(crate) fn directory(&mut self, path: &str, mode: u16) {
        self.add(path, FileKind::Directory, mode);
    }

    pub(crate) fn file(&mut self, path: &str, mode: u16, bytes: &[u8]) {
        let inode = self.add(path, FileKind::Regular, mode);
        self.node(inode).bytes = bytes.to_vec();
        self.node(inode).metadata.size = bytes.len() as u64;
    }

    pub(crate) fn special(&mut self, path: &str, kind: FileKind, mode: u16) {
        self.add(path, kind, mode);
    }

    pub(crate) fn symlink(&mut self, path: &str, target: &str) {
        let inode = self.add(path, FileKind::Symlink, 0o777);
        self.node(inode).target = target.into();
    }

    /// Sets the mount of the file at `path`; files that are created below it later are on that mount too.
    pub(crate) fn mount(&mut self, path: &str, mount: u32) {
        let inode = self.find(Path::new(path)).unwrap();
        self.node(inode).metadata.mount = Some(MountKey::Reused(MountId(mount)));
    }

    /// Sets another device number for the file at `path`, on the same mount, as for a subvolume of btrfs.
    pub(crate) fn device(&mut self, path: &str, device: DeviceNumber) {
        let inode = self.find(Path::new(path)).unwrap();
        self.node(inode).metadata.device = device;
    }

    /// Sets another time of birth for the file at `path`, as overlayfs does when it copies a file up.
    pub(crate) fn copied_up(&mut self, path: &str) {
        let inode = self.find(Path::new(path)).unwrap();
        self.node(inode).metadata.birth = Some(FileTime { seconds: 1, nanoseconds: 0 });
    }

    pub(crate) fn capabilities(&mut self, path: &str, capabilities: &[u8]) {
        let inode = self.find(Path::new(path)).unwrap();
        self.node(inode).capabilities = Some(capabilities.to_vec());
    }

    /// Clears the set-group-id bit whenever a mode is set from now on.
    pub(crate) fn clear_set_group_id(&mut self) {
        self.clears_set_group_id = true;
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        let inode = self.take(from);
        let to = Path::new(to);
        let above = self.find(to.parent().unwrap()).unwrap();
        self.node(above).names.insert(to.file_name().unwrap().to_owned(), inode);
        self.node(inode).above = above;
    }

    /// Removes a name, and for a directory everything below it.
    pub(crate) fn remove(&mut self, path: &str) {
        let inode = self.take(path);
        self.node(inode).names.clear();
        self.node(inode).metadata.links = 0;
    }

    fn take(&mut self, path: &str) -> u64 {
        let path = Path::new(path);
        let above = self.find(path.parent().unwrap()).unwrap();
        self.node(above).names.remove(path.file_name().unwrap()).unwrap()
    }

    fn owner(&mut self, inode: u64, uid: Option<u32>, gid: Option<u32>) {
        let metadata = &mut self.node(inode).metadata;
        metadata.uid = uid.unwrap_or(metadata.uid);
        metadata.gid = gid.unwrap_or(metadata.gid);
        if !metadata.is_dir() && metadata.kind != FileKind::Symlink {
            metadata.mode = FileMode::from_bits(metadata.mode.bits() & 0o1777);
            self.node(inode).capabilities = None;
        }
    }

    fn mode(&mut self, inode: u64, mode: FileMode) -> Result<(), Errno> {
        let cleared = if self.clears_set_group_id { 0o2000 } else { 0 };
        let metadata = &mut self.node(inode).metadata;
        if metadata.kind == FileKind::Symlink {
            return Err(Errno::ELOOP);
        }
        metadata.mode = FileMode::from_bits(mode.bits() & !cleared);
        Ok(())
    }
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

fn only_directory(files: &mut Files, inode: u64) -> Result<u64, Errno> {
    match files.node(inode).metadata.kind {
        FileKind::Directory => Ok(inode),
        FileKind::Symlink => Err(Errno::ELOOP),
        _ => Err(Errno::ENOTDIR),
    }
}

struct Open(ChangingTree);

impl Open {
    fn new(tree: &ChangingTree) -> Self {
        let mut state = tree.lock();
        state.open += 1;
        state.most_open = state.most_open.max(state.open);
        Self(tree.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.lock().open -= 1;
    }
}

struct OpenDirectory {
    tree: ChangingTree,
    inode: u64,
    path: PathBuf,
    _open: Open,
}

impl OpenDirectory {
    fn opened(&self, inode: u64, path: PathBuf) -> Self {
        Self { tree: self.tree.clone(), inode, path, _open: Open::new(&self.tree) }
    }

    fn own<T>(
        &self,
        operation: Operation,
        body: impl FnOnce(&mut Files, u64) -> Result<T, Errno>,
    ) -> Result<T, OsError> {
        self.tree.call(operation, self.path.clone(), |_| Ok(self.inode), body)
    }

    fn child<T>(
        &self,
        operation: Operation,
        name: &OsStr,
        body: impl FnOnce(&mut Files, u64) -> Result<T, Errno>,
    ) -> Result<T, OsError> {
        let inode = self.inode;
        let find = |files: &mut Files| files.node(inode).names.get(name).copied().ok_or(Errno::ENOENT);
        self.tree.call(operation, self.path.join(name), find, body)
    }

    fn create(
        &self,
        operation: Operation,
        name: &OsStr,
        kind: FileKind,
        mode: FileMode,
    ) -> Result<FileIdentity, OsError> {
        self.in_it(operation, name, |files, above| {
            if files.node(above).names.contains_key(name) {
                return Err(Errno::EEXIST);
            }
            let device = files.node(above).metadata.device;
            let inode = files.make_in(above, name, kind, mode.bits());
            Ok(FileIdentity { device, inode, kind })
        })
    }

    /// An operation on the directory about a name in it.
    fn in_it<T>(
        &self,
        operation: Operation,
        name: &OsStr,
        body: impl FnOnce(&mut Files, u64) -> Result<T, Errno>,
    ) -> Result<T, OsError> {
        self.tree.call(operation, self.path.join(name), |_| Ok(self.inode), body)
    }
}

impl Directory for OpenDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        self.own(Operation::Metadata, |files, inode| Ok(files.node(inode).metadata.clone()))
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        self.own(Operation::Metadata, |files, inode| {
            let above = files.node(inode).above;
            Ok(files.node(above).metadata.clone())
        })
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        let inode = self.own(Operation::OpenDir, |files, inode| Ok(files.node(inode).above))?;
        Ok(Box::new(self.opened(inode, self.path.join(".."))))
    }

    fn open_entry(&self, name: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        let inode = self.child(Operation::OpenEntry, name, |_, inode| Ok(inode))?;
        Ok(Box::new(Pinned(self.opened(inode, self.path.join(name)))))
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        let entries = self.own(Operation::ReadDir, |files, inode| {
            let names: Vec<_> = files.node(inode).names.clone().into_iter().collect();
            let entry = |(name, inode)| DirectoryEntry { name, kind: files.node(inode).metadata.kind, inode };
            Ok(names.into_iter().map(entry).collect::<Vec<_>>())
        })?;
        let open = Open::new(&self.tree);
        Ok(DirectoryEntries::new(entries.into_iter().map(move |entry| {
            let _held = &open;
            Ok(entry)
        })))
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        self.child(Operation::Metadata, name, |files, inode| Ok(files.node(inode).metadata.clone()))
    }

    fn unmount(&self, name: &OsStr, _: UnmountMode, _: Option<MountKey>) -> Result<(), OsError> {
        self.child(Operation::Unmount, name, |_, _| Err(Errno::EINVAL))
    }

    fn open_dir(&self, name: &OsStr, crossing: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let here = self.inode;
        let inode = self.child(Operation::OpenDir, name, |files, inode| {
            let mount = files.node(here).metadata.mount;
            let is_mount_point = files.node(inode).metadata.mount != mount;
            if crossing == Crossing::Refuse && is_mount_point {
                return Err(Errno::EXDEV);
            }
            only_directory(files, inode)
        })?;
        Ok(Box::new(self.opened(inode, self.path.join(name))))
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        self.child(Operation::ReadLink, name, |files, inode| match files.node(inode).metadata.kind {
            FileKind::Symlink => Ok(files.node(inode).target.clone()),
            _ => Err(Errno::EINVAL),
        })
    }

    fn read_file(&self, name: &OsStr, limit: u64) -> Result<Vec<u8>, OsError> {
        self.child(Operation::ReadFile, name, |files, inode| {
            let node = files.node(inode);
            match node.metadata.kind {
                FileKind::Symlink => Err(Errno::ELOOP),
                FileKind::Directory => Err(Errno::EISDIR),
                FileKind::Regular if node.bytes.len() as u64 > limit => Err(Errno::EFBIG),
                FileKind::Regular => Ok(node.bytes.clone()),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    fn create_dir(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.create(Operation::CreateDir, name, FileKind::Directory, mode)
    }

    fn create_file(&self, name: &OsStr, mode: FileMode) -> Result<FileIdentity, OsError> {
        self.create(Operation::CreateFile, name, FileKind::Regular, mode)
    }

    fn replace_file(&self, name: &OsStr, contents: &[u8], mode: FileMode) -> Result<(), OsError> {
        self.in_it(Operation::ReplaceFile, name, |files, above| {
            if files.node(above).metadata.links == 0 {
                return Err(Errno::ENOENT);
            }
            let inode = files.make_in(above, name, FileKind::Regular, mode.bits());
            files.node(inode).bytes = contents.to_vec();
            Ok(())
        })
    }

    fn remove_dir(&self, name: &OsStr) -> Result<(), OsError> {
        self.child(Operation::RemoveDir, name, |files, inode| {
            only_directory(files, inode)?;
            if files.node(inode).names.is_empty() { Ok(()) } else { Err(Errno::ENOTEMPTY) }
        })?;
        self.tree.lock().files.node(self.inode).names.remove(name);
        Ok(())
    }

    fn remove_file(&self, name: &OsStr) -> Result<(), OsError> {
        self.child(Operation::RemoveFile, name, |files, inode| match files.node(inode).metadata.kind {
            FileKind::Directory => Err(Errno::EISDIR),
            _ => Ok(()),
        })?;
        self.tree.lock().files.node(self.inode).names.remove(name);
        Ok(())
    }

    fn set_owner(&self, name: &OsStr, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.child(Operation::SetOwner, name, |files, inode| {
            files.owner(inode, uid, gid);
            Ok(())
        })
    }

    fn set_mode(&self, name: &OsStr, mode: FileMode) -> Result<(), OsError> {
        self.child(Operation::SetMode, name, |files, inode| files.mode(inode, mode))
    }

    fn set_own_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.own(Operation::SetOwner, |files, inode| {
            files.owner(inode, uid, gid);
            Ok(())
        })
    }

    fn set_own_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.own(Operation::SetMode, |files, inode| files.mode(inode, mode))
    }
}

/// A pinned file: an open file of any kind.
struct Pinned(OpenDirectory);

impl OpenEntry for Pinned {
    fn metadata(&self) -> Result<Metadata, OsError> {
        self.0.own_metadata()
    }

    fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> Result<(), OsError> {
        self.0.set_own_owner(uid, gid)
    }

    fn set_mode(&self, mode: FileMode) -> Result<(), OsError> {
        self.0.set_own_mode(mode)
    }

    fn capabilities(&self) -> Result<Option<Vec<u8>>, OsError> {
        self.0.own(Operation::Capabilities, |files, inode| Ok(files.node(inode).capabilities.clone()))
    }

    fn set_capabilities(&self, capabilities: &[u8]) -> Result<(), OsError> {
        self.0.own(Operation::SetCapabilities, |files, inode| {
            files.node(inode).capabilities = Some(capabilities.to_vec());
            Ok(())
        })
    }
}

impl Filesystem for ChangingTree {
    fn metadata(&self, at: &Location, _: FinalSymlink) -> Result<Metadata, OsError> {
        self.at(Operation::Metadata, at, |files, inode| Ok(files.node(inode).metadata.clone()))
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.at(Operation::Canonicalize, &Location::trusted(path), |_, _| Ok(path.to_path_buf()))
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

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::RemoveDir, &above)?.remove_dir(&name)
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        let (above, name) = Self::above(at);
        self.opened(Operation::RemoveFile, &above)?.remove_file(&name)
    }
}

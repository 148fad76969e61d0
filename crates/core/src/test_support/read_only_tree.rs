//! A small read-only tree of files for tests of look-ups.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, DirectoryEntry, FileIdentity, FileKind, FileMode, FinalSymlink, Metadata};
use crate::mount::{MountKey, UnmountMode};
use crate::path::{Crossing, Location};
use crate::ports::{Directory, DirectoryEntries, Filesystem, OpenEntry};

/// A tree of files, built by chained calls that create the directories above too. Every change fails with `EROFS`. It
/// counts the entries that were read and the descriptors that are open.
pub(crate) struct SmallWorld {
    tree: Arc<Tree>,
    current_directory: PathBuf,
}

#[derive(Clone, Default)]
struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    faults: BTreeMap<PathBuf, (Operation, Errno)>,
    counters: Arc<Counters>,
}

#[derive(Clone)]
struct Node {
    metadata: Metadata,
    target: PathBuf,
}

#[derive(Default)]
struct Counters {
    entries_read: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl SmallWorld {
    pub(crate) const ROOT_DEVICE: DeviceNumber = DeviceNumber::new(259, 2);

    pub(crate) fn new() -> Self {
        let mut tree = Tree::default();
        let root = Metadata::new(FileKind::Directory, Self::ROOT_DEVICE, 1);
        tree.nodes.insert("/".into(), Node { metadata: root, target: PathBuf::new() });
        Self { tree: Arc::new(tree), current_directory: "/".into() }
    }

    fn add(mut self, path: &Path, kind: FileKind, change: impl FnOnce(&mut Node)) -> Self {
        let tree = Arc::make_mut(&mut self.tree);
        tree.add_directories(path.parent().unwrap());
        tree.add(path, kind);
        change(tree.nodes.get_mut(path).unwrap());
        self
    }

    pub(crate) fn directory(self, path: &str) -> Self {
        self.add(Path::new(path), FileKind::Directory, |_| ())
    }

    /// A directory where another filesystem begins.
    pub(crate) fn mount(self, path: &str, device: DeviceNumber) -> Self {
        self.mount_bytes(path.as_bytes(), device)
    }

    pub(crate) fn mount_bytes(self, path: &[u8], device: DeviceNumber) -> Self {
        self.add(Path::new(OsStr::from_bytes(path)), FileKind::Directory, |node| node.metadata.device = device)
    }

    pub(crate) fn file(self, path: &str, size: u64) -> Self {
        self.file_bytes(path.as_bytes(), size)
    }

    pub(crate) fn file_bytes(self, path: &[u8], size: u64) -> Self {
        self.add(Path::new(OsStr::from_bytes(path)), FileKind::Regular, |node| node.metadata.size = size)
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.add(Path::new(path), FileKind::Symlink, |node| {
            node.target = target.into();
            // As on disk; a sum of sizes must not count it.
            node.metadata.size = target.len() as u64;
        })
    }

    pub(crate) fn socket(self, path: &str) -> Self {
        self.add(Path::new(path), FileKind::Socket, |_| ())
    }

    pub(crate) fn node(self, path: &str, kind: FileKind, device: DeviceNumber) -> Self {
        self.add(Path::new(path), kind, |node| node.metadata.represents = Some(device))
    }

    pub(crate) fn current_directory(mut self, path: &str) -> Self {
        self.current_directory = path.into();
        self
    }

    /// From now on this operation on this path fails.
    pub(crate) fn failing(mut self, path: &str, operation: Operation, errno: Errno) -> Self {
        Arc::make_mut(&mut self.tree).faults.insert(path.into(), (operation, errno));
        self
    }

    pub(crate) fn entries_read(&self) -> usize {
        self.tree.counters.entries_read.load(Ordering::Relaxed)
    }

    /// The maximum number of descriptors open at a time; a listing counts as one more.
    pub(crate) fn most_open(&self) -> usize {
        self.tree.counters.most_open.load(Ordering::Relaxed)
    }

    pub(crate) fn open_now(&self) -> usize {
        self.tree.counters.open.load(Ordering::Relaxed)
    }

    fn resolve(&self, path: &Path, link: FinalSymlink) -> Result<PathBuf, Errno> {
        if path.as_os_str().is_empty() {
            return Err(Errno::ENOENT);
        }
        let mut at = if path.is_absolute() { PathBuf::from("/") } else { self.current_directory.clone() };
        let mut pending = steps(path);
        let mut followed = 0;
        while let Some(step) = pending.pop_front() {
            if self.tree.node(&at)?.metadata.kind != FileKind::Directory {
                return Err(Errno::ENOTDIR);
            }
            if step == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&step);
            let node = self.tree.node(&next)?;
            if node.metadata.kind == FileKind::Symlink && (!pending.is_empty() || link == FinalSymlink::Follow) {
                followed += 1;
                if followed > 40 {
                    return Err(Errno::ELOOP);
                }
                if node.target.is_absolute() {
                    at = PathBuf::from("/");
                }
                let mut onward = steps(&node.target);
                onward.append(&mut pending);
                pending = onward;
            } else {
                at = next;
            }
        }
        Ok(at)
    }

    fn locate(&self, operation: Operation, at: &Location, link: FinalSymlink) -> Result<PathBuf, OsError> {
        let path = match at {
            Location::Trusted(path) => path.clone(),
            // No test asks for a name behind a symlink in a root.
            Location::InRoot { root, path } => root.join(path),
            Location::Beneath { .. } => panic!("no question is about a place beneath a root: {at:?}"),
        };
        let found = self.resolve(&path, link).map_err(|errno| OsError::new(operation, path, errno))?;
        self.tree.fault(operation, &found)?;
        Ok(found)
    }
}

fn steps(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir))
        .map(|step| step.as_os_str().to_owned())
        .collect()
}

impl Tree {
    fn add_directories(&mut self, path: &Path) {
        if !self.nodes.contains_key(path) {
            self.add_directories(path.parent().unwrap());
            self.add(path, FileKind::Directory);
        }
    }

    fn add(&mut self, path: &Path, kind: FileKind) {
        let device = self.nodes[path.parent().unwrap()].metadata.device;
        let metadata = Metadata::new(kind, device, self.nodes.len() as u64 + 1);
        self.nodes.insert(path.into(), Node { metadata, target: PathBuf::new() });
    }

    fn node(&self, path: &Path) -> Result<&Node, Errno> {
        self.nodes.get(path).ok_or(Errno::ENOENT)
    }

    fn fault(&self, operation: Operation, path: &Path) -> Result<(), OsError> {
        match self.faults.get(path) {
            Some(&(planned, errno)) if planned == operation => Err(OsError::new(operation, path, errno)),
            _ => Ok(()),
        }
    }
}

/// One open descriptor.
struct Open(Arc<Counters>);

impl Open {
    fn new(counters: &Arc<Counters>) -> Self {
        let open = counters.open.fetch_add(1, Ordering::Relaxed) + 1;
        counters.most_open.fetch_max(open, Ordering::Relaxed);
        Self(counters.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

struct SmallDirectory {
    tree: Arc<Tree>,
    path: PathBuf,
    _open: Open,
}

impl SmallDirectory {
    fn boxed(tree: &Arc<Tree>, path: PathBuf) -> Box<dyn Directory> {
        Box::new(Self { tree: tree.clone(), path, _open: Open::new(&tree.counters) })
    }

    fn child(&self, operation: Operation, name: &OsStr) -> Result<(PathBuf, &Node), OsError> {
        let path = self.path.join(name);
        if name.is_empty() || name == "." || name == ".." || name.as_bytes().contains(&b'/') {
            return Err(OsError::new(operation, path, Errno::EINVAL));
        }
        self.tree.fault(operation, &path)?;
        match self.tree.node(&path) {
            Ok(node) => Ok((path, node)),
            Err(errno) => Err(OsError::new(operation, path, errno)),
        }
    }

    fn refuse<T>(&self, operation: Operation) -> Result<T, OsError> {
        Err(OsError::new(operation, self.path.clone(), Errno::EROFS))
    }
}

impl Directory for SmallDirectory {
    fn own_metadata(&self) -> Result<Metadata, OsError> {
        Ok(self.tree.nodes[&self.path].metadata.clone())
    }

    fn parent_metadata(&self) -> Result<Metadata, OsError> {
        self.refuse(Operation::Metadata)
    }

    fn open_parent(&self) -> Result<Box<dyn Directory>, OsError> {
        self.refuse(Operation::OpenDir)
    }

    fn open_entry(&self, _: &OsStr) -> Result<Box<dyn OpenEntry>, OsError> {
        self.refuse(Operation::OpenEntry)
    }

    fn entries(&self) -> Result<DirectoryEntries, OsError> {
        self.tree.fault(Operation::ReadDir, &self.path)?;
        let children: Vec<_> = self
            .tree
            .nodes
            .iter()
            .filter(|(path, _)| path.parent() == Some(&self.path))
            .map(|(path, node)| DirectoryEntry {
                name: path.file_name().unwrap().to_owned(),
                kind: node.metadata.kind,
                inode: node.metadata.inode,
            })
            .collect();
        let open = Open::new(&self.tree.counters);
        Ok(DirectoryEntries::new(children.into_iter().map(move |entry| {
            open.0.entries_read.fetch_add(1, Ordering::Relaxed);
            Ok(entry)
        })))
    }

    fn metadata(&self, name: &OsStr) -> Result<Metadata, OsError> {
        Ok(self.child(Operation::Metadata, name)?.1.metadata.clone())
    }

    fn unmount(&self, _: &OsStr, _: UnmountMode, _: Option<MountKey>) -> Result<(), OsError> {
        self.refuse(Operation::Unmount)
    }

    fn open_dir(&self, name: &OsStr, _: Crossing) -> Result<Box<dyn Directory>, OsError> {
        let (path, node) = self.child(Operation::OpenDir, name)?;
        match node.metadata.kind {
            FileKind::Directory => Ok(Self::boxed(&self.tree, path)),
            FileKind::Symlink => Err(OsError::new(Operation::OpenDir, path, Errno::ELOOP)),
            _ => Err(OsError::new(Operation::OpenDir, path, Errno::ENOTDIR)),
        }
    }

    fn read_link(&self, name: &OsStr) -> Result<PathBuf, OsError> {
        let (path, node) = self.child(Operation::ReadLink, name)?;
        match node.metadata.kind {
            FileKind::Symlink => Ok(node.target.clone()),
            _ => Err(OsError::new(Operation::ReadLink, path, Errno::EINVAL)),
        }
    }

    fn read_file(&self, _: &OsStr, _: u64) -> Result<Vec<u8>, OsError> {
        self.refuse(Operation::ReadFile)
    }

    fn create_dir(&self, _: &OsStr, _: FileMode) -> Result<FileIdentity, OsError> {
        self.refuse(Operation::CreateDir)
    }

    fn create_file(&self, _: &OsStr, _: FileMode) -> Result<FileIdentity, OsError> {
        self.refuse(Operation::CreateFile)
    }

    fn create_symlink(&self, _: &OsStr, _: &Path) -> Result<FileIdentity, OsError> {
        self.refuse(Operation::CreateSymlink)
    }

    fn create_node(&self, _: &OsStr, _: FileKind, _: Option<DeviceNumber>, _: FileMode) -> Result<Metadata, OsError> {
        self.refuse(Operation::CreateNode)
    }

    fn replace_file(&self, _: &OsStr, _: &[u8], _: FileMode) -> Result<(), OsError> {
        self.refuse(Operation::ReplaceFile)
    }

    fn remove_dir(&self, _: &OsStr) -> Result<(), OsError> {
        self.refuse(Operation::RemoveDir)
    }

    fn remove_file(&self, _: &OsStr) -> Result<(), OsError> {
        self.refuse(Operation::RemoveFile)
    }

    fn set_owner(&self, _: &OsStr, _: Option<u32>, _: Option<u32>) -> Result<(), OsError> {
        self.refuse(Operation::SetOwner)
    }

    fn set_mode(&self, _: &OsStr, _: FileMode) -> Result<(), OsError> {
        self.refuse(Operation::SetMode)
    }

    fn set_own_owner(&self, _: Option<u32>, _: Option<u32>) -> Result<(), OsError> {
        self.refuse(Operation::SetOwner)
    }

    fn set_own_mode(&self, _: FileMode) -> Result<(), OsError> {
        self.refuse(Operation::SetMode)
    }
}

impl Filesystem for SmallWorld {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        let path = self.locate(Operation::Metadata, at, link)?;
        Ok(self.tree.nodes[&path].metadata.clone())
    }

    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.metadata(at, link)
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        // A port accepts a relative path; the functions under test do not depend on that.
        assert!(path.is_absolute(), "{path:?}");
        self.locate(Operation::Canonicalize, &Location::trusted(path), FinalSymlink::Follow)
    }

    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.canonicalize(path)
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        Ok(self.current_directory.clone())
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        let path = self.locate(Operation::OpenDir, at, FinalSymlink::Follow)?;
        match self.tree.nodes[&path].metadata.kind {
            FileKind::Directory => Ok(SmallDirectory::boxed(&self.tree, path)),
            _ => Err(OsError::new(Operation::OpenDir, path, Errno::ENOTDIR)),
        }
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        let path = self.locate(Operation::ReadLink, at, FinalSymlink::Itself)?;
        Ok(self.tree.nodes[&path].target.clone())
    }

    fn create_dir(&self, at: &Location, _: FileMode) -> Result<FileIdentity, OsError> {
        Err(OsError::new(Operation::CreateDir, at.for_display(), Errno::EROFS))
    }

    fn create_file(&self, at: &Location, _: FileMode) -> Result<FileIdentity, OsError> {
        Err(OsError::new(Operation::CreateFile, at.for_display(), Errno::EROFS))
    }

    fn create_symlink(&self, at: &Location, _: &Path) -> Result<FileIdentity, OsError> {
        Err(OsError::new(Operation::CreateSymlink, at.for_display(), Errno::EROFS))
    }

    fn create_node(
        &self,
        at: &Location,
        _: FileKind,
        _: Option<DeviceNumber>,
        _: FileMode,
    ) -> Result<Metadata, OsError> {
        Err(OsError::new(Operation::CreateNode, at.for_display(), Errno::EROFS))
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        Err(OsError::new(Operation::RemoveDir, at.for_display(), Errno::EROFS))
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        Err(OsError::new(Operation::RemoveFile, at.for_display(), Errno::EROFS))
    }
}

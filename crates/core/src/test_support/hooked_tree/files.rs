//! The files of the tree.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::error::Errno;
use crate::file::{DeviceNumber, FileKind, FileMode, FileTime, Metadata};
use crate::mount::{MountId, MountKey};

/// The files themselves. Paths are absolute, and no symlink is followed in them.
pub(crate) struct Files {
    nodes: Vec<Node>,
    /// Behaves as for a process without `CAP_FSETID` that is in no file's group.
    clears_set_group_id: bool,
}

pub(super) struct Node {
    pub(super) metadata: Metadata,
    /// The directory that holds a directory.
    pub(super) above: u64,
    pub(super) names: BTreeMap<OsString, u64>,
    pub(super) bytes: Vec<u8>,
    pub(super) target: PathBuf,
    pub(super) capabilities: Option<Vec<u8>>,
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
    pub(super) fn make_in(&mut self, above: u64, name: &OsStr, kind: FileKind, mode: u16) -> u64 {
        let (device, mount) = (self.node(above).metadata.device, self.node(above).metadata.mount);
        let inode = self.make(kind, device, mode);
        self.node(inode).metadata.mount = mount;
        self.node(inode).above = above;
        self.node(above).names.insert(name.to_owned(), inode);
        inode
    }

    pub(super) fn node(&mut self, inode: u64) -> &mut Node {
        &mut self.nodes[usize::try_from(inode).unwrap()]
    }

    pub(super) fn find(&mut self, path: &Path) -> Option<u64> {
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

    pub(super) fn owner(&mut self, inode: u64, uid: Option<u32>, gid: Option<u32>) {
        let metadata = &mut self.node(inode).metadata;
        metadata.uid = uid.unwrap_or(metadata.uid);
        metadata.gid = gid.unwrap_or(metadata.gid);
        if !metadata.is_dir() && metadata.kind != FileKind::Symlink {
            metadata.mode = FileMode::from_bits(metadata.mode.bits() & 0o1777);
            self.node(inode).capabilities = None;
        }
    }

    pub(super) fn mode(&mut self, inode: u64, mode: FileMode) -> Result<(), Errno> {
        let cleared = if self.clears_set_group_id { 0o2000 } else { 0 };
        let metadata = &mut self.node(inode).metadata;
        if metadata.kind == FileKind::Symlink {
            return Err(Errno::ELOOP);
        }
        metadata.mode = FileMode::from_bits(mode.bits() & !cleared);
        Ok(())
    }
}

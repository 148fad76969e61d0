//! An open directory of the tree, and a pinned file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, DirectoryEntry, FileIdentity, FileKind, FileMode, Metadata};
use crate::mount::{MountKey, UnmountMode};
use crate::path::Crossing;
use crate::ports::{Directory, DirectoryEntries, OpenEntry};
use crate::test_support::hooked_tree::{ChangingTree, Files};

pub(super) fn only_directory(files: &mut Files, inode: u64) -> Result<u64, Errno> {
    match files.node(inode).metadata.kind {
        FileKind::Directory => Ok(inode),
        FileKind::Symlink => Err(Errno::ELOOP),
        _ => Err(Errno::ENOTDIR),
    }
}

/// One open descriptor, which is counted.
pub(super) struct Open(ChangingTree);

impl Open {
    pub(super) fn new(tree: &ChangingTree) -> Self {
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

pub(super) struct OpenDirectory {
    pub(super) tree: ChangingTree,
    pub(super) inode: u64,
    pub(super) path: PathBuf,
    pub(super) _open: Open,
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

    fn create_symlink(&self, name: &OsStr, target: &Path) -> Result<FileIdentity, OsError> {
        let made = self.create(Operation::CreateSymlink, name, FileKind::Symlink, FileMode::from_bits(0o777))?;
        self.tree.lock().files.node(made.inode).target = target.into();
        Ok(made)
    }

    fn create_node(
        &self,
        name: &OsStr,
        kind: FileKind,
        device: Option<DeviceNumber>,
        mode: FileMode,
    ) -> Result<Metadata, OsError> {
        let created = self.create(Operation::CreateNode, name, kind, mode)?;
        let mut tree = self.tree.lock();
        let found = &mut tree.files.node(created.inode).metadata;
        found.represents = device;
        Ok(found.clone())
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

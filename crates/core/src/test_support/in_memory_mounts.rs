//! A mount table behind the mock, without propagation: for tests of the mounts that sequences unmount.

use std::sync::{Arc, Mutex};

use crate::error::{Errno, Operation, OsError};
use crate::file::FilesystemMagic;
use crate::mount::{
    BootId, FilesystemOf, MountId, MountInfo, MountKey, MountNamespaceId, MountSubtree, Origin, PathMount, UnmountMode,
    UnmountRequest,
};
use crate::mount_table::MountTable;
use crate::path::Location;
use crate::ports::MockMounter;

/// The origin of every in-memory mount.
pub(crate) const ORIGIN: Origin =
    Origin { boot: Some(BootId::from_bytes([7; 16])), namespace: Some(MountNamespaceId::Unique(9)) };

/// The mounts, the log of changes, and a refused operation: on every path that contains this text.
#[derive(Default)]
pub(crate) struct PaperMounts {
    pub(crate) mounts: Vec<MountInfo>,
    pub(crate) log: Vec<String>,
    pub(crate) refuse: Option<(Operation, &'static str, Errno)>,
}

pub(crate) type SharedMounts = Arc<Mutex<PaperMounts>>;

impl PaperMounts {
    /// The mounts of these lines of mountinfo.
    pub(crate) fn with(lines: &str) -> SharedMounts {
        let mounts = MountTable::parse(lines).iter().map(|row| row.to_info()).collect();
        Arc::new(Mutex::new(Self { mounts, ..Self::default() }))
    }

    pub(crate) fn ids(&self) -> Vec<u32> {
        self.mounts.iter().map(|mount| mount.id.0).collect()
    }

    fn refusal(&self, operation: Operation, at: &Location) -> Result<(), OsError> {
        let path = at.for_display();
        match self.refuse {
            Some((refused, part, errno)) if refused == operation && path.to_string_lossy().contains(part) => {
                let error = OsError::new(operation, path, errno);
                // A mount that was found and that the kernel has locked.
                Err(if errno == Errno::EINVAL { error.at_step("umount2") } else { error })
            }
            _ => Ok(()),
        }
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.refusal(Operation::MountOf, at)?;
        self.holding(at)
    }

    fn holding(&self, at: &Location) -> Result<PathMount, OsError> {
        let table = MountTable::from_mounts(&self.mounts);
        match table.mount_holding(&at.for_display()) {
            Some(row) => {
                let mount = self.mounts.iter().find(|mount| mount.id == row.id()).unwrap().clone();
                Ok(PathMount { is_root: row.mount_point() == at.for_display(), mount })
            }
            None => Err(OsError::new(Operation::MountOf, at.for_display(), Errno::ENOENT)),
        }
    }

    fn unmount(&mut self, request: &UnmountRequest) -> Result<(), OsError> {
        let refuse = |errno| Err(OsError::new(Operation::Unmount, request.at().for_display(), errno));
        self.refusal(Operation::Unmount, request.at())?;
        let found = self.holding(request.at())?;
        if !found.is_root {
            return refuse(Errno::EINVAL);
        }
        let id = found.mount.id;
        let own = self.mounts.iter().find(|mount| mount.id == id).map(MountInfo::key);
        if request.expected().is_some_and(|key| key != MountKey::Reused(id) && Some(key) != own) {
            return refuse(Errno::ESTALE);
        }
        if request.shows().is_some_and(|shows| *shows != MountSubtree::from(&found.mount)) {
            return refuse(Errno::ESTALE);
        }
        if request.is_apart() {
            self.log.push(format!("{} private Tree", request.at().for_display().display()));
        }
        if request.mode() == UnmountMode::Plain && self.mounts.iter().any(|mount| mount.parent == id) {
            return refuse(Errno::EBUSY);
        }
        self.log.push(format!("unmount {id}"));
        self.drop_tree(id);
        Ok(())
    }

    fn drop_tree(&mut self, id: MountId) {
        self.mounts.retain(|mount| mount.id != id);
        let children: Vec<_> = self.mounts.iter().filter(|mount| mount.parent == id).map(|mount| mount.id).collect();
        for child in children {
            self.drop_tree(child);
        }
    }
}

/// A mounter that shows these mounts.
pub(crate) fn mounter(mounts: &SharedMounts) -> MockMounter {
    let mut mounter = MockMounter::new();
    mounter.expect_origin().returning(|| Ok(ORIGIN));
    let with = mounts.clone();
    mounter.expect_mounts().returning(move || Ok(MountTable::from_mounts(&with.lock().unwrap().mounts)));
    let with = mounts.clone();
    mounter.expect_mount_of().returning(move |at| with.lock().unwrap().mount_of(at));
    let with = mounts.clone();
    mounter.expect_filesystem_of().returning(move |at| {
        let found = with.lock().unwrap().mount_of(at)?;
        Ok(FilesystemOf { is_mount_root: found.is_root, ..FilesystemOf::new(FilesystemMagic(0), found.mount.device) })
    });
    let with = mounts.clone();
    mounter.expect_unmount().returning(move |request| with.lock().unwrap().unmount(request));
    let with = mounts.clone();
    mounter.expect_find_mount().returning(move |key| {
        let with = with.lock().unwrap();
        if let Some((Operation::FindMount, _, errno)) = with.refuse {
            return Err(OsError::new(Operation::FindMount, key, errno));
        }
        let found = with.mounts.iter().find(|mount| mount.key() == key).cloned();
        found.ok_or_else(|| OsError::new(Operation::FindMount, key, Errno::ENOENT))
    });
    mounter
}

//! Which mounts of a table are a sandbox's.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::values::mount_subpath::subpath;
use crate::values::mount_tree::MountTree;
use crate::{Errno, Error, Filesystem, LeftMount, LeftRole, Location, MountInfo, MountRow, MountTable, Recovery};

/// A sandbox's directories as the mount table would name them.
#[derive(Clone, Debug)]
pub(crate) struct SandboxPlaces {
    pub(crate) mounts: PathBuf,
    pub(crate) shared: PathBuf,
    pub(crate) private: Option<PathBuf>,
    /// Where the directory that the guest saw is now, if it was renamed and another one has its name.
    pub(crate) moved: Option<PathBuf>,
    pub(crate) directories_too: bool,
}

impl SandboxPlaces {
    /// Symlinks are followed, since the table has none. What does not exist keeps its name: a mount may still have it.
    pub(crate) fn resolve(fs: &dyn Filesystem, recovery: &Recovery, table: &MountTable) -> Result<Self, Error> {
        let resolve = |path: &camino::Utf8Path| match fs.canonicalize(path.as_std_path()) {
            Ok(path) => Ok(path),
            Err(error) if [Errno::ENOENT, Errno::ENOTDIR].contains(&error.errno()) => Ok(path.into()),
            Err(error) => Err(Error::from(error)),
        };
        let places = Self {
            mounts: resolve(recovery.mounts())?,
            shared: resolve(recovery.shared())?,
            private: recovery.private().map(resolve).transpose()?,
            moved: None,
            directories_too: recovery.removes_directories(),
        };
        Ok(Self { moved: places.moved_to(table), ..places })
    }

    /// The directories in which sharing makes names.
    pub(crate) fn with_names(&self) -> impl Iterator<Item = &Path> {
        [Some(&self.mounts), self.moved.as_ref(), self.private.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    /// The sandbox's mounts, oldest first.
    pub(crate) fn left_in(&self, table: &MountTable) -> Vec<LeftMount> {
        let tree = MountTree::new(table);
        let own = Own { places: self, tree: &tree, table, shown: self.shown(table) };
        table.iter().filter_map(|row| own.classify(row)).collect()
    }

    /// What the mounts directory shows now: of which filesystem, and what of it.
    fn shown(&self, table: &MountTable) -> Option<Shown> {
        let holding = table.mount_holding(&self.mounts)?.to_info();
        Some(Shown { subpath: subpath(&holding, &self.mounts)?, holding })
    }

    fn moved_to(&self, table: &MountTable) -> Option<PathBuf> {
        let shown = self.shown(table)?;
        let guest_saw = table.iter().find(|row| row.mount_point() == self.shared && shown.is_slave(row))?.root();
        let below = guest_saw.strip_prefix(&shown.holding.root).ok().filter(|_| guest_saw != shown.subpath)?;
        Some(shown.holding.mount_point.join(below)).filter(|path| *path != self.mounts)
    }
}

struct Shown {
    holding: MountInfo,
    subpath: PathBuf,
}

impl Shown {
    /// True of a mount of the mounts directory: of what has its name now, or a slave that followed what had it before.
    fn is_slave(&self, row: &MountRow<'_>) -> bool {
        let same = row.root() == self.subpath || row.root() == deleted(&self.subpath);
        let master = row.propagation().master;
        row.device() == self.holding.device && (same || (master.is_some() && master == self.holding.propagation.peers))
    }
}

/// How the table names a directory that was removed while it was mounted.
fn deleted(path: &Path) -> PathBuf {
    let mut text = path.as_os_str().to_os_string();
    text.push("//deleted");
    text.into()
}

struct Own<'a> {
    places: &'a SandboxPlaces,
    tree: &'a MountTree<'a>,
    table: &'a MountTable,
    shown: Option<Shown>,
}

impl<'a> Own<'a> {
    fn classify(&self, row: MountRow<'a>) -> Option<LeftMount> {
        let path = row.mount_point();
        let SandboxPlaces { mounts, shared, private, moved, .. } = self.places;
        let below = |root: &Path| path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
        let beneath = |root: &Path, rest: &Path| Location::beneath(root, rest).ok();
        let found = |role, at: Option<Location>| {
            let at = at.unwrap_or_else(|| Location::from(&*path));
            Some(LeftMount { mount: row.to_info(), role, at })
        };
        if *path == *mounts {
            return if self.tree.is_onto_itself(row) { found(LeftRole::MountsOntoItself, None) } else { None };
        }
        if *path == *shared {
            return if self.is_shared(row) { found(LeftRole::Shared, None) } else { None };
        }
        if private.as_deref() == Some(&*path) {
            return if self.tree.is_onto_itself(row) { found(LeftRole::PrivateOntoItself, None) } else { None };
        }
        for root in [Some(mounts), moved.as_ref()].into_iter().flatten() {
            if let Some(rest) = below(root) {
                return found(LeftRole::Share, beneath(root, rest));
            }
        }
        if let Some(rest) = private.as_deref().and_then(below) {
            return found(LeftRole::Prepared, beneath(private.as_deref()?, rest));
        }
        let rest = below(shared)?;
        if self.is_on_a_strangers_mount(row) { None } else { found(LeftRole::Copy, beneath(shared, rest)) }
    }

    fn is_shared(&self, row: MountRow<'_>) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.is_slave(&row))
    }

    /// Somebody has mounted something else where the guest's directory was: what is below that is theirs.
    fn is_on_a_strangers_mount(&self, row: MountRow<'a>) -> bool {
        let mut seen = HashSet::from([row.id()]);
        let mut above = self.table.by_id(row.parent());
        while let Some(row) = above.filter(|row| seen.insert(row.id())) {
            if row.mount_point() == self.places.shared && !self.is_shared(row) {
                return true;
            }
            above = self.table.by_id(row.parent());
        }
        false
    }
}

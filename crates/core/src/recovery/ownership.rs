//! The mounts of a table that are a sandbox's.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::error::{Errno, Error};
use crate::file::{DeviceNumber, FileKind, FinalSymlink};
use crate::mount::subpath::subpath;
use crate::mount::{MountId, MountInfo, MountKey};
use crate::mount_table::tree::MountTree;
use crate::mount_table::{MountRow, MountTable};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};
use crate::recovery::{Orphan, OrphanRole, Recovery};
use crate::sandbox::SandboxDirs;
use crate::unmount::record_state::{deleted, stale_origin};
use crate::unmount::{UnprovenMount, UnprovenReason};

/// A sandbox's directories with the paths that the mount table uses.
#[derive(Clone, Debug)]
pub(crate) struct SandboxPlaces {
    pub(crate) mounts: PathBuf,
    /// `None` where the name is a symlink: the directory that it leads to is another process's.
    pub(crate) shared: Option<PathBuf>,
    pub(crate) private: Option<PathBuf>,
    /// The present path of the directory that the guest saw, if it was renamed and another directory has its name.
    pub(crate) moved: Option<PathBuf>,
    /// The directories that may be removed at the end.
    pub(crate) removable: Vec<PathBuf>,
    /// The symlink that has the name of the guest's directory.
    link: Option<UnprovenMount>,
    /// The mount that the guest saw, as proven by the set-up's record.
    recorded: Option<MountId>,
    /// The mount on the mounts directory, where nothing proves that a sandbox was set up on it: its contents are
    /// another process's.
    foreign: Option<MountId>,
    /// The mounts that were on the directories at the first look, each with its device and root: ids are reused.
    first: HashSet<(MountId, DeviceNumber, PathBuf)>,
}

/// The sandbox's mounts of one table.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The sandbox's mounts, oldest first.
    pub(crate) left: Vec<Orphan>,
    /// The mounts on its directories that are not proven to be the sandbox's.
    pub(crate) unproven: Vec<UnprovenMount>,
}

impl SandboxPlaces {
    /// Follows symlinks, since the table has none. A path that does not exist stays as it is: a mount may still have
    /// it.
    pub(crate) fn resolve(
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        recovery: &Recovery,
        table: &MountTable,
    ) -> Result<Self, Error> {
        let mut removable = Vec::new();
        let mut resolve = |path: &camino::Utf8Path| {
            let resolved = match fs.canonicalize(path.as_std_path()) {
                Ok(path) => path,
                Err(error) if is_missing(error.errno()) => PathBuf::from(path),
                Err(error) => return Err(Error::from(error)),
            };
            let is_link = match fs.metadata(&Location::trusted(path.as_std_path()), FinalSymlink::Itself) {
                Ok(found) => found.kind == FileKind::Symlink,
                Err(error) if is_missing(error.errno()) => false,
                Err(error) => return Err(Error::from(error)),
            };
            if !is_link && recovery.removes_directories() {
                removable.push(resolved.clone());
            }
            Ok((resolved, is_link))
        };
        let private = recovery.private().map(&mut resolve).transpose()?;
        let (shared, shared_is_link) = resolve(recovery.shared())?;
        let (mounts, _) = resolve(recovery.mounts())?;
        let link = UnprovenMount {
            path: recovery.shared().as_std_path().to_owned(),
            mount: None,
            reason: UnprovenReason::Symlink,
        };
        let mut places = Self {
            mounts,
            shared: Some(shared).filter(|_| !shared_is_link),
            private: private.map(|(path, _)| path),
            moved: None,
            removable,
            link: Some(link).filter(|_| shared_is_link),
            recorded: None,
            foreign: None,
            first: HashSet::new(),
        };
        if let Some(dirs) = recovery.record() {
            places.take_record(mounter, dirs, table)?;
        }
        places.foreign = places.foreign_in(table);
        places.first = table.iter().filter(|row| places.is_on_directory(*row)).map(known).collect();
        Ok(places)
    }

    /// A record proves the mount that the guest saw by boot, namespace, unique id and device, even if the directory
    /// that it shows was moved.
    fn take_record(&mut self, mounter: &dyn Mounter, dirs: &SandboxDirs, table: &MountTable) -> Result<(), Error> {
        let device = dirs.mounts_shows.as_ref().map(|shows| shows.device);
        if !matches!(dirs.shared, MountKey::Unique(_)) || stale_origin(mounter, dirs.origin, dirs.shared)?.is_some() {
            return Ok(());
        }
        let mount = match mounter.find_mount(dirs.shared) {
            Ok(mount) if Some(mount.device) == device => mount,
            Ok(_) => return Ok(()),
            Err(error) if error.errno() == Errno::ENOENT => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.recorded = Some(mount.id);
        self.shared = Some(mount.mount_point);
        self.link = None;
        self.moved = self.shown(table).and_then(|shown| {
            let below = mount.root.strip_prefix(&shown.holding.root).ok().filter(|_| mount.root != shown.subpath)?;
            Some(shown.holding.mount_point.join(below)).filter(|path| *path != self.mounts)
        });
        Ok(())
    }

    /// The directories in which sharing creates names.
    pub(crate) fn with_names(&self) -> impl Iterator<Item = &Path> {
        let mounts = Some(&self.mounts).filter(|_| self.foreign.is_none());
        [mounts, self.moved.as_ref(), self.private.as_ref()].into_iter().flatten().map(PathBuf::as_path)
    }

    /// The mount on the mounts directory, unless it is a bind of that directory onto itself, or the set-up's mount on
    /// the guest's directory is proven to show the same directory.
    fn foreign_in(&self, table: &MountTable) -> Option<MountId> {
        let row = table.mount_at(&self.mounts)?;
        let shown = self.shown(table)?;
        let shows_it = |shared: MountRow<'_>| {
            let is_slave = shared.propagation().master.is_some() && shown.refuse(shared).is_none();
            self.recorded == Some(shared.id()) || (self.shared.as_deref() == Some(&*shared.mount_point()) && is_slave)
        };
        let is_set_up = MountTree::new(table).is_onto_itself(row) || table.iter().any(shows_it);
        (!is_set_up).then_some(row.id())
    }

    /// True where a mount is on a directory whose mounts and names are the sandbox's.
    fn is_on_directory(&self, row: MountRow<'_>) -> bool {
        let directories = [Some(&self.mounts), self.moved.as_ref(), self.private.as_ref()];
        directories.into_iter().flatten().any(|directory| *row.mount_point() == **directory)
    }

    /// The sandbox's mounts in a table.
    pub(crate) fn find_in(&self, table: &MountTable) -> Found {
        let tree = MountTree::new(table);
        let own = Own { places: self, tree: &tree, shown: self.shown(table) };
        let mut verdicts = Verdicts { own: &own, table, known: HashMap::new() };
        let mut found = Found { left: Vec::new(), unproven: self.link.iter().cloned().collect() };
        for row in table.iter() {
            match verdicts.of(row) {
                Verdict::Own(role) => {
                    found.left.push(Orphan { mount: row.to_info(), role, at: self.location_of(row) });
                }
                Verdict::Unproven(reason) => found.unproven.push(UnprovenMount {
                    path: row.mount_point().into_owned(),
                    mount: Some(row.to_info()),
                    reason,
                }),
                Verdict::Other | Verdict::OnUnproven => {}
            }
        }
        found
    }

    fn location_of(&self, row: MountRow<'_>) -> Location {
        let path = row.mount_point();
        let roots = [Some(&self.mounts), self.moved.as_ref(), self.private.as_ref(), self.shared.as_ref()];
        let beneath = |root: &PathBuf| Location::beneath(root, below(root, &path)?).ok();
        roots.into_iter().flatten().find_map(beneath).unwrap_or_else(|| Location::trusted(&*path))
    }

    /// The present device and subtree of the mounts directory.
    fn shown(&self, table: &MountTable) -> Option<Shown> {
        let holding = table.mount_holding(&self.mounts)?.to_info();
        Some(Shown { subpath: subpath(&holding, &self.mounts)?, holding })
    }
}

fn known(row: MountRow<'_>) -> (MountId, DeviceNumber, PathBuf) {
    (row.id(), row.device(), row.root().into_owned())
}

fn is_missing(errno: Errno) -> bool {
    [Errno::ENOENT, Errno::ENOTDIR].contains(&errno)
}

/// The rest of a path strictly below a directory.
fn below<'a>(root: &Path, path: &'a Path) -> Option<&'a Path> {
    path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty())
}

struct Shown {
    holding: MountInfo,
    subpath: PathBuf,
}

impl Shown {
    /// The reason for which a mount is not proven to be the set-up's; `None` where it is. The set-up's mount shows the
    /// mounts directory, is read-only, and is a slave of that directory's peer group or, once that group has ended, of
    /// none.
    fn refuse(&self, row: MountRow<'_>) -> Option<UnprovenReason> {
        if row.device() != self.holding.device {
            Some(UnprovenReason::AnotherFilesystem)
        } else if *row.root() != *self.subpath && *row.root() != *deleted(&self.subpath) {
            Some(UnprovenReason::AnotherDirectory)
        } else if !row.attributes().is_read_only() {
            Some(UnprovenReason::Writable)
        } else if row.propagation().master.is_some() && !self.feeds(row) {
            Some(UnprovenReason::AnotherGroup)
        } else {
            None
        }
    }

    /// True where a mount receives from the mounts directory's peer group, or from copies of itself in other namespaces that
    /// do: a set-up by mount(2) alone has these as its master for a moment.
    fn feeds(&self, row: MountRow<'_>) -> bool {
        let (group, state) = (self.holding.propagation.peers, row.propagation());
        group.is_some() && [state.master, state.propagate_from].contains(&group)
    }
}

/// Relation of a mount to the sandbox.
#[derive(Clone, PartialEq, Eq)]
enum Verdict {
    Own(OrphanRole),
    Unproven(UnprovenReason),
    /// One of its ancestors is not proven.
    OnUnproven,
    /// It is not on the sandbox's directories.
    Other,
}

struct Own<'a> {
    places: &'a SandboxPlaces,
    tree: &'a MountTree<'a>,
    shown: Option<Shown>,
}

/// The verdicts for a table, each computed once.
struct Verdicts<'a> {
    own: &'a Own<'a>,
    table: &'a MountTable,
    known: HashMap<MountId, Verdict>,
}

impl<'a> Verdicts<'a> {
    /// Judges parents before children, since the verdict depends on the parent's.
    fn of(&mut self, row: MountRow<'a>) -> Verdict {
        // A kernel has no cycle of parents, but a text can.
        let mut seen = HashSet::new();
        let up = std::iter::successors(Some(row), |row| self.table.by_id(row.parent()));
        let chain: Vec<_> = up.take_while(|row| !self.known.contains_key(&row.id()) && seen.insert(row.id())).collect();
        for row in chain.into_iter().rev() {
            let on = self.known.get(&row.parent()).unwrap_or(&Verdict::Other);
            let verdict = self.own.judge(row, on);
            self.known.insert(row.id(), verdict);
        }
        self.known[&row.id()].clone()
    }
}

impl<'a> Own<'a> {
    fn judge(&self, row: MountRow<'a>, on: &Verdict) -> Verdict {
        if matches!(on, Verdict::Unproven(_) | Verdict::OnUnproven) {
            return Verdict::OnUnproven;
        }
        let path = row.mount_point();
        let SandboxPlaces { mounts, shared, private, moved, recorded, .. } = self.places;
        if *recorded == Some(row.id()) {
            return Verdict::Own(OrphanRole::Shared);
        }
        if self.places.foreign == Some(row.id()) {
            return Verdict::Unproven(UnprovenReason::NotSetUp);
        }
        let onto_itself = |role| if self.tree.is_onto_itself(row) { Verdict::Own(role) } else { Verdict::Other };
        let is_new = self.places.is_on_directory(row) && !self.places.first.contains(&known(row));
        if is_new && !self.tree.is_onto_itself(row) {
            return Verdict::Unproven(UnprovenReason::MountedSince);
        }
        if *path == *mounts {
            return onto_itself(OrphanRole::MountsOntoItself);
        }
        if shared.as_deref() == Some(&*path) {
            // Another mount of the same directory on top of the set-up's own would look the same.
            let refused = match &self.shown {
                Some(shown) => shown.refuse(row),
                None => Some(UnprovenReason::AnotherFilesystem),
            };
            return refused.map_or(Verdict::Own(OrphanRole::Shared), Verdict::Unproven);
        }
        if private.as_deref() == Some(&*path) {
            return onto_itself(OrphanRole::PrivateOntoItself);
        }
        if shared.as_deref().is_some_and(|shared| below(shared, &path).is_some()) {
            return match on {
                Verdict::Own(OrphanRole::Shared | OrphanRole::Copy) => Verdict::Own(OrphanRole::Copy),
                _ => Verdict::Unproven(UnprovenReason::NotOnShared),
            };
        }
        if [Some(mounts), moved.as_ref()].into_iter().flatten().any(|root| below(root, &path).is_some()) {
            return Verdict::Own(OrphanRole::Share);
        }
        if private.as_deref().is_some_and(|private| below(private, &path).is_some()) {
            return Verdict::Own(OrphanRole::Prepared);
        }
        Verdict::Other
    }
}

//! A recovery in progress.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::error::{Error, OsError};
use crate::mount::{MountId, MountInfo, UnmountMode, UnmountRequest};
use crate::mount_table::tree::MountTree;
use crate::mount_table::{MountRow, MountTable};
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::recovery::empty_placeholders::left_names;
use crate::recovery::ownership::{Found, SandboxPlaces};
use crate::recovery::{Orphan, OrphanRole, Orphans, ReapStep, Recovery};
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;
use crate::stepwise::{Plan, Run};
use crate::unmount::exact::may_have_moved;
use crate::unmount::placeholder::{self, NameRemoval};
use crate::unmount::{NameAfter, Removal, Report, ReportedMount, UnprovenMount};

/// A [`Recovery`](crate::recovery::Recovery) in progress. Its steps never fail: failures are in the report.
#[derive(Clone, Debug)]
pub(crate) struct Reaping {
    places: SandboxPlaces,
    first: Vec<ReapStep>,
    /// The mounts that the last look-up found.
    seen: Vec<Orphan>,
    /// The mounts that could not be unmounted since then.
    refused: HashMap<MountId, OsError>,
    /// The look-ups that found no fewer mounts than the one before.
    looks: u32,
    report: Report,
}

/// The maximum number of look-ups that find no fewer mounts than the one before, while other processes change them.
const MOST_LOOKS: u32 = 8;

impl Recovery {
    /// Lists the orphans. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: the mount table or a directory cannot be read.
    pub fn find(&self, backend: &dyn Backend) -> Result<Orphans, Error> {
        let (fs, mounter) = (backend.filesystem(), backend.mounter());
        let table = mounter.mounts()?;
        let places = SandboxPlaces::resolve(fs, mounter, self, &table)?;
        let Found { left, unproven } = places.find_in(&table);
        let mut names = Vec::new();
        for root in places.with_names() {
            names.extend(left_names(fs, root, &left)?.iter().map(Location::for_display));
        }
        Ok(Orphans { mounts: left, names, unproven })
    }

    /// The steps for the present orphans. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn plan(&self, backend: &dyn Backend) -> Result<Plan, Error> {
        Ok(self.start(backend)?.plan())
    }

    /// Finds the orphans and begins: nothing is changed before the first [`advance`](Run::advance), which never fails.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find).
    pub fn start(&self, backend: &dyn Backend) -> Result<Run<Report>, Error> {
        Ok(Run::new(self.reaping(backend.filesystem(), backend.mounter())?))
    }

    /// Removes the orphans, and continues after every failure.
    ///
    /// # Errors
    ///
    /// As [`find`](Self::find); nothing is changed then. Later failures are in the report.
    pub fn reap(&self, backend: &dyn Backend) -> Result<Report, Error> {
        let span = tracing::debug_span!(target: "mountwright", "reap", subsystem = "mount",
            "shared-dir" = %self.mounts());
        let (fs, mounter) = (backend.filesystem(), backend.mounter());
        span.in_scope(|| Ok(Driver::new(self.reaping(fs, mounter)?).finish_all(fs, mounter)))
    }

    fn reaping(&self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Reaping, Error> {
        let table = mounter.mounts()?;
        let places = SandboxPlaces::resolve(fs, mounter, self, &table)?;
        Ok(Reaping::new(places, &table))
    }
}

impl Reaping {
    pub(crate) fn new(places: SandboxPlaces, table: &MountTable) -> Self {
        let Found { left, unproven } = places.find_in(table);
        let mut first = units(&left, &unproven, table);
        first.push(ReapStep::LookAgain);
        first.extend(places.with_names().map(|root| ReapStep::RemoveNames(root.to_owned())));
        first.extend(places.removable.iter().cloned().map(ReapStep::RemoveDirectory));
        let report = Report { unproven, ..Report::default() };
        Self { places, first, seen: left, refused: HashMap::new(), looks: 0, report }
    }

    fn take_off(&mut self, mounter: &dyn Mounter, left: &Orphan, cut_off: bool) {
        let request = UnmountRequest::of_mount(&left.mount).with_mode(UnmountMode::Detach);
        match mounter.unmount(&if cut_off { request.apart() } else { request }) {
            Ok(()) => self.note_mount(left.mount.clone(), Ok(Removal::of_layers(1, NameAfter::Kept))),
            Err(error) => {
                self.refused.insert(left.mount.id, error);
            }
        }
    }

    /// Looks up the mounts again. While it finds fewer than the last time, mounts that were covered may be reachable
    /// now. A mount that was no longer at its mount point may be being moved by another process: that is repeated a
    /// bounded number of times.
    fn look_again(&mut self, mounter: &dyn Mounter) -> Vec<ReapStep> {
        let mut refused = std::mem::take(&mut self.refused);
        let table = match mounter.mounts() {
            Ok(table) => table,
            Err(error) => {
                self.report.errors.push(error.into());
                for left in self.seen.clone() {
                    if let Some(error) = refused.remove(&left.mount.id) {
                        self.note_mount(left.mount, Err(error.into()));
                    }
                }
                return Vec::new();
            }
        };
        let Found { left: now, unproven } = self.places.find_in(&table);
        self.report.unproven = unproven;
        let moving = refused.values().any(may_have_moved) && self.looks < MOST_LOOKS;
        if !now.is_empty() && (now.len() < self.seen.len() || moving) {
            self.looks += u32::from(now.len() >= self.seen.len());
            let mut next = units(&now, &self.report.unproven, &table);
            next.push(ReapStep::LookAgain);
            self.seen = now;
            return next;
        }
        for left in &now {
            let error = refused.remove(&left.mount.id);
            let result = error.map_or(Ok(Removal::Covered), Removal::of_existing);
            self.note_mount(left.mount.clone(), result);
        }
        self.seen = now;
        Vec::new()
    }

    /// Removes the empty names in a directory, unless a mount that is not proven to be the sandbox's is on it.
    fn remove_names(&mut self, fs: &dyn Filesystem, root: &Path) {
        if self.report.unproven.iter().any(|unproven| unproven.path == root) {
            return;
        }
        let names = match left_names(fs, root, &self.seen) {
            Ok(names) => names,
            Err(error) => return self.report.errors.push(error),
        };
        for at in names {
            self.note(&at, placeholder::remove_at(fs, &at));
        }
    }

    fn note_mount(&mut self, mount: MountInfo, result: Result<Removal, Error>) {
        self.report.mounts.push(ReportedMount::new(&mount.mount_point, result).found(mount));
    }

    fn note(&mut self, at: &Location, removal: Result<NameRemoval, OsError>) {
        match removal {
            Ok(NameRemoval::Removed) => self.report.note_removed(at.for_display()),
            Ok(NameRemoval::Kept(error)) | Err(error) => self.report.errors.push(error.into()),
        }
    }
}

/// The mounts to unmount now, each with all mounts below it: those that are visible and whose parent is not itself
/// unmounted here. For a stack all layers, from the top. A mount with one below it that is not proven to be the
/// sandbox's stays.
fn units(left: &[Orphan], unproven: &[UnprovenMount], table: &MountTable) -> Vec<ReapStep> {
    let tree = MountTree::new(table);
    let by_id: HashMap<_, _> = left.iter().map(|left| (left.mount.id, left)).collect();
    let of_row = |row: &MountRow<'_>| by_id.get(&row.id()).copied();
    let carrying = carrying_unproven(unproven, table);
    let mut steps = Vec::new();
    // The newest first: shares before the guest's mount, and that before the mounts directory.
    for left in left.iter().rev() {
        let Some(row) = table.by_id(left.mount.id) else { continue };
        // A mount that covers its own parent is unmounted first: the parent is visible then.
        let goes = |parent: &MountRow<'_>| of_row(parent).is_some() && !carrying.contains(&parent.id());
        let goes_with = |parent: &MountRow<'_>| goes(parent) && tree.is_visible(*parent);
        let is_top = table.by_id(row.parent()).is_none_or(|parent| !goes_with(&parent));
        if !is_top || !tree.is_visible(row) || carrying.contains(&row.id()) {
            continue;
        }
        let own = (left.role == OrphanRole::MountsOntoItself).then_some(row.id());
        let reaches_peers = tree.reaches_peers(row, own);
        if reaches_peers && own.is_some() {
            // Its copies are to be unmounted with it, so it cannot be made private. Its children can, one by one, and
            // it is unmounted after the next look-up.
            for child in tree.children(row.id()).iter().rev().filter(|child| tree.is_visible(**child)) {
                if let Some(left) = of_row(child) {
                    steps.push(take(left, tree.reaches_peers(*child, None)));
                }
            }
            continue;
        }
        steps.push(take(left, reaches_peers));
        steps.extend(layers_beneath(row, &tree, table, &by_id, &carrying));
    }
    steps
}

/// The layers of a stack beneath its top: each is visible once the one above is unmounted.
fn layers_beneath<'a>(
    top: MountRow<'a>,
    tree: &MountTree<'a>,
    table: &'a MountTable,
    by_id: &HashMap<MountId, &Orphan>,
    carrying: &HashSet<MountId>,
) -> Vec<ReapStep> {
    let mut steps = Vec::new();
    let mut above = top;
    while let Some(row) = table.by_id(above.parent()).filter(|row| row.mount_point() == above.mount_point()) {
        let Some(left) = by_id.get(&row.id()).filter(|left| left.role != OrphanRole::MountsOntoItself) else { break };
        if carrying.contains(&row.id()) || steps.len() == by_id.len() {
            break;
        }
        let others_reach = tree.children(row.id()).iter().any(|child| {
            child.id() != above.id() && (tree.reaches_peers(*child, None) || row.propagation().peers.is_some())
        });
        steps.push(take(left, others_reach));
        above = row;
    }
    steps
}

/// The ancestors of unproven mounts.
fn carrying_unproven(unproven: &[UnprovenMount], table: &MountTable) -> HashSet<MountId> {
    let mut carrying = HashSet::new();
    for mount in unproven.iter().filter_map(|unproven| unproven.mount.as_ref()) {
        let mut above = table.by_id(mount.parent);
        while let Some(row) = above.filter(|row| carrying.insert(row.id())) {
            above = table.by_id(row.parent());
        }
    }
    carrying
}

fn take(left: &Orphan, cut_off: bool) -> ReapStep {
    ReapStep::UnmountStrategy { left: Box::new(left.clone()), cut_off }
}

impl Sequence for Reaping {
    type Step = ReapStep;
    type Outcome = Report;

    fn steps(&self) -> Vec<ReapStep> {
        self.first.clone()
    }

    fn take(&mut self, step: &ReapStep, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<ReapStep>, Error> {
        match step {
            ReapStep::UnmountStrategy { left, cut_off } => self.take_off(mounter, left, *cut_off),
            ReapStep::LookAgain => return Ok(self.look_again(mounter)),
            ReapStep::RemoveNames(root) => self.remove_names(fs, root),
            ReapStep::RemoveDirectory(path) => {
                let at = Location::trusted(path.as_path());
                match fs.remove_dir(&at) {
                    Ok(()) => self.report.note_removed(path),
                    Err(error) => match placeholder::gone_or_kept(fs, &at, error) {
                        // It never existed.
                        NameRemoval::Removed => {}
                        NameRemoval::Kept(error) => self.report.errors.push(error.into()),
                    },
                }
            }
        }
        Ok(Vec::new())
    }

    fn outcome(self) -> Report {
        self.report.settled()
    }
}

#[cfg(test)]
mod tests;

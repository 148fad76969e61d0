//! A recovery under way.

use std::path::Path;

use crate::sequences::left_names::left_names;
use crate::sequences::placeholder::{self, Removal};
use crate::sequences::sandbox_places::SandboxPlaces;
use crate::sequences::take_off::take_exactly;
use crate::values::mount_tree::MountTree;
use crate::{
    Errno, Error, Filesystem, LeftMount, LeftRole, Leftover, Location, MountRow, MountTable, Mounter, OsError,
    Propagation, ReapReport, ReapStep, Recursion, Sequence, UnmountMode, Unreaped,
};

/// A [`Recovery`](crate::Recovery) under way. Its steps never fail: what goes wrong stands in the report.
#[derive(Clone, Debug)]
pub struct Reaping {
    places: SandboxPlaces,
    first: Vec<ReapStep>,
    /// What was there at the last look.
    seen: Vec<LeftMount>,
    /// What went wrong since then.
    refused: Vec<(LeftMount, Error)>,
    report: ReapReport,
}

impl Reaping {
    pub(crate) fn new(places: SandboxPlaces, table: &MountTable) -> Self {
        let seen = places.left_in(table);
        let mut first = units(&seen, table);
        first.push(ReapStep::LookAgain);
        first.extend(places.with_names().map(|root| ReapStep::RemoveNames(root.to_owned())));
        if places.directories_too {
            let all = [places.private.as_ref(), Some(&places.shared), Some(&places.mounts)];
            first.extend(all.into_iter().flatten().cloned().map(ReapStep::RemoveDirectory));
        }
        Self { places, first, seen, refused: Vec::new(), report: ReapReport::default() }
    }

    fn take_off(&mut self, mounter: &dyn Mounter, left: &LeftMount, cut_off: bool) {
        let table = MountTable::from_mounts([&left.mount]);
        let taken = table.iter().next().map_or(Ok(()), |row| {
            if cut_off {
                mounter.set_propagation(&left.at, Propagation::Private, Recursion::Tree)?;
            }
            take_exactly(mounter, row, left.at.clone(), UnmountMode::Detach)
        });
        match taken {
            Ok(()) => self.report.taken.push(left.clone()),
            // It went by itself, or with another one.
            Err(error) if error.errno() == Errno::ENOENT => {}
            Err(error) => self.refused.push((left.clone(), error.into())),
        }
    }

    /// While a look finds fewer mounts than the last one, there is something to be done: what they covered.
    fn look_again(&mut self, mounter: &dyn Mounter) -> Vec<ReapStep> {
        let refused = std::mem::take(&mut self.refused);
        let table = match mounter.mounts() {
            Ok(table) => table,
            Err(error) => {
                self.report.failures.push(error.into());
                let unreaped = |(left, error)| Unreaped { left, error: Some(error) };
                self.report.left.extend(refused.into_iter().map(unreaped));
                return Vec::new();
            }
        };
        let now = self.places.left_in(&table);
        if !now.is_empty() && now.len() < self.seen.len() {
            let mut next = units(&now, &table);
            next.push(ReapStep::LookAgain);
            self.seen = now;
            return next;
        }
        self.report.left.extend(now.into_iter().map(|left| {
            let same = |(other, _): &&(LeftMount, Error)| other.mount.id == left.mount.id;
            let error = refused.iter().find(same).map(|(_, error)| error.clone());
            Unreaped { left, error }
        }));
        self.seen = self.report.left.iter().map(|unreaped| unreaped.left.clone()).collect();
        Vec::new()
    }

    fn remove_names(&mut self, fs: &dyn Filesystem, root: &Path) {
        let names = match left_names(fs, root, &self.seen) {
            Ok(names) => names,
            Err(error) => return self.report.failures.push(error),
        };
        for at in names {
            self.note(&at, placeholder::remove_at(fs, &at));
        }
    }

    fn note(&mut self, at: &Location, removal: Result<Removal, OsError>) {
        match removal {
            Ok(Removal::Removed) => self.report.removed.push(at.for_display()),
            Ok(Removal::Kept(error)) | Err(error) => self.report.failures.push(error.into()),
        }
    }
}

/// What is to be taken off now, each with all below it: what is in sight and not mounted on another one of them.
fn units(left: &[LeftMount], table: &MountTable) -> Vec<ReapStep> {
    let tree = MountTree::new(table);
    let of_row = |row: &MountRow<'_>| left.iter().find(|left| left.mount.id == row.id());
    let mut steps = Vec::new();
    // Last made first: shares before what the guest saw, that before the mounts directory.
    for left in left.iter().rev() {
        let Some(row) = table.by_id(left.mount.id) else { continue };
        let is_top = table.by_id(row.parent()).is_none_or(|parent| of_row(&parent).is_none());
        if !is_top || !tree.is_visible(row) {
            continue;
        }
        let own = (left.role == LeftRole::MountsOntoItself).then_some(row.id());
        let reaches_peers = tree.reaches_peers(row, own);
        if reaches_peers && own.is_some() {
            // Its copies are to go with it, so it cannot be cut off: what is on it is, one by one, and it goes at the next look.
            for child in tree.children(row.id()).iter().rev().filter(|child| tree.is_visible(**child)) {
                if let Some(left) = of_row(child) {
                    steps.push(take(left, tree.reaches_peers(*child, None)));
                }
            }
            continue;
        }
        steps.push(take(left, reaches_peers));
    }
    steps
}

fn take(left: &LeftMount, cut_off: bool) -> ReapStep {
    ReapStep::TakeOff { left: Box::new(left.clone()), cut_off }
}

impl Sequence for Reaping {
    type Step = ReapStep;
    type Outcome = ReapReport;

    fn steps(&self) -> Vec<ReapStep> {
        self.first.clone()
    }

    fn take(&mut self, step: &ReapStep, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<ReapStep>, Error> {
        match step {
            ReapStep::TakeOff { left, cut_off } => self.take_off(mounter, left, *cut_off),
            ReapStep::LookAgain => return Ok(self.look_again(mounter)),
            ReapStep::RemoveNames(root) => self.remove_names(fs, root),
            ReapStep::RemoveDirectory(path) => {
                let at = Location::from(path.as_path());
                match fs.remove_dir(&at) {
                    Err(error) if placeholder::is_gone(error.errno()) => {}
                    Err(error) => self.note(&at, Err(error)),
                    Ok(()) => self.note(&at, Ok(Removal::Removed)),
                }
            }
        }
        Ok(Vec::new())
    }

    /// A recovery makes nothing.
    fn take_back(&mut self, _: &dyn Filesystem, _: &dyn Mounter) -> Vec<Leftover> {
        Vec::new()
    }

    fn outcome(self) -> ReapReport {
        self.report
    }
}

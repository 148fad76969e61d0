//! A tear-down under way.

use std::path::{Path, PathBuf};

use camino::Utf8Path;

use crate::sequences::placeholder::{self, Removal};
use crate::sequences::share_name::share_location;
use crate::sequences::take_off::{Taken, Which, take_off};
use crate::sequences::unshare::warn_symlink;
use crate::sequences::unshare_recorded::is_this_mount;
use crate::values::mount_tree::MountTree;
use crate::{
    Errno, Error, Filesystem, Leftover, Location, MountKey, MountRow, MountTable, Mounter, NameAfter, Placeholder,
    Sequence, ShareRecord, TearDown, TearDownOutcome, TearDownReport, TearDownStep, TornDown, UnmountMode,
    UnmountRequest,
};

/// A tree that was taken off as one.
#[derive(Clone, Debug)]
struct Went {
    top: MountKey,
    /// Where its mounts were below the top, one entry for each layer.
    below: Vec<PathBuf>,
}

/// A [`TearDown`] under way. Its steps never fail: what goes wrong stands in the report.
#[derive(Clone, Debug)]
pub struct TearingDown {
    tear_down: TearDown,
    /// What went as one tree.
    went: Option<Went>,
    report: TearDownReport,
}

impl TearingDown {
    pub(crate) fn new(tear_down: TearDown) -> Self {
        Self { tear_down, went: None, report: TearDownReport::default() }
    }

    /// One detach for all of it, or nothing: the steps after it do it one by one then.
    fn take_tree(&mut self, mounter: &dyn Mounter, mounts_dir: &Utf8Path, mount: MountKey) {
        let Ok(table) = mounter.mounts() else { return };
        let at = Location::from(mounts_dir.as_std_path());
        let Some(below) = separate_tree(mounter, &table, &at, mount) else { return };
        let request = UnmountRequest::new(at).with_mode(UnmountMode::Detach).only(mount);
        if mounter.unmount(&request).is_ok() {
            self.went = Some(Went { top: mount, below });
        }
    }

    fn take_share(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, record: &ShareRecord) {
        let outcome = self.share_outcome(fs, mounter, record).unwrap_or_else(TearDownOutcome::Failed);
        if outcome == TearDownOutcome::RefusedSymlink {
            warn_symlink(&record.container);
        }
        self.report.mounts.push(TornDown { path: record.path.clone(), outcome });
    }

    fn share_outcome(
        &mut self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        record: &ShareRecord,
    ) -> Result<TearDownOutcome, Error> {
        let at = share_location(self.tear_down.mounts_dir(), &record.container, &record.name)?;
        let with_tree = self.layers_gone(&at);
        let by_name = take_off(mounter, &at, Which::All, self.tear_down.take_off());
        let by_identity = match by_name {
            Taken::Not(TearDownOutcome::Busy { .. }) => None,
            _ => self.take_by_identity(mounter, record.mount, Some(record))?,
        };
        let mut layers = with_tree;
        match by_identity {
            Some(Taken::Off(more)) => layers += more,
            Some(Taken::Not(outcome)) => return Ok(outcome),
            None => {}
        }
        match by_name {
            Taken::Off(more) => layers += more,
            // The name shows nothing of it, and yet it is off.
            Taken::Not(TearDownOutcome::Missing | TearDownOutcome::RefusedSymlink) if layers > 0 => {}
            Taken::Not(TearDownOutcome::Failed(error)) if error.errno() == Some(Errno::EXDEV) && layers > 0 => {}
            Taken::Not(outcome) => return Ok(outcome),
        }
        if is_mounted(mounter, &at)? {
            return Ok(TearDownOutcome::StillMounted);
        }
        let name = self.remove_name(fs, record, &at);
        Ok(if layers == 0 { TearDownOutcome::NotMounted { name } } else { TearDownOutcome::Detached { layers, name } })
    }

    fn layers_gone(&self, at: &Location) -> u32 {
        match (&self.went, at) {
            (Some(went), Location::Beneath { path, .. }) => {
                went.below.iter().filter(|gone| *gone == path.as_path()).map(|_| 1).sum()
            }
            _ => 0,
        }
    }

    /// The mount may be elsewhere: its name was swapped, or a directory above it moved. `known` is what else is known of
    /// it, as proof for an id that the kernel uses again.
    fn take_by_identity(
        &self,
        mounter: &dyn Mounter,
        mount: MountKey,
        known: Option<&ShareRecord>,
    ) -> Result<Option<Taken>, Error> {
        let found = match mounter.find_mount(mount) {
            Ok(found) => found,
            Err(error) if error.errno() == Errno::ENOENT => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let proven = match known {
            Some(record) => is_this_mount(record, &found),
            None => matches!(mount, MountKey::Unique(_)),
        };
        if !proven {
            return Ok(None);
        }
        let at = Location::Trusted(found.mount_point);
        Ok(Some(take_off(mounter, &at, Which::Only(mount), self.tear_down.take_off())))
    }

    /// Removes what was made for a share; a directory that other shares are in is left to the last step.
    fn remove_name(&mut self, fs: &dyn Filesystem, record: &ShareRecord, at: &Location) -> NameAfter {
        let mut name = NameAfter::Kept;
        for made in record.made.iter().rev() {
            match placeholder::remove_made(fs, made) {
                Ok(Removal::Removed) if made.at == *at => name = NameAfter::Removed,
                Ok(Removal::Removed) => {}
                Ok(Removal::Kept(error)) if made.at != *at && error.errno() == Errno::ENOTEMPTY => {}
                Ok(Removal::Kept(error)) | Err(error) => self.report.kept.push(error),
            }
        }
        name
    }

    fn take_own(&mut self, mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) {
        let went = self.went.as_ref().is_some_and(|went| went.top == mount);
        let outcome = if went {
            TearDownOutcome::Detached { layers: 1, name: NameAfter::Kept }
        } else {
            self.own_outcome(mounter, path, mount).unwrap_or_else(TearDownOutcome::Failed)
        };
        self.report.mounts.push(TornDown { path: path.into(), outcome });
    }

    fn own_outcome(&self, mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<TearDownOutcome, Error> {
        let name = NameAfter::Kept;
        let at = Location::from(path.as_std_path());
        let by_path = take_off(mounter, &at, Which::Only(mount), self.tear_down.take_off());
        match by_path {
            Taken::Off(layers) if layers > 0 => return Ok(TearDownOutcome::Detached { layers, name }),
            Taken::Not(outcome @ TearDownOutcome::Busy { .. }) => return Ok(outcome),
            _ => {}
        }
        Ok(match (self.take_by_identity(mounter, mount, None)?, by_path) {
            (Some(Taken::Off(layers)), _) if layers > 0 => TearDownOutcome::Detached { layers, name },
            (Some(Taken::Not(outcome)), _) => outcome,
            (_, Taken::Not(TearDownOutcome::Covered) | Taken::Off(_)) => TearDownOutcome::NotMounted { name },
            (_, Taken::Not(outcome)) => outcome,
        })
    }

    fn remove_made(&mut self, fs: &dyn Filesystem, made: &[Placeholder]) {
        for made in made.iter().rev() {
            match placeholder::remove_made(fs, made) {
                Ok(Removal::Removed) => {}
                Ok(Removal::Kept(error)) | Err(error) => {
                    if !self.report.kept.contains(&error) {
                        self.report.kept.push(error);
                    }
                }
            }
        }
    }
}

fn is_mounted(mounter: &dyn Mounter, at: &Location) -> Result<bool, Error> {
    match mounter.mount_of(at) {
        Ok(found) => Ok(found.is_root),
        Err(error) if placeholder::is_gone(error.errno()) || error.errno() == Errno::ELOOP => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Where the mounts of the tree at `at` are below its top, if `mount` is that top and nothing but copies goes with it.
fn separate_tree(mounter: &dyn Mounter, table: &MountTable, at: &Location, mount: MountKey) -> Option<Vec<PathBuf>> {
    let found = mounter.mount_of(at).ok().filter(|found| found.is_root && found.mount.key() == mount)?;
    let tree = MountTree::new(table);
    let top = table.by_id(found.mount.id)?;
    if tree.reaches_peers(top, Some(top.id())) {
        return None;
    }
    let below = |row: &MountRow<'_>| row.mount_point().strip_prefix(top.mount_point()).map(Path::to_path_buf).ok();
    Some(tree.leaves_first(top).iter().filter_map(below).collect())
}

impl Sequence for TearingDown {
    type Step = TearDownStep;
    type Outcome = TearDownReport;

    fn steps(&self) -> Vec<TearDownStep> {
        self.tear_down.steps()
    }

    fn take(
        &mut self,
        step: &TearDownStep,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
    ) -> Result<Vec<TearDownStep>, Error> {
        match step {
            TearDownStep::TakeTree { mounts_dir, mount } => self.take_tree(mounter, mounts_dir, *mount),
            TearDownStep::TakeShare(record) => self.take_share(fs, mounter, record),
            TearDownStep::TakeOwn { path, mount } => self.take_own(mounter, path, *mount),
            TearDownStep::RemoveMade(made) => self.remove_made(fs, made),
        }
        Ok(Vec::new())
    }

    /// A tear-down makes nothing.
    fn take_back(&mut self, _: &dyn Filesystem, _: &dyn Mounter) -> Vec<Leftover> {
        Vec::new()
    }

    fn outcome(self) -> TearDownReport {
        self.report
    }
}

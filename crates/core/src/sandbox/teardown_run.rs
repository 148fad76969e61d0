//! A tear-down in progress.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use camino::Utf8Path;

use crate::error::{Errno, Error};
use crate::file::FileKind;
use crate::mount::{MountInfo, MountKey, MountSubtree, Placeholder, UnmountMode, UnmountRequest};
use crate::mount_table::MountTable;
use crate::mount_table::tree::MountTree;
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::sandbox::{TearDown, TearDownStep};
use crate::share::ShareRecord;
use crate::share::layout::share_location;
use crate::share::unshare::warn_symlink;
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;
use crate::stepwise::{Plan, Run};
use crate::unmount::exact::{Identified, proven_below, unmount_found};
use crate::unmount::placeholder::{self, MadeRemoval};
use crate::unmount::record_state::{Recorded, stale_origin, state_of};
use crate::unmount::stack::{Stack, Stop};
use crate::unmount::{NameAfter, Proof, RecordState, Refusal, Removal, Report, ReportedMount, StaleReason};

/// A tree that was unmounted as one.
#[derive(Clone, Debug)]
struct Went {
    top: MountKey,
    /// The former mount points below the top, and the number of layers on each.
    below: HashMap<PathBuf, u32>,
}

/// A [`TearDown`] in progress. Its steps never fail: failures are in the report.
#[derive(Clone, Debug)]
pub(crate) struct TearingDown {
    tear_down: TearDown,
    /// The tree that was unmounted as one.
    went: Option<Went>,
    report: Report,
}

impl TearDown {
    /// The steps, before anything is changed.
    pub fn plan(&self) -> Plan {
        self.start().plan()
    }

    /// Begins it: nothing is changed before the first [`advance`](Run::advance), which never fails.
    pub fn start(&self) -> Run<Report> {
        Run::new(TearingDown::new(self.clone()))
    }

    /// Performs the tear-down, and continues after every failure.
    pub fn run(&self, backend: &dyn Backend) -> Report {
        let span = tracing::debug_span!(target: "mountwright", "tear_down", subsystem = "mount",
            "shared-dir" = %self.mounts_dir());
        span.in_scope(|| {
            Driver::new(TearingDown::new(self.clone())).finish_all(backend.filesystem(), backend.mounter())
        })
    }
}

impl TearingDown {
    pub(crate) fn new(tear_down: TearDown) -> Self {
        Self { tear_down, went: None, report: Report::default() }
    }

    /// Unmounts the whole tree with one lazy unmount, or nothing: then the later steps unmount one by one.
    fn take_tree(&mut self, mounter: &dyn Mounter, mounts_dir: &Utf8Path, mount: MountKey) {
        let Ok(RecordState::There { .. }) = self.own_state(mounter, mounts_dir, mount) else { return };
        let Ok(table) = mounter.mounts() else { return };
        let at = Location::trusted(mounts_dir.as_std_path());
        let Some(below) = separate_tree(mounter, &table, &at, mount) else { return };
        let request = UnmountRequest::new(at).with_mode(UnmountMode::Detach).only(mount);
        if mounter.unmount(&request).is_ok() {
            self.went = Some(Went { top: mount, below });
        }
    }

    fn take_share(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, record: &ShareRecord) {
        let removal = self.share_removal(fs, mounter, record);
        if removal == Ok(Removal::Symlink) {
            warn_symlink(&record.container);
        }
        self.report.mounts.push(ReportedMount::new(&record.path, removal).of(&record.container));
    }

    fn share_removal(
        &mut self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        record: &ShareRecord,
    ) -> Result<Removal, Error> {
        let at = share_location(self.tear_down.mounts_dir(), &record.container, &record.name)?;
        if let Some(reason) = stale_origin(mounter, record.origin, record.mount)? {
            let is_removable = reason.may_remove_names();
            let target = if is_removable { self.remove_names(fs, record, &at, true) } else { NameAfter::Kept };
            return Ok(Removal::Stale { reason, target });
        }
        match self
            .share_layers(fs, mounter, record, &at)
            .and_then(|layers| still_mounted(mounter, &at).map(|()| layers))
        {
            Ok(layers) => Ok(Removal::of_layers(layers, self.remove_names(fs, record, &at, false))),
            Err(stop) => stop.removal(),
        }
    }

    /// Unmounts every layer on the share's name, and the recorded mount wherever it is.
    fn share_layers(
        &self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        record: &ShareRecord,
        at: &Location,
    ) -> Result<u32, Stop> {
        let with_tree = self.layers_gone(at);
        let by_name = Stack::at(mounter, at, self.tear_down.strategy()).unmount();
        if matches!(by_name, Err(Stop::Not(Removal::Busy { .. }))) {
            return by_name;
        }
        let elsewhere = self.share_by_identity(fs, mounter, record, &by_name)?;
        match by_name {
            Ok(layers) => Ok(with_tree + layers + elsewhere),
            // The name shows none of its mounts, and yet they are unmounted.
            Err(Stop::Not(Removal::NotFound | Removal::Symlink | Removal::Refused { .. }))
                if with_tree + elsewhere > 0 =>
            {
                Ok(with_tree + elsewhere)
            }
            stopped => stopped,
        }
    }

    /// Unmounts the recorded mount where the share's name did not lead to it: the name may have been swapped, or a
    /// directory above it moved. Returns the number of mounts that were unmounted.
    fn share_by_identity(
        &self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        record: &ShareRecord,
        by_name: &Result<u32, Stop>,
    ) -> Result<u32, Stop> {
        let shows = MountSubtree { device: record.device, root: record.subpath.clone() };
        let below = proven_below(fs, self.tear_down.mounts_dir().as_std_path(), record.mount)?;
        let expected = (Some(&shows), below.as_deref());
        match unmount_found(mounter, record.mount, expected, self.tear_down.strategy())? {
            // No other mount of this boot ever has the id.
            Identified::AnotherMount if matches!(record.mount, MountKey::Unique(_)) && nothing_there(by_name) => {
                let (reason, target) = (StaleReason::AnotherMount, NameAfter::Kept);
                Err(Stop::Not(Removal::Stale { reason, target }))
            }
            found => found.layers(),
        }
    }

    fn layers_gone(&self, at: &Location) -> u32 {
        match (&self.went, at) {
            (Some(went), Location::Beneath { path, .. }) => went.below.get(path.as_path()).copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// Removes the files that were created for a share; a directory that holds other shares is left to the last step.
    fn remove_names(&mut self, fs: &dyn Filesystem, record: &ShareRecord, at: &Location, is_stale: bool) -> NameAfter {
        let done = placeholder::remove_all_made(fs, record.made.iter(), Some(at), is_stale);
        let target = done.target(at);
        self.note(done);
        target
    }

    fn note(&mut self, done: MadeRemoval) {
        for at in done.removed {
            self.report.note_removed(at.for_display());
        }
        for error in done.kept.into_iter().map(Error::from) {
            if !self.report.errors.contains(&error) {
                self.report.errors.push(error);
            }
        }
    }

    fn take_own(&mut self, mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) {
        let went = self.went.as_ref().is_some_and(|went| went.top == mount);
        let removal =
            if went { Ok(Removal::of_layers(1, NameAfter::Kept)) } else { self.own_removal(mounter, path, mount) };
        self.report.mounts.push(ReportedMount::new(path, removal));
    }

    fn own_removal(&self, mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<Removal, Error> {
        let target = NameAfter::Kept;
        let at = Location::trusted(path.as_std_path());
        let by_path = || Stack::at(mounter, &at, self.tear_down.strategy()).only(mount).unmount();
        let layers = match self.own_state(mounter, path, mount)? {
            RecordState::Stale(reason) => return Ok(Removal::Stale { reason, target }),
            RecordState::Gone => match by_path() {
                Ok(_) | Err(Stop::Not(Removal::Covered)) => Ok(0),
                stopped => stopped,
            },
            // Only the place and the id together identify the mount.
            RecordState::There { proof: Proof::Likely, .. } => by_path(),
            RecordState::There { mount: found, .. } => self.own_by_identity(mounter, path, &found, mount),
        };
        layers.map_or_else(Stop::removal, |layers| Ok(Removal::of_layers(layers, target)))
    }

    fn own_by_identity(
        &self,
        mounter: &dyn Mounter,
        path: &Utf8Path,
        found: &MountInfo,
        mount: MountKey,
    ) -> Result<u32, Stop> {
        let shows = self.tear_down.shown_at(path).cloned().unwrap_or_else(|| MountSubtree::from(found));
        unmount_found(mounter, mount, (Some(&shows), None), self.tear_down.strategy())?.layers()
    }

    /// The state of one of the sandbox's own mounts.
    fn own_state(&self, mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> Result<RecordState, Error> {
        let recorded = Recorded {
            origin: self.tear_down.origin(),
            mount,
            shows: self.tear_down.shown_at(path),
            path: path.as_std_path(),
        };
        Ok(state_of(mounter, &recorded)?)
    }

    /// Reports the mounts that are still on names of the mounts directory: no record has them. Where a mount of the
    /// sandbox itself stays there, it is reported, and its contents are not examined.
    fn name_others(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, mounts_dir: &Utf8Path) {
        let stays = |mount: &ReportedMount| mount.path == mounts_dir.as_std_path();
        if self.report.failures().any(stays) || self.stale_reasons().next().is_some() {
            return;
        }
        match mounted_names(fs, mounter, mounts_dir.as_std_path()) {
            Ok(others) => {
                let mut known: HashSet<_> = self.report.mounts.iter().map(|mount| mount.path.clone()).collect();
                for (path, mount) in others.into_iter().filter(|(path, _)| known.insert(path.clone())) {
                    let removal = Removal::Refused { reason: Refusal::NotRecorded };
                    self.report.mounts.push(ReportedMount::new(path, Ok(removal)).found(mount));
                }
            }
            Err(error) => self.report.errors.push(error),
        }
    }

    fn stale_reasons(&self) -> impl Iterator<Item = StaleReason> {
        self.report.mounts.iter().filter_map(|mount| match mount.result {
            Ok(Removal::Stale { reason, .. }) => Some(reason),
            _ => None,
        })
    }

    fn remove_made(&mut self, fs: &dyn Filesystem, made: &[Placeholder]) {
        if self.stale_reasons().any(|reason| reason == StaleReason::AnotherNamespace) {
            return;
        }
        let is_stale = self.stale_reasons().next().is_some();
        self.note(placeholder::remove_all_made(fs, made.iter(), None, is_stale));
    }
}

/// True where the name is no mount point.
fn nothing_there(by_name: &Result<u32, Stop>) -> bool {
    matches!(by_name, Ok(0) | Err(Stop::Not(Removal::NotFound | Removal::Symlink)))
}

/// Fails with [`Removal::StillMounted`] where the name is a mount point.
fn still_mounted(mounter: &dyn Mounter, at: &Location) -> Result<(), Stop> {
    match mounter.filesystem_of(at) {
        Ok(found) if found.is_mount_root => Err(Stop::Not(Removal::StillMounted)),
        Ok(_) => Ok(()),
        // The name leads to nothing, or to another process's files.
        Err(error) if Removal::of_look(error.clone()).is_ok() => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The mounts on the names of the form that sharing creates, `<name>` and `<id>/<name>`.
fn mounted_names(fs: &dyn Filesystem, mounter: &dyn Mounter, root: &Path) -> Result<Vec<(PathBuf, MountInfo)>, Error> {
    let mut found = Vec::new();
    for outer in placeholder::listed(fs, &Location::trusted(root))? {
        let at = Location::beneath(root, &outer.name)?;
        if let Some(mount) = mount_on(mounter, &at)? {
            found.push((at.for_display(), mount));
        } else if outer.kind == FileKind::Directory {
            for inner in placeholder::listed(fs, &at)? {
                let at = Location::beneath(root, Path::new(&outer.name).join(&inner.name))?;
                found.extend(mount_on(mounter, &at)?.map(|mount| (at.for_display(), mount)));
            }
        }
    }
    Ok(found)
}

fn mount_on(mounter: &dyn Mounter, at: &Location) -> Result<Option<MountInfo>, Error> {
    match mounter.mount_of(at) {
        Ok(found) => Ok(found.is_root.then_some(found.mount)),
        // It was listed: another process has removed or replaced it, or it is a symlink.
        Err(error) if [Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP].contains(&error.errno()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The mount points of the tree at `at`, relative to its top, each with its number of layers. `None` unless `mount` is
/// that top and a lazy unmount of it reaches only copies elsewhere.
fn separate_tree(
    mounter: &dyn Mounter,
    table: &MountTable,
    at: &Location,
    mount: MountKey,
) -> Option<HashMap<PathBuf, u32>> {
    let found = mounter.mount_of(at).ok().filter(|found| found.is_root && found.mount.key() == mount)?;
    let tree = MountTree::new(table);
    let top = table.by_id(found.mount.id)?;
    if tree.reaches_peers(top, Some(top.id())) {
        return None;
    }
    let top_at = top.mount_point();
    let mut below = HashMap::new();
    for row in tree.leaves_first(top) {
        if let Ok(rest) = row.mount_point().strip_prefix(&top_at) {
            *below.entry(rest.to_path_buf()).or_default() += 1;
        }
    }
    Some(below)
}

impl Sequence for TearingDown {
    type Step = TearDownStep;
    type Outcome = Report;

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
            TearDownStep::NameOthers(mounts_dir) => self.name_others(fs, mounter, mounts_dir),
            TearDownStep::RemoveMade(made) => self.remove_made(fs, made),
        }
        Ok(Vec::new())
    }

    fn outcome(self) -> Report {
        self.report.settled()
    }
}

#[cfg(test)]
mod tests;

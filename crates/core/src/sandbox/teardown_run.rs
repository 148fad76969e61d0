//! A tear-down in progress.

use std::collections::HashMap;
use std::path::PathBuf;

use camino::Utf8Path;

use crate::error::{Errno, Error, Leftover};
use crate::mount::{MountKey, MountSubtree, Placeholder, UnmountMode, UnmountRequest};
use crate::mount_table::MountTable;
use crate::mount_table::tree::MountTree;
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::sandbox::{TearDown, TearDownReport, TearDownStep, TornDown};
use crate::share::ShareRecord;
use crate::share::layout::share_location;
use crate::share::unshare::warn_symlink;
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;
use crate::stepwise::{Plan, Run};
use crate::unmount::exact::MOST_LOOKS;
use crate::unmount::placeholder::{self, Removal};
use crate::unmount::record_state::{Recorded, shows_same, stale_origin, state_of};
use crate::unmount::stack::{Taken, Which, take_off};
use crate::unmount::{NameAfter, TearDownOutcome};
use crate::unmount::{Proof, RecordState, StaleReason};

/// A tree that was unmounted as one.
#[derive(Clone, Debug)]
struct Went {
    top: MountKey,
    /// The former mount points below the top, and the number of layers on each.
    below: HashMap<PathBuf, u32>,
}

/// The result of a look-up by id.
enum Found {
    /// It does not exist any more.
    Gone,
    /// Another mount has its id.
    Unproven,
    /// It was not looked up: its name leads to it, and it is in use.
    Busy,
    /// It was found, and the unmount was tried.
    Tried(Taken),
}

/// A [`TearDown`] in progress. Its steps never fail: failures are in the report.
#[derive(Clone, Debug)]
pub(crate) struct TearingDown {
    tear_down: TearDown,
    /// The tree that was unmounted as one.
    went: Option<Went>,
    report: TearDownReport,
}

impl TearDown {
    /// The steps, before anything is changed.
    pub fn plan(&self) -> Plan {
        self.start().plan()
    }

    /// Begins it: nothing is changed before the first [`advance`](Run::advance), which never fails.
    pub fn start(&self) -> Run<TearDownReport> {
        Run::new(TearingDown::new(self.clone()))
    }

    /// Performs the tear-down, and continues after every failure.
    pub fn run(&self, backend: &dyn Backend) -> TearDownReport {
        let span = tracing::debug_span!(target: "mountwright", "tear_down", subsystem = "mount",
            "shared-dir" = %self.mounts_dir());
        span.in_scope(|| {
            Driver::new(TearingDown::new(self.clone())).finish_all(backend.filesystem(), backend.mounter())
        })
    }
}

impl TearingDown {
    pub(crate) fn new(tear_down: TearDown) -> Self {
        Self { tear_down, went: None, report: TearDownReport::default() }
    }

    /// Unmounts the whole tree with one lazy unmount, or nothing: then the later steps unmount one by one.
    fn take_tree(&mut self, mounter: &dyn Mounter, mounts_dir: &Utf8Path, mount: MountKey) {
        let Ok(RecordState::There { .. }) = self.own_state(mounter, mounts_dir, mount) else { return };
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
        if let Some(reason) = stale_origin(mounter, record.origin, record.mount)? {
            let name = match reason {
                // In that namespace the mount may be in use, and removing the name here would unmount it there.
                StaleReason::AnotherNamespace => NameAfter::Kept,
                _ => self.remove_name(fs, record, &at, true),
            };
            return Ok(TearDownOutcome::Stale { reason, name });
        }
        let with_tree = self.layers_gone(&at);
        let by_name = take_off(mounter, &at, Which::All, self.tear_down.take_off());
        let by_identity = if let Taken::Not(TearDownOutcome::Busy { .. }) = by_name {
            Found::Busy
        } else {
            let shows = MountSubtree { device: record.device, root: record.subpath.clone() };
            self.take_by_identity(mounter, record.mount, &shows)?
        };
        let mut layers = with_tree;
        match by_identity {
            Found::Tried(Taken::Off(more)) => layers += more,
            Found::Tried(Taken::Not(outcome)) => return Ok(outcome),
            // No other mount of this boot ever has the id.
            Found::Unproven if matches!(record.mount, MountKey::Unique(_)) && nothing_there(&by_name) => {
                let reason = StaleReason::AnotherMount;
                return Ok(TearDownOutcome::Stale { reason, name: NameAfter::Kept });
            }
            Found::Gone | Found::Unproven | Found::Busy => {}
        }
        match by_name {
            Taken::Off(more) => layers += more,
            // The name shows none of its mounts, and yet they are unmounted.
            Taken::Not(TearDownOutcome::Missing | TearDownOutcome::RefusedSymlink) if layers > 0 => {}
            Taken::Not(TearDownOutcome::Failed(error)) if error.errno() == Some(Errno::EXDEV) && layers > 0 => {}
            Taken::Not(outcome) => return Ok(outcome),
        }
        if is_mounted(mounter, &at)? {
            return Ok(TearDownOutcome::StillMounted);
        }
        let name = self.remove_name(fs, record, &at, false);
        Ok(if layers == 0 { TearDownOutcome::NotMounted { name } } else { TearDownOutcome::Detached { layers, name } })
    }

    fn layers_gone(&self, at: &Location) -> u32 {
        match (&self.went, at) {
            (Some(went), Location::Beneath { path, .. }) => went.below.get(path.as_path()).copied().unwrap_or(0),
            _ => 0,
        }
    }

    /// Unmounts a mount by its id: its name may have been swapped, or a directory above it moved. Where another process
    /// moves or unmounts it in between, it is looked up again.
    fn take_by_identity(&self, mounter: &dyn Mounter, mount: MountKey, shows: &MountSubtree) -> Result<Found, Error> {
        let mut before = None;
        for _ in 0..MOST_LOOKS {
            let found = match mounter.find_mount(mount) {
                Ok(found) => found,
                Err(error) if error.errno() == Errno::ENOENT => return Ok(Found::Gone),
                Err(error) => return Err(error.into()),
            };
            if !shows_same(&found, shows) {
                return Ok(Found::Unproven);
            }
            let at = Location::Trusted(found.mount_point.clone());
            let taken = match take_off(mounter, &at, Which::Found(&found, mount), self.tear_down.take_off()) {
                Taken::Off(0) | Taken::Not(TearDownOutcome::Missing) => Taken::Not(TearDownOutcome::StillMounted),
                taken => taken,
            };
            let leads_elsewhere = match &taken {
                Taken::Not(TearDownOutcome::Failed(error)) => error.errno() == Some(Errno::EXDEV),
                Taken::Not(outcome) => !matches!(outcome, TearDownOutcome::Busy { .. }),
                Taken::Off(_) => false,
            };
            if !leads_elsewhere || before.as_ref() == Some(&found.mount_point) {
                return Ok(Found::Tried(taken));
            }
            before = Some(found.mount_point);
        }
        Ok(Found::Tried(Taken::Not(TearDownOutcome::StillMounted)))
    }

    /// Removes the files that were created for a share; a directory that holds other shares is left to the last step.
    /// For a stale record, a name that leads to another file is no failure.
    fn remove_name(&mut self, fs: &dyn Filesystem, record: &ShareRecord, at: &Location, is_stale: bool) -> NameAfter {
        let mut name = NameAfter::Kept;
        for made in record.made.iter().rev() {
            match placeholder::remove_made(fs, made) {
                Ok(Removal::Removed) if made.at == *at => name = NameAfter::Removed,
                Ok(Removal::Removed) => {}
                Ok(Removal::Kept(error)) if made.at != *at && error.errno() == Errno::ENOTEMPTY => {}
                Ok(Removal::Kept(error)) if is_stale && error.errno() == Errno::ESTALE => {}
                // Another share of the container is in the directory, and its removal removes the directory.
                Ok(Removal::Kept(error))
                    if error.errno() == Errno::ENOTEMPTY && placeholder::holds_a_mount(fs, &made.at) => {}
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
        let by_path = || take_off(mounter, &at, Which::Only(mount), self.tear_down.take_off());
        let shows = self.tear_down.shown_at(path);
        Ok(match self.own_state(mounter, path, mount)? {
            RecordState::Stale(reason) => TearDownOutcome::Stale { reason, name },
            RecordState::Gone => match by_path() {
                Taken::Off(_) | Taken::Not(TearDownOutcome::Covered) => TearDownOutcome::NotMounted { name },
                Taken::Not(outcome) => outcome,
            },
            // Only the place and the id together identify the mount.
            RecordState::There { proof: Proof::Likely, .. } => match by_path() {
                Taken::Off(0) => TearDownOutcome::NotMounted { name },
                Taken::Off(layers) => TearDownOutcome::Detached { layers, name },
                Taken::Not(outcome) => outcome,
            },
            RecordState::There { mount: found, .. } => {
                let shows = shows.cloned().unwrap_or_else(|| MountSubtree::from(&*found));
                match self.take_by_identity(mounter, mount, &shows)? {
                    Found::Tried(Taken::Off(layers)) => TearDownOutcome::Detached { layers, name },
                    Found::Tried(Taken::Not(outcome)) => outcome,
                    _ => TearDownOutcome::NotMounted { name },
                }
            }
        })
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

    fn remove_made(&mut self, fs: &dyn Filesystem, made: &[Placeholder]) {
        let stale = |torn: &TornDown| match torn.outcome {
            TearDownOutcome::Stale { reason, .. } => Some(reason),
            _ => None,
        };
        let reasons: Vec<_> = self.report.mounts.iter().filter_map(stale).collect();
        if reasons.contains(&StaleReason::AnotherNamespace) {
            return;
        }
        let is_stale = !reasons.is_empty();
        for made in made.iter().rev() {
            match placeholder::remove_made(fs, made) {
                Ok(Removal::Removed) => {}
                Ok(Removal::Kept(error)) if is_stale && error.errno() == Errno::ESTALE => {}
                // Another share of the container is in the directory, and its removal removes the directory.
                Ok(Removal::Kept(error))
                    if error.errno() == Errno::ENOTEMPTY && placeholder::holds_a_mount(fs, &made.at) => {}
                Ok(Removal::Kept(error)) | Err(error) => {
                    if !self.report.kept.contains(&error) {
                        self.report.kept.push(error);
                    }
                }
            }
        }
    }
}

/// True where the name is no mount point.
fn nothing_there(by_name: &Taken) -> bool {
    matches!(by_name, Taken::Off(0) | Taken::Not(TearDownOutcome::Missing | TearDownOutcome::RefusedSymlink))
}

fn is_mounted(mounter: &dyn Mounter, at: &Location) -> Result<bool, Error> {
    match mounter.filesystem_of(at) {
        Ok(found) => Ok(found.is_mount_root),
        Err(error) if placeholder::is_gone(error.errno()) || error.errno() == Errno::ELOOP => Ok(false),
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

    /// A tear-down creates nothing.
    fn take_back(&mut self, _: &dyn Filesystem, _: &dyn Mounter) -> Vec<Leftover> {
        Vec::new()
    }

    fn outcome(self) -> TearDownReport {
        self.report
    }
}

#[cfg(test)]
mod tests {
    use crate::ports::Ports;
    use std::path::Path;

    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::{DeviceNumber, FileIdentity, FileKind};
    use crate::mount::{BootId, MountId, MountNamespaceId, Origin, UniqueMountId};
    use crate::path::ContainerId;
    use crate::sandbox::{SandboxDirs, TearDown};
    use crate::test_support::in_memory_mounts::{ORIGIN, PaperMounts, SharedMounts, mounter};
    use crate::test_support::in_memory_names::{PAPER, Paper, SharedPaper, filesystem};
    use crate::unmount::StaleReason;
    use crate::unmount::UnmountStrategy;

    const ROOT: &str = "1 0 8:1 / / rw - ext4 a rw\n";

    fn paper() -> SharedPaper {
        Paper::with(&["/m", "/m/c", "/m/c/rootfs", "/m/c/v", "/s"])
    }

    fn placeholder(paper: &SharedPaper, root: &str, below: &str) -> Placeholder {
        let inode = paper.lock().unwrap().inode(&format!("{root}/{below}"));
        let identity = FileIdentity { device: PAPER, inode, kind: FileKind::Directory };
        Placeholder { at: Location::beneath(root, below).unwrap(), identity }
    }

    /// The share of this mount on `/m/c/<name>`; the first one has made the container's directory.
    fn record(paper: &SharedPaper, name: &str, id: u32) -> ShareRecord {
        let mut made = vec![placeholder(paper, "/m", &format!("c/{name}"))];
        if name == "rootfs" {
            made.insert(0, placeholder(paper, "/m", "c"));
        }
        ShareRecord {
            container: ContainerId::new("c").unwrap(),
            name: name.to_owned(),
            origin: Some(ORIGIN),
            peers: None,
            mount: MountKey::Reused(MountId(id)),
            device: DeviceNumber::new(8, 1),
            subpath: format!("/i/{name}").into(),
            path: format!("/m/c/{name}").into(),
            made,
        }
    }

    fn run(paper: &SharedPaper, mounts: &SharedMounts, how: UnmountStrategy) -> TearDownReport {
        let shares = [record(paper, "rootfs", 2), record(paper, "v", 3)];
        TearDown::container("/m", &shares)
            .how(how)
            .run(&Ports { filesystem: &filesystem(paper), mounter: &mounter(mounts) })
    }

    fn outcomes(report: &TearDownReport) -> Vec<&TearDownOutcome> {
        report.mounts.iter().map(|mount| &mount.outcome).collect()
    }

    const GONE: TearDownOutcome = TearDownOutcome::Detached { layers: 1, name: NameAfter::Removed };

    #[test]
    fn shares_go_last_made_first_with_their_names() {
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
        for how in [UnmountStrategy::Lazy, UnmountStrategy::Strict] {
            let (paper, mounts) = (paper(), PaperMounts::with(&lines));
            let report = run(&paper, &mounts, how);
            assert!(report.is_clean(), "{report}");
            assert_eq!(outcomes(&report), [&GONE, &GONE]);
            assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2"]);
            assert_eq!(paper.lock().unwrap().log, ["remove /m/c/v", "remove /m/c/rootfs", "remove /m/c"]);
            let again = run_on(&paper, &mounts, how);
            assert!(again.is_clean() && mounts.lock().unwrap().log.len() == 2, "{again}");
        }
    }

    /// Records of another paper with the same layout.
    fn run_on(now: &SharedPaper, mounts: &SharedMounts, how: UnmountStrategy) -> TearDownReport {
        let before = paper();
        let shares = [record(&before, "rootfs", 2), record(&before, "v", 3)];
        TearDown::container("/m", &shares)
            .how(how)
            .run(&Ports { filesystem: &filesystem(now), mounter: &mounter(mounts) })
    }

    #[test]
    fn every_layer_goes() {
        let lines = format!(
            "{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n\
             4 3 8:1 /i/v /m/c/v rw - ext4 a rw\n"
        );
        let report = run(&paper(), &PaperMounts::with(&lines), UnmountStrategy::Lazy);
        let both = TearDownOutcome::Detached { layers: 2, name: NameAfter::Removed };
        assert_eq!(outcomes(&report), [&both, &GONE]);
    }

    #[test]
    fn strict_takes_children_first_and_says_who_is_busy() {
        let lines = format!(
            "{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n\
             4 2 0:9 / /m/c/rootfs/x rw - tmpfs t rw\n5 4 0:8 / /m/c/rootfs/x/y rw - tmpfs t rw\n"
        );
        let mounts = PaperMounts::with(&lines);
        assert!(run(&paper(), &mounts, UnmountStrategy::Strict).is_clean());
        assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 5", "unmount 4", "unmount 2"]);

        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "x/y", Errno::EBUSY));
        let report = run(&paper, &mounts, UnmountStrategy::Strict);
        let by = vec!["/m/c/rootfs/x/y".into(), "/m/c/rootfs/x".into()];
        assert_eq!(outcomes(&report), [&GONE, &TearDownOutcome::Busy { by }]);
        assert!(paper.lock().unwrap().names.contains_key(Path::new("/m/c/rootfs")));

        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "rootfs", Errno::EBUSY));
        mounts.lock().unwrap().mounts.retain(|mount| mount.id.0 <= 2);
        assert_eq!(
            outcomes(&run_on(&paper, &mounts, UnmountStrategy::Strict))[1],
            &TearDownOutcome::Busy { by: vec![] }
        );
    }

    #[test]
    fn it_goes_on_after_a_failure() {
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
        for (errno, outcome) in [
            (Errno::ELOOP, Some(TearDownOutcome::RefusedSymlink)),
            (Errno::EPERM, None),
            (Errno::EINVAL, Some(TearDownOutcome::StillMounted)),
        ] {
            let mounts = PaperMounts::with(&lines);
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", errno));
            let paper = paper();
            let report = run(&paper, &mounts, UnmountStrategy::Lazy);
            assert!(!report.is_clean());
            assert_eq!(report.failures().count(), 1, "{errno}: {report}");
            if let Some(outcome) = outcome
                && errno == Errno::EINVAL
            {
                assert_eq!(report.mounts[0].outcome, outcome);
            }
            assert_eq!(mounts.lock().unwrap().ids(), [1, 3]);
            assert!(paper.lock().unwrap().names.contains_key(Path::new("/m/c/v")));
        }
    }

    #[test]
    fn a_mount_whose_name_was_moved_is_found_by_its_identity() {
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/old/rootfs rw - ext4 a rw\n");
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/", Errno::ENOENT));
        let report = run(&paper, &mounts, UnmountStrategy::Lazy);
        assert_eq!(report.mounts[0].outcome, TearDownOutcome::Missing);
        assert_eq!(report.mounts[1].outcome, GONE);
        assert_eq!(mounts.lock().unwrap().ids(), [1]);
    }

    #[test]
    fn an_id_of_another_mount_is_not_touched() {
        let lines = format!("{ROOT}2 1 0:5 / /home rw - tmpfs t rw\n3 1 8:1 /home/v /srv rw - ext4 a rw\n");
        let mounts = PaperMounts::with(&lines);
        let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
        assert!(report.is_clean(), "{report}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3]);
    }

    fn dirs(made_shared: Option<u32>) -> SandboxDirs {
        let key = |id| MountKey::Reused(MountId(id));
        SandboxDirs {
            mounts_dir: "/m".into(),
            shared_dir: "/s".into(),
            private_dir: None,
            origin: Some(ORIGIN),
            mounts_shows: Some(MountSubtree { device: DeviceNumber::new(8, 1), root: "/m".into() }),
            private_shows: None,
            shared: key(6),
            made_shared: made_shared.map(key),
            made_private: None,
            bind_mounts: Vec::new(),
            made: Vec::new(),
        }
    }

    const TREE: &str = "1 0 8:1 / / rw - ext4 a rw\n5 1 8:1 /m /m rw shared:2 - ext4 a rw\n\
                        6 1 8:1 /m /s ro master:2 - ext4 a rw\n2 5 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n\
                        3 5 8:1 /i/v /m/c/v rw - ext4 a rw\n";

    fn down(mounts: &SharedMounts, how: UnmountStrategy) -> TearDownReport {
        let paper = paper();
        let shares = [record(&paper, "rootfs", 2), record(&paper, "v", 3)];
        TearDown::sandbox(&dirs(Some(5)), &shares)
            .how(how)
            .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(mounts) })
    }

    #[test]
    fn a_mount_that_was_made_shared_takes_everything_with_it() {
        let mounts = PaperMounts::with(TREE);
        let report = down(&mounts, UnmountStrategy::Lazy);
        assert!(report.is_clean(), "{report}");
        assert_eq!(mounts.lock().unwrap().log, ["unmount 5", "unmount 6"]);
        let own = TearDownOutcome::Detached { layers: 1, name: NameAfter::Kept };
        assert_eq!(outcomes(&report), [&GONE, &GONE, &own, &own]);
    }

    #[test]
    fn one_by_one_where_that_would_reach_others_or_when_strict() {
        let reaching = TREE.replace("/m/c/rootfs rw -", "/m/c/rootfs rw shared:7 -")
            + "4 2 0:9 / /m/c/rootfs/x rw shared:8 - tmpfs t rw\n";
        let mounts = PaperMounts::with(&reaching);
        assert!(down(&mounts, UnmountStrategy::Lazy).is_clean());
        assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2", "unmount 6", "unmount 5"]);

        let mounts = PaperMounts::with(TREE);
        assert!(down(&mounts, UnmountStrategy::Strict).is_clean());
        assert_eq!(mounts.lock().unwrap().log, ["unmount 3", "unmount 2", "unmount 6", "unmount 5"]);
    }

    #[test]
    fn what_covers_the_sandboxs_own_mounts_stays() {
        let covered = format!("{TREE}9 6 0:4 / /s rw - tmpfs mine rw\n");
        let mounts = PaperMounts::with(&covered);
        let report = down(&mounts, UnmountStrategy::Lazy);
        let of_shared = &report.mounts.iter().find(|mount| mount.path == Path::new("/s")).unwrap().outcome;
        assert_eq!(of_shared, &TearDownOutcome::Covered);
        assert!(mounts.lock().unwrap().ids().contains(&9));
    }

    #[test]
    fn names_that_stay_are_told() {
        let paper = paper();
        paper.lock().unwrap().names.insert("/m/c/other".into(), (99, FileKind::Regular));
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
        let report = run(&paper, &PaperMounts::with(&lines), UnmountStrategy::Lazy);
        assert_eq!(report.kept, [OsError::new(Operation::RemoveDir, "/m/c", Errno::ENOTEMPTY)]);
        assert!(report.failures().next().is_none() && !report.is_clean());
    }

    #[test]
    fn the_plan_says_it_all_before() {
        let paper = paper();
        let plan = TearDown::sandbox(&dirs(Some(5)), &[record(&paper, "rootfs", 2)]).plan();
        assert_eq!(
            plan.to_string(),
            "  1. unmount /m with all mounts below it, if that unmounts only copies elsewhere\n  \
               2. unmount every layer on /m/c/rootfs and remove what was created for it\n  \
               3. unmount /s\n  \
               4. unmount /m\n  \
               5. remove if empty: /m/c\n"
        );
    }

    #[test]
    fn a_name_on_somebodys_mount_is_no_failure_where_the_share_was_found_elsewhere() {
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/old/rootfs rw - ext4 a rw\n");
        for (errno, elsewhere) in [(Errno::EXDEV, true), (Errno::EPERM, false)] {
            let mounts = PaperMounts::with(&lines);
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/", errno));
            let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
            let failed = |outcome: &TearDownOutcome| matches!(outcome, TearDownOutcome::Failed(error) if error.errno() == Some(errno));
            assert!(failed(&report.mounts[0].outcome), "{report}");
            assert_eq!(report.mounts[1].outcome == GONE, elsewhere, "{report}");
            assert_eq!(failed(&report.mounts[1].outcome), !elsewhere, "{report}");
            assert_eq!(mounts.lock().unwrap().ids(), [1]);
        }
    }

    #[test]
    fn a_mount_that_could_not_be_looked_for_is_not_gone() {
        let mounts = PaperMounts::with(ROOT);
        mounts.lock().unwrap().refuse = Some((Operation::FindMount, "", Errno::EIO));
        let report = run(&paper(), &mounts, UnmountStrategy::Lazy);
        assert_eq!(report.failures().count(), 2, "{report}");
    }

    #[test]
    fn what_is_on_the_name_at_the_end_is_told() {
        let lines = format!("{ROOT}9 1 0:4 / /m/c/v rw - tmpfs theirs rw\n");
        let refused = |operation, errno| {
            let (paper, mounts) = (paper(), PaperMounts::with(&lines));
            mounts.lock().unwrap().refuse = Some((operation, "/m/c/v", errno));
            let report = run(&paper, &mounts, UnmountStrategy::Lazy);
            (report.mounts[0].outcome.clone(), paper.lock().unwrap().names.contains_key(Path::new("/m/c/v")))
        };
        assert_eq!(refused(Operation::Unmount, Errno::EINVAL), (TearDownOutcome::StillMounted, true));
        let (outcome, there) = refused(Operation::MountOf, Errno::EIO);
        assert!(matches!(outcome, TearDownOutcome::Failed(_)) && there, "{outcome:?}");
        for gone in [Errno::ENOENT, Errno::ELOOP] {
            assert_eq!(refused(Operation::MountOf, gone), (GONE, false));
        }
    }

    #[test]
    fn a_containers_directory_waits_for_the_last_share_in_it() {
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
        let (paper, mounts) = (paper(), PaperMounts::with(&lines));
        let shares = [record(&paper, "v", 3), record(&paper, "rootfs", 2)];
        let (fs, mounter) = (filesystem(&paper), mounter(&mounts));
        let report = TearDown::container("/m", &shares).run(&Ports { filesystem: &fs, mounter: &mounter });
        assert!(report.is_clean(), "{report}");
        assert_eq!(paper.lock().unwrap().log, ["remove /m/c/rootfs", "remove /m/c/v", "remove /m/c"]);
    }

    #[test]
    fn a_placeholder_that_holds_something_is_told() {
        let paper = paper();
        paper.lock().unwrap().names.insert("/m/c/v/byte".into(), (99, FileKind::Regular));
        let lines = format!("{ROOT}2 1 8:1 /i/rootfs /m/c/rootfs rw - ext4 a rw\n3 1 8:1 /i/v /m/c/v rw - ext4 a rw\n");
        let report = run(&paper, &PaperMounts::with(&lines), UnmountStrategy::Lazy);
        assert_eq!(report.mounts[0].outcome, TearDownOutcome::Detached { layers: 1, name: NameAfter::Kept });
        assert_eq!(report.kept[0], OsError::new(Operation::RemoveDir, "/m/c/v", Errno::ENOTEMPTY));
    }

    #[test]
    fn the_sandboxs_own_mount_is_gone_or_found_where_it_went() {
        let of_shared = |report: &TearDownReport| {
            report.mounts.iter().find(|mount| mount.path == Path::new("/s")).unwrap().outcome.clone()
        };
        let without = TREE.replace("6 1 8:1 /m /s ro master:2 - ext4 a rw\n", "");
        let report = down(&PaperMounts::with(&without), UnmountStrategy::Strict);
        assert_eq!(of_shared(&report), TearDownOutcome::NotMounted { name: NameAfter::Kept });

        let mounts = PaperMounts::with(&TREE.replace("/m /s ro", "/m /elsewhere ro"));
        let unique = UniqueMountId(std::num::NonZeroU64::new(77).unwrap());
        mounts.lock().unwrap().mounts.iter_mut().find(|mount| mount.id.0 == 6).unwrap().unique_id = Some(unique);
        let (paper, mut dirs) = (paper(), dirs(Some(5)));
        dirs.shared = MountKey::Unique(unique);
        let report = TearDown::sandbox(&dirs, &[])
            .how(UnmountStrategy::Strict)
            .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
        assert_eq!(of_shared(&report), TearDownOutcome::Detached { layers: 1, name: NameAfter::Kept });
        assert!(!mounts.lock().unwrap().ids().contains(&6));
    }

    /// The origins of records that prove nothing on paper, and the reasons.
    fn stale_origins() -> [(Option<Origin>, StaleReason); 4] {
        let boot = Some(BootId::from_bytes([8; 16]));
        let namespace = Some(MountNamespaceId::Unique(10));
        [
            (None, StaleReason::UnknownOrigin),
            (Some(Origin::UNKNOWN), StaleReason::UnknownOrigin),
            (Some(Origin { boot, ..ORIGIN }), StaleReason::AnotherBoot),
            (Some(Origin { namespace, ..ORIGIN }), StaleReason::AnotherNamespace),
        ]
    }

    #[test]
    fn stale_records_unmount_nothing_and_remove_only_the_recorded_files() {
        let lines = format!("{ROOT}9 1 0:4 / /m/c/v rw - tmpfs theirs rw\n2 1 8:1 /i/rootfs /home rw - ext4 a rw\n");
        for (origin, reason) in stale_origins() {
            let (paper, mounts) = (paper(), PaperMounts::with(&lines));
            let mut shares = [record(&paper, "rootfs", 2), record(&paper, "v", 9)];
            for share in &mut shares {
                share.origin = origin;
            }
            shares[1].made[0].identity.inode += 100;
            let report = TearDown::container("/m", &shares)
                .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
            let stale = |name| TearDownOutcome::Stale { reason, name };
            let removes = reason != StaleReason::AnotherNamespace;
            let name = if removes { NameAfter::Removed } else { NameAfter::Kept };
            assert_eq!(outcomes(&report), [&stale(NameAfter::Kept), &stale(name)], "{reason}");
            assert_eq!(mounts.lock().unwrap().ids(), [1, 9, 2], "{reason}");
            let expected: &[&str] = if removes { &["remove /m/c/rootfs"] } else { &[] };
            assert_eq!(paper.lock().unwrap().log, expected, "{reason}");
        }
    }

    #[test]
    fn stale_record_of_a_sandbox_unmounts_none_of_its_mounts() {
        for (origin, reason) in stale_origins() {
            let mounts = PaperMounts::with(TREE);
            let paper = paper();
            let dirs = SandboxDirs { origin, ..dirs(Some(5)) };
            let report = TearDown::sandbox(&dirs, &[])
                .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
            let stale = TearDownOutcome::Stale { reason, name: NameAfter::Kept };
            assert_eq!(outcomes(&report), [&stale, &stale], "{reason}");
            assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 2, 3], "{reason}");
        }
    }

    #[test]
    fn unique_id_of_a_mount_that_shows_something_else_is_stale() {
        let unique = MountKey::Unique(UniqueMountId(std::num::NonZeroU64::new(77).unwrap()));
        for (other, there) in [("0:5 /i/rootfs", true), ("8:1 /i/other", true), ("0:5 /i/rootfs", false)] {
            let (paper, mounts) = (paper(), PaperMounts::with(&format!("{ROOT}2 1 {other} /home rw - t t rw\n")));
            if !there {
                mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/rootfs", Errno::ENOENT));
            }
            mounts.lock().unwrap().mounts[1].unique_id = Some(UniqueMountId(std::num::NonZeroU64::new(77).unwrap()));
            let share = ShareRecord { mount: unique, ..record(&paper, "rootfs", 2) };
            let report = TearDown::container("/m", &[share])
                .run(&Ports { filesystem: &filesystem(&paper), mounter: &mounter(&mounts) });
            let reason = StaleReason::AnotherMount;
            assert_eq!(outcomes(&report), [&TearDownOutcome::Stale { reason, name: NameAfter::Kept }], "{other}");
            assert_eq!(mounts.lock().unwrap().ids(), [1, 2]);
        }
    }
}

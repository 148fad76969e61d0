//! A recovery under way.

use std::collections::HashMap;
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

/// What is to be taken off now, each with all below it: what is in sight and not mounted on another one of them that is.
fn units(left: &[LeftMount], table: &MountTable) -> Vec<ReapStep> {
    let tree = MountTree::new(table);
    let by_id: HashMap<_, _> = left.iter().map(|left| (left.mount.id, left)).collect();
    let of_row = |row: &MountRow<'_>| by_id.get(&row.id()).copied();
    let mut steps = Vec::new();
    // Last made first: shares before what the guest saw, that before the mounts directory.
    for left in left.iter().rev() {
        let Some(row) = table.by_id(left.mount.id) else { continue };
        // One that covers its own parent goes first: the parent is in sight at the next look.
        let goes_with = |parent: &MountRow<'_>| of_row(parent).is_some() && tree.is_visible(*parent);
        let is_top = table.by_id(row.parent()).is_none_or(|parent| !goes_with(&parent));
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
                    Ok(()) => self.report.removed.push(path.clone()),
                    Err(error) => match placeholder::gone_or_kept(fs, &at, error) {
                        // It was never there.
                        Removal::Removed => {}
                        Removal::Kept(error) => self.report.failures.push(error.into()),
                    },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recovery;
    use crate::sequences::paper::{Paper, SharedPaper, filesystem};
    use crate::sequences::paper_mounts::{PaperMounts, SharedMounts, mounter};
    use crate::{FileKind, MountKey, Operation};

    const ROOT: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n";
    /// A sandbox with one share and its copy, and somebody else's mounts around it.
    const SANDBOX: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n\
        2 1 0:9 / /sb/mountsx rw - tmpfs other rw\n\
        5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
        6 1 8:1 /sb/mounts /sb/shared ro master:2 - ext4 a rw\n\
        7 5 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n\
        8 6 8:1 /i/c /sb/shared/c/rootfs rw - ext4 a rw\n\
        9 1 8:1 /sb/private /sb/private rw - ext4 a rw\n\
        10 9 8:1 /i/v /sb/private/c:v ro - ext4 a rw\n";

    fn paper() -> SharedPaper {
        Paper::with(&[
            "/sb",
            "/sb/mounts",
            "/sb/mounts/c",
            "/sb/mounts/c/rootfs",
            "/sb/shared",
            "/sb/private",
            "/sb/private/c:v",
        ])
    }

    fn recovery() -> Recovery {
        Recovery::new("/sb/mounts", "/sb/shared").unwrap().private_dir("/sb/private").unwrap()
    }

    fn reap(recovery: &Recovery, paper: &SharedPaper, mounts: &SharedMounts) -> ReapReport {
        recovery.reap(&filesystem(paper), &mounter(mounts)).unwrap()
    }

    fn found(lines: &str) -> Vec<(u32, LeftRole)> {
        let left = recovery().find(&filesystem(&paper()), &mounter(&PaperMounts::with(lines))).unwrap();
        left.mounts.into_iter().map(|left| (left.mount.id.0, left.role)).collect()
    }

    #[test]
    fn finds_what_is_the_sandboxs_and_nothing_else() {
        let found = found(SANDBOX);
        let expected = [
            (5, LeftRole::MountsOntoItself),
            (6, LeftRole::Shared),
            (7, LeftRole::Share),
            (8, LeftRole::Copy),
            (9, LeftRole::PrivateOntoItself),
            (10, LeftRole::Prepared),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn reaps_it_all_and_the_second_time_does_nothing() {
        let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
        let recovery = recovery().directories_too();
        let report = reap(&recovery, &paper, &mounts);
        assert!(report.is_clean(), "{report}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2]);
        assert_eq!(mounts.lock().unwrap().log, ["take off 9", "take off 6", "take off 5"]);
        assert_eq!(paper.lock().unwrap().names.len(), 1, "{:?}", paper.lock().unwrap().names);
        let again = reap(&recovery, &paper, &mounts);
        assert!(again.is_clean() && again.did_nothing() && !report.did_nothing(), "{again}");
        let only_names = ReapReport { taken: Vec::new(), ..report };
        assert!(!only_names.did_nothing());
        assert!(recovery.find(&filesystem(&paper), &mounter(&mounts)).unwrap().is_empty());
    }

    #[test]
    fn strangers_on_the_sandboxs_directories_stay_with_what_is_on_them() {
        let lines = format!(
            "{ROOT}5 1 0:8 / /sb/mounts rw shared:3 - tmpfs operators rw\n6 5 8:1 /i /sb/mounts/c/rootfs rw - ext4 a rw\n\
             7 1 0:4 / /sb/shared rw - tmpfs admins rw\n8 7 0:5 / /sb/shared/x rw - tmpfs admins rw\n"
        );
        assert_eq!(found(&lines), [(6, LeftRole::Share)]);
    }

    #[test]
    fn names_that_look_like_it_are_not_below_it() {
        let lines = format!("{ROOT}5 1 0:8 / /sb/mounts2/c rw - tmpfs a rw\n6 1 0:8 / /sb rw - tmpfs a rw\n");
        assert_eq!(found(&lines), []);
    }

    #[test]
    fn a_renamed_mounts_directory_is_found_by_what_the_guest_saw() {
        let lines = format!(
            "{ROOT}6 1 8:1 /sb/old /sb/shared ro master:1 - ext4 a rw\n7 1 8:1 /i/c /sb/old/c/rootfs rw - ext4 a rw\n\
             8 6 8:1 /i/c /sb/shared/c/rootfs rw - ext4 a rw\n9 1 8:1 /x /sb/older rw - ext4 a rw\n"
        );
        assert_eq!(found(&lines), [(6, LeftRole::Shared), (7, LeftRole::Share), (8, LeftRole::Copy)]);
        let paper = paper();
        paper.lock().unwrap().names.insert("/sb/old".into(), (50, FileKind::Directory));
        paper.lock().unwrap().names.insert("/sb/old/c".into(), (51, FileKind::Directory));
        let mounts = PaperMounts::with(&lines);
        let report = reap(&recovery(), &paper, &mounts);
        assert!(report.is_clean(), "{report}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 9]);
        assert!(report.removed.contains(&"/sb/old/c".into()));
    }

    #[test]
    fn a_deleted_mounts_directory_is_known_by_its_mount() {
        let lines = format!("{ROOT}6 1 8:1 /sb/mounts//deleted /sb/shared ro - ext4 a rw\n");
        assert_eq!(found(&lines), [(6, LeftRole::Shared)]);
    }

    #[test]
    fn hidden_layers_come_into_sight_and_go() {
        let lines = format!(
            "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
             6 1 8:1 /i/a /sb/mounts/c/v rw - ext4 a rw\n"
        );
        // The share is older than the mount that hides it.
        let mounts = PaperMounts::with(&lines);
        let report = reap(&recovery(), &paper(), &mounts);
        assert!(report.is_clean(), "{report}");
        assert_eq!(mounts.lock().unwrap().log, ["take off 5", "take off 6"]);
    }

    #[test]
    fn of_a_stack_the_upper_one_goes_first() {
        let lines = format!(
            "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n7 6 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n\
             8 7 0:9 / /sb/mounts/c/rootfs/x rw - tmpfs t rw\n"
        );
        let mounts = PaperMounts::with(&lines);
        assert!(reap(&recovery(), &paper(), &mounts).is_clean());
        assert_eq!(mounts.lock().unwrap().log, ["take off 7", "take off 6"]);
    }

    #[test]
    fn what_has_peers_and_something_on_it_is_cut_off_first() {
        let lines = format!(
            "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
             7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n"
        );
        let mounts = PaperMounts::with(&lines);
        assert!(reap(&recovery(), &paper(), &mounts).is_clean());
        assert_eq!(mounts.lock().unwrap().log, ["/sb/mounts/c/rootfs private Tree", "take off 6"]);

        let onto_itself = format!(
            "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
             6 5 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
             7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n\
             8 5 8:1 /i/v /sb/mounts/c/v rw - ext4 a rw\n"
        );
        let mounts = PaperMounts::with(&onto_itself);
        assert!(reap(&recovery(), &paper(), &mounts).is_clean());
        let log = mounts.lock().unwrap().log.clone();
        assert_eq!(log, ["take off 8", "/sb/mounts/c/rootfs private Tree", "take off 6", "take off 5"]);

        let mounts = PaperMounts::with(&onto_itself);
        mounts.lock().unwrap().refuse = Some((Operation::SetPropagation, "rootfs", Errno::EPERM));
        let report = reap(&recovery(), &paper(), &mounts);
        assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 7], "what was not cut off stays");
        assert!(!report.is_clean());
    }

    #[test]
    fn what_stays_is_told_with_its_reason() {
        let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/sb/mounts", Errno::EPERM));
        let report = reap(&recovery(), &paper, &mounts);
        let left: Vec<_> = report.left.iter().map(|unreaped| unreaped.left.mount.id.0).collect();
        assert_eq!(left, [5, 7]);
        assert_eq!(report.left[0].error.as_ref().and_then(Error::errno), Some(Errno::EPERM));
        assert!(paper.lock().unwrap().names.contains_key(Path::new("/sb/mounts/c/rootfs")));
        mounts.lock().unwrap().refuse = None;
        assert!(reap(&recovery(), &paper, &mounts).is_clean());
    }

    #[test]
    fn an_id_that_another_mount_has_by_now_is_left_alone() {
        let mounts = PaperMounts::with(SANDBOX);
        let (paper, mounter) = (paper(), mounter(&mounts));
        let run = recovery().start(&filesystem(&paper), &mounter).unwrap();
        for mount in
            mounts.lock().unwrap().mounts.iter_mut().filter(|mount| mount.key() != MountKey::Reused(crate::MountId(1)))
        {
            mount.mount_point = "/home".into();
        }
        let report = run.finish_all(&filesystem(&paper), &mounter);
        assert!(report.taken.is_empty(), "{report}");
        assert_eq!(mounts.lock().unwrap().mounts.len(), 8);
    }

    #[test]
    fn files_that_hold_a_byte_and_strange_names_stay() {
        let paper = paper();
        for (path, kind) in [
            ("/sb/mounts/.hidden", FileKind::Directory),
            ("/sb/mounts/c-1-hosts.file", FileKind::Regular),
            ("/sb/mounts/d", FileKind::Directory),
            ("/sb/mounts/d/pipe", FileKind::Fifo),
        ] {
            paper.lock().unwrap().names.insert(path.into(), (70, kind));
        }
        let report = reap(&recovery(), &paper, &PaperMounts::with(ROOT));
        assert!(report.is_clean(), "{report}");
        let names: Vec<_> = paper.lock().unwrap().names.keys().map(|path| path.display().to_string()).collect();
        let stay = [
            "/sb",
            "/sb/mounts",
            "/sb/mounts/.hidden",
            "/sb/mounts/d",
            "/sb/mounts/d/pipe",
            "/sb/private",
            "/sb/shared",
        ];
        assert_eq!(names, stay);
    }

    #[test]
    fn a_sandbox_that_never_was_is_nothing_to_do() {
        let (paper, mounts) = (Paper::with(&["/"]), PaperMounts::with(ROOT));
        let report = reap(&recovery().directories_too(), &paper, &mounts);
        assert!(report.is_clean() && report.did_nothing(), "{report}");
    }

    #[test]
    fn a_directory_that_cannot_be_resolved_is_an_error_and_a_missing_one_keeps_its_name() {
        for (errno, fails) in [(Errno::ENOENT, false), (Errno::ENOTDIR, false), (Errno::EACCES, true)] {
            let mut fs = crate::MockFilesystem::new();
            fs.expect_canonicalize().returning(move |path| Err(OsError::new(Operation::Canonicalize, path, errno)));
            fs.expect_open_dir().returning(|at| Err(OsError::new(Operation::OpenDir, at.for_display(), Errno::ENOENT)));
            fs.expect_metadata()
                .returning(|at, _| Err(OsError::new(Operation::Metadata, at.for_display(), Errno::ENOENT)));
            let found = recovery().find(&fs, &mounter(&PaperMounts::with(SANDBOX)));
            assert_eq!(found.is_err(), fails, "{errno}: {found:?}");
            assert!(fails || found.unwrap().mounts.len() == 6);
        }
    }

    #[test]
    fn only_a_mount_of_the_mounts_directory_is_what_the_guest_saw() {
        let guest = |line: &str| found(&format!("{ROOT}6 1 {line}\n"));
        assert_eq!(guest("8:1 /sb/mounts /sb/shared ro - ext4 a rw"), [(6, LeftRole::Shared)]);
        assert_eq!(guest("8:1 /sb/other /sb/shared ro master:1 - ext4 a rw"), [(6, LeftRole::Shared)]);
        for other in [
            "8:1 /sb/other /sb/shared ro - ext4 a rw",
            "8:1 /sb/other /sb/shared ro master:3 - ext4 a rw",
            "8:2 /sb/mounts /sb/shared ro - ext4 b rw",
            "8:2 /sb/mounts /sb/shared ro master:1 - ext4 b rw",
        ] {
            assert_eq!(guest(other), [], "{other}");
        }
    }

    #[test]
    fn the_plan_of_a_recovery_is_what_it_begins_with() {
        let (paper, mounts) = (paper(), PaperMounts::with(SANDBOX));
        let plan = recovery().plan(&filesystem(&paper), &mounter(&mounts)).unwrap();
        let run = recovery().start(&filesystem(&paper), &mounter(&mounts)).unwrap();
        assert_eq!(plan.steps(), run.plan().steps());
        assert!(!plan.steps().is_empty());
    }
}

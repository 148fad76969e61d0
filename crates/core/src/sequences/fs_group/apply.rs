//! Giving all files of a volume their group.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::descent::Descent;
use super::group_change::{Changed, GroupChange};
use super::outcome::{FsGroupError, FsGroupOutcome, FsGroupProgress, FsGroupReport};
use super::request::{AfterFailures, FsGroupRequest};
use crate::{Directory, Errno, FileKind, Filesystem, Location, OsError};

/// Gives everything in the volume at `volume` the group that `request` asks for, and its members the permissions, as the
/// kubelet does to a pod's volumes (`fsGroup`).
///
/// * The group of everything is changed; of a symlink its own, and nothing is reached through one below the root. A symlink
///   as last component of a trusted `volume` is followed.
/// * Permissions are added, none is taken: [`VolumeAccess::group_bits`](crate::VolumeAccess::group_bits). Set-user-id and
///   set-group-id of files, which the kernel takes when it changes their group, are put back as the kubelet does (killed
///   between the two calls, they are lost, there as here): mount volumes that others write to `nosuid`.
/// * What has group and permissions already is not written to; on a volume that has all, nothing is (the kubelet writes).
/// * A directory is changed before what is in it, so that whatever is made in it from then on has the group; the root alone
///   is changed last. So the root says that the whole volume is done, which is what
///   [`OnRootMismatch`](crate::FsGroupChangePolicy::OnRootMismatch) relies on: cancelled, killed or failed half-way, a later
///   run starts again.
/// * It stays on the filesystem of the root, by device number. A bind mount of the same filesystem inside the volume is
///   entered, and a file that has another name outside is changed there too.
/// * Directories are reached and changed by descriptors, fewer than 20 at a time however deep the tree is. Other names are
///   looked at and then changed in their open directory; one that is exchanged in between gets the group and permissions of
///   a file, which as a part of the volume it gets anyway, but no set-id bit. What is moved about meanwhile may be missed.
/// * `progress` is called after each name; what it answers with `Break` ends it. Pass `&mut |_| ControlFlow::Continue(())`
///   for neither.
///
/// # Errors
///
/// [`FsGroupError::Root`]: the root could not be opened (`ENOENT`, `ENOTDIR`) or looked at; nothing was changed.
/// [`FsGroupError::Incomplete`]: something could not be changed or read. The rest was, except after `EROFS`, which ends it;
/// what was changed stays so. The root is as it was. The kubelet logs what it cannot change, changes the root and calls it
/// a success, and ends with an error at what it cannot read or what vanishes. Ask for the former with
/// [`FsGroupRequest::despite_failures`]; a name that vanishes is no failure here.
#[doc(alias = "SetVolumeOwnership")]
pub fn apply_fs_group(
    fs: &dyn Filesystem,
    volume: &Location,
    request: &FsGroupRequest,
    progress: &mut dyn FnMut(FsGroupProgress) -> ControlFlow<()>,
) -> Result<FsGroupOutcome, FsGroupError> {
    let path = volume.for_display();
    let span = tracing::debug_span!(target: "mountwright", "apply_fs_group", subsystem = "mount",
        source = %path.display(), gid = request.group.gid);
    let _entered = span.enter();
    let root = fs.open_dir(volume).map_err(FsGroupError::Root)?;
    let metadata = root.own_metadata().map_err(FsGroupError::Root)?;
    if !request.group.needs_change(&metadata, request.access) {
        return Ok(FsGroupOutcome::NotNeeded);
    }
    let change = GroupChange { request: *request, device: metadata.device };
    let mut run = Run { change, report: FsGroupReport::default(), progress };
    let mut descent = Descent::new(root, &metadata, path.clone());
    match run.everything_below(&mut descent) {
        Ok(()) => run.root(&descent),
        Err(Ended::ReadOnly) => {}
        Err(Ended::Cancelled) => return Ok(FsGroupOutcome::Cancelled(run.report)),
    }
    run.outcome(path)
}

struct Run<'a> {
    change: GroupChange,
    report: FsGroupReport,
    progress: &'a mut dyn FnMut(FsGroupProgress) -> ControlFlow<()>,
}

/// Why not everything was gone through.
enum Ended {
    Cancelled,
    ReadOnly,
}

impl Run<'_> {
    fn everything_below(&mut self, descent: &mut Descent) -> Result<(), Ended> {
        self.list(descent)?;
        loop {
            while let Some(name) = descent.next_name() {
                self.directory(descent, name)?;
            }
            if !descent.leave() {
                return Ok(());
            }
        }
    }

    /// Changes the directory `name` and the files in it.
    fn directory(&mut self, descent: &mut Descent, name: OsString) -> Result<(), Ended> {
        let here = match descent.here() {
            Ok(here) => here,
            // Its directory was moved away.
            Err(error) if error.errno() == Errno::ENOENT => return self.record(Ok(Changed::Vanished)),
            Err(error) => return self.record(Err(error)),
        };
        let opened = here.open_dir(&name, crate::Crossing::Enter).and_then(|directory| {
            let metadata = directory.own_metadata()?;
            Ok((directory, metadata))
        });
        let (directory, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) if [Errno::ENOTDIR, Errno::ELOOP].contains(&error.errno()) => {
                // It was a directory when it was listed.
                let changed = self.change.of_name(here, &name);
                return self.record(changed.and_then(|changed| match changed {
                    Changed::Directory => Err(error),
                    other => Ok(other),
                }));
            }
            Err(error) => {
                let is_gone = matches!(here.metadata(&name), Err(other) if other.errno() == Errno::ENOENT);
                let vanished = error.errno() == Errno::ENOENT && is_gone;
                return self.record(if vanished { Ok(Changed::Vanished) } else { Err(error) });
            }
        };
        let changed = self.change.of_directory(&*directory, &metadata);
        let enter = changed != Ok(Changed::OtherFilesystem);
        self.record(changed)?;
        if enter {
            descent.enter(name, directory, &metadata);
            self.list(descent)?;
        }
        Ok(())
    }

    /// Changes what is in the present directory, and notes the directories in it.
    fn list(&mut self, descent: &mut Descent) -> Result<(), Ended> {
        let mut directories = Vec::new();
        let done = self.files(descent, &mut directories);
        descent.add_pending(directories);
        done
    }

    fn files(&mut self, descent: &mut Descent, directories: &mut Vec<OsString>) -> Result<(), Ended> {
        let here = match descent.here() {
            Ok(here) => here,
            // Never: it was opened just now.
            Err(error) => return self.unread(error, false),
        };
        let entries = match here.entries() {
            Ok(entries) => entries,
            Err(error) => return self.unread(error, is_removed(here)),
        };
        for entry in entries {
            match entry {
                Ok(entry) if entry.kind == FileKind::Directory => directories.push(entry.name),
                Ok(entry) => self.file(here, &entry.name, directories)?,
                Err(error) => return self.unread(error, is_removed(here)),
            }
        }
        Ok(())
    }

    fn file(&mut self, here: &dyn Directory, name: &OsStr, directories: &mut Vec<OsString>) -> Result<(), Ended> {
        match self.change.of_name(here, name) {
            Ok(Changed::Directory) => {
                directories.push(name.to_owned());
                Ok(())
            }
            other => self.record(other),
        }
    }

    fn root(&mut self, descent: &Descent) {
        if self.report.progress.failed > 0 && self.change.request.after_failures == AfterFailures::KeepRoot {
            return;
        }
        let Some(root) = descent.root() else { return };
        let changed = root.own_metadata().and_then(|metadata| self.change.of_directory(root, &metadata));
        self.report.root_done = changed.is_ok();
        // It is done: there is nothing left to end.
        let _ended = self.record(changed);
    }

    /// A directory that is counted already could not be listed.
    fn unread(&mut self, error: OsError, vanished: bool) -> Result<(), Ended> {
        if vanished {
            self.report.vanished += 1;
        } else {
            self.report.failure(error);
        }
        self.ask()
    }

    fn record(&mut self, changed: Result<Changed, OsError>) -> Result<(), Ended> {
        let report = &mut self.report;
        match changed {
            Ok(Changed::OtherFilesystem) => {
                report.other_filesystems += 1;
                return self.ask();
            }
            Ok(Changed::Vanished) => {
                report.vanished += 1;
                return self.ask();
            }
            Ok(Changed::Yes) => report.progress.changed += 1,
            Ok(Changed::No | Changed::Directory) => {}
            Err(error) => {
                let read_only = error.errno() == Errno::EROFS;
                report.progress.examined += 1;
                report.failure(error);
                return if read_only { Err(Ended::ReadOnly) } else { self.ask() };
            }
        }
        report.progress.examined += 1;
        self.ask()
    }

    fn ask(&mut self) -> Result<(), Ended> {
        if (self.progress)(self.report.progress).is_break() { Err(Ended::Cancelled) } else { Ok(()) }
    }

    fn outcome(self, volume: PathBuf) -> Result<FsGroupOutcome, FsGroupError> {
        match self.report.failures.first() {
            Some(first) if !self.report.root_done => {
                let source = Box::new(first.clone());
                Err(FsGroupError::Incomplete { volume, report: Box::new(self.report), source })
            }
            _ => Ok(FsGroupOutcome::Applied(self.report)),
        }
    }
}

/// An open directory that has no name any more.
fn is_removed(directory: &dyn Directory) -> bool {
    directory.own_metadata().is_ok_and(|metadata| metadata.links == 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::changing_tree::{ChangingTree, Files};
    use crate::sequences::fs_group::descent::OPEN_MAX;
    use crate::sequences::fs_group::outcome::FAILURES_KEPT;
    use crate::{DeviceNumber, FsGroup, FsGroupChangePolicy, Operation};

    const ALWAYS: FsGroupRequest = FsGroupRequest::new(FsGroup { gid: 7, policy: FsGroupChangePolicy::Always });
    const MISMATCH: FsGroupRequest =
        FsGroupRequest::new(FsGroup { gid: 7, policy: FsGroupChangePolicy::OnRootMismatch });
    const WRITES: [Operation; 2] = [Operation::SetOwner, Operation::SetMode];

    fn run(tree: &ChangingTree, request: &FsGroupRequest) -> Result<FsGroupOutcome, FsGroupError> {
        let outcome = apply_fs_group(tree, &Location::trusted("/v"), request, &mut |_| ControlFlow::Continue(()));
        assert_eq!(tree.open_now(), 0, "something was left open");
        outcome
    }

    #[track_caller]
    fn applied(tree: &ChangingTree, request: &FsGroupRequest) -> FsGroupReport {
        match run(tree, request).unwrap() {
            FsGroupOutcome::Applied(report) => report,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn incomplete(tree: &ChangingTree, request: &FsGroupRequest) -> (FsGroupReport, OsError) {
        match run(tree, request).unwrap_err() {
            FsGroupError::Incomplete { report, source, .. } => (*report, *source),
            other @ FsGroupError::Root(_) => panic!("{other:?}"),
        }
    }

    fn volume(build: impl FnOnce(&mut Files)) -> ChangingTree {
        ChangingTree::new(|files| {
            files.directory("/v", 0o755);
            files.file("/outside", 0o600, b"");
            build(files);
        })
    }

    fn of_every_kind() -> ChangingTree {
        volume(|files| {
            files.file("/v/f", 0o600, b"x");
            files.directory("/v/d", 0o700);
            files.file("/v/d/x", 0o711, b"");
            files.directory("/v/d/sticky", 0o1777);
            files.symlink("/v/link", "/outside");
            files.special("/v/fifo", FileKind::Fifo, 0o600);
            files.special("/v/socket", FileKind::Socket, 0o600);
            files.special("/v/null", FileKind::CharacterDevice, 0o600);
        })
    }

    #[track_caller]
    fn assert_shown(tree: &ChangingTree, expected: &[(&str, &str)]) {
        for (path, shown) in expected {
            assert_eq!(tree.shown(path), *shown, "{path}");
        }
    }

    #[test]
    fn everything_gets_the_group_and_the_bits_of_its_kind() {
        let tree = of_every_kind();
        let report = applied(&tree, &ALWAYS);
        assert_shown(
            &tree,
            &[
                ("/v", "2775 7"),
                ("/v/f", "660 7"),
                ("/v/d", "2770 7"),
                ("/v/d/x", "771 7"),
                ("/v/d/sticky", "3777 7"),
                ("/v/link", "777 7"),
                ("/v/fifo", "660 7"),
                ("/v/socket", "660 7"),
                ("/v/null", "660 7"),
                ("/outside", "600 0"),
            ],
        );
        let progress = FsGroupProgress { examined: 9, changed: 9, failed: 0 };
        assert_eq!((report.progress, report.root_done), (progress, true));
    }

    #[test]
    fn read_only_adds_no_write_bit() {
        let tree = of_every_kind();
        applied(&tree, &ALWAYS.read_only());
        assert_shown(&tree, &[("/v", "2755 7"), ("/v/f", "640 7"), ("/v/d", "2750 7"), ("/v/d/x", "751 7")]);
    }

    #[test]
    fn a_second_run_writes_nothing() {
        let tree = of_every_kind();
        applied(&tree, &ALWAYS);
        let before = tree.count(&WRITES);
        let report = applied(&tree, &ALWAYS);
        assert_eq!((report.progress.examined, report.progress.changed), (9, 0));
        assert_eq!(tree.count(&WRITES), before);
        assert_eq!(run(&tree, &MISMATCH), Ok(FsGroupOutcome::NotNeeded));
        assert_eq!(tree.count(&WRITES), before);
    }

    #[test]
    fn on_root_mismatch_looks_no_further_than_the_root() {
        let tree = volume(|files| files.file("/v/f", 0o600, b""));
        applied(&tree, &MISMATCH);
        assert_shown(&tree, &[("/v/f", "660 7")]);
        let tree = volume(|files| {
            files.directory("/w", 0o2770);
            files.file("/w/f", 0o600, b"");
        });
        let request = FsGroupRequest { group: FsGroup { gid: 0, ..MISMATCH.group }, ..MISMATCH };
        let outcome = apply_fs_group(&tree, &Location::trusted("/w"), &request, &mut |_| ControlFlow::Break(()));
        assert_eq!(outcome, Ok(FsGroupOutcome::NotNeeded));
        assert_shown(&tree, &[("/w/f", "600 0")]);
    }

    #[test]
    fn the_root_is_the_last_to_be_written() {
        let tree = of_every_kind();
        applied(&tree, &ALWAYS);
        let writes: Vec<_> = tree.calls().into_iter().filter(|(operation, _)| WRITES.contains(operation)).collect();
        let first_of_root = writes.iter().position(|(_, path)| path.as_os_str() == "/v").unwrap();
        assert_eq!(first_of_root, writes.len() - 2);
    }

    #[test]
    fn set_id_bits_of_files_are_put_back() {
        let tree = volume(|files| {
            files.file("/v/suid", 0o4755, b"");
            files.file("/v/both", 0o6775, b"");
            files.directory("/v/d", 0o6700);
        });
        let expected = [("/v/suid", "4775 7"), ("/v/both", "6775 7"), ("/v/d", "6770 7")];
        applied(&tree, &ALWAYS);
        assert_shown(&tree, &expected);
        let before = tree.count(&WRITES);
        applied(&tree, &ALWAYS);
        assert_eq!(tree.count(&WRITES), before, "what is right is not written to");
        assert_shown(&tree, &expected);
    }

    #[test]
    fn what_lacks_the_bits_alone_counts_as_changed() {
        let tree = volume(|files| {
            files.directory("/v/d", 0o700);
            files.file("/v/f", 0o600, b"");
        });
        let request = FsGroupRequest { group: FsGroup { gid: 0, ..ALWAYS.group }, ..ALWAYS };
        assert_eq!(applied(&tree, &request).progress.changed, 3);
        assert_shown(&tree, &[("/v", "2775 0"), ("/v/d", "2770 0"), ("/v/f", "660 0")]);
    }

    #[test]
    fn a_file_exchanged_meanwhile_does_not_become_set_id() {
        let tree = volume(|files| {
            files.file("/v/tool", 0o6755, b"");
            files.file("/outside-tool", 0o755, b"");
        });
        // 0: open, 1: metadata, 2: list, 3: metadata of the file, 4: its group.
        tree.before_call(5, |files| files.rename("/outside-tool", "/v/tool"));
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((first.errno(), report.progress.failed), (Errno::ESTALE, 1));
        assert_shown(&tree, &[("/v/tool", "755 0"), ("/v", "755 0")]);
    }

    #[test]
    fn other_filesystems_are_left_alone() {
        let tree = volume(|files| {
            let other = DeviceNumber::new(8, 2);
            files.directory("/v/mount", 0o700);
            files.mount("/v/mount", other);
            files.file("/v/mount/f", 0o600, b"");
            files.file("/v/bound", 0o600, b"");
            files.mount("/v/bound", other);
            files.file("/v/f", 0o600, b"");
        });
        let report = applied(&tree, &ALWAYS);
        assert_eq!((report.other_filesystems, report.progress.examined), (2, 2));
        assert_shown(
            &tree,
            &[("/v/mount", "700 0"), ("/v/mount/f", "600 0"), ("/v/bound", "600 0"), ("/v/f", "660 7")],
        );
    }

    /// Directories in each other, with a file in each and a neighbour that is gone into after the deeper ones.
    fn deep(levels: usize) -> ChangingTree {
        volume(|files| {
            let mut path = "/v".to_owned();
            for _ in 0..levels {
                path += "/d";
                files.directory(&path, 0o700);
                files.file(&format!("{path}/f"), 0o600, b"");
                files.directory(&format!("{path}/a"), 0o700);
            }
        })
    }

    #[test]
    fn a_deep_tree_is_changed_with_few_descriptors() {
        let levels = 10 * OPEN_MAX + 3;
        let tree = deep(levels);
        let report = applied(&tree, &ALWAYS);
        assert_eq!(report.progress.changed, 3 * levels as u64 + 1);
        assert_eq!(tree.most_open(), OPEN_MAX + 2);
        // Opened again: each level at most twice.
        assert!(tree.count(&[Operation::OpenDir]) < levels * (levels / OPEN_MAX + 4), "{}", tree.calls().len());
    }

    #[test]
    fn a_directory_put_in_the_place_of_a_closed_one_is_not_entered() {
        let tree = deep(OPEN_MAX + 2);
        let calls = {
            let probe = deep(OPEN_MAX + 2);
            applied(&probe, &ALWAYS);
            probe.calls()
        };
        let up_again = calls.iter().rposition(|(o, path)| *o == Operation::OpenDir && path.ends_with("v/d")).unwrap();
        tree.before_call(up_again, |files| {
            files.rename("/v/d", "/moved");
            files.directory("/v/d", 0o700);
            files.directory("/v/d/a", 0o700);
        });
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((first.errno(), first.path().unwrap()), (Errno::ESTALE, "/v/d".as_ref()));
        // A name in each of the three directories that were closed.
        assert_eq!((report.progress.failed, report.root_done), (3, false));
        assert_shown(&tree, &[("/v/d", "700 0"), ("/v/d/a", "700 0"), ("/v", "755 0"), ("/moved/d", "2770 7")]);
    }

    #[test]
    fn what_is_left_in_a_closed_directory_that_was_moved_away_is_no_failure() {
        let probe = deep(OPEN_MAX + 2);
        applied(&probe, &ALWAYS);
        let is_opened =
            |(operation, path): &(Operation, PathBuf)| *operation == Operation::OpenDir && path.ends_with("v/d");
        let up_again = probe.calls().iter().rposition(is_opened).unwrap();
        let tree = deep(OPEN_MAX + 2);
        tree.before_call(up_again, |files| files.rename("/v/d", "/moved"));
        let report = applied(&tree, &ALWAYS);
        // A name in each of the three directories that were closed.
        assert_eq!((report.vanished, report.progress.failed, report.root_done), (3, 0, true));
        assert_shown(&tree, &[("/moved/a", "700 0"), ("/v", "2775 7")]);
    }

    #[test]
    fn a_directory_that_cannot_be_opened_says_so() {
        let tree = of_every_kind();
        // As below a directory that may be listed and not searched.
        tree.failing("/v/d", Operation::OpenDir, Errno::EACCES);
        tree.failing("/v/d", Operation::Metadata, Errno::EACCES);
        let (_, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((first.operation(), first.errno()), (Operation::OpenDir, Errno::EACCES));
    }

    #[test]
    fn a_failure_leaves_the_root_and_changes_the_rest() {
        for operation in WRITES {
            let tree = of_every_kind();
            tree.failing("/v/d/x", operation, Errno::EPERM);
            let (report, first) = incomplete(&tree, &MISMATCH);
            assert_eq!((first.errno(), first.path().unwrap()), (Errno::EPERM, "/v/d/x".as_ref()));
            assert_eq!((report.progress.failed, report.progress.examined), (1, 8));
            assert_shown(&tree, &[("/v", "755 0"), ("/v/f", "660 7"), ("/v/d/sticky", "3777 7")]);
            assert!(MISMATCH.group.needs_change(&tree.metadata_at("/v"), MISMATCH.access));
        }
    }

    #[test]
    fn a_directory_whose_group_is_refused_is_a_failure_and_still_gone_through() {
        for operation in WRITES {
            let tree = of_every_kind();
            tree.failing("/v/d", operation, Errno::EPERM);
            let (report, first) = incomplete(&tree, &ALWAYS);
            assert_eq!((report.progress.failed, first.path().unwrap()), (1, "/v/d".as_ref()));
            assert_shown(&tree, &[("/v/d/x", "771 7"), ("/v", "755 0")]);
        }
    }

    #[test]
    fn the_mode_is_tried_where_the_group_is_refused() {
        let tree = of_every_kind();
        tree.failing("/v/f", Operation::SetOwner, Errno::EPERM);
        incomplete(&tree, &ALWAYS);
        assert_shown(&tree, &[("/v/f", "660 0")]);
    }

    #[test]
    fn despite_failures_the_root_is_changed_on_request() {
        let tree = of_every_kind();
        tree.failing("/v/d", Operation::ReadDir, Errno::EACCES);
        let report = applied(&tree, &MISMATCH.despite_failures());
        assert_eq!((report.progress.failed, report.failures[0].errno()), (1, Errno::EACCES));
        assert_shown(&tree, &[("/v", "2775 7"), ("/v/d", "2770 7"), ("/v/d/x", "711 0")]);
        assert_eq!(run(&tree, &MISMATCH), Ok(FsGroupOutcome::NotNeeded));
    }

    #[test]
    fn a_root_that_cannot_be_changed_is_an_error_either_way() {
        for request in [ALWAYS, ALWAYS.despite_failures()] {
            let tree = of_every_kind();
            tree.failing("/v", Operation::SetMode, Errno::EPERM);
            let (report, first) = incomplete(&tree, &request);
            assert_eq!((report.root_done, first.path().unwrap()), (false, "/v".as_ref()));
        }
    }

    #[test]
    fn a_read_only_filesystem_ends_it_at_once() {
        let tree = volume(|files| (0..100).for_each(|n| files.file(&format!("/v/{n}"), 0o600, b"")));
        for operation in WRITES {
            tree.failing_anywhere(operation, Errno::EROFS);
        }
        let (report, first) = incomplete(&tree, &ALWAYS.despite_failures());
        assert_eq!((report.progress.examined, first.errno(), report.root_done), (1, Errno::EROFS, false));
    }

    #[test]
    fn failures_are_counted_and_the_first_are_named() {
        let tree = volume(|files| (0..100).for_each(|n| files.file(&format!("/v/{n:02}"), 0o600, b"")));
        (0..100).for_each(|n| tree.failing(&format!("/v/{n:02}"), Operation::SetOwner, Errno::EPERM));
        let error = run(&tree, &ALWAYS).unwrap_err();
        assert_eq!(error.to_string(), "100 of 100 names in /v could not be given their group");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "could not set the owner of /v/00: operation not permitted (EPERM)");
        let FsGroupError::Incomplete { report, .. } = error else { panic!() };
        assert_eq!(report.failures.len(), FAILURES_KEPT);
    }

    #[test]
    fn what_vanishes_is_no_failure() {
        for (path, before) in [("/v/d", "/v/d"), ("/v/f", "/v/f"), ("/v/d/x", "/v/d/x")] {
            for operation in [Operation::OpenDir, Operation::Metadata, Operation::SetOwner, Operation::SetMode] {
                let probe = of_every_kind();
                applied(&probe, &ALWAYS);
                let Some(call) = probe.calls().iter().position(|(o, p)| *o == operation && p.as_os_str() == before)
                else {
                    continue;
                };
                let tree = of_every_kind();
                tree.before_call(call, move |files| files.remove(path));
                let report = applied(&tree, &ALWAYS);
                assert_eq!((report.progress.failed, report.root_done), (0, true), "{path} {operation:?}");
                assert_shown(&tree, &[("/v", "2775 7"), ("/v/socket", "660 7")]);
            }
        }
    }

    #[test]
    fn a_directory_that_is_removed_before_it_is_listed_is_no_failure() {
        let probe = of_every_kind();
        applied(&probe, &ALWAYS);
        let call = probe.calls().iter().position(|(o, p)| *o == Operation::ReadDir && p.ends_with("v/d")).unwrap();
        let tree = of_every_kind();
        tree.failing("/v/d", Operation::ReadDir, Errno::ENOENT);
        tree.before_call(call, |files| files.remove("/v/d"));
        let report = applied(&tree, &ALWAYS);
        assert_eq!((report.progress.failed, report.vanished, report.root_done), (0, 1, true));
    }

    #[test]
    fn what_only_seems_to_be_gone_is_a_failure_and_the_root_stays() {
        for (path, operation) in [
            ("/v", Operation::ReadDir),
            ("/v/d", Operation::ReadDir),
            ("/v/d", Operation::OpenDir),
            ("/v/f", Operation::Metadata),
            ("/v/f", Operation::SetOwner),
            ("/v/f", Operation::SetMode),
        ] {
            let tree = of_every_kind();
            tree.failing(path, operation, Errno::ENOENT);
            let (report, first) = incomplete(&tree, &ALWAYS);
            assert_eq!((report.vanished, report.root_done, first.errno()), (0, false, Errno::ENOENT), "{path}");
            assert_shown(&tree, &[("/v", "755 0")]);
        }
    }

    #[test]
    fn a_directory_that_becomes_a_symlink_is_not_followed() {
        let build = || {
            volume(|files| {
                files.directory("/v/d", 0o700);
                files.directory("/elsewhere", 0o700);
                files.file("/elsewhere/f", 0o600, b"");
            })
        };
        let probe = build();
        applied(&probe, &ALWAYS);
        let call = probe.calls().iter().position(|(o, p)| *o == Operation::OpenDir && p.ends_with("v/d")).unwrap();
        let tree = build();
        tree.before_call(call, |files| {
            files.remove("/v/d");
            files.symlink("/v/d", "/elsewhere");
        });
        applied(&tree, &ALWAYS);
        assert_shown(&tree, &[("/v/d", "777 7"), ("/elsewhere", "700 0"), ("/elsewhere/f", "600 0")]);
    }

    #[test]
    fn a_name_that_is_a_directory_only_when_nobody_opens_it_is_a_failure() {
        let tree = volume(|files| {
            files.directory("/v/d", 0o700);
            files.symlink("/link", "/");
        });
        // 0: open, 1: metadata, 2: list, 3: open the directory, 4: look at the name.
        tree.before_call(3, |files| {
            files.rename("/v/d", "/d");
            files.rename("/link", "/v/d");
        });
        tree.before_call(4, |files| files.rename("/d", "/v/d"));
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((report.progress.failed, first.errno()), (1, Errno::ELOOP));
        assert_shown(&tree, &[("/v/d", "700 0"), ("/v", "755 0")]);
    }

    #[test]
    fn the_callback_ends_it_and_the_root_stays() {
        for after in 1..=8 {
            let tree = of_every_kind();
            let mut seen = Vec::new();
            let mut stop = |progress: FsGroupProgress| {
                seen.push(progress.examined);
                if progress.examined == after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let outcome = apply_fs_group(&tree, &Location::trusted("/v"), &MISMATCH, &mut stop).unwrap();
            let FsGroupOutcome::Cancelled(report) = outcome else { panic!("{outcome:?}") };
            assert_eq!((report.progress.examined, report.root_done), (after, false));
            assert_eq!(seen, (1..=after).collect::<Vec<_>>());
            assert_eq!((tree.shown("/v").as_str(), tree.open_now()), ("755 0", 0));
            applied(&tree, &MISMATCH);
            assert_shown(&tree, &[("/v", "2775 7"), ("/v/d/x", "771 7"), ("/v/f", "660 7")]);
        }
    }

    #[test]
    fn stopped_at_any_call_the_root_still_asks_for_the_rest() {
        let whole = of_every_kind();
        applied(&whole, &MISMATCH);
        let paths = ["/v", "/v/f", "/v/d", "/v/d/x", "/v/d/sticky", "/v/link", "/v/fifo", "/v/socket", "/v/null"];
        let expected: BTreeMap<_, _> = paths.iter().map(|path| (*path, whole.shown(path))).collect();
        for call in 0..whole.calls().len() {
            // What a process did that died there: the calls before it, and no more.
            let tree = of_every_kind();
            tree.die_at(call);
            let _died = run(&tree, &MISMATCH);
            tree.live();
            let _either_way = run(&tree, &MISMATCH).unwrap();
            for (path, shown) in &expected {
                assert_eq!(tree.shown(path), *shown, "{path}, died at call {call}");
            }
        }
    }

    #[test]
    fn a_root_that_is_no_directory_or_missing_is_an_error() {
        let tree = ChangingTree::new(|files| files.file("/v", 0o600, b""));
        assert!(matches!(run(&tree, &ALWAYS), Err(FsGroupError::Root(error)) if error.errno() == Errno::ENOTDIR));
        let tree = ChangingTree::new(|_| ());
        let error = run(&tree, &ALWAYS).unwrap_err();
        assert_eq!(error.to_string(), "could not open the directory /v: no such file or directory (ENOENT)");
    }
}

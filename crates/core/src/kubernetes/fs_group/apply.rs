//! Giving all files of a volume their group.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::{Errno, OsError};
use crate::file::FileKind;
use crate::kubernetes::fs_group::change::{Changed, First, GroupChange};
use crate::kubernetes::fs_group::descent::Descent;
use crate::kubernetes::fs_group::{AfterFailures, FsGroupRequest};
use crate::kubernetes::fs_group::{FsGroupError, FsGroupOutcome, FsGroupProgress, FsGroupReport};
use crate::path::{Crossing, Location};
use crate::ports::{Directory, Filesystem};

/// Gives everything in the volume at `volume` the group that `request` asks for, and its members the permissions, as the
/// kubelet does to a pod's volumes (`fsGroup`).
///
/// * The group of everything is changed; of a symlink its own, and nothing is reached through one below the root. A symlink
///   as last component of a trusted `volume` is followed.
/// * Permissions are added, none is removed: [`VolumeAccess::group_bits`](crate::spec::VolumeAccess::group_bits). Set-user-id and
///   set-group-id of files, which the kernel clears when it changes their group, are set again as the kubelet does: mount
///   volumes that others write to `nosuid`. A bit that the kernel cleared for want of `CAP_FSETID` is a failure (`EPERM`).
/// * Capabilities of a file (`security.capability`), which the kernel removes too, are set again where root owns it and
///   nobody else may write to it; otherwise, and where they cannot be set, the file is named as a failure. The kubelet loses
///   them. Killed between two calls, set-id bits and capabilities of that one file are lost.
/// * Of a file with a POSIX ACL the group bits are the mask, as for the kubelet: they are added to the mask, which widens
///   what the ACL's named users and groups may do up to their own entries; the entry of the owning group stays.
/// * What has group and permissions already is not written to; on a volume that has all, nothing is (the kubelet writes).
/// * A directory is changed before what is in it, so that whatever is made in it from then on has the group; the root alone
///   is changed last. So the root says that the whole volume is done, which is what
///   [`OnRootMismatch`](crate::spec::FsGroupChangePolicy::OnRootMismatch) relies on: cancelled, killed or failed half-way, a later
///   run starts again.
/// * It stays on the mount of the root, by mount id: another mount inside the volume is left alone and counted, a bind of
///   the same filesystem too. Subvolumes of btrfs and the files of an overlay, which have other device numbers on the same
///   mount, belong to the volume. Before Linux 5.8, and without procfs, mounts are told apart by device number.
/// * Each file is pinned, looked at and changed by one descriptor, whatever is exchanged in the volume; a look by name
///   decides only that there is nothing to do. A file that is moved out of the volume after it was pinned is still changed,
///   and so is one that has another name outside (a hard link).
/// * Fewer than 20 descriptors are open at a time, however deep the tree is. Each directory that is entered, and the open
///   ones on the way to it, must still be in the one above. A directory that was moved is left with what is below it, and
///   named as a failure (`ESTALE`). What is moved inside the volume during the run may be missed.
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
    let change = GroupChange { request: *request, root: metadata };
    let mut descent = Descent::new(root, &change.root, path.clone());
    let in_a_row = if change.is_done(&change.root) { 0 } else { MANY_IN_A_ROW };
    let mut run = Run { change, report: FsGroupReport::default(), progress, in_a_row };
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
    /// Files that were changed since the last one that needed no change.
    in_a_row: u32,
}

/// After so many changed files the next one is expected to need a change too.
const MANY_IN_A_ROW: u32 = 2;

/// Why the run ended before everything was changed.
enum Ended {
    Cancelled,
    ReadOnly,
}

impl Run<'_> {
    fn everything_below(&mut self, descent: &mut Descent) -> Result<(), Ended> {
        self.list(descent)?;
        while let Some(next) = descent.next_name() {
            match next {
                Ok(name) => self.directory(descent, name)?,
                Err(error) => self.unread(error, false)?,
            }
        }
        Ok(())
    }

    /// Changes the directory `name` and the files in it.
    fn directory(&mut self, descent: &mut Descent, name: OsString) -> Result<(), Ended> {
        let Some(here) = descent.here() else { return Ok(()) };
        let opened = here.open_dir(&name, Crossing::Refuse).and_then(|directory| {
            let metadata = directory.own_metadata()?;
            Ok((directory, metadata))
        });
        let (directory, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) if error.errno() == Errno::EXDEV => {
                let other = self.change.is_on_other_mount(here, &name);
                return self.record(if other { Ok(Changed::OtherMount) } else { Err(error) }, PathBuf::new);
            }
            Err(error) if [Errno::ENOTDIR, Errno::ELOOP].contains(&error.errno()) => {
                // It was a directory when it was listed.
                let changed = self.change.of_name(here, &name, First::Look).and_then(|changed| match changed {
                    Changed::Directory => Err(error),
                    other => Ok(other),
                });
                return self.record(changed, || descent.path_of(&name));
            }
            Err(error) => {
                let is_gone = matches!(here.metadata(&name), Err(other) if other.errno() == Errno::ENOENT);
                let vanished = error.errno() == Errno::ENOENT && is_gone;
                return self.record(if vanished { Ok(Changed::Vanished) } else { Err(error) }, PathBuf::new);
            }
        };
        if let Err(error) = descent.enter(name, directory, &metadata) {
            return self.record(Err(error), PathBuf::new);
        }
        let Some(directory) = descent.here() else { return Ok(()) };
        let changed = self.change.of_directory(directory, &metadata);
        self.record(changed, || descent.path_of(OsStr::new("")))?;
        self.list(descent)
    }

    /// Changes what is in the present directory, and notes the directories in it.
    fn list(&mut self, descent: &mut Descent) -> Result<(), Ended> {
        let mut directories = Vec::new();
        let done = self.files(descent, &mut directories);
        descent.add_pending(directories);
        done
    }

    fn files(&mut self, descent: &Descent, directories: &mut Vec<OsString>) -> Result<(), Ended> {
        let Some(here) = descent.here() else { return Ok(()) };
        let entries = match here.entries() {
            Ok(entries) => entries,
            Err(error) => return self.unread(error, is_removed(here)),
        };
        for entry in entries {
            match entry {
                Ok(entry) if entry.kind == FileKind::Directory => directories.push(entry.name),
                Ok(entry) => match self.change.of_name(here, &entry.name, self.first()) {
                    Ok(Changed::Directory) => directories.push(entry.name),
                    other => self.record(other, || descent.path_of(&entry.name))?,
                },
                Err(error) => return self.unread(error, is_removed(here)),
            }
        }
        Ok(())
    }

    fn root(&mut self, descent: &Descent) {
        if self.report.progress.failed > 0 && self.change.request.after_failures == AfterFailures::KeepRoot {
            return;
        }
        let Some(root) = descent.root() else { return };
        let changed = root.own_metadata().and_then(|metadata| self.change.of_directory(root, &metadata));
        self.report.root_done = matches!(changed, Ok(Changed::Yes | Changed::No));
        // It is done: there is nothing left to end.
        let _ended = self.record(changed, || descent.path_of_root());
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

    /// Counts what became of a file. `path` is for one that was changed in part.
    fn record(&mut self, changed: Result<Changed, OsError>, path: impl FnOnce() -> PathBuf) -> Result<(), Ended> {
        let report = &mut self.report;
        let error = match changed {
            Ok(Changed::OtherMount) => {
                report.other_mounts += 1;
                return self.ask();
            }
            Ok(Changed::Vanished) => {
                report.vanished += 1;
                return self.ask();
            }
            Ok(Changed::Yes) => {
                report.progress.changed += 1;
                self.in_a_row = self.in_a_row.saturating_add(1);
                None
            }
            Ok(Changed::No) => {
                self.in_a_row = 0;
                None
            }
            Ok(Changed::Directory) => None,
            Ok(Changed::Without(lost)) => Some(OsError::new(lost, path(), Errno::EPERM)),
            Err(error) => Some(error),
        };
        report.progress.examined += 1;
        let Some(error) = error else { return self.ask() };
        let read_only = error.errno() == Errno::EROFS;
        report.failure(error);
        if read_only { Err(Ended::ReadOnly) } else { self.ask() }
    }

    fn first(&self) -> First {
        if self.in_a_row >= MANY_IN_A_ROW { First::Pin } else { First::Look }
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

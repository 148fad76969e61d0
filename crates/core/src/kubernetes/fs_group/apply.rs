//! Change of the group of all files of a volume.

use std::ffi::{OsStr, OsString};
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::error::{Errno, OsError};
use crate::file::FileKind;
use crate::kubernetes::fs_group::change::{Changed, First, GroupChange};
use crate::kubernetes::fs_group::descent::Descent;
use crate::kubernetes::fs_group::{AfterFailures, FsGroupRequest};
use crate::kubernetes::fs_group::{FsGroupError, FsGroupOutcome, FsGroupReport};
use crate::path::{Crossing, Location};
use crate::ports::{Directory, Filesystem};

impl FsGroupRequest {
    /// Gives all files in the volume at `volume` this group, and its members the permissions, as the kubelet
    /// does for a pod's volumes (`fsGroup`).
    ///
    /// * The group of every file is changed, also that of a symlink itself; below the root no symlink is followed. A
    ///   symlink as last component of a trusted `volume` is followed.
    /// * Permissions are added and never removed: [`VolumeAccess::group_bits`](crate::spec::VolumeAccess::group_bits).
    ///   Set-user-id and set-group-id of files, which the kernel clears when it changes their group, are set again as
    ///   the kubelet does: mount volumes that others can write to with `nosuid`. A bit that the kernel cleared because
    ///   the caller has no `CAP_FSETID` is a failure (`EPERM`).
    /// * Capabilities of a file (`security.capability`), which the kernel removes too, are set again where root owns
    ///   the file and no other user may write to it. Otherwise, and where they cannot be set, the file is reported as a
    ///   failure. The kubelet loses them. If the process is killed between two calls, set-id bits and capabilities of
    ///   that one file are lost.
    /// * For a file with a POSIX ACL the group bits are the mask, as for the kubelet: they are added to the mask, which
    ///   widens the access of the ACL's named users and groups up to their own entries; the entry of the owning group
    ///   stays.
    /// * A file that has group and permissions already is not written to; the kubelet does write to it.
    /// * A directory is changed before its contents, so that files created in it from then on get the group. Only the
    ///   root is changed last: its group means that the whole volume is done, which
    ///   [`OnRootMismatch`](crate::spec::FsGroupChangePolicy::OnRootMismatch) relies on. After a cancelled, killed or
    ///   failed run, the next run starts again.
    /// * The run stays on the mount of the root, by mount id: another mount inside the volume is left alone and
    ///   counted, also a bind of the same filesystem. Subvolumes of btrfs and files of an overlay, which have other
    ///   device numbers on the same mount, belong to the volume. Before Linux 5.8, and without procfs, mounts are
    ///   distinguished by device number.
    /// * Each file is pinned, then examined and changed through one descriptor, so a swapped name does no harm. A
    ///   look-up by name only decides that there is nothing to do. A file that is moved out of the volume after it was
    ///   pinned is still changed, and so is one that has another name outside (a hard link).
    /// * Fewer than 20 descriptors are open at a time, at any depth of the tree. Each directory that is entered, and
    ///   the open ones above it, must still be in its parent. A directory that was moved is left with its contents and
    ///   reported as a failure (`ESTALE`). Files that are moved inside the volume during the run may be missed.
    /// * `progress` is called after each name; `Break` ends the run. Pass `&mut |_| ControlFlow::Continue(())` to
    ///   ignore it.
    ///
    /// # Errors
    ///
    /// [`FsGroupError::Root`]: the root could not be opened (`ENOENT`, `ENOTDIR`) or its metadata could not be read;
    /// nothing was changed. [`FsGroupError::Incomplete`]: a file could not be changed or read. All others were changed,
    /// except after `EROFS`, which ends the run, and they stay changed; the root is unchanged. The kubelet logs a file
    /// that it cannot change, changes the root and reports success; it fails on a file that it cannot read or that
    /// disappears. [`despite_failures`](Self::despite_failures) gives the former; a name that disappears is no failure
    /// here.
    #[doc(alias = "SetVolumeOwnership")]
    pub fn apply(
        &self,
        fs: &dyn Filesystem,
        volume: &Location,
        progress: &mut dyn FnMut(&FsGroupReport) -> ControlFlow<()>,
    ) -> Result<FsGroupOutcome, FsGroupError> {
        let path = volume.for_display();
        let span = tracing::debug_span!(target: "mountwright", "apply_fs_group", subsystem = "mount",
            source = %path.display(), gid = self.group.gid);
        let _entered = span.enter();
        let root = fs.open_dir(volume).map_err(FsGroupError::Root)?;
        let metadata = root.own_metadata().map_err(FsGroupError::Root)?;
        if !self.group.needs_change(&metadata, self.access) {
            return Ok(FsGroupOutcome::NotNeeded);
        }
        let change = GroupChange { request: *self, root: metadata };
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
}

struct Run<'a> {
    change: GroupChange,
    report: FsGroupReport,
    progress: &'a mut dyn FnMut(&FsGroupReport) -> ControlFlow<()>,
    /// Files that were changed since the last one that needed no change.
    in_a_row: u32,
}

/// After this many changed files the next one is expected to need a change too.
const MANY_IN_A_ROW: u32 = 2;

/// The reason for which the run ended early.
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

    /// Changes the files in the present directory, and records the directories in it.
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
        if self.report.failed > 0 && self.change.request.after_failures == AfterFailures::KeepRoot {
            return;
        }
        let Some(root) = descent.root() else { return };
        let changed = root.own_metadata().and_then(|metadata| self.change.of_directory(root, &metadata));
        self.report.root_done = matches!(changed, Ok(Changed::Yes | Changed::No));
        // The run is over, so a `Break` has nothing left to end.
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

    /// Counts the result for a file. `path` is for one that was changed incompletely.
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
                report.changed += 1;
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
        report.examined += 1;
        let Some(error) = error else { return self.ask() };
        let read_only = error.errno() == Errno::EROFS;
        report.failure(error);
        if read_only { Err(Ended::ReadOnly) } else { self.ask() }
    }

    fn first(&self) -> First {
        if self.in_a_row >= MANY_IN_A_ROW { First::Pin } else { First::Look }
    }

    fn ask(&mut self) -> Result<(), Ended> {
        if (self.progress)(&self.report).is_break() { Err(Ended::Cancelled) } else { Ok(()) }
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

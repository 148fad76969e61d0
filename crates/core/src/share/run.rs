//! A share in progress.

use std::path::{Path, PathBuf};

use crate::bind::in_span::bind_in_span;
use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::file::{DeviceNumber, FileIdentity, FileKind, FinalSymlink};
use crate::mount::{BindRequest, MountId, MountInfo, MountKey, Placeholder, Propagation};
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::expected_mount::shape_of_bind;
use crate::share::{Share, ShareRecord, ShareStep};
use crate::stepwise::attempts::is_lost_race;
use crate::stepwise::attempts::{ATTEMPTS, is_of_another_caller};
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;
use crate::stepwise::{Plan, Run};
use crate::unmount::exact::detach_exactly;
use crate::unmount::placeholder::{self, FailedStep, NameRemoval};

/// A [`Share`] in progress.
#[derive(Clone, Debug)]
pub(crate) struct Sharing {
    share: Share,
    kind: Option<FileKind>,
    made: Vec<Placeholder>,
    prepared_on: Option<Placeholder>,
    prepared: Option<(Location, MountKey)>,
    /// The device and the subtree of the prepared mount.
    prepared_of: Option<(DeviceNumber, PathBuf)>,
    bound: Option<MountKey>,
    /// The file that the mount was attached to.
    target: Option<FileIdentity>,
    record: Option<ShareRecord>,
    /// The last step, if it failed.
    failed: FailedStep,
}

impl Share {
    /// The steps, before anything is changed.
    pub fn plan(&self) -> Plan {
        self.start().plan()
    }

    /// Begins the share: nothing is changed before the first [`advance`](Run::advance).
    pub fn start(&self) -> Run<ShareRecord> {
        Run::new(Sharing::new(self.clone()))
    }

    pub(crate) fn driver(&self) -> Driver<Sharing> {
        Driver::new(Sharing::new(self.clone()))
    }

    /// Creates the share, or changes nothing.
    ///
    /// May be called by several threads and processes at once, for the same name too. Names that another caller removes
    /// in between are created again, a bounded number of times. Of two shares under one name one is created and the
    /// other fails with `EBUSY` and has changed nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotPrivate`]: see [`prepared_in`](Self::prepared_in). [`Error::Os`]: the errors of the ports: `EBUSY`
    /// where something is mounted under this name already ([`ensure`](Self::ensure) accepts that),
    /// `ELOOP` where a component below `<mounts>` is a symlink, `ENOTDIR` where only one of name and source is a
    /// directory, `EOPNOTSUPP` where a read-only share would be writable for a moment. Nothing is left after an error,
    /// unless [`Error::left`] lists it.
    #[doc(alias = "bindMountContainerRootfs")]
    pub fn create(&self, backend: &dyn Backend) -> Result<ShareRecord, Error> {
        let (fs, mounter) = (backend.filesystem(), backend.mounter());
        let span = tracing::debug_span!(target: "mountwright", "share", subsystem = "mount",
            "shared-dir" = %self.mounts_dir(), "container-id" = %self.container(), name = self.name());
        span.in_scope(|| {
            for attempt in 1..ATTEMPTS {
                match self.driver().finish(fs, mounter) {
                    Err(error) if is_of_another_caller(&error) && self.is_possible(mounter) => {
                        mounter.let_others_run(attempt);
                    }
                    done => return done,
                }
            }
            self.driver().finish(fs, mounter)
        })
    }
}

impl Sharing {
    pub(crate) fn new(share: Share) -> Self {
        Self {
            share,
            kind: None,
            made: Vec::new(),
            prepared_on: None,
            prepared: None,
            prepared_of: None,
            bound: None,
            target: None,
            record: None,
            failed: FailedStep::default(),
        }
    }

    fn kind(&mut self, fs: &dyn Filesystem) -> Result<FileKind, Error> {
        if let Some(kind) = self.kind {
            return Ok(kind);
        }
        let kind = fs.metadata(self.share.source(), FinalSymlink::Follow)?.kind;
        self.kind = Some(kind);
        Ok(kind)
    }

    /// Binds; falls back to the private directory if the kernel cannot create the mount read-only.
    fn bind(
        &mut self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        request: &BindRequest,
    ) -> Result<Vec<ShareStep>, Error> {
        match bind_in_span(mounter, request) {
            Ok(report) => (self.bound, self.target) = (Some(report.mount), report.target),
            Err(error) if error.errno() == Errno::EOPNOTSUPP && self.share.is_read_only() => {
                return self.detour(fs)?.ok_or(error.into());
            }
            Err(error) if error.errno() == Errno::ENOTDIR && self.kind.is_none() && error.left().is_empty() => {
                return self.on_a_file(fs, request)?.ok_or(error.into());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(Vec::new())
    }

    /// Repeats the bind on a file: the source is no directory, but the placeholder was created as one. A placeholder
    /// that existed before stays.
    fn on_a_file(&mut self, fs: &dyn Filesystem, request: &BindRequest) -> Result<Option<Vec<ShareStep>>, Error> {
        self.kind = Some(FileKind::Regular);
        let Some(again) = self.placeholder_again(fs)? else { return Ok(None) };
        Ok(Some(vec![again, ShareStep::Bind(request.clone())]))
    }

    /// Removes the placeholder that was created as a directory, and returns the step that creates it with the right
    /// type.
    fn placeholder_again(&mut self, fs: &dyn Filesystem) -> Result<Option<ShareStep>, Error> {
        let at = self.share.at().clone();
        let made = |made: &Placeholder| made.at == at && made.identity.kind == FileKind::Directory;
        let Some(index) = self.made.iter().position(made) else { return Ok(None) };
        match placeholder::remove_made(fs, &self.made[index])? {
            NameRemoval::Removed => self.made.remove(index),
            NameRemoval::Kept(error) => return Err(error.into()),
        };
        Ok(Some(ShareStep::MakePlaceholder(at)))
    }

    fn detour(&mut self, fs: &dyn Filesystem) -> Result<Option<Vec<ShareStep>>, Error> {
        let Some(private_dir) = self.share.private_dir() else { return Ok(None) };
        let private_dir = private_dir.as_std_path().to_owned();
        let at = prepared_at(&private_dir, &self.share)?;
        let kind = self.kind(fs)?;
        // A slave stays one through both binds; any other mount would join the peer group of its source for a moment.
        let propagation = self.share.propagation();
        let unseen = if propagation == Propagation::Slave { propagation } else { Propagation::Private };
        let prepare =
            BindRequest::new(self.share.source().clone(), at.clone()).read_only().propagation(unseen).stacking();
        let attach = BindRequest::new(at.clone(), self.share.at().clone()).propagation(propagation);
        let again = if kind == FileKind::Directory { None } else { self.placeholder_again(fs)? };
        let detour = [
            ShareStep::LookAtPrivateDir(Location::Trusted(private_dir)),
            ShareStep::MakePrivatePlaceholder { at: at.clone(), kind },
            ShareStep::Prepare(prepare),
            ShareStep::BindPrepared(attach),
            ShareStep::RemovePrepared(at),
        ];
        Ok(Some(again.into_iter().chain(detour).collect()))
    }

    /// The prepared mount is bound by its name, so the new mount is checked: it must show the same subtree.
    fn bind_prepared(&mut self, mounter: &dyn Mounter, request: &BindRequest) -> Result<(), Error> {
        let report = bind_in_span(mounter, request)?;
        let mount = report.mount;
        (self.bound, self.target) = (Some(mount), report.target);
        let info = mounter.find_mount(mount)?;
        if self.prepared_of.as_ref().is_none_or(|prepared| *prepared != (info.device, info.root)) {
            let other = OsError::new(Operation::Bind, request.target().for_display(), Errno::ESTALE);
            return Err(other.into());
        }
        Ok(())
    }

    fn remove_prepared(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<(), Error> {
        if let Some((at, key)) = &self.prepared {
            detach_exactly(mounter, at, *key)?;
            self.prepared = None;
        }
        if let Some(made) = &self.prepared_on {
            match placeholder::remove_made(fs, made)? {
                NameRemoval::Removed => self.prepared_on = None,
                NameRemoval::Kept(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Records the share. Without a record it could not be unmounted by its id later, so a failure here undoes the
    /// share.
    ///
    /// The record lists the container's directory and the file that is mounted on, even if another caller created them:
    /// a caller that finds the mount on a file that it created leaves the file to this record.
    fn note(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<(), Error> {
        let Some(mount) = self.bound else {
            let nothing = OsError::new(Operation::FindMount, self.share.at().for_display(), Errno::ENOENT);
            return Err(nothing.into());
        };
        let info = match mounter.find_mount(mount) {
            Ok(info) => info,
            // Another caller has unmounted it since, which is allowed: its shape is that of its source.
            Err(error) if error.errno() == Errno::ENOENT => {
                let (source, read_only) = (self.share.source(), self.share.is_read_only());
                let shape = shape_of_bind(fs, mounter, source, read_only, self.share.propagation())?;
                let mut gone = MountInfo::new(MountId(0), MountId(0), shape.device);
                gone.root = shape.subpath;
                gone
            }
            Err(error) => return Err(error.into()),
        };
        let of = (self.share.container(), self.share.name());
        let record = ShareRecord::new(mounter, of, self.share.at(), info, self.names(fs))?;
        self.record = Some(ShareRecord { mount, ..record });
        Ok(())
    }

    /// The placeholders of the mount, outermost first.
    fn names(&self, fs: &dyn Filesystem) -> Vec<Placeholder> {
        let made = |at: &Location| self.made.iter().find(|made| made.at == *at).cloned();
        let (above, at) = (self.share.container_dir(), self.share.at());
        let container = placeholder::there(fs, above).ok().flatten().or_else(|| made(above));
        let target = self.target.map(|identity| Placeholder { at: at.clone(), identity }).or_else(|| made(at));
        container.into_iter().chain(target).collect()
    }

    fn take_step(
        &mut self,
        step: &ShareStep,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
    ) -> Result<Vec<ShareStep>, Error> {
        match step {
            ShareStep::MakeDirectory(at) => self.made.extend(placeholder::make(fs, at, FileKind::Directory)?),
            ShareStep::MakePlaceholder(at) => {
                // The type of the source is not looked up: its server may be dead. A directory is the usual case.
                let kind = self.kind.unwrap_or(FileKind::Directory);
                self.made.extend(placeholder::make(fs, at, kind)?);
            }
            ShareStep::Bind(request) => return self.bind(fs, mounter, request),
            ShareStep::LookAtPrivateDir(at) => {
                if mounter.mount_of(at)?.mount.propagation.peers.is_some() {
                    return Err(Error::NotPrivate { path: at.for_display() });
                }
            }
            ShareStep::MakePrivatePlaceholder { at, kind } => self.prepared_on = placeholder::make(fs, at, *kind)?,
            ShareStep::Prepare(request) => {
                let mount = bind_in_span(mounter, request)?.mount;
                self.prepared = Some((request.target().clone(), mount));
                let info = mounter.find_mount(mount)?;
                self.prepared_of = Some((info.device, info.root));
            }
            ShareStep::BindPrepared(request) => self.bind_prepared(mounter, request)?,
            ShareStep::RemovePrepared(_) => self.remove_prepared(fs, mounter)?,
            ShareStep::Note(_) => self.note(fs, mounter)?,
        }
        Ok(Vec::new())
    }
}

/// The place at which a share is prepared. No id holds a colon, so the names of two containers never collide.
fn prepared_at(private_dir: &Path, share: &Share) -> Result<Location, Error> {
    Ok(Location::beneath(private_dir, format!("{}:{}", share.container(), share.name()))?)
}

impl Sequence for Sharing {
    type Step = ShareStep;
    type Outcome = ShareRecord;

    fn steps(&self) -> Vec<ShareStep> {
        let (share, at) = (&self.share, self.share.at().clone());
        vec![
            ShareStep::MakeDirectory(share.container_dir().clone()),
            ShareStep::MakePlaceholder(at.clone()),
            ShareStep::Bind(share.request()),
            ShareStep::Note(at),
        ]
    }

    fn take(&mut self, step: &ShareStep, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<ShareStep>, Error> {
        let taken = self.take_step(step, fs, mounter);
        self.failed = FailedStep::new(&taken, |error| {
            is_lost_race(error)
                || is_of_another_caller(error)
                    && self.bound.is_none()
                    && mounter.mount_of(self.share.at()).is_ok_and(|found| found.is_root)
        });
        taken
    }

    fn take_back(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        let mut left = Vec::new();
        let bound = self.bound.take().map(|key| (self.share.at().clone(), key));
        for (at, mount) in [bound, self.prepared.take()].into_iter().flatten() {
            if detach_exactly(mounter, &at, mount).is_err() {
                left.push(Leftover::Mount { mount, at: at.for_display() });
            }
        }
        let made: Vec<_> = self.made.drain(..).chain(self.prepared_on.take()).collect();
        placeholder::take_back((fs, mounter), &made, self.failed, &mut left);
        left
    }

    /// # Panics
    ///
    /// Panics where a step is left; [`Run`](crate::stepwise::Run) never calls it before.
    fn outcome(self) -> ShareRecord {
        self.record.expect("the last step makes the record")
    }
}

#[cfg(test)]
mod tests;

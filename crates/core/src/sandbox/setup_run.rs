//! A sandbox's set-up in progress.

use camino::Utf8Path;

use crate::bind::in_span::bind_in_span;
use crate::error::{Error, Leftover};
use crate::mount::{
    BindRequest, Guarantee, MountInfo, MountKey, MountSubtree, Origin, Placeholder, Propagation, UnmountMode,
};
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::sandbox::guest_directory::GuestDirectory;
use crate::sandbox::mounts_directory::{self, is_onto_what_it_shows};
use crate::sandbox::races::{at, is_quicker_at, torn_down};
use crate::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, SetupStep};
use crate::share::layout::share_location;
use crate::share::{Ensured, ShareRecord, ensure_share};
use crate::stepwise::attempts::{ATTEMPTS, is_lost_race, settled_mount};
use crate::stepwise::attempts::{SET_UP_ATTEMPTS, is_of_another_caller};
use crate::stepwise::driver::Driver;
use crate::stepwise::sequence::Sequence;
use crate::stepwise::{Plan, Run};
use crate::unmount::exact::{detach_exactly, unmount_exactly};
use crate::unmount::placeholder::{self, FailedStep};

/// A mount that this call has created.
#[derive(Clone, Debug)]
struct Made {
    mount: MountKey,
    at: camino::Utf8PathBuf,
}

/// A [`SandboxSetup`] in progress.
///
/// Every mount is complete before it is visible, so that another set-up may adopt it at once. A set-up that loses a
/// race starts again and adopts the existing mounts; only its last failure rolls back.
#[derive(Clone, Debug)]
pub(crate) struct SettingUp {
    setup: SandboxSetup,
    /// The directories that this call has created.
    made: Vec<Placeholder>,
    /// The mounts that this call has created, in order.
    mounted: Vec<Made>,
    /// The sandbox-wide binds that this call has created.
    bound: Vec<ShareRecord>,
    /// The mount that the bind of the mounts directory onto itself is attached to.
    under: Option<MountInfo>,
    /// The number of binds onto itself that lost a race.
    lost: u32,
    onto_itself: Option<MountKey>,
    shared: Option<MountKey>,
    private: Option<MountKey>,
    bind_mounts: Vec<ShareRecord>,
    origin: Option<Origin>,
    mounts_shows: Option<MountSubtree>,
    private_shows: Option<MountSubtree>,
    /// The last step, if it failed.
    failed: FailedStep,
}

impl SandboxSetup {
    /// The steps, before anything is changed.
    pub fn plan(&self) -> Plan {
        self.start().plan()
    }

    /// Begins it: nothing is changed before the first [`advance`](Run::advance).
    pub fn start(&self) -> Run<SandboxDirs> {
        Run::new(SettingUp::new(self.clone()))
    }

    /// Sets a sandbox up, or changes nothing. A second call changes nothing and returns the same.
    ///
    /// May be called by several threads and processes at once for the same sandbox: each returns `Ok`, and one set of
    /// mounts exists. A set-up that meets a tear-down starts again, a bounded number of times; then it fails with
    /// `ESTALE`. One that fails for another reason rolls back its own mounts, except those in use; a set-up that has
    /// adopted one of these just before it was unmounted has to be repeated.
    ///
    /// # Errors
    ///
    /// [`Error::NotShared`]: see [`IfNotShared`]. [`Error::Conflict`]: another mount is in the place of one of these.
    /// [`Error::Os`]: the errors of the ports. The changes of this call are rolled back then, unless [`Error::left`]
    /// lists them.
    pub fn run(&self, backend: &dyn Backend) -> Result<SandboxDirs, Error> {
        set_up_sandbox(backend.filesystem(), backend.mounter(), self)
    }
}

pub(crate) fn set_up_sandbox(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    setup: &SandboxSetup,
) -> Result<SandboxDirs, Error> {
    let span = tracing::debug_span!(target: "mountwright", "set_up_sandbox", subsystem = "mount",
        source = %setup.mounts(), destination = %setup.shared());
    span.in_scope(|| {
        let mut attempts = 1..SET_UP_ATTEMPTS;
        Driver::new(SettingUp::new(setup.clone())).finish_beginning_again(fs, mounter, |error, run| {
            let attempt = attempts.next().filter(|_| is_of_another_caller(error) && setup.is_possible(mounter))?;
            mounter.let_others_run(attempt);
            Some(run.again())
        })
    })
}

impl SettingUp {
    pub(crate) fn new(setup: SandboxSetup) -> Self {
        Self {
            setup,
            made: Vec::new(),
            mounted: Vec::new(),
            bound: Vec::new(),
            under: None,
            lost: 0,
            onto_itself: None,
            shared: None,
            private: None,
            bind_mounts: Vec::new(),
            origin: None,
            mounts_shows: None,
            private_shows: None,
            failed: FailedStep::default(),
        }
    }

    /// The same set-up from its first step. It adopts the changes so far, and rolls them back if it fails.
    pub(crate) fn again(&self) -> Self {
        let (made, mounted, bound) = (self.made.clone(), self.mounted.clone(), self.bound.clone());
        Self { made, mounted, bound, ..Self::new(self.setup.clone()) }
    }

    fn note(&mut self, mount: MountKey, at: &Utf8Path) -> MountKey {
        self.mounted.push(Made { mount, at: at.to_owned() });
        mount
    }

    fn look_at_mounts(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<SetupStep>, Error> {
        let path = self.setup.mounts().to_owned();
        let there = mounts_directory::look(fs, mounter, &path)?;
        let is_shared = there.mount().propagation.peers.is_some();
        if self.setup.when_unshared() == IfNotShared::Fail {
            return if is_shared { Ok(Vec::new()) } else { Err(Error::NotShared { path: path.into() }) };
        }
        match there {
            mounts_directory::Found::OntoItself(mount) => {
                self.onto_itself = Some(mount.key());
                Ok(if is_shared { Vec::new() } else { vec![SetupStep::MakeShared(path)] })
            }
            mounts_directory::Found::Other(_) if is_shared => Ok(Vec::new()),
            mounts_directory::Found::Other(mount) => {
                self.under = Some(mount);
                Ok(vec![SetupStep::BindOntoItself(path)])
            }
        }
    }

    /// Binds the mounts directory onto itself. Where another caller has bound it first, the directory is looked up
    /// again.
    fn bind_mounts_dir(&mut self, mounter: &dyn Mounter, path: &Utf8Path) -> Result<Vec<SetupStep>, Error> {
        let Some(under) = &self.under else { return Err(torn_down(path)) };
        let lost = match mounts_directory::bind(mounter, path, under) {
            Ok(mount) => {
                self.onto_itself = Some(self.note(mount, path));
                return Ok(Vec::new());
            }
            Err(error) if is_quicker_at(&error) => error,
            Err(error) => return Err(error),
        };
        self.lost += 1;
        if self.lost == ATTEMPTS {
            return Err(lost);
        }
        mounter.let_others_run(self.lost);
        Ok(vec![SetupStep::LookAtMounts(path.to_owned(), self.setup.when_unshared())])
    }

    fn make_shared(&self, mounter: &dyn Mounter, path: &Utf8Path) -> Result<(), Error> {
        match self.onto_itself {
            Some(mount) => mounts_directory::make_shared(mounter, path, mount),
            None => Err(torn_down(path)),
        }
    }

    fn bind_shared(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<(), Error> {
        let directory = GuestDirectory { fs, mounter, setup: &self.setup, onto_itself: self.onto_itself };
        let (mount, made_now) = directory.bind()?;
        self.shared = Some(mount);
        if made_now {
            let shared = self.setup.shared().to_owned();
            self.note(mount, &shared);
        }
        if let Some(mount) = self.onto_itself
            && !mounts_directory::is_shared(mounter, self.setup.mounts(), mount)?
        {
            return Err(torn_down(self.setup.mounts()));
        }
        Ok(())
    }

    fn make_private(&mut self, mounter: &dyn Mounter, path: &Utf8Path) -> Result<(), Error> {
        for attempt in 0..ATTEMPTS {
            let there = settled_mount(mounter, &at(path))?;
            let is_shared = there.mount.propagation.peers.is_some();
            if there.is_root && is_onto_what_it_shows(mounter, &there.mount)? {
                if is_shared {
                    mounter.set_propagation_of(&at(path), there.mount.key(), Propagation::Private)?;
                }
                self.private = Some(there.mount.key());
                return Ok(());
            }
            if !is_shared {
                return Ok(());
            }
            if let Some(mount) = bind_privately(mounter, path, &there.mount)? {
                self.private = Some(self.note(mount, path));
                return Ok(());
            }
            mounter.let_others_run(attempt);
        }
        Err(torn_down(path))
    }

    fn ensure(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, share: &crate::share::Share) -> Result<(), Error> {
        let record = match ensure_share(fs, mounter, share)? {
            Ensured::Done(record) => {
                self.bound.push(record.clone());
                record
            }
            Ensured::AlreadySatisfied(record) => record,
            Ensured::Conflict(conflict) => return Err(conflict.into()),
        };
        self.bind_mounts.push(record);
        Ok(())
    }
}

/// Binds `path` onto itself, private, on the mount `under`. Returns `None` where another caller has mounted in between;
/// this bind is rolled back then.
fn bind_privately(mounter: &dyn Mounter, path: &Utf8Path, under: &MountInfo) -> Result<Option<MountKey>, Error> {
    let request = BindRequest::new(at(path), at(path)).propagation(Propagation::Private).stacking();
    let mount = bind_in_span(mounter, &request.require(Guarantee::Window))?.mount;
    mounts_directory::keep_if_on(mounter, path, mount, under)
}

/// The subtree of a filesystem that a mount of the set-up shows, for its record.
fn shown_by(mounter: &dyn Mounter, needed: Option<MountKey>) -> Result<Option<MountSubtree>, Error> {
    match needed {
        Some(mount) => Ok(Some(MountSubtree::from(&mounter.find_mount(mount)?))),
        None => Ok(None),
    }
}

impl SettingUp {
    fn take_step(
        &mut self,
        step: &SetupStep,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
    ) -> Result<Vec<SetupStep>, Error> {
        match step {
            SetupStep::MakeDirectories(path) => placeholder::make_dirs(fs, path.as_std_path(), &mut self.made)?,
            SetupStep::LookAtMounts(..) => return self.look_at_mounts(fs, mounter),
            SetupStep::BindOntoItself(path) => return self.bind_mounts_dir(mounter, path),
            SetupStep::MakeShared(path) => self.make_shared(mounter, path)?,
            SetupStep::BindShared { .. } => {
                self.bind_shared(fs, mounter)?;
                self.origin = Some(mounter.origin()?);
                self.mounts_shows = shown_by(mounter, self.shared)?;
            }
            SetupStep::MakePrivate(path) => {
                self.make_private(mounter, path)?;
                self.private_shows = shown_by(mounter, self.private)?;
            }
            SetupStep::Share(share) => self.ensure(fs, mounter, share)?,
        }
        Ok(Vec::new())
    }
}

impl Sequence for SettingUp {
    type Step = SetupStep;
    type Outcome = SandboxDirs;

    fn steps(&self) -> Vec<SetupStep> {
        let setup = &self.setup;
        let (mounts_dir, shared_dir) = (setup.mounts().to_owned(), setup.shared().to_owned());
        let mut steps = vec![
            SetupStep::MakeDirectories(mounts_dir.clone()),
            SetupStep::LookAtMounts(mounts_dir.clone(), setup.when_unshared()),
            SetupStep::MakeDirectories(shared_dir.clone()),
            SetupStep::BindShared { mounts_dir, shared_dir },
        ];
        if let Some(private_dir) = setup.private() {
            steps.push(SetupStep::MakeDirectories(private_dir.to_owned()));
            steps.push(SetupStep::MakePrivate(private_dir.to_owned()));
        }
        steps.extend(setup.shares().iter().cloned().map(Box::new).map(SetupStep::Share));
        steps
    }

    fn take(&mut self, step: &SetupStep, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<SetupStep>, Error> {
        let taken = self.take_step(step, fs, mounter);
        self.failed = FailedStep::new(&taken, is_lost_race);
        taken
    }

    fn take_back(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        let mut left = Vec::new();
        for record in self.bound.drain(..).rev() {
            let at = share_location(self.setup.mounts(), &record.container, &record.name)
                .unwrap_or_else(|_| Location::Trusted(record.path.clone()));
            if detach_exactly(mounter, &at, record.mount).is_err() {
                left.push(Leftover::Mount { mount: record.mount, at: record.path });
            }
            placeholder::take_back((fs, mounter), &record.made, self.failed, &mut left);
        }
        for Made { mount, at: path } in self.mounted.drain(..).rev() {
            // No lazy unmount: other callers may use it by now.
            if unmount_exactly(mounter, &at(&path), mount, UnmountMode::Plain).is_err() {
                left.push(Leftover::Mount { mount, at: path.into() });
            }
        }
        placeholder::take_back((fs, mounter), &self.made, self.failed, &mut left);
        self.made.clear();
        left
    }

    /// # Panics
    ///
    /// Panics where a step is left; [`Run`](crate::stepwise::Run) never calls it before.
    fn outcome(self) -> SandboxDirs {
        SandboxDirs {
            mounts_dir: self.setup.mounts().to_owned(),
            shared_dir: self.setup.shared().to_owned(),
            private_dir: self.setup.private().map(Utf8Path::to_owned),
            origin: self.origin,
            mounts_shows: self.mounts_shows,
            private_shows: self.private_shows,
            shared: self.shared.expect("a step binds it"),
            made_shared: self.onto_itself,
            made_private: self.private,
            bind_mounts: self.bind_mounts,
            made: self.made,
        }
    }
}

#[cfg(test)]
mod tests;

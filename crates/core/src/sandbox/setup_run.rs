//! A sandbox's set-up under way.

use camino::{Utf8Path, Utf8PathBuf};

use crate::bind::bind_mount::bind_in_span;
use crate::device::within_root::within_root;
use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::mount::subpath::is_onto_itself;
use crate::mount::{
    BindRequest, Guarantee, MountId, MountInfo, MountKey, MountSubtree, Origin, Placeholder, Propagation, Recursion,
};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};
use crate::sandbox::{SandboxDirs, SandboxSetup, SetupStep, UnsharedMounts};
use crate::share::ensure::{is_quicker, may_be_in_the_making};
use crate::share::expected_mount::shape_of_bind;
use crate::share::layout::share_location;
use crate::share::{Ensured, ShareRecord, ensure_share};
use crate::stepwise::Sequence;
use crate::stepwise::attempts::{ATTEMPTS, is_lost_race, let_others_run, settled_mount, settled_mount_on};
use crate::unmount::exact::detach_exactly;
use crate::unmount::placeholder;

/// A mount that the set-up needs.
#[derive(Clone, Copy, Debug)]
struct Needed {
    mount: MountKey,
    /// This run has made it, and takes it back when it fails.
    made_now: bool,
}

/// A sandbox-wide bind.
#[derive(Clone, Debug)]
struct Bound {
    record: ShareRecord,
    /// This run has made it, and rolls it back when it fails.
    made_now: bool,
}

/// A [`SandboxSetup`] under way.
#[derive(Clone, Debug)]
pub struct SettingUp {
    setup: SandboxSetup,
    made: Vec<Placeholder>,
    onto_itself: Option<Needed>,
    /// The mount that the bind of the host's directory onto itself goes on.
    under: Option<MountId>,
    /// The binds onto itself that were undone for another caller's.
    undone: u32,
    shared: Option<Needed>,
    private: Option<Needed>,
    bound: Vec<Bound>,
    origin: Option<Origin>,
    mounts_shows: Option<MountSubtree>,
    private_shows: Option<MountSubtree>,
    /// Another caller has mounted where this one was to.
    lost_a_race: bool,
}

impl SettingUp {
    pub(crate) fn new(setup: SandboxSetup) -> Self {
        Self {
            setup,
            made: Vec::new(),
            onto_itself: None,
            under: None,
            undone: 0,
            shared: None,
            private: None,
            bound: Vec::new(),
            origin: None,
            mounts_shows: None,
            private_shows: None,
            lost_a_race: false,
        }
    }

    fn look_at_mounts(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<Vec<SetupStep>, Error> {
        let path = self.setup.mounts();
        // Of a mount outside of the root a second set-up could not recognize what this one makes.
        let there = within_root(fs, mounter, &at(path), settled_mount(mounter, &at(path)))?;
        let is_shared = there.mount.propagation.peers.is_some();
        match (is_shared, self.setup.when_unshared()) {
            (true, UnsharedMounts::Refuse) => Ok(Vec::new()),
            (false, UnsharedMounts::Refuse) => Err(Error::NotShared { path: path.into() }),
            (_, UnsharedMounts::MakeShared) => {
                if there.is_root && shows_what_is_under_it(mounter, &there.mount)? {
                    self.onto_itself = Some(Needed { mount: there.mount.key(), made_now: false });
                    return Ok(if is_shared { Vec::new() } else { vec![SetupStep::MakeShared(path.to_owned())] });
                }
                self.under = Some(there.mount.id);
                let path = path.to_owned();
                let steps = vec![SetupStep::BindOntoItself(path.clone()), SetupStep::MakeShared(path)];
                Ok(if is_shared { Vec::new() } else { steps })
            }
        }
    }

    /// The mounts directory onto itself. Where another caller has bound it meanwhile, this bind is undone and the mount
    /// looked at again.
    fn bind_mounts_dir(
        &mut self,
        fs: &dyn Filesystem,
        mounter: &dyn Mounter,
        path: &Utf8Path,
    ) -> Result<Vec<SetupStep>, Error> {
        if let Some(mount) = bind_onto_itself(fs, mounter, path, self.under)? {
            self.onto_itself = Some(Needed { mount, made_now: true });
            return Ok(Vec::new());
        }
        self.undone += 1;
        if self.undone == ATTEMPTS {
            return Err(torn_down(path));
        }
        let_others_run();
        Ok(vec![SetupStep::LookAtMounts(path.to_owned(), self.setup.when_unshared())])
    }

    /// By path, which may lead to a mount that another caller is about to undo: so it is looked at afterwards.
    fn make_shared(&self, mounter: &dyn Mounter, path: &Utf8Path) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            mounter.set_propagation(&at(path), Propagation::Shared, Recursion::This)?;
            if self.mounts_dir_is_shared(mounter)? {
                return Ok(());
            }
            let_others_run();
        }
        Err(torn_down(path))
    }

    /// Whether the mount of the mounts directory onto itself is there and shared, where one is needed.
    fn mounts_dir_is_shared(&self, mounter: &dyn Mounter) -> Result<bool, Error> {
        let Some(needed) = self.onto_itself else { return Ok(true) };
        match mounter.find_mount(needed.mount) {
            Ok(found) => Ok(found.propagation.peers.is_some()),
            Err(error) if error.errno() == Errno::ENOENT => Err(torn_down(self.setup.mounts())),
            Err(error) => Err(error.into()),
        }
    }

    fn bind_shared(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Result<(), Error> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match try_to_bind_shared(fs, mounter, &self.setup) {
                Ok(needed) => {
                    self.shared = Some(needed);
                    let linked = self.mounts_dir_is_shared(mounter)?;
                    return if linked { Ok(()) } else { Err(torn_down(self.setup.mounts())) };
                }
                Err(Error::Conflict(conflict)) if may_be_in_the_making(&conflict) => last = Some(conflict.into()),
                Err(error) if is_quicker(&error) => last = Some(error),
                Err(error) => return Err(error),
            }
            let_others_run();
        }
        Err(last.unwrap_or_else(|| torn_down(self.setup.shared())))
    }

    fn make_private(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, path: &Utf8Path) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let there = settled_mount(mounter, &at(path))?;
            let is_shared = there.mount.propagation.peers.is_some();
            if there.is_root && shows_what_is_under_it(mounter, &there.mount)? {
                if is_shared {
                    mounter.set_propagation(&at(path), Propagation::Private, Recursion::This)?;
                }
                self.private = Some(Needed { mount: there.mount.key(), made_now: false });
                return Ok(());
            }
            if !is_shared {
                return Ok(());
            }
            if let Some(mount) = bind_onto_itself(fs, mounter, path, Some(there.mount.id))? {
                self.private = Some(Needed { mount, made_now: true });
                return Ok(());
            }
            let_others_run();
        }
        Err(torn_down(path))
    }

    fn ensure(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter, share: &crate::share::Share) -> Result<(), Error> {
        let bound = match ensure_share(fs, mounter, share)? {
            Ensured::Done(record) => Bound { record, made_now: true },
            Ensured::AlreadySatisfied(record) => Bound { record, made_now: false },
            Ensured::Conflict(conflict) => return Err(conflict.into()),
        };
        self.bound.push(bound);
        Ok(())
    }
}

/// Another caller is tearing the sandbox down while it is set up.
fn torn_down(path: &Utf8Path) -> Error {
    OsError::new(Operation::FindMount, path.as_std_path(), Errno::ESTALE).into()
}

fn try_to_bind_shared(fs: &dyn Filesystem, mounter: &dyn Mounter, setup: &SandboxSetup) -> Result<Needed, Error> {
    let (mounts, shared) = (at(setup.mounts()), at(setup.shared()));
    if let Some(there) = settled_mount_on(mounter, &shared)? {
        let wanted = shape_of_bind(fs, mounter, &mounts, true, Propagation::Slave)?;
        return Ok(Needed { mount: wanted.check(there)?.key(), made_now: false });
    }
    // Nothing is below `shared` yet, so there is no copy that a window could leave writable.
    let request = BindRequest::new(mounts, shared).read_only().propagation(Propagation::Slave);
    Ok(Needed { mount: bind_in_span(fs, mounter, &request)?.mount, made_now: true })
}

fn shows(mounter: &dyn Mounter, path: &Utf8Path, mount: MountKey) -> bool {
    mounter.mount_of(&at(path)).is_ok_and(|found| found.mount.key() == mount)
}

/// Binds `path` onto itself, on the mount `under`. `None`: another caller has mounted between the two; this bind is undone.
fn bind_onto_itself(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    path: &Utf8Path,
    under: Option<MountId>,
) -> Result<Option<MountKey>, Error> {
    let mount = bind_in_span(fs, mounter, &onto_itself(path))?.mount;
    match mounter.find_mount(mount) {
        Ok(info) if Some(info.parent) == under => return Ok(Some(mount)),
        Ok(_) => {}
        // Believed only when two calls say so.
        Err(gone) if gone.errno() == Errno::ENOENT && !shows(mounter, path, mount) => return Ok(None),
        Err(error) => {
            let undone = detach_exactly(mounter, &at(path), mount).is_ok();
            let left = (!undone).then(|| Leftover::Mount { mount, at: path.into() });
            return Err(Error::from(error).leaving(left.into_iter().collect()));
        }
    }
    match detach_exactly(mounter, &at(path), mount) {
        Ok(()) => Ok(None),
        Err(error) => Err(error.leaving(Leftover::Mount { mount, at: path.into() }).into()),
    }
}

/// The part of a filesystem that a mount of the set-up shows, for its record.
fn shown_by(mounter: &dyn Mounter, needed: Option<Needed>) -> Result<Option<MountSubtree>, Error> {
    match needed {
        Some(needed) => Ok(Some(MountSubtree::from(&mounter.find_mount(needed.mount)?))),
        None => Ok(None),
    }
}

fn at(path: &Utf8Path) -> Location {
    Location::from(path.as_std_path())
}

/// Private first, whatever it would have been a slave of; and on top of whatever is mounted there.
fn onto_itself(path: &Utf8Path) -> BindRequest {
    BindRequest::new(at(path), at(path)).propagation(Propagation::Private).stacking().require(Guarantee::Window)
}

fn shows_what_is_under_it(mounter: &dyn Mounter, mount: &MountInfo) -> Result<bool, Error> {
    match mounter.find_mount(MountKey::Reused(mount.parent)) {
        Ok(parent) => Ok(is_onto_itself(mount, &parent)),
        Err(error) if error.errno() == Errno::ENOENT => Ok(false),
        Err(error) => Err(error.into()),
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
            SetupStep::BindOntoItself(path) => return self.bind_mounts_dir(fs, mounter, path),
            SetupStep::MakeShared(path) => self.make_shared(mounter, path)?,
            SetupStep::BindShared { .. } => {
                self.bind_shared(fs, mounter)?;
                self.origin = Some(mounter.origin()?);
                self.mounts_shows = shown_by(mounter, self.shared)?;
            }
            SetupStep::MakePrivate(path) => {
                self.make_private(fs, mounter, path)?;
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
        self.lost_a_race = taken.as_ref().is_err_and(is_lost_race);
        taken
    }

    fn take_back(&mut self, fs: &dyn Filesystem, mounter: &dyn Mounter) -> Vec<Leftover> {
        let mut left = Vec::new();
        for Bound { record, .. } in self.bound.drain(..).rev().filter(|bound| bound.made_now) {
            let at = share_location(self.setup.mounts(), &record.container, &record.name)
                .unwrap_or_else(|_| Location::Trusted(record.path.clone()));
            if detach_exactly(mounter, &at, record.mount).is_err() {
                left.push(Leftover::Mount { mount: record.mount, at: record.path });
            }
            left.extend(placeholder::take_back(fs, &record.made, self.lost_a_race && left.is_empty()));
        }
        let private_dir = self.setup.private().map_or_else(Utf8PathBuf::new, Utf8Path::to_owned);
        let needed = [
            (self.private.take(), private_dir.as_path()),
            (self.shared.take(), self.setup.shared()),
            (self.onto_itself.take(), self.setup.mounts()),
        ];
        for (needed, path) in needed {
            if let Some(Needed { mount, made_now: true }) = needed
                && detach_exactly(mounter, &at(path), mount).is_err()
            {
                left.push(Leftover::Mount { mount, at: path.into() });
            }
        }
        left.extend(placeholder::take_back(fs, &self.made, self.lost_a_race && left.is_empty()));
        self.made.clear();
        left
    }

    /// # Panics
    ///
    /// Where a step is left: [`Run`](crate::stepwise::Run) never asks before.
    fn outcome(self) -> SandboxDirs {
        SandboxDirs {
            mounts_dir: self.setup.mounts().to_owned(),
            shared_dir: self.setup.shared().to_owned(),
            private_dir: self.setup.private().map(Utf8Path::to_owned),
            origin: self.origin,
            mounts_shows: self.mounts_shows,
            private_shows: self.private_shows,
            shared: self.shared.expect("a step binds it").mount,
            made_shared: self.onto_itself.map(|needed| needed.mount),
            made_private: self.private.map(|needed| needed.mount),
            bind_mounts: self.bound.into_iter().map(|bound| bound.record).collect(),
            made: self.made,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::DeviceNumber;
    use crate::mount::{BindReport, Conflict, Difference, MountId, PathMount, UniqueMountId};
    use crate::mount_table::MountTable;
    use crate::path::ContainerId;
    use crate::ports::MockMounter;
    use crate::sandbox::set_up_sandbox;
    use crate::test_support::in_memory_names::{Paper, SharedPaper, filesystem};
    use std::num::NonZeroU64;
    use std::sync::{Arc, Mutex};

    /// A mount table behind the mock: what is asked is answered from it; binds and unmounts are written down, not made.
    fn mounter(table: &'static str, log: &Arc<Mutex<Vec<String>>>, refuse: Option<&'static str>) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
        mounter.expect_mount_of().returning(move |at| {
            let table = MountTable::parse(table);
            let mount = table.mount_holding(&at.for_display()).unwrap().to_info();
            Ok(PathMount { is_root: mount.mount_point == at.for_display(), mount })
        });
        // What is bound is on the mount that the table has there; whatever was made shared is shared.
        let (parent, shared) = (Arc::new(Mutex::new(MountId(1))), Arc::new(Mutex::new(false)));
        let (on, is_shared) = (parent.clone(), shared.clone());
        mounter.expect_find_mount().returning(move |key| {
            let mut found = match key {
                MountKey::Reused(id) if MountTable::parse(table).by_id(id).is_some() => {
                    MountTable::parse(table).by_id(id).unwrap().to_info()
                }
                MountKey::Unique(_) => MountInfo::new(MountId(50), *on.lock().unwrap(), DeviceNumber::new(8, 1)),
                MountKey::Reused(_) => return Err(OsError::new(Operation::FindMount, key, Errno::ENOENT)),
            };
            if *is_shared.lock().unwrap() {
                found.propagation.peers = crate::mount::PeerGroup::new(9);
            }
            Ok(found)
        });
        let sink = log.clone();
        let next = Arc::new(Mutex::new(100));
        mounter.expect_bind().returning(move |request| {
            let line = format!("{}", crate::share::step::Bound(request));
            if refuse.is_some_and(|refused| line.contains(refused)) {
                return Err(OsError::new(Operation::Bind, request.target().for_display(), Errno::ENOMEM));
            }
            sink.lock().unwrap().push(line);
            let table = MountTable::parse(table);
            *parent.lock().unwrap() = table.mount_holding(&request.target().for_display()).unwrap().id();
            let mut next = next.lock().unwrap();
            *next += 1;
            let key = MountKey::Unique(UniqueMountId(NonZeroU64::new(*next).unwrap()));
            Ok(BindReport::new(key, Guarantee::Atomic))
        });
        let sink = log.clone();
        mounter.expect_set_propagation().returning(move |at, propagation, _| {
            sink.lock().unwrap().push(format!("{} {propagation}", at.for_display().display()));
            *shared.lock().unwrap() |= propagation == Propagation::Shared;
            Ok(())
        });
        let sink = log.clone();
        mounter.expect_unmount().returning(move |request| {
            assert!(request.expected().is_some());
            sink.lock().unwrap().push(format!("take {} off", request.at().for_display().display()));
            Ok(())
        });
        mounter
    }

    const PRIVATE_ROOT: &str = "1 0 8:1 / / rw - ext4 a rw\n";
    const SHARED_ROOT: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n";

    fn setup() -> SandboxSetup {
        SandboxSetup::new("/sb/m", "/sb/s").unwrap()
    }

    fn run(
        table: &'static str,
        setup: &SandboxSetup,
        refuse: Option<&'static str>,
    ) -> (Result<SandboxDirs, Error>, Vec<String>, SharedPaper) {
        let paper = Paper::with(&["/", "/etc", "/etc/certs"]);
        let log = Arc::new(Mutex::new(Vec::new()));
        let result = set_up_sandbox(&filesystem(&paper), &mounter(table, &log, refuse), setup);
        let log = log.lock().unwrap().clone();
        (result, log, paper)
    }

    #[test]
    fn on_a_shared_mount_it_is_one_bind() {
        let (dirs, log, paper) = run(SHARED_ROOT, &setup(), None);
        assert_eq!(log, ["bind /sb/m onto /sb/s, read-only, slave"]);
        let dirs = dirs.unwrap();
        assert_eq!(dirs.made_shared, None);
        assert_eq!(dirs.made.len(), 3);
        assert_eq!(paper.lock().unwrap().log, ["make /sb", "make /sb/m", "make /sb/s"]);
    }

    #[test]
    fn a_slave_that_would_be_private_is_refused() {
        let (result, log, paper) = run(PRIVATE_ROOT, &setup(), None);
        assert_eq!(result, Err(Error::NotShared { path: "/sb/m".into() }));
        assert!(log.is_empty());
        assert_eq!(paper.lock().unwrap().names.len(), 3);
    }

    #[test]
    fn it_is_made_shared_when_asked_private_first() {
        let (dirs, log, _) = run(PRIVATE_ROOT, &setup().unshared(UnsharedMounts::MakeShared), None);
        assert_eq!(log, ["bind /sb/m onto /sb/m, private", "/sb/m shared", "bind /sb/m onto /sb/s, read-only, slave"]);
        assert!(dirs.unwrap().made_shared.is_some());
    }

    #[test]
    fn what_an_earlier_set_up_made_is_taken_over_and_completed() {
        let half = "1 0 8:1 / / rw - ext4 a rw\n7 1 8:1 /sb/m /sb/m rw - ext4 a rw\n";
        let (dirs, log, _) = run(half, &setup().unshared(UnsharedMounts::MakeShared), None);
        assert_eq!(log, ["/sb/m shared", "bind /sb/m onto /sb/s, read-only, slave"]);
        assert_eq!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));

        let whole = "1 0 8:1 / / rw - ext4 a rw\n7 1 8:1 /sb/m /sb/m rw shared:4 - ext4 a rw\n\
                     8 1 8:1 /sb/m /sb/s ro master:4 - ext4 a rw\n";
        let (dirs, log, _) = run(whole, &setup().unshared(UnsharedMounts::MakeShared), None);
        assert!(log.is_empty(), "{log:?}");
        let dirs = dirs.unwrap();
        assert_eq!(dirs.made_shared, Some(MountKey::Reused(MountId(7))));
        assert_eq!(dirs.shared, MountKey::Reused(MountId(8)));
    }

    #[test]
    fn something_else_on_the_guests_directory_is_a_conflict() {
        let other = "1 0 8:1 / / rw shared:1 - ext4 a rw\n8 1 0:9 / /sb/s rw - tmpfs t rw\n";
        let (result, log, _) = run(other, &setup(), None);
        let Err(Error::Conflict(Conflict { differences, .. })) = result else { panic!("{result:?}") };
        let all = [Difference::Device, Difference::Subpath, Difference::Attributes, Difference::Propagation].to_vec();
        assert_eq!(differences, all);
        assert!(log.is_empty());
    }

    #[test]
    fn a_failure_takes_everything_back_in_reverse() {
        let certs = [Location::trusted("/etc/certs"), Location::trusted("/etc")];
        let setup = setup().unshared(UnsharedMounts::MakeShared).bind_mounts(&certs).unwrap();
        let (result, log, paper) = run(PRIVATE_ROOT, &setup, Some("sandbox-mounts/etc"));
        let error = result.unwrap_err();
        assert_eq!((error.errno(), error.left()), (Some(Errno::ENOMEM), &[][..]));
        assert_eq!(
            log[3..],
            [
                "bind /etc/certs onto /sb/m/sandbox-mounts/certs, read-only, private",
                "take /sb/m/sandbox-mounts/certs off",
                "take /sb/s off",
                "take /sb/m off"
            ]
        );
        assert_eq!(paper.lock().unwrap().names.len(), 3, "{:?}", paper.lock().unwrap().log);
    }

    #[test]
    fn a_private_place_is_cut_off_from_its_peers() {
        let (dirs, log, _) = run(SHARED_ROOT, &setup().private_dir("/sb/p").unwrap(), None);
        assert_eq!(log[1], "bind /sb/p onto /sb/p, private");
        assert!(dirs.unwrap().made_private.is_some());
        let made = "1 0 8:1 / / rw shared:1 - ext4 a rw\n5 1 8:1 /sb/p /sb/p rw - ext4 a rw\n";
        let (dirs, log, _) = run(made, &setup().private_dir("/sb/p").unwrap(), None);
        assert_eq!(log.len(), 1);
        assert_eq!(dirs.unwrap().made_private, Some(MountKey::Reused(MountId(5))));
    }

    #[test]
    fn names_are_checked_before_anything_is_touched() {
        let two = [Location::trusted("/a/x"), Location::trusted("/b/x")];
        assert_eq!(setup().bind_mounts(&two), Err(Error::DuplicateName { name: "x".into() }));
        let nameless = setup().bind_mounts(&[Location::trusted("/")]);
        assert!(matches!(nameless, Err(Error::NotRelative(_))), "{nameless:?}");
        let unspecified = |what| Err(Error::Unspecified { what });
        assert_eq!(SandboxSetup::new("", "/s"), unspecified("mounts directory"));
        assert_eq!(SandboxSetup::new("/m", ""), unspecified("shared directory"));
        assert_eq!(setup().private_dir(""), unspecified("private directory"));
    }

    #[test]
    fn a_sandboxs_binds_are_read_only() {
        let setup = setup().bind_mounts(&[Location::trusted("/etc/certs")]).unwrap();
        let share = &setup.shares()[0];
        assert!(share.is_read_only());
        assert_eq!(share.container(), &ContainerId::new("sandbox-mounts").unwrap());
    }

    const QUICKER: &str = "1 0 8:1 / / rw shared:1 - ext4 a rw\n8 1 8:1 /sb/m /sb/s ro master:1 - ext4 a rw\n";

    /// The set-up where the bind onto the guest's directory fails like this, and then something is there, or not.
    fn refused_bind(error: &OsError, then: &'static str) -> Result<SandboxDirs, Error> {
        let paper = Paper::with(&["/"]);
        let mut mounter = MockMounter::new();
        mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
        let bound = Arc::new(Mutex::new(false));
        let (seen, error) = (bound.clone(), error.clone());
        mounter.expect_mount_of().returning(move |at| {
            let table = MountTable::parse(if *seen.lock().unwrap() { then } else { SHARED_ROOT });
            let mount = table.mount_holding(&at.for_display()).unwrap().to_info();
            Ok(PathMount { is_root: mount.mount_point == at.for_display(), mount })
        });
        mounter.expect_bind().returning(move |_| {
            *bound.lock().unwrap() = true;
            Err(error.clone())
        });
        mounter.expect_find_mount().returning(move |key| {
            let found = MountTable::parse(then).iter().map(|row| row.to_info()).find(|mount| mount.key() == key);
            found.ok_or_else(|| OsError::new(Operation::FindMount, key, Errno::ENOENT))
        });
        set_up_sandbox(&filesystem(&paper), &mounter, &setup())
    }

    #[test]
    fn who_was_quicker_is_met_and_no_other_failure_is_taken_for_that() {
        let refused = |errno| OsError::new(Operation::Bind, "/sb/s", errno);
        let dirs = refused_bind(&refused(Errno::EBUSY), QUICKER).unwrap();
        assert_eq!(dirs.shared, MountKey::Reused(MountId(8)));
        for (error, then) in [
            (refused(Errno::EBUSY), SHARED_ROOT),
            (refused(Errno::ENOSPC), QUICKER),
            (refused(Errno::EBUSY).leaving(Leftover::Directory("/x".into())), QUICKER),
        ] {
            assert_eq!(refused_bind(&error, then).unwrap_err().errno(), Some(error.errno()), "{error}");
        }
    }

    #[test]
    fn a_mount_whose_parent_cannot_be_seen_does_not_count_as_onto_itself() {
        // Chrooted: the parent is in no table. It is bound once more.
        let chrooted = "1 0 8:1 / / rw - ext4 a rw\n7 99 8:1 /sb/m /sb/m rw - ext4 a rw\n";
        let (dirs, log, _) = run(chrooted, &setup().unshared(UnsharedMounts::MakeShared), None);
        assert_eq!(log[0], "bind /sb/m onto /sb/m, private");
        assert_ne!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));

        for (errno, answer) in [(Errno::ENOENT, Ok(false)), (Errno::EIO, Err(Some(Errno::EIO)))] {
            let mut mounter = MockMounter::new();
            mounter.expect_origin().returning(|| Ok(crate::mount::Origin::UNKNOWN));
            mounter.expect_find_mount().returning(move |key| Err(OsError::new(Operation::FindMount, key, errno)));
            let mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
            assert_eq!(shows_what_is_under_it(&mounter, &mount).map_err(|error| error.errno()), answer);
        }
    }

    #[test]
    fn another_filesystem_on_a_directory_is_not_what_an_earlier_set_up_made() {
        let other = "1 0 8:1 / / rw - ext4 a rw\n7 1 0:9 / /sb/m rw - tmpfs t rw\n";
        let (dirs, log, _) = run(other, &setup().unshared(UnsharedMounts::MakeShared), None);
        assert_eq!(log[..2], ["bind /sb/m onto /sb/m, private", "/sb/m shared"]);
        assert_ne!(dirs.unwrap().made_shared, Some(MountKey::Reused(MountId(7))));
        let other = "1 0 8:1 / / rw shared:1 - ext4 a rw\n7 1 0:9 / /sb/p rw shared:2 - tmpfs t rw\n";
        let (dirs, log, _) = run(other, &setup().private_dir("/sb/p").unwrap(), None);
        assert_eq!(log[1], "bind /sb/p onto /sb/p, private");
        assert_ne!(dirs.unwrap().made_private, Some(MountKey::Reused(MountId(7))));
    }

    #[test]
    fn the_plan_is_there_before() {
        assert_eq!(setup().plan().steps(), setup().start().plan().steps());
        assert!(!setup().plan().steps().is_empty());
    }
}

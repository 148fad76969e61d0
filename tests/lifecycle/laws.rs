//! Laws of any sandbox, on random ones.

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use mountwright_core::mount::UnmountMode;
use mountwright_core::sandbox::{IfNotShared, SandboxDirs, SandboxSetup, TearDown};
use mountwright_core::share::{Ensured, Share, ShareName, ShareRecord};
use mountwright_core::unmount::UnmountStrategy;
use mountwright_core::{BindRequest, ContainerId, Location, Mounter, UnmountRequest};
use mountwright_fake::FakeBackend;
use mountwright_fake::test_kit::{Death, Hooked};
use mountwright_tests::settings::Settings;
use proptest::collection::vec;
use proptest::prelude::{Strategy, TestCaseError, any, prop_assert, prop_assert_eq};
use proptest::test_runner::{Config, TestRunner};

use crate::model::Model;
use crate::state::{State, same};
use crate::stories::{MOUNTS, PRIVATE, SHARED, recovery};

/// A share that a caller may want.
#[derive(Clone, Debug)]
struct Wanted {
    container: usize,
    name: usize,
    source: usize,
    read_only: bool,
    /// Through the staging directory, on a kernel that needs it.
    prepared: bool,
}

const SOURCES: [&str; 5] = ["/w/src/rootfs", "/w/src/data", "/w/src/config", "/w/disk/layer", "/w/other/c1/rootfs"];
const CONTAINERS: [&str; 3] = ["c1", "c1-x", "a.b_c"];
const NAMES: [&str; 4] = ["v", "config", "c1", "with space"];

impl Wanted {
    fn share(&self) -> Share {
        let id = ContainerId::new(CONTAINERS[self.container]).unwrap();
        let source = Location::trusted(SOURCES[self.source]);
        let share = Share::volume(MOUNTS, &id, NAMES[self.name], source).unwrap();
        let share = if self.read_only { share.read_only() } else { share };
        if self.prepared { share.prepared_in(PRIVATE) } else { share }
    }

    fn create(&self, host: &FakeBackend) -> Option<ShareRecord> {
        // One name twice is refused.
        self.share().create(host).ok()
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let numbers = (0..CONTAINERS.len(), 0..NAMES.len(), 0..SOURCES.len());
    (numbers, any::<bool>(), any::<bool>()).prop_map(|((container, name, source), read_only, prepared)| Wanted {
        container,
        name,
        source,
        read_only,
        prepared,
    })
}

fn set_up(host: &FakeBackend) -> SandboxDirs {
    setup().run(host).unwrap()
}

fn setup() -> SandboxSetup {
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(IfNotShared::MakeShared);
    setup.private_dir(PRIVATE).unwrap().bind_mounts(&[Location::trusted("/w/src/config")]).unwrap()
}

fn is_same(before: &State, after: &State) -> Result<(), TestCaseError> {
    same("it changed", before, after).map_err(TestCaseError::fail)
}

/// The way in which a share is removed.
#[derive(Clone, Copy, Debug)]
enum Way {
    Name,
    Record,
    TearDown,
}

fn way() -> impl Strategy<Value = Way> {
    (0..3_usize).prop_map(|number| [Way::Name, Way::Record, Way::TearDown][number])
}

type Shares = Vec<Wanted>;

fn share_then_unshare((shared, others, one, way): (bool, Shares, Wanted, Way)) -> Result<(), TestCaseError> {
    let model = Model::new(shared);
    let host = model.backend();
    set_up(&host);
    for other in &others {
        other.create(&host);
    }
    let before = State::of(&model);
    let Some(record) = one.create(&host) else { return is_same(&before, &State::of(&model)) };
    match way {
        Way::Name => {
            let name = ShareName::volume(record.name.clone());
            let _outcome = name.unshare(&host, MOUNTS.into(), &record.container).unwrap();
        }
        Way::Record => {
            let _outcome = record.unshare(&host, MOUNTS.into()).unwrap();
        }
        Way::TearDown => {
            let report = TearDown::container(MOUNTS, &[record]).how(UnmountStrategy::Strict).run(&host);
            prop_assert!(report.is_clean(), "{}", report);
        }
    }
    is_same(&before, &State::of(&model))
}

fn twice_is_once((shared, others, one): (bool, Shares, Wanted)) -> Result<(), TestCaseError> {
    let model = Model::new(shared);
    let host = model.backend();
    let dirs = set_up(&host);
    for other in &others {
        other.create(&host);
    }
    let first = one.share().ensure(&host).unwrap();
    let before = State::of(&model);
    let second = one.share().ensure(&host).unwrap();
    match (first, second) {
        (Ensured::Done(first) | Ensured::AlreadySatisfied(first), Ensured::AlreadySatisfied(second)) => {
            prop_assert_eq!(first.mount, second.mount);
        }
        (Ensured::Conflict(first), Ensured::Conflict(second)) => prop_assert_eq!(first, second),
        other => prop_assert!(false, "{:?}", other),
    }
    prop_assert_eq!(set_up(&host).shared, dirs.shared);
    is_same(&before, &State::of(&model))
}

/// The change of a share before it is torn down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Whole,
    /// Another process has unmounted it.
    Detached,
    /// Another process has mounted something on top.
    Covered,
    /// Its name was removed too.
    Gone,
}

fn fate() -> impl Strategy<Value = Fate> {
    (0..4_usize).prop_map(|number| [Fate::Whole, Fate::Detached, Fate::Covered, Fate::Gone][number])
}

fn half_made((host_shared, wanted, detach): (bool, Vec<(Wanted, Fate)>, bool)) -> Result<(), TestCaseError> {
    let model = Model::new(host_shared);
    let host = model.backend();
    let before = State::of(&model);
    let dirs = set_up(&host);
    let mut records = Vec::new();
    for (wanted, fate) in wanted {
        let Some(record) = wanted.create(&host) else { continue };
        let at = Location::Trusted(record.path.clone());
        if [Fate::Detached, Fate::Gone].contains(&fate) {
            host.unmount(&UnmountRequest::new(at.clone()).with_mode(UnmountMode::Detach)).unwrap();
        }
        if fate == Fate::Covered {
            host.bind(&BindRequest::new(Location::trusted(SOURCES[wanted.source]), at).stacking()).unwrap();
        } else if fate == Fate::Gone {
            let made = record.made.last().map(|made| made.at.clone());
            made.map(|at| mountwright_core::Filesystem::remove_dir(&host, &at));
        }
        records.push(record);
    }
    let how = if detach { UnmountStrategy::Lazy } else { UnmountStrategy::Strict };
    let report = TearDown::sandbox(&dirs, &records).how(how).run(&host);
    prop_assert!(report.is_clean(), "{}", report);
    is_same(&before, &State::of(&model))?;
    let again = TearDown::sandbox(&dirs, &records).how(how).run(&host);
    prop_assert!(again.is_clean(), "{}", again);
    is_same(&before, &State::of(&model))
}

fn roll_back((shared, steps, others): (bool, usize, Shares)) -> Result<(), TestCaseError> {
    let model = Model::new(shared);
    let host = model.backend();
    let before = State::of(&model);
    let mut run = setup().start();
    for _ in 0..steps {
        run.advance(&host).unwrap();
    }
    prop_assert_eq!(run.roll_back(&host), vec![]);
    is_same(&before, &State::of(&model))?;
    set_up(&host);
    let before = State::of(&model);
    for wanted in others {
        let mut run = wanted.share().start();
        for _ in 0..steps {
            // Some shares cannot be made: of a file on a name that is a directory, say.
            if run.advance(&host).is_err() {
                break;
            }
        }
        prop_assert_eq!(run.roll_back(&host), vec![]);
        is_same(&before, &State::of(&model))?;
    }
    Ok(())
}

fn crash_and_recover((host_shared, clumsy, shares, death): (bool, bool, Shares, usize)) -> Result<(), TestCaseError> {
    let model = Model::new(host_shared);
    let before = State::of(&model);
    let hooked = Hooked::new(model.backend(), Arc::new(Death::after(death, || {}))).without_atomic_binds(clumsy);
    if let Ok(dirs) = setup().run(&hooked) {
        let records: Vec<_> = shares.iter().filter_map(|share| share.share().create(&hooked).ok()).collect();
        let _report = TearDown::sandbox(&dirs, &records).how(UnmountStrategy::Strict).run(&hooked);
    }
    drop(hooked);
    let host = model.backend();
    let report = recovery().reap(&host).unwrap();
    prop_assert!(report.is_clean(), "{}", report);
    is_same(&before, &State::of(&model))?;
    let again = recovery().reap(&host).unwrap();
    prop_assert!(again.is_clean() && again.did_nothing(), "{}", again);
    prop_assert!(recovery().find(&host).unwrap().is_empty());
    is_same(&before, &State::of(&model))
}

/// One law as a trial. The smallest failure is printed: it becomes a named case.
fn law<S: Strategy + Send + 'static>(
    name: &str,
    strategy: S,
    holds: fn(S::Value) -> Result<(), TestCaseError>,
) -> Trial {
    Trial::test(format!("law: {name}"), move || {
        let config = Config { failure_persistence: None, ..Config::with_cases(cases()) };
        TestRunner::new(config).run(&strategy, holds).map_err(|error| Failed::from(error.to_string()))
    })
}

fn cases() -> u32 {
    if Settings::read().long { 4_096 } else { 128 }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shares = || vec(wanted(), 0..5);
    vec![
        law("share then unshare is no change", (any::<bool>(), shares(), wanted(), way()), share_then_unshare),
        law("to make sure twice is to make sure once", (any::<bool>(), shares(), wanted()), twice_is_once),
        law(
            "the tear-down of a half-made sandbox leaves the host as before",
            (any::<bool>(), vec((wanted(), fate()), 0..6), any::<bool>()),
            half_made,
        ),
        law("rolling back after any step leaves the host as before", (any::<bool>(), 0..12_usize, shares()), roll_back),
        law(
            "recovery after a crash anywhere leaves the host as before, and a second one does nothing",
            (any::<bool>(), any::<bool>(), shares(), 0..120_usize),
            crash_and_recover,
        ),
    ]
}

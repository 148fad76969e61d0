//! Many containers in one sandbox.

use std::collections::BTreeMap;

use mountwright_core::sandbox::{IfNotShared, SandboxSetup, TearDown};
use mountwright_core::share::Share;
use mountwright_core::unmount::UnmountStrategy;
use mountwright_core::{ContainerId, Location};
use mountwright_fake::test_kit::{Count, Interposed};
use mountwright_linux::{Call, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;

use super::real::Real;
use crate::state::{State, same};
use crate::stories::{MOUNTS, SHARED};

/// The order in which a sandbox's containers are torn down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// All with the sandbox, in one detach where that can be.
    Together,
    /// Container by container, and then the sandbox.
    EachAlone,
}

/// Shares so many containers and tears them down; the system calls that it took, by name.
fn containers(ground: &Real, number: usize, way: Way, how: UnmountStrategy) -> BTreeMap<&'static str, usize> {
    let calls = Interposed::new(ground.linux(), Count::default());
    let backend = LinuxBackend::over(calls.clone());
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(IfNotShared::MakeShared);
    let dirs = setup.run(&backend).unwrap();
    let share = |number: usize| {
        let id = ContainerId::new(format!("c{number}")).unwrap();
        let rootfs = Share::rootfs(MOUNTS, &id, Location::trusted("/w/src/rootfs")).unwrap();
        rootfs.create(&backend).unwrap()
    };
    let mut shares: Vec<_> = (0..number).map(share).collect();
    if way == Way::EachAlone {
        for share in shares.drain(..) {
            let report = TearDown::container(MOUNTS, &[share]).how(how).run(&backend);
            assert!(report.is_clean(), "{report}");
        }
    }
    let report = TearDown::sandbox(&dirs, &shares).how(how).run(&backend);
    assert!(report.is_clean(), "{report}");
    let mut counted = BTreeMap::new();
    for moment in calls.between().calls() {
        *counted.entry(moment.call.name()).or_default() += 1;
    }
    counted
}

const WAYS: [(Way, UnmountStrategy); 4] = [
    (Way::Together, UnmountStrategy::Lazy),
    (Way::Together, UnmountStrategy::Strict),
    (Way::EachAlone, UnmountStrategy::Lazy),
    (Way::EachAlone, UnmountStrategy::Strict),
];

fn a_thousand() {
    let ground = Real::new(false);
    let before = State::of(&ground);
    for (way, how) in WAYS {
        let calls: usize = containers(&ground, 1000, way, how).values().sum();
        println!("1000 containers shared and torn down, {way:?}, {how:?}: {calls} system calls");
        same(&format!("{way:?} {how:?}"), &before, &State::of(&ground)).unwrap();
    }
}

/// With every container the same calls again, and the whole table never read for one.
fn linear() {
    let ground = Real::new(false);
    for (way, how) in WAYS {
        let [few, more, many] = [100, 200, 400].map(|number| containers(&ground, number, way, how));
        let names = |counted: &BTreeMap<&'static str, usize>| counted.keys().copied().collect::<Vec<_>>();
        assert_eq!(names(&few), names(&many));
        for (call, &at_100) in &few {
            let (at_200, at_400) = (more[call], many[call]);
            assert_eq!(at_400 - at_200, 2 * (at_200 - at_100), "{call}: {at_100}, {at_200}, {at_400}, {way:?} {how:?}");
            if *call == Call::Mountinfo.name() {
                assert_eq!(at_100, at_400, "the table is read for each container, {way:?} {how:?}");
            }
        }
        let all = [&few, &more, &many].map(|counted| counted.values().sum::<usize>());
        println!("{way:?}, {how:?}: at 100, 200, 400 containers {all:?} system calls");
    }
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("1000 containers shared and torn down leave the table and the directories as before", a_thousand),
    KernelCase::new("the system calls of a sandbox grow with its containers, and no faster", linear),
];

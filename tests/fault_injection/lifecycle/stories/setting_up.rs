//! Setting a sandbox up.

use mountwright_core::Backend;
use mountwright_core::Location;
use mountwright_core::sandbox::{IfNotShared, SandboxSetup};

use crate::story::{BASE, Before, Ended, Story, built};

pub(crate) const MOUNTS: &str = "/w/sb/mounts";
pub(crate) const SHARED: &str = "/w/sb/shared";
pub(crate) const PRIVATE: &str = "/w/sb/private";

pub(super) fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn setup(unshared: IfNotShared) -> SandboxSetup {
    let sources = [at("/w/src/config"), at("/w/src/data")];
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(unshared).private_dir(PRIVATE).unwrap();
    setup.bind_mounts(&sources).unwrap()
}

/// A sandbox that is set up.
pub(crate) fn sandbox(ports: &dyn Backend) -> Before {
    let dirs = setup(IfNotShared::MakeShared).run(ports).unwrap();
    Before { dirs: Some(dirs), ..Before::default() }
}

fn set_up(ports: &dyn Backend, unshared: IfNotShared) -> Ended {
    built(setup(unshared).run(ports))
}

const SETTING_UP: Story = Story { about: &["sandbox-mounts"], ..BASE };

pub(super) const STORIES: &[Story] = &[
    Story { name: "set a sandbox up", tell: |ports, _| set_up(ports, IfNotShared::Fail), ..SETTING_UP },
    Story {
        name: "set a sandbox up by way of the private place",
        clumsy: true,
        tell: |ports, _| set_up(ports, IfNotShared::Fail),
        ..SETTING_UP
    },
    Story {
        name: "set a sandbox up and make its mounts shared",
        shared: false,
        tell: |ports, _| set_up(ports, IfNotShared::MakeShared),
        ..SETTING_UP
    },
    Story {
        name: "set a sandbox up that is set up",
        shared: false,
        prepare: sandbox,
        tell: |ports, _| set_up(ports, IfNotShared::MakeShared),
        ..SETTING_UP
    },
];

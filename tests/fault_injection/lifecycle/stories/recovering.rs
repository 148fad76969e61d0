//! Recovering what a crashed runtime left behind.

use mountwright_core::Backend;
use mountwright_core::recovery::Recovery;

use super::setting_up::{MOUNTS, PRIVATE, SHARED};
use super::sharing::container;
use crate::story::{BASE, Before, Ended, Story, reaped};

pub(crate) fn recovery() -> Recovery {
    Recovery::new(MOUNTS, SHARED).unwrap().private_dir(PRIVATE).unwrap().directories_too()
}

fn recovered(ports: &dyn Backend, _: &Before) -> Ended {
    reaped(recovery().reap(ports))
}

pub(super) const STORIES: &[Story] = &[
    Story { name: "recover", by_identity: true, prepare: container, tell: recovered, ..BASE },
    Story {
        name: "recover where the mounts were made shared",
        shared: false,
        by_identity: true,
        prepare: container,
        tell: recovered,
        ..BASE
    },
];

//! Stories: the sequences of a sandbox's life, which are run with faults at every point.

use mountwright_core::error::Leftover;
use mountwright_core::kata::Sandbox;
use mountwright_core::sandbox::SandboxDirs;
use mountwright_core::share::{Ensured, ShareRecord};
use mountwright_core::unmount::{NameAfter, Removal, Report};
use mountwright_core::{Backend, Error};
use mountwright_tests::contract::Needs;

use crate::state::State;

/// The state when the story begins.
#[derive(Clone, Default)]
pub(crate) struct Before {
    pub(crate) dirs: Option<SandboxDirs>,
    pub(crate) shares: Vec<ShareRecord>,
    pub(crate) sandbox: Option<Sandbox>,
}

/// The end of a story, as the sequence reports it.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Everything is made, or everything is unmounted and removed.
    Whole,
    /// Nothing was made, except what is named.
    Nothing(Vec<Leftover>, String),
    /// Not everything is done, and the report says so.
    InPart(String),
}

/// The law that must hold in any case, besides that nothing outside the sandbox was touched.
#[derive(Clone, Copy)]
pub(crate) enum Law {
    /// Recovery reaches the empty state, and a second one does nothing.
    Recovers,
    /// A repeated sequence has the same result; and this function accepts the state before, the undisturbed state, and
    /// the state now.
    Converges(fn(&State, &State, &State) -> Result<(), String>),
}

/// A story.
#[derive(Clone, Copy)]
pub(crate) struct Story {
    pub(crate) name: &'static str,
    /// The host's mounts are shared.
    pub(crate) shared: bool,
    /// The kernel cannot bind read-only in one step.
    pub(crate) clumsy: bool,
    /// The names that it works on: prefixes of path components.
    pub(crate) about: &'static [&'static str],
    /// It unmounts by identity, whatever the name is by then; otherwise it unmounts by name.
    pub(crate) by_identity: bool,
    pub(crate) prepare: fn(&dyn Backend) -> Before,
    pub(crate) tell: fn(&dyn Backend, &Before) -> Ended,
    pub(crate) law: Law,
    /// The requirements on the kernel.
    pub(crate) needs: Needs,
}

/// A story without words.
pub(crate) const BASE: Story = Story {
    name: "",
    shared: true,
    clumsy: false,
    about: &[""],
    by_identity: false,
    prepare: |_| Before::default(),
    tell: |_, _| Ended::Whole,
    law: Law::Recovers,
    needs: Needs::Namespace,
};

pub(crate) fn built<T>(result: Result<T, Error>) -> Ended {
    match result {
        Ok(_) => Ended::Whole,
        Err(error) => Ended::Nothing(error.left().to_vec(), error.to_string()),
    }
}

pub(crate) fn ensured(result: Result<Ensured<ShareRecord>, Error>) -> Ended {
    match result {
        Ok(Ensured::Conflict(conflict)) => Ended::Nothing(Vec::new(), conflict.to_string()),
        other => built(other),
    }
}

pub(crate) fn torn(report: &Report) -> Ended {
    if report.is_clean() { Ended::Whole } else { Ended::InPart(report.to_string()) }
}

pub(crate) fn unshared(result: Result<Removal, impl ToString>) -> Ended {
    match result {
        Ok(Removal::Unmounted { target: NameAfter::Removed, .. }) => Ended::Whole,
        Ok(other) => Ended::InPart(other.to_string()),
        Err(error) => Ended::InPart(error.to_string()),
    }
}

pub(crate) fn reaped(result: Result<Report, Error>) -> Ended {
    match result {
        Ok(report) if report.is_clean() => Ended::Whole,
        Ok(report) => Ended::InPart(report.to_string()),
        Err(error) => Ended::InPart(error.to_string()),
    }
}

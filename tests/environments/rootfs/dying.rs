//! Builds of the default root that fail or end at each system call, on the model.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use mountwright_core::error::Leftover;
use mountwright_core::path::Crossing;
use mountwright_core::{Backend, Directory, Location, Mounter};
use mountwright_fake::FakeBackend;
use mountwright_fake::test_kit::{Level, every_death, every_fault};

use crate::Case;
use crate::building::{host, mounts, terminal};
use crate::specs::{default_spec, plan};

/// The state of a host that a build must keep.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) mounts: Vec<u8>,
    pub(crate) names: BTreeSet<PathBuf>,
    pub(crate) files: BTreeMap<PathBuf, Vec<u8>>,
}

pub(crate) fn state(host: &dyn Backend) -> State {
    let mut state =
        State { mounts: host.mounts().unwrap().text().to_vec(), names: BTreeSet::new(), files: BTreeMap::new() };
    let image = host.open_dir(&Location::trusted("/w/image")).unwrap();
    collect(&*image, Path::new("/w/image"), &mut state);
    state
}

fn collect(directory: &dyn Directory, at: &Path, state: &mut State) {
    let entries: Vec<_> = directory.entries().unwrap().map(Result::unwrap).collect();
    for entry in entries {
        let path = at.join(&entry.name);
        if let Ok(below) = directory.open_dir(&entry.name, Crossing::Refuse) {
            collect(&*below, &path, state);
        } else if let Ok(bytes) = directory.read_file(&entry.name, 64) {
            state.files.insert(path.clone(), bytes);
        }
        state.names.insert(path);
    }
}

/// The law of a build: nothing is mounted, or the whole is; and in the image are at most the names that the plan says.
struct Law {
    before: State,
    said: BTreeSet<PathBuf>,
    whole: Vec<String>,
}

impl Law {
    fn of(image: &FakeBackend) -> Self {
        let plan = plan(&default_spec());
        let said = plan.creates(image).unwrap().into_iter().map(|creation| creation.path).collect();
        let built = image.snapshot();
        plan.build(&built, Some(&terminal())).unwrap();
        Self { before: state(image), said, whole: mounts(&built) }
    }

    /// Returns true if the whole is mounted.
    fn check(&self, after: &FakeBackend) -> Result<bool, String> {
        let after = after.snapshot().unobserved();
        let is_whole = after.mount_of(&Location::trusted("/w/image")).unwrap().is_root;
        if is_whole {
            let seen = mounts(&after);
            return if seen == self.whole { Ok(true) } else { Err(format!("half a root: {seen:#?}")) };
        }
        let seen = state(&after);
        let mounts_differ = seen.mounts != self.before.mounts;
        let strange: Vec<_> =
            seen.names.difference(&self.before.names).filter(|name| !self.said.contains(*name)).collect();
        let lost: Vec<_> = self.before.names.difference(&seen.names).collect();
        let is_kept = self.before.files.iter().all(|(path, bytes)| seen.files.get(path) == Some(bytes));
        if mounts_differ || !strange.is_empty() || !lost.is_empty() || !is_kept {
            return Err(format!(
                "mounts differ: {mounts_differ}; created {strange:?}, lost {lost:?}, files kept {is_kept}"
            ));
        }
        Ok(false)
    }
}

/// An image that has its mount points.
const WITH_TARGETS: &str = " dir /w/image/dev\n dir /w/image/proc\n dir /w/image/sys";

fn deaths(more: &str) {
    let image = host(more);
    let law = Law::of(&image);
    let (whole, none) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let build = |backend: &dyn mountwright_core::Backend| plan(&default_spec()).build(backend, Some(&terminal()));
    let tried = every_death(Level::SystemCalls, &image, build, |run| {
        if law.check(&run.after)? {
            whole.set(whole.get() + 1);
            return Ok(());
        }
        none.set(none.get() + 1);
        if more == WITH_TARGETS && state(&run.after.snapshot().unobserved()) != law.before {
            return Err("an image that has its mount points was changed".to_owned());
        }
        // A second process builds it whole.
        let again = run.after.snapshot().unobserved();
        plan(&default_spec()).build(&again, Some(&terminal())).map_err(|error| format!("a second build: {error}"))?;
        if law.check(&again)? { Ok(()) } else { Err("a second build has mounted nothing".to_owned()) }
    });
    println!("deaths: {} before the commit, {} after it", none.get(), whole.get());
    assert!(whole.get() > 0 && none.get() > whole.get());
    tried.check();
}

pub(crate) const CASES: &[Case] = &[
    ("death_at_each_call_leaves_an_image_with_its_mount_points_as_it_was", || deaths(WITH_TARGETS)),
    ("death_at_each_call_leaves_at_most_the_names_that_the_plan_says", || deaths("")),
    ("fault_at_each_call_leaves_nothing_or_the_whole", || {
        let image = host("");
        let law = Law::of(&image);
        let build = |backend: &dyn mountwright_core::Backend| plan(&default_spec()).build(backend, Some(&terminal()));
        every_fault(Level::SystemCalls, &image, build, |run| match (law.check(&run.after)?, &run.result) {
            (true, Ok(_)) | (false, Err(_)) => Ok(()),
            // The call that would unmount it fails too.
            (true, Err(error)) if error.left().iter().any(|left| matches!(left, Leftover::Mount { .. })) => Ok(()),
            (mounted, result) => Err(format!("the root is mounted: {mounted}, and the result is {result:?}")),
        })
        .check();
    }),
];

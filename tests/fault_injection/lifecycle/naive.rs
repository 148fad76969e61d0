//! The same search over the obvious sequences: by paths, stopping at the first error, removing directories with their
//! contents. It has to find what they lose and leave; otherwise the search finds nothing anywhere.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::UnmountMode;
use mountwright_core::sandbox::TearDown;
use mountwright_core::{
    AttributeChange, AttributesRequest, Backend, BindRequest, Directory, FileMode, Location, OsError, Propagation,
    Recursion, UnmountRequest,
};

use crate::search::{Stage, Told};
use crate::state::State;
use crate::stories::{MOUNTS, container, sandbox};
use crate::story::{BASE, Ended, Story};

const CONTAINER: &str = "/w/sb/mounts/c1";
const ROOTFS: &str = "/w/sb/mounts/c1/rootfs";

fn share(ports: &dyn Backend) -> Result<(), OsError> {
    for path in [CONTAINER, ROOTFS] {
        let at = Location::trusted(path);
        match ports.metadata(&at, FinalSymlink::Itself) {
            Ok(found) if found.kind == FileKind::Directory => {}
            _ => ports.create_dir(&at, FileMode::MOUNT_TARGET).map(drop)?,
        }
    }
    let (source, target) = (Location::trusted("/w/src/rootfs"), Location::trusted(ROOTFS));
    ports.bind(&BindRequest::new(source, target.clone()).stacking())?;
    let read_only = AttributesRequest::new(target.clone(), AttributeChange::READ_ONLY);
    ports.change_attributes(&read_only)?;
    ports.set_propagation(&target, Propagation::Private, Recursion::This)
}

fn unshare(ports: &dyn Backend) -> Result<(), OsError> {
    // It may be off already.
    let _ = ports.unmount(&UnmountRequest::new(Location::trusted(ROOTFS)).with_mode(UnmountMode::Detach));
    remove_all(&*ports.open_dir(&Location::trusted(MOUNTS))?, OsStr::new("c1"))
}

/// Removes a directory with its contents. The library has no such function.
fn remove_all(above: &dyn Directory, name: &OsStr) -> Result<(), OsError> {
    if above.metadata(name)?.kind != FileKind::Directory {
        return above.remove_file(name);
    }
    let directory = above.open_dir(name, mountwright_core::path::Crossing::Enter)?;
    for entry in directory.entries()? {
        remove_all(&*directory, &entry?.name)?;
    }
    above.remove_dir(name)
}

fn told(result: Result<(), OsError>) -> Ended {
    match result {
        Ok(()) => Ended::Whole,
        Err(error) => Ended::Nothing(error.left().to_vec(), error.to_string()),
    }
}

pub(crate) const STORIES: [Story; 2] = [
    Story { name: "naive: share a root filesystem", prepare: sandbox, tell: |ports, _| told(share(ports)), ..BASE },
    Story {
        name: "naive: tear a container down",
        prepare: |ports| {
            let mut before = container(ports);
            // It knows of one share.
            let others = before.shares.split_off(1);
            let report = TearDown::container(MOUNTS, &others).run(ports);
            assert!(report.is_clean(), "{report}");
            before
        },
        tell: |ports, _| told(unshare(ports)),
        ..BASE
    },
];

/// The harm that was done to a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Harm {
    /// Runs after which a byte of a source, or of another user, is lost.
    pub(crate) lost_bytes: usize,
    /// Runs that failed and left a mount or a name that the error does not name.
    pub(crate) left_over: usize,
    /// Runs after which something outside the sandbox is not as it was.
    pub(crate) outside: usize,
    /// All runs.
    pub(crate) runs: usize,
}

impl Harm {
    /// Counts other runs in.
    pub(crate) fn add(&mut self, other: Self) {
        self.lost_bytes += other.lost_bytes;
        self.left_over += other.left_over;
        self.outside += other.outside;
        self.runs += other.runs;
    }

    /// Counts one run in.
    pub(crate) fn note(&mut self, stage: &Stage, told: &Told) {
        let (then, now) = (&stage.expected.then, State::of(&told.model));
        let there = now.texts();
        let lost = then.texts().into_iter().any(|text| !there.contains(text));
        let outside = now.same_outside("", then).is_err();
        self.runs += 1;
        self.lost_bytes += usize::from(lost);
        self.outside += usize::from(outside);
        self.left_over +=
            usize::from(matches!(&told.ended, Ended::Nothing(left, _) if left.is_empty()) && left_over(then, &now));
    }
}

fn left_over(then: &State, now: &State) -> bool {
    let new_name = |path: &&PathBuf| path.starts_with(Path::new(MOUNTS)) && !then.names.contains_key(*path);
    now.names.keys().any(|path| new_name(&path)) || now.here.len() > then.here.len()
}

//! The rest that is left after a recovery, and the truth of the reasons that it gives.

use std::path::Path;

use mountwright_core::Errno;
use mountwright_core::error::Error;
use mountwright_core::mount::MountInfo;
use mountwright_core::unmount::{Removal, Report, ReportedMount, UnprovenMount, UnprovenReason};

use super::life::{MOUNTS, SHARED};
use super::neighbours::{Ours, Sight, Theirs};

impl Ours {
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty() && self.mounts.iter().all(Vec::is_empty)
    }
}

/// Each thing that is left and not named, and each reason that is not true.
pub(super) fn unnamed(report: &Report, now: &Sight, theirs: &Theirs, ours: &Ours) -> Vec<String> {
    let [here, there] = &ours.mounts;
    let is_left = |mount: &&MountInfo| report.failures().any(|left| found(left).id == mount.id);
    let has_original = |copy: &&MountInfo| here.iter().any(|mount| mount.mount_point == copy.mount_point);
    let mounts = here.iter().filter(|mount| !is_left(mount)).chain(there.iter().filter(|copy| !has_original(copy)));
    let mounts = mounts.map(|mount| format!("a mount is left and not named: {mount}"));
    let names = ours.names.iter().filter(|name| !is_named(report, Path::new(name)));
    let names = names.map(|name| format!("a name is left and not named: {name}"));
    let left =
        report.failures().filter(|left| !is_covered(left, now, theirs)).map(|left| format!("not true: {left:?}"));
    let unproven = report.unproven.iter().filter(|unproven| !is_unproven(unproven, now));
    let unproven = unproven.map(|unproven| format!("not true: {unproven}"));
    let failures = report.errors.iter().filter(|error| !is_kept(error, now));
    let failures = failures.map(|error| format!("not true: {error}"));
    mounts.chain(names).chain(left).chain(unproven).chain(failures).collect()
}

/// A failure names it, or it is the way to a mount that the report names.
fn is_named(report: &Report, name: &Path) -> bool {
    let left = report.failures().map(|left| left.path.as_path());
    let mut mounts = left.chain(report.unproven.iter().map(|unproven| unproven.path.as_path()));
    report.errors.iter().any(|error| path_of(error) == Some(name)) || mounts.any(|point| point.starts_with(name))
}

/// The mount of a recovery's report.
fn found(left: &ReportedMount) -> &MountInfo {
    left.mount.as_ref().expect("a recovery finds mounts in the table")
}

fn path_of(error: &Error) -> Option<&Path> {
    match error {
        Error::Os(error) => error.path(),
        _ => None,
    }
}

/// A mount of others is on it, at its mount point or further down.
fn is_covered(left: &ReportedMount, now: &Sight, theirs: &Theirs) -> bool {
    let mount = found(left);
    let others = now.mounts[0].iter().filter(|mount| theirs.has(mount.id));
    let mut above = others.filter(|mount| mount.mount_point.starts_with(&mount.mount_point));
    left.result == Ok(Removal::Covered) && above.any(|above| is_on(above, mount, now))
}

fn is_on(mount: &MountInfo, carrier: &MountInfo, now: &Sight) -> bool {
    let parent =
        |mount: &MountInfo| now.mounts[0].iter().find(|other| other.id == mount.parent && other.id != mount.id);
    std::iter::successors(parent(mount), |mount| parent(mount)).any(|mount| mount.id == carrier.id)
}

/// The directory holds something, or something is mounted on it.
fn is_kept(error: &Error, now: &Sight) -> bool {
    let Some(path) = path_of(error) else { return false };
    let is_below = |name: &String| Path::new(name).starts_with(path) && Path::new(name) != path;
    match error.errno() {
        Some(Errno::ENOTEMPTY) => now.files.keys().any(is_below),
        Some(Errno::EBUSY) => now.mounts[0].iter().any(|mount| is_mounted_on(mount, path, now)),
        _ => false,
    }
}

/// A directory is busy by every path that leads to it: another mount may show it too.
fn is_mounted_on(mount: &MountInfo, path: &Path, now: &Sight) -> bool {
    let by_id = |id| now.mounts[0].iter().find(|other| other.id == id);
    let Some(parent) = by_id(mount.parent) else { return false };
    let Ok(below) = mount.mount_point.strip_prefix(&parent.mount_point) else { return false };
    parent.source == "strange"
        && Path::new("/w").join(parent.root.join(below).strip_prefix("/").unwrap_or(path)) == path
}

/// The table shows what the reason says.
fn is_unproven(unproven: &UnprovenMount, now: &Sight) -> bool {
    let Some(mount) = &unproven.mount else { return false };
    // The mount that the mounts directory is on, or would be.
    let holds = |holding: &&MountInfo| Path::new(MOUNTS).starts_with(&holding.mount_point);
    let holding = now.mounts[0].iter().filter(holds).max_by_key(|holding| holding.mount_point.as_os_str().len());
    let Some(holding) = holding.filter(|_| now.mounts[0].iter().any(|other| other.id == mount.id)) else {
        return false;
    };
    match unproven.reason {
        UnprovenReason::AnotherFilesystem => mount.device != holding.device,
        UnprovenReason::AnotherDirectory => mount.root != Path::new("/sb/mounts"),
        UnprovenReason::Writable => !mount.attributes.is_read_only(),
        UnprovenReason::AnotherGroup => {
            let state = mount.propagation;
            ![state.master, state.propagate_from].contains(&holding.propagation.peers)
        }
        UnprovenReason::NotOnShared => mount.mount_point.starts_with(SHARED) && mount.mount_point != Path::new(SHARED),
        UnprovenReason::NotSetUp => mount.mount_point == Path::new(MOUNTS),
        _ => false,
    }
}

//! Verdicts: compares the result of a run with the conditions.

use mountwright_core::error::Leftover;
use mountwright_core::mount::Guarantee;

use super::difference::{Difference, differences, is_shared, is_staging};
use super::operation::Operation;

use super::snapshot::{FileName, Group, MountSeen, Snapshot, without_numbers};
use super::violation::{Harm, Violation};
use super::{Answer, Filesystem, Run};

/// The mode of files that an adversary makes, distinct from those of the operations.
pub const ATTACKERS_MODE: u32 = 0o701;

/// The states before and after an undisturbed operation.
#[derive(Clone, Debug)]
pub struct Expected {
    /// The state before.
    pub before: Snapshot,
    /// The state after an undisturbed run.
    pub whole: Snapshot,
    /// The undisturbed run succeeds.
    pub succeeds: bool,
    /// The kernel offers detached mounts with these system calls: no read-only bind is ever writable.
    pub detached: bool,
}

/// The conditions of every run, whatever fault or attack it met.
fn of_any_run(operation: &Operation, played: &Run, expected: &Expected, allowed_window: bool) -> Vec<Violation> {
    let mut found = Vec::new();
    if played.open > 0 {
        found.push(Violation::new(Harm::OpenDescriptor, format!("{} open", played.open)));
    }
    if played.endless {
        found.push(Violation::new(Harm::Endless, "thousands of calls"));
    }
    let stated = matches!(played.answer, Answer::Done { guarantee: Guarantee::Window, .. });
    let promised = expected.detached && !allowed_window;
    if operation.read_only && played.window && (promised || !stated && !allowed_window) {
        found.push(Violation::new(Harm::WritableWindow, "a mount of its making could be written through"));
    }
    found
}

/// An empty container directory that stays after its last share is reported, and the next call removes it.
fn is_container_dir(operation: &Operation, difference: &Difference) -> bool {
    operation.takes_off && *difference == Difference::ExtraFile((Filesystem::Shared, "last".into()))
}

/// The verdict on a fault.
#[derive(Debug)]
pub struct Judged {
    /// The violations.
    pub found: Vec<Violation>,
    /// True in three cases: a name is unreported or missing because an error stated something false; a caller with the
    /// false error that nothing is there has unmounted nothing; an operation was left half way, and a repeated call
    /// completes it.
    pub excused: bool,
}

/// The kinds of disturbance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wrong {
    /// A call failed by an error that says how things are, where they are not so.
    pub lie: bool,
    /// A probe may have failed: the run may use weaker system calls.
    pub weaker_set: bool,
    /// A second call failed, perhaps the query of what stays.
    pub twice: bool,
}

/// One call failed, or two.
pub fn after_fault(
    operation: &Operation,
    expected: &Expected,
    played: &Run,
    after: &Snapshot,
    Wrong { lie, weaker_set, twice }: Wrong,
) -> Judged {
    let mut found = of_any_run(operation, played, expected, weaker_set);
    let done = played.answer.is_done();
    let (aim, other) = if done { (&expected.whole, &expected.before) } else { (&expected.before, &expected.whole) };
    let named = played.answer.named();
    let differences = differences(aim, after);
    // A caller with the error that nothing is there unmounts nothing, and says so.
    let believes = lie && done && operation.takes_off;
    if believes && !differences.is_empty() && differences.iter().all(|each| on_the_way(each, other, after)) {
        return Judged { found, excused: true };
    }
    let half_way = !done && operation.resumable;
    let mut excused = false;
    for difference in &differences {
        if named.iter().any(|left| difference.is_named(left)) {
            continue;
        }
        let fine = is_container_dir(operation, difference)
            || lie && believed(difference, other, after)
            || (lie || twice) && is_kept(difference, named)
            || half_way && on_the_way(difference, other, after);
        if fine {
            excused = true;
        } else {
            found.push(difference.violation());
        }
    }
    if !done && !lie {
        found.extend(
            named
                .iter()
                .filter(|left| !differences.iter().any(|difference| difference.is_named(left)))
                .map(|left| Violation::new(Harm::LeftoverName, format!("named as left over and not there: {left}"))),
        );
    }
    Judged { found, excused }
}

/// A caller that believes a false error may leave a name, or a file as before or as after. Never a mount.
fn believed(difference: &Difference, other: &Snapshot, after: &Snapshot) -> bool {
    match difference {
        Difference::ExtraFile((Filesystem::Shared, _)) => true,
        Difference::ExtraFile((filesystem, path)) => {
            *filesystem == Filesystem::Root && (path.starts_with("run/.mountwright") || path.starts_with("made"))
        }
        Difference::MissingFile(_) | Difference::ChangedFile(_) => on_the_way(difference, other, after),
        Difference::ExtraMount(_) | Difference::MissingMount(_) => false,
    }
}

/// A mount on a name that the result reports as kept. If umount2 reports that nothing is mounted there, and the name
/// cannot be removed, the operation reports just that; so does one that cannot find out which mount stays there.
fn is_kept(difference: &Difference, named: &[Leftover]) -> bool {
    let (Difference::ExtraMount(mount) | Difference::MissingMount(mount)) = difference else { return false };
    named.iter().any(|left| match left {
        Leftover::Directory(path) | Leftover::File(path) => without_numbers(&path.to_string_lossy()) == mount.point,
        _ => false,
    })
}

/// Each thing is as it was before or as it was to become.
fn on_the_way(difference: &Difference, other: &Snapshot, after: &Snapshot) -> bool {
    match difference {
        Difference::ExtraFile(name) => other.files.contains_key(name),
        Difference::MissingFile(name) => !other.files.contains_key(name),
        Difference::ChangedFile(name) => other.files.get(name) == after.files.get(name),
        Difference::ExtraMount(mount) => other.mounts.contains(mount),
        Difference::MissingMount(mount) => !other.mounts.contains(mount),
    }
}

/// Returns true for the same mount with another propagation: it is the one step after a mount has become visible.
fn but_for_propagation(mount: &MountSeen) -> MountSeen {
    MountSeen { peers: Group::None, master: Group::None, unbindable: false, ..mount.clone() }
}

/// The process died. Each mount and name is as before or as in the whole result; the rest is scaffolding.
pub fn after_death(
    operation: &Operation,
    expected: &Expected,
    played: &Run,
    after: &Snapshot,
) -> (Vec<Violation>, bool) {
    let mut found = of_any_run(operation, played, expected, !expected.detached);
    let mut scaffolding = false;
    for mount in &after.mounts {
        let seen = but_for_propagation(mount);
        let known = |snapshot: &Snapshot| snapshot.mounts.iter().any(|other| but_for_propagation(other) == seen);
        if is_staging(&mount.point) {
            scaffolding = true;
        } else if !known(&expected.before) && !known(&expected.whole) {
            found.push(Difference::ExtraMount(mount.clone()).violation());
        }
    }
    for mount in expected.before.mounts.iter().filter(|mount| mount.old.is_some()) {
        let stays = |snapshot: &Snapshot| {
            snapshot.mounts.iter().any(|other| (other.old, other.here) == (mount.old, mount.here))
        };
        if stays(&expected.whole) && !stays(after) {
            found.push(Difference::MissingMount(mount.clone()).violation());
        }
    }
    for difference in differences(&expected.before, after) {
        let fine = match &difference {
            Difference::ExtraFile(name) => expected.whole.files.contains_key(name),
            Difference::ChangedFile(name) => expected.whole.files.get(name) == after.files.get(name),
            Difference::MissingFile(name) => !expected.whole.files.contains_key(name),
            Difference::MissingMount(_) | Difference::ExtraMount(_) => true,
        };
        if difference.is_passing_name() {
            scaffolding = true;
        } else if !fine {
            found.push(difference.violation());
        }
    }
    (found, scaffolding)
}

/// After a death, a second process did the same.
pub fn after_second_run(expected: &Expected, answer: &Answer, after: &Snapshot) -> Vec<Violation> {
    let plain = |snapshot: &Snapshot| {
        let mut mounts: Vec<_> = snapshot.mounts.iter().map(but_for_propagation).collect();
        mounts.sort();
        Snapshot { mounts, ..snapshot.clone() }
    };
    let done = answer.is_done() == expected.succeeds;
    let left = if done {
        differences(&expected.whole, after)
    } else {
        // It found the work done, but perhaps for the step after the last.
        differences(&plain(&expected.whole), &plain(after))
    };
    let left = left.into_iter().filter(|difference| !difference.is_half_written());
    left.map(|difference| Violation::new(Harm::NoConvergence, format!("{answer:?}: {difference:?}"))).collect()
}

/// An adversary acted below the root.
pub fn after_attack(operation: &Operation, expected: &Expected, played: &Run, after: &Snapshot) -> Vec<Violation> {
    let mut found = of_any_run(operation, played, expected, false);
    for difference in differences(&expected.before, after) {
        let harm = match &difference {
            Difference::MissingFile((filesystem, _))
            | Difference::ChangedFile((filesystem, _))
            | Difference::ExtraFile((filesystem, _)) => match filesystem {
                // A mount there is another user's: no name in it may be touched, and above all not itself.
                Filesystem::Bystander if difference.is_of_root() && !operation.whatever => Some(Harm::Escape),
                // Both are below the root: one name is as good as another there.
                Filesystem::Shared | Filesystem::Bystander => None,
                _ => Some(difference.harm()),
            },
            Difference::MissingMount(mount) => lost(expected, mount).then_some(Harm::Escape),
            Difference::ExtraMount(mount) if mount.old.is_some() => changed(expected, mount).then_some(Harm::Escape),
            Difference::ExtraMount(mount) => new_mount(expected, played, mount),
        };
        if let Some(harm) = harm {
            found.push(Violation::new(harm, format!("{difference:?}")));
        }
    }
    let is_name = |left: &&Leftover| matches!(left, Leftover::Directory(_) | Leftover::File(_));
    let said = played.answer.named().iter().filter(is_name).count();
    let (was, is) = (names_in_root(&expected.before), names_in_root(after));
    // A mount that the adversary has moved, perhaps to the place of another one, is the adversary's.
    let is_new = |name: &FileName| {
        let inode = after.inodes.get(name);
        !expected.before.inodes.iter().any(|(other, number)| other.0 == name.0 && Some(number) == inode)
    };
    let in_place = after.files.keys().any(|name| {
        let made = !expected.before.files.contains_key(name);
        made && is_new(name) && expected.whole.files.get(name) == after.files.get(name)
    });
    if !played.answer.is_done() && is > was + said && in_place {
        found.push(Violation::new(Harm::LeftoverName, format!("{is} names where {was} were, {said} of them named")));
    }
    found
}

/// Counts the directories and files below the root, without those that the adversary made: it can rename and remove the
/// others, but cannot make one.
fn names_in_root(snapshot: &Snapshot) -> usize {
    let shared = snapshot.files.iter().filter(|((filesystem, _), _)| *filesystem == Filesystem::Shared);
    shared.filter(|(_, seen)| !seen.is_link() && seen.permissions() != ATTACKERS_MODE).count()
}

/// A mount outside the root is gone that the operation was not to take.
fn lost(expected: &Expected, mount: &MountSeen) -> bool {
    let moves_in = expected.whole.mounts.iter().any(|other| other.old == mount.old && is_shared(&other.point));
    let stays = expected.whole.mounts.iter().any(|other| other.old == mount.old && other.here == mount.here);
    !is_shared(&mount.point) && stays && !moves_in
}

/// A mount outside the root is not as it was, and not as it was to become.
fn changed(expected: &Expected, mount: &MountSeen) -> bool {
    let by_id = |snapshot: &Snapshot| {
        snapshot.mounts.iter().find(|other| other.old == mount.old && other.here == mount.here).cloned()
    };
    let was_outside = by_id(&expected.before).is_none_or(|before| !is_shared(&before.point));
    let moved_out = !is_shared(&mount.point);
    // Renaming its way moves a mount's text, inside the root.
    (was_outside || moved_out) && by_id(&expected.whole).as_ref() != Some(mount) && !becomes_shared(expected, mount)
}

/// A mount that the operation moves into the root.
fn becomes_shared(expected: &Expected, mount: &MountSeen) -> bool {
    is_shared(&mount.point)
        && expected.whole.mounts.iter().any(|other| other.old == mount.old && is_shared(&other.point))
}

fn is_below(point: &str, root: &str) -> bool {
    point.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'))
}

fn new_mount(expected: &Expected, played: &Run, mount: &MountSeen) -> Option<Harm> {
    if is_staging(&mount.point) {
        return Some(Harm::LeftoverMount);
    }
    // A mount below a new copy of the root is below the root too.
    let holds =
        |copy: &MountSeen| copy.filesystem == "shared" && copy.root == "/" && is_below(&mount.point, &copy.point);
    let goes_outside = |other: &MountSeen| other.old.is_none() && (other.point == mount.point || holds(other));
    let goes_outside = expected.whole.mounts.iter().any(goes_outside);
    if !is_shared(&mount.point) && !goes_outside {
        return Some(Harm::Escape);
    }
    let named = played.answer.named().iter().any(|left| matches!(left, Leftover::Mount { .. }));
    if !played.answer.is_done() {
        return if named { None } else { Some(Harm::LeftoverMount) };
    }
    // Where it succeeds only because of the adversary, or the adversary has moved its target below another mount, there is
    // nothing to compare its propagation with.
    if !expected.succeeds {
        return None;
    }
    let same = |other: &&MountSeen| {
        // What is bound from below the root may be renamed there, or covered by a mount that is below the root too.
        let of = |mount: &MountSeen| {
            let below = ["shared", "bystander"].contains(&&*mount.filesystem);
            if below { (String::new(), String::new()) } else { (mount.filesystem.clone(), mount.root.clone()) }
        };
        let sort = |mount: &MountSeen| (of(mount), mount.attributes, mount.superblock_read_only);
        let propagation = |mount: &MountSeen| (mount.peers, mount.master, mount.unbindable);
        other.old.is_none() && sort(other) == sort(mount) && (!mount.here || propagation(other) == propagation(mount))
    };
    if expected.whole.mounts.iter().any(|other| same(&other)) { None } else { Some(Harm::HalfDone) }
}

//! The conditions that must hold after a story, whatever fault occurred.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mountwright_core::error::Leftover;

use crate::ground::Ground;
use crate::state::{MountLine, State, less, same};
use crate::stories::recovery;
use crate::story::{Before, Ended, Law, Story};

/// The states at the start of a story, and after an undisturbed one.
#[derive(Clone)]
pub(crate) struct Expected {
    pub(crate) story: Story,
    /// Without a sandbox.
    pub(crate) empty: State,
    /// When the story begins.
    pub(crate) then: State,
    /// After it.
    pub(crate) after: State,
    /// After it through the staging directory: there the copies of a share have no master, because a prepared mount has
    /// left its source's peers before it is attached.
    pub(crate) after_detour: State,
}

impl Expected {
    /// Checks that the report of the sequence is true.
    pub(crate) fn told(&self, ended: &Ended, now: &State) -> Result<(), String> {
        now.same_outside("outside the sandbox", &self.then)?;
        match ended {
            Ended::Whole => self.is_whole(now),
            Ended::Nothing(left, error) => {
                self.check_left(left, now).map_err(|wrong| format!("{wrong}; told: {error}"))
            }
            Ended::InPart(text) => self.check_nothing_new(now).map_err(|wrong| format!("{wrong}; told: {text}")),
        }
    }

    /// Checks the law of the story, on the machine after the run.
    pub(crate) fn law(&self, ground: &impl Ground, before: &Before) -> Result<(), String> {
        match self.story.law {
            Law::Recovers => self.recovers(ground),
            Law::Converges(holds) => {
                let now = || State::of(ground).without_passing_names();
                holds(&self.then, &self.after, &now())?;
                let ports = ground.ports();
                let ended = (self.story.tell)(&ports, before);
                drop(ports);
                same(&format!("once more: {ended:?}"), &self.after, &now())
            }
        }
    }

    /// Recovery reaches the empty state, and a second one does nothing.
    fn recovers(&self, ground: &impl Ground) -> Result<(), String> {
        let ports = ground.ports();
        let report = recovery().reap(&ports).map_err(|error| format!("recovery: {error}"))?;
        if !report.is_clean() {
            return Err(format!("recovery: {report}"));
        }
        let again = recovery().reap(&ports).map_err(|error| format!("second recovery: {error}"))?;
        if !again.is_clean() || !again.did_nothing() {
            return Err(format!("second recovery: {again}"));
        }
        same("after recovery", &self.empty, &State::of(ground))
    }

    /// Checks that everything is as expected, each mount in either of the two ways in which it can be made.
    fn is_whole(&self, now: &State) -> Result<(), String> {
        let either = |direct: &[MountLine], detour: &[MountLine], now: &[MountLine]| -> Vec<MountLine> {
            let by_detour = less(now, direct).into_iter().filter(|line| detour.contains(line));
            let at: BTreeSet<_> = by_detour.clone().map(|line| line.mount_point).collect();
            let rest = direct.iter().filter(|line| !at.contains(&line.mount_point)).cloned();
            rest.chain(by_detour).collect()
        };
        let (mut direct, detour, lines) = (self.after.lines(), self.after_detour.lines(), now.lines());
        direct.here = either(&direct.here, &detour.here, &lines.here);
        direct.elsewhere = either(&direct.elsewhere, &detour.elsewhere, &lines.elsewhere);
        let mut changes = direct.changes(&lines);
        changes.extend(self.after.changes_but_for_mounts(now));
        if changes.is_empty() { Ok(()) } else { Err(format!("it told that all is done: {}", changes.join(", "))) }
    }

    /// Checks that only named things were added, and that nothing was removed.
    fn check_left(&self, left: &[Leftover], now: &State) -> Result<(), String> {
        let mounts: BTreeSet<&Path> = left
            .iter()
            .filter_map(|left| match left {
                Leftover::Mount { at, .. } => Some(at.as_path()),
                _ => None,
            })
            .collect();
        let names = named(left);
        let at_or_below_mount = |path: &Path| mounts.iter().any(|at| copies(at).iter().any(|at| path.starts_with(at)));
        let is_named =
            |path: &Path| at_or_below_mount(path) || names.iter().any(|at| copies(at).iter().any(|at| path == at));
        let unnamed: Vec<&PathBuf> =
            now.names.keys().filter(|path| !self.then.names.contains_key(*path) && !is_named(path)).collect();
        if !unnamed.is_empty() {
            return Err(format!("left and not named: {unnamed:?}, named: {left:?}"));
        }
        for mount in less(&now.lines().here, &self.then.lines().here) {
            if !at_or_below_mount(&mount.mount_point) {
                return Err(format!("a mount is left and not named: {mount:?}, named: {left:?}"));
            }
        }
        if mounts.is_empty() && names.is_empty() {
            same("it told that nothing is left", &self.then, now)?;
        }
        match self.then.names.keys().find(|path| !now.names.contains_key(*path)) {
            Some(path) => Err(format!("{} is gone", path.display())),
            None => Ok(()),
        }
    }

    fn check_nothing_new(&self, now: &State) -> Result<(), String> {
        let then: BTreeSet<_> = self.then.here.iter().map(|mount| &mount.mount_point).collect();
        // The rest of a group has another label, and a mount that has left it has another propagation.
        match now.here.iter().find(|mount| !then.contains(&mount.mount_point)) {
            Some(new) => Err(format!("a mount on {} that was not there", new.mount_point.display())),
            None => Ok(()),
        }
    }
}

/// The names that an error names.
pub(crate) fn named(left: &[Leftover]) -> BTreeSet<&Path> {
    left.iter()
        .filter_map(|left| match left {
            Leftover::Directory(path) | Leftover::File(path) => Some(path.as_path()),
            _ => None,
        })
        .collect()
}

/// Returns the mount points of a mount below the mounts directory and of its copies.
fn copies(at: &Path) -> Vec<PathBuf> {
    let mut all = vec![at.to_owned()];
    if let Ok(below) = at.strip_prefix("/w/sb/mounts") {
        all.push(Path::new("/w/sb/shared").join(below));
    }
    all
}

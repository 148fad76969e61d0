//! The search: a story with something going wrong at every point, and what must be true after each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::{Errno, Leftover, Operation};

use crate::contract_errnos::contract_errnos;
use crate::hooked::{Hook, Hooked};
use crate::host::{Host, MountLine, Running, State, less};
use crate::story::{Before, Ended, Ports, Story, recovery};

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) points: usize,
    pub(crate) violations: Vec<String>,
}

/// A story that is ready to be told again and again.
pub(crate) struct Stage {
    pub(crate) story: Story,
    pub(crate) empty: State,
    pub(crate) host: Host,
    pub(crate) before: Before,
    pub(crate) then: State,
    /// The calls of the story when nothing goes wrong, and what the host is like after it.
    pub(crate) calls: Vec<Operation>,
    pub(crate) after: State,
    /// The same by way of the private place: there the copies of a share have no master, since what is prepared has left
    /// its source's peers before it is attached.
    pub(crate) after_detour: State,
}

struct Quiet;

impl Hook for Quiet {
    fn before(&self, _: usize, _: Operation) -> Result<(), Errno> {
        Ok(())
    }
}

/// How a told story ended, and the host after it.
pub(crate) struct Told {
    pub(crate) ended: Ended,
    pub(crate) host: Host,
    pub(crate) calls: Vec<Operation>,
}

impl Stage {
    pub(crate) fn new(story: Story) -> Self {
        let nothing = story.host();
        let empty = nothing.state();
        let (backend, running) = nothing.ports();
        let hooked = Hooked::new(backend, Arc::new(Quiet), story.clumsy);
        let before = (story.prepare)(Ports { fs: &hooked, mounter: &hooked });
        drop(hooked);
        let host = running.host();
        let mut stage = Self {
            story,
            empty: empty.clone(),
            then: host.state(),
            host,
            before,
            calls: Vec::new(),
            after: empty.clone(),
            after_detour: empty,
        };
        stage.story.clumsy = true;
        stage.after_detour = stage.tell(|_| Arc::new(Quiet)).host.state();
        stage.story.clumsy = story.clumsy;
        let told = stage.tell(|_| Arc::new(Quiet));
        assert!(matches!(told.ended, Ended::Whole), "{}: {:?}", story.name, told.ended);
        stage.calls = told.calls;
        stage.after = told.host.state();
        stage
    }

    pub(crate) fn tell(&self, hook: impl FnOnce(&Running) -> Arc<dyn Hook>) -> Told {
        let (backend, running) = self.host.ports();
        let hooked = Hooked::new(backend, hook(&running), self.story.clumsy);
        let ended = (self.story.tell)(Ports { fs: &hooked, mounter: &hooked }, &self.before);
        let calls = hooked.calls();
        drop(hooked);
        Told { ended, host: running.host(), calls }
    }

    /// Every call fails, with every errno of its contract, once and for good.
    pub(crate) fn faults(&self) -> Found {
        let mut found = Found::default();
        for (number, &operation) in self.calls.iter().enumerate() {
            for &errno in contract_errnos(operation) {
                for for_good in [false, true] {
                    found.points += 1;
                    let told = self.tell(|_| Arc::new(Fault { number, operation, errno, for_good }));
                    let how = if for_good { "for good" } else { "once" };
                    let point = format!("call {number}, {operation}, {errno} {how}");
                    let wrong = self.check(&told).and_then(|()| self.check_recovery(&told.host));
                    found.violations.extend(wrong.err().map(|wrong| format!("{point}: {wrong}")));
                }
            }
        }
        found
    }

    /// The runtime dies after every call.
    pub(crate) fn crashes(&self) -> Found {
        let mut found = Found::default();
        for number in 0..self.calls.len() {
            found.points += 1;
            let told = self.tell(|_| Arc::new(Death { after: number, dead: AtomicBool::new(false) }));
            let wrong = self.check_recovery(&told.host);
            found.violations.extend(wrong.err().map(|wrong| format!("death after call {number}: {wrong}")));
        }
        found
    }

    /// What the sequence told is what happened.
    fn check(&self, told: &Told) -> Result<(), String> {
        let now = told.host.state();
        same("outside the sandbox", &self.then.outside(), &now.outside())?;
        match &told.ended {
            Ended::Whole => same("it told that all is done", &self.after_like(&now), &now),
            Ended::Nothing(left, error) => {
                self.check_left(left, &now).map_err(|wrong| format!("{wrong}; told: {error}"))
            }
            Ended::InPart(text) => self.check_nothing_new(&now).map_err(|wrong| format!("{wrong}; told: {text}")),
        }
    }

    /// What the host should be like, each mount in whichever of the two ways it is in `now`.
    fn after_like(&self, now: &State) -> State {
        let either = |direct: &[MountLine], detour: &[MountLine], now: &[MountLine]| {
            let by_detour = less(now, direct).into_iter().filter(|line| detour.contains(line));
            let at: BTreeSet<_> = by_detour.clone().map(|line| line.mount_point).collect();
            let rest = direct.iter().filter(|line| !at.contains(&line.mount_point)).cloned();
            rest.chain(by_detour).collect()
        };
        State {
            mounts: either(&self.after.mounts, &self.after_detour.mounts, &now.mounts),
            elsewhere: either(&self.after.elsewhere, &self.after_detour.elsewhere, &now.elsewhere),
            ..self.after.clone()
        }
    }

    /// Nothing but what is named was added; nothing at all was taken.
    fn check_left(&self, left: &[Leftover], now: &State) -> Result<(), String> {
        let mounts: BTreeSet<&Path> = left
            .iter()
            .filter_map(|left| match left {
                Leftover::Mount { at, .. } => Some(at.as_path()),
                _ => None,
            })
            .collect();
        let names: BTreeSet<&Path> = left
            .iter()
            .filter_map(|left| match left {
                Leftover::Directory(path) | Leftover::File(path) => Some(path.as_path()),
                _ => None,
            })
            .collect();
        let at_or_below_mount = |path: &Path| mounts.iter().any(|at| copies(at).iter().any(|at| path.starts_with(at)));
        let is_named =
            |path: &Path| at_or_below_mount(path) || names.iter().any(|at| copies(at).iter().any(|at| path == at));
        let unnamed: Vec<PathBuf> =
            now.names.keys().filter(|path| !self.then.names.contains_key(*path) && !is_named(path)).cloned().collect();
        if !unnamed.is_empty() {
            return Err(format!("left and not named: {unnamed:?}, named: {left:?}"));
        }
        for mount in less(&now.mounts, &self.then.mounts) {
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
        let new: Vec<_> = less(&now.mounts, &self.then.mounts).into_iter().map(|mount| mount.mount_point).collect();
        let then: BTreeSet<_> = self.then.mounts.iter().map(|mount| &mount.mount_point).collect();
        // What is left of a group has another number, and a mount that was cut off another propagation.
        if let Some(new) = new.iter().find(|new| !then.contains(new)) {
            return Err(format!("a mount on {} that was not there", new.display()));
        }
        Ok(())
    }

    /// Recovery reaches the empty state, and a second one does nothing.
    pub(crate) fn check_recovery(&self, host: &Host) -> Result<(), String> {
        let (backend, running) = host.ports();
        let report = recovery().reap(&backend, &backend).map_err(|error| format!("recovery: {error}"))?;
        if !report.is_clean() {
            return Err(format!("recovery: {report}"));
        }
        same("after recovery", &self.empty, &running.host().state())?;
        let again = recovery().reap(&backend, &backend).map_err(|error| format!("second recovery: {error}"))?;
        if again.is_clean() && again.did_nothing() { Ok(()) } else { Err(format!("second recovery: {again}")) }
    }
}

/// Where the copies of a mount below the mounts directory are, the mount itself included.
fn copies(at: &Path) -> Vec<PathBuf> {
    let mut all = vec![at.to_owned()];
    if let Ok(below) = at.strip_prefix("/w/sb/mounts") {
        all.push(Path::new("/w/sb/shared").join(below));
    }
    all
}

pub(crate) fn same(when: &str, before: &State, after: &State) -> Result<(), String> {
    let changes = before.changes(after);
    if changes.is_empty() { Ok(()) } else { Err(format!("{when}: {}", changes.join(", "))) }
}

struct Fault {
    number: usize,
    operation: Operation,
    errno: Errno,
    for_good: bool,
}

impl Hook for Fault {
    fn before(&self, number: usize, operation: Operation) -> Result<(), Errno> {
        let again = self.for_good && number > self.number && operation == self.operation;
        if number == self.number || again { Err(self.errno) } else { Ok(()) }
    }
}

struct Death {
    after: usize,
    dead: AtomicBool,
}

impl Hook for Death {
    fn before(&self, _: usize, _: Operation) -> Result<(), Errno> {
        if self.dead.load(Ordering::Relaxed) { Err(Errno::ESRCH) } else { Ok(()) }
    }

    fn after(&self, number: usize, _: Operation) {
        if number == self.after {
            self.dead.store(true, Ordering::Relaxed);
        }
    }
}

//! A runtime that is killed in the middle of the story, and the recovery of its leftovers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::recovery::{Orphans, ReapReport, Recovery};
use mountwright_core::{Backend, Errno, Error, MountTable};
use mountwright_fake::test_kit::{Between, Hooked, PortMoment};
use mountwright_tests::mortal_child::{ChildEnd, in_a_child, kill_oneself};
use mountwright_tests::show::printable;
use serde_json::{Value, json};

use super::host::Host;
use super::runtime_spec::RuntimeSpec;
use super::story::{Story, directories};

/// The leftovers of a crash, and the result of the recovery.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The number of calls after which it was to be killed.
    after: u32,
    /// True if it was killed: it had more to do.
    crashed: bool,
    left: Orphans,
    first: ReapReport,
    second: ReapReport,
    before: MountTable,
    after_all: MountTable,
    directories_left: Vec<String>,
}

impl Recovered {
    /// Runs the story until the crash, and then recovers from the mount table and the two directories alone.
    pub(crate) fn after_crash(host: &Host, spec: &RuntimeSpec, after: u32) -> Result<Self, String> {
        let text = |error: Error| error.to_string();
        let backend = &*host.backend;
        let before = backend.mounts().map_err(|error| error.to_string())?;
        let crashed = crash(host, spec, after)?;
        let [mounts_dir, shared_dir] = directories(spec);
        let recovery = Recovery::new(&mounts_dir, &shared_dir).map_err(text)?.directories_too();
        let left = recovery.find(&backend, &backend).map_err(text)?;
        let first = recovery.reap(&backend, &backend).map_err(text)?;
        let second = recovery.reap(&backend, &backend).map_err(text)?;
        let is_there = |path: &&camino::Utf8PathBuf| backend.open_dir(&path.as_std_path().into()).is_ok();
        let directories_left = [mounts_dir, shared_dir].iter().filter(is_there).map(ToString::to_string).collect();
        let after_all = backend.mounts().map_err(|error| error.to_string())?;
        Ok(Self { after, crashed, left, first, second, before, after_all, directories_left })
    }

    /// Returns true if nothing is left, the second recovery did nothing, and the table is as it was, byte for byte.
    pub(crate) fn all_is_as_it_was(&self) -> bool {
        let clean = self.first.is_clean() && self.second.is_clean() && self.second.did_nothing();
        clean && self.directories_left.is_empty() && self.before.text() == self.after_all.text()
    }

    pub(crate) fn as_json(&self) -> Value {
        let mounts = self.left.mounts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let lines = |report: &ReapReport| report.to_string().lines().map(str::to_owned).collect::<Vec<_>>();
        json!({
            "crash_at": self.after,
            "crashed": self.crashed,
            "left": {
                "mounts": mounts,
                "names": self.left.names.iter().map(|path| printable(path.as_os_str())).collect::<Vec<_>>(),
            },
            "recovery": lines(&self.first),
            "second_recovery": lines(&self.second),
            "directories_left": self.directories_left,
            "unchanged": self.all_is_as_it_was(),
        })
    }
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let section = |f: &mut fmt::Formatter<'_>, title: &str, text: &str| -> fmt::Result {
            writeln!(f, "\n{title}")?;
            let lines = text.lines().map(printable);
            lines.into_iter().try_for_each(|line| writeln!(f, "  {line}"))
        };
        let calls = if self.after == 1 { "1 call".to_owned() } else { format!("{} calls", self.after) };
        if self.crashed {
            writeln!(f, "The runtime was killed after {calls}.")?;
        } else {
            writeln!(f, "The runtime had done everything before {calls}: there was nothing to kill.")?;
        }
        section(f, "What it left behind", &self.left.to_string())?;
        section(f, "Recovery", &self.first.to_string())?;
        section(f, "A second recovery", &self.second.to_string())?;
        let answer = if self.all_is_as_it_was() { "yes" } else { "no" };
        writeln!(f, "\nIs everything as it was? {answer}")
    }
}

/// Runs the story and kills its process after so many calls. Returns true if the story was that long.
fn crash(host: &Host, spec: &RuntimeSpec, after: u32) -> Result<bool, String> {
    let tell = |hook: Arc<dyn Between<PortMoment>>| {
        let hooked = Hooked::new(&*host.backend, hook);
        // No reader is left for its result.
        let _ = Story::tell_by(&hooked as &dyn Backend, host, spec);
    };
    if host.outlives_processes {
        let end = in_a_child(|| tell(Arc::new(Killed { after })));
        return match end.map_err(|error| format!("could not run a child: {error}"))? {
            ChildEnd::Killed => Ok(true),
            ChildEnd::Done => Ok(false),
            ChildEnd::Failed => Err("the child that was to be killed failed".to_owned()),
        };
    }
    // In memory no process is killed: its later calls are not made.
    let silent = Arc::new(Silent { after, is_silent: AtomicBool::new(false) });
    tell(Arc::clone(&silent) as Arc<dyn Between<PortMoment>>);
    Ok(silent.is_silent.load(Ordering::Relaxed))
}

fn is_last(call: PortMoment, after: u32) -> bool {
    u32::try_from(call.number).is_ok_and(|number| number + 1 == after)
}

/// Kills this process.
struct Killed {
    after: u32,
}

impl Between<PortMoment> for Killed {
    fn after(&self, call: PortMoment) {
        if is_last(call, self.after) {
            kill_oneself();
        }
    }
}

/// Refuses every call that comes later.
struct Silent {
    after: u32,
    is_silent: AtomicBool,
}

impl Between<PortMoment> for Silent {
    fn before(&self, _: PortMoment) -> Result<(), Errno> {
        if self.is_silent.load(Ordering::Relaxed) { Err(Errno::ESRCH) } else { Ok(()) }
    }

    fn after(&self, call: PortMoment) {
        if is_last(call, self.after) {
            self.is_silent.store(true, Ordering::Relaxed);
        }
    }
}

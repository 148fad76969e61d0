//! The search with two callers.

use std::sync::Arc;

use mountwright_core::{Backend, Errno, MountTable};

use crate::fake_backend::FakeBackend;
use crate::show::difference;
use crate::test_kit::interposed::between::{Moment, PortMoment};
use crate::test_kit::level::{Level, SearchedCall};
use crate::test_kit::tried::Tried;
use crate::test_kit::turns::{Schedule, take_turns};

/// One run of two callers, for the law.
#[derive(Debug)]
pub struct Interleaved<'a, T> {
    /// The schedule, in words.
    pub schedule: String,
    /// The results of the two.
    pub results: [T; 2],
    /// The host before the run.
    pub before: &'a FakeBackend,
    /// The host after the run.
    pub after: FakeBackend,
    /// The results and the host of the one before the other, and of the other way.
    pub in_order: &'a [([T; 2], FakeBackend); 2],
}

/// Code of one caller.
pub type Caller<'a, T> = &'a (dyn Fn(&dyn Backend) -> T + Sync);

/// The law of most callers: results and host are those of one caller after the other. Numbers of mounts and of peer groups
/// do not count.
///
/// # Errors
/// The results, and the difference from the nearest order.
pub fn as_in_some_order<T: PartialEq + std::fmt::Debug>(run: &Interleaved<'_, T>) -> Result<(), String> {
    let state = comparable(&run.after);
    if run.in_order.iter().any(|(results, host)| *results == run.results && comparable(host) == state) {
        return Ok(());
    }
    let [one, other] = run.in_order.each_ref().map(|(results, _)| results);
    Err(format!("{:?}, where one after the other is {one:?} or {other:?}; the host:\n{}", run.results, run.after))
}

/// Runs two callers, each as a process of its own, in every order of their calls with two switches: one makes `i` calls,
/// the other `j`, then each runs to its end; for all `i` and `j` and either beginner. Checks the law after each run.
///
/// ```
/// use mountwright_core::{Backend, BindRequest, Errno, Location};
/// use mountwright_fake::HostBuilder;
/// use mountwright_fake::test_kit::{Level, as_in_some_order, every_interleaving};
///
/// let host = HostBuilder::from_text("mount / ext4 /dev/vda1\ndir /src\ndir /dst")?.build()?;
/// let publish = |backend: &dyn Backend| {
///     let request = BindRequest::new(Location::trusted("/src"), Location::trusted("/dst"));
///     backend.bind(&request).map(drop).map_err(|error| error.errno())
/// };
/// every_interleaving(Level::PortCalls, &host, [&publish, &publish], as_in_some_order).check();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// If a caller panics.
pub fn every_interleaving<T: Send>(
    level: Level,
    host: &FakeBackend,
    callers: [Caller<'_, T>; 2],
    law: impl Fn(&Interleaved<'_, T>) -> Result<(), String>,
) -> Tried {
    match level {
        Level::SystemCalls => interleavings::<Moment, T>(level, host, callers, &law),
        Level::PortCalls => interleavings::<PortMoment, T>(level, host, callers, &law),
    }
}

fn interleavings<P: SearchedCall, T: Send>(
    level: Level,
    host: &FakeBackend,
    callers: [Caller<'_, T>; 2],
    law: &dyn Fn(&Interleaved<'_, T>) -> Result<(), String>,
) -> Tried {
    let mut tried = Tried::new("every_interleaving", level);
    let before = host.snapshot().unobserved();
    let mut alone = [0; 2];
    let in_order = [0, 1].map(|beginner| {
        let (turned, after) = run::<P, T>(&before, callers, &Schedule::in_order(beginner));
        alone = [0, 1].map(|side| alone[side].max(turned.calls[side]));
        (turned.results, after)
    });
    for beginner in [0, 1] {
        for first in 1..=alone[beginner] {
            for second in 1..=alone[1 - beginner] {
                let schedule = Schedule { beginner, segments: vec![first, second], alone };
                let (turned, after) = run::<P, T>(&before, callers, &schedule);
                let schedule = format!("caller {beginner} makes {first} calls, then the other {second}");
                let (results, endless) = (turned.results, turned.endless);
                let run = Interleaved { schedule, results, before: &before, after, in_order: &in_order };
                let verdict = if endless { Err("thousands of calls, and no end".to_owned()) } else { law(&run) };
                tried.add(&run.schedule, verdict);
                // It ended before: every greater number is the same run.
                if turned.used < 2 {
                    break;
                }
            }
        }
    }
    tried
}

type Turned<P, T> = crate::test_kit::turns::Turned<P, T>;

/// One run on a copy of the host, on which each caller is a process of its own.
fn run<P: SearchedCall, T: Send>(
    before: &FakeBackend,
    callers: [Caller<'_, T>; 2],
    schedule: &Schedule,
) -> (Turned<P, T>, FakeBackend) {
    let host = before.snapshot().unobserved();
    let fork = || host.machine(|machine| machine.fork(host.process()));
    // The process is there: it made the snapshot's calls.
    let processes: [Result<_, Errno>; 2] = [fork(), fork()];
    let hosts = processes.map(|process| host.for_process(process.unwrap_or(host.process())));
    let turned = take_turns(schedule, |side, turn| P::play(&hosts[side], Arc::new(turn), callers[side]));
    (turned, host)
}

/// The mounts and files of a host without the numbers of mounts and peer groups.
fn comparable(host: &FakeBackend) -> Vec<String> {
    let text = host.machine(|machine| machine.mountinfo(host.process())).unwrap_or_default();
    let mut lines: Vec<String> = MountTable::parse(text)
        .iter()
        .map(|row| {
            let [target, source, fs_type, options, propagation] = row.words();
            let kind: String = propagation.chars().filter(|letter| !letter.is_ascii_digit()).collect();
            format!("{target} {source} {fs_type} {options} {kind}")
        })
        .collect();
    lines.extend(host.machine(|machine| difference::files(machine, host.process())).into_values());
    lines.sort();
    lines
}

//! The searches with one caller: every fault, every death, every exchange.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mountwright_core::{Backend, Errno, OsError};

use crate::abi::RENAME_EXCHANGE;
use crate::fake_backend::FakeBackend;
use crate::model::machine::Machine;
use crate::model::vfs::at::At;
use crate::show::difference::Difference;
use crate::test_kit::interposed::between::{Between, Moment, PortMoment};
use crate::test_kit::interposed::budget::Budget;
use crate::test_kit::interposed::count::Count;
use crate::test_kit::interposed::death::Death;
use crate::test_kit::interposed::fault::{Fault, HowLong};
use crate::test_kit::level::{CallOfLevel, Level};
use crate::test_kit::tried::Tried;

/// One run of the code under test, for the law.
#[derive(Debug)]
pub struct Run<'a, T> {
    /// The call and what happened at it, in words.
    pub point: String,
    /// The result of the code.
    pub result: T,
    /// The host before the run.
    pub before: &'a FakeBackend,
    /// The host after the run: a handle of the same process, or of the one that is started after a death.
    pub after: FakeBackend,
}

impl<T> Run<'_, T> {
    /// The difference between the host before and after.
    pub fn difference(&self) -> Difference {
        self.before.difference(&self.after)
    }
}

/// The law of most operations: on an error nothing has changed, or the error names what is left ([`OsError::left`]).
///
/// # Errors
/// The difference that the error does not name.
pub fn all_or_nothing<T>(run: &Run<'_, Result<T, OsError>>) -> Result<(), String> {
    let Err(error) = &run.result else { return Ok(()) };
    let difference = run.difference();
    if difference.is_empty() || !error.left().is_empty() {
        return Ok(());
    }
    Err(format!("{error}, and this stays:\n{difference}"))
}

/// Makes every call of the code fail, once and for good, with each error that it can have. Checks the law after each
/// run.
///
/// An error that states a fact (`ENOENT`, `EEXIST`, …) is left out, because the fact would be false.
///
/// ```
/// use mountwright_core::{Backend, BindRequest, Location, OsError};
/// use mountwright_fake::HostBuilder;
/// use mountwright_fake::test_kit::{Level, all_or_nothing, every_fault};
///
/// let host = HostBuilder::from_text("mount / ext4 /dev/vda1\ndir /src\ndir /dst")?.build()?;
/// let publish = |backend: &dyn Backend| {
///     let request = BindRequest::new(Location::trusted("/src"), Location::trusted("/dst"));
///     backend.bind(&request.read_only())
/// };
/// for level in [Level::SystemCalls, Level::PortCalls] {
///     every_fault(level, &host, publish, all_or_nothing).check();
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn every_fault<T>(
    level: Level,
    host: &FakeBackend,
    act: impl Fn(&dyn Backend) -> T,
    law: impl Fn(&Run<'_, T>) -> Result<(), String>,
) -> Tried {
    match level {
        Level::SystemCalls => faults::<Moment, T>(Search::new("every_fault", level, host, &act), &law),
        Level::PortCalls => faults::<PortMoment, T>(Search::new("every_fault", level, host, &act), &law),
    }
}

/// Ends the process after every call of the code, and checks the law after each run. The descriptors of the process are
/// closed, nothing unwinds.
///
/// ```
/// use mountwright_core::{Backend, BindRequest, Location, MountFlags, Mounter};
/// use mountwright_fake::HostBuilder;
/// use mountwright_fake::test_kit::{Level, every_death};
///
/// let host = HostBuilder::from_text("mount / ext4 /dev/vda1\ndir /src\ndir /dst")?.build()?;
/// let publish = |backend: &dyn Backend| {
///     let request = BindRequest::new(Location::trusted("/src"), Location::trusted("/dst"));
///     backend.bind(&request.read_only())
/// };
/// every_death(Level::SystemCalls, &host, publish, |run| {
///     let found = run.after.mount_of(&Location::trusted("/dst")).map_err(|error| error.to_string())?;
///     let is_whole = !found.is_root || found.mount.attributes.is_read_only();
///     if is_whole { Ok(()) } else { Err("the mount can be written through".to_owned()) }
/// })
/// .check();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn every_death<T>(
    level: Level,
    host: &FakeBackend,
    act: impl Fn(&dyn Backend) -> T,
    law: impl Fn(&Run<'_, ()>) -> Result<(), String>,
) -> Tried {
    match level {
        Level::SystemCalls => deaths::<Moment, T>(Search::new("every_death", level, host, &act), &law),
        Level::PortCalls => deaths::<PortMoment, T>(Search::new("every_death", level, host, &act), &law),
    }
}

/// Lets another process act before every call of the code, with each of the exchanges. Checks the law after each run.
///
/// ```
/// use mountwright_core::{Backend, BindRequest, Location, Mounter};
/// use mountwright_fake::HostBuilder;
/// use mountwright_fake::test_kit::{Exchange, Level, every_exchange};
///
/// let text = "mount / ext4 /dev/vda1\ndir /src\ndir /pod/volume\nlink /pod/evil /etc\ndir /etc";
/// let host = HostBuilder::from_text(text)?.build()?;
/// let publish = |backend: &dyn Backend| {
///     backend.bind(&BindRequest::new(Location::trusted("/src"), Location::beneath("/pod", "volume").unwrap()))
/// };
/// let exchange = Exchange::of_names("/pod/volume", "/pod/evil");
/// every_exchange(Level::SystemCalls, &host, &[exchange], publish, |run| {
///     let etc = run.after.mount_of(&Location::trusted("/etc")).map_err(|error| error.to_string())?;
///     if etc.is_root { Err("mounted outside of /pod".to_owned()) } else { Ok(()) }
/// })
/// .check();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn every_exchange<T>(
    level: Level,
    host: &FakeBackend,
    exchanges: &[Exchange],
    act: impl Fn(&dyn Backend) -> T,
    law: impl Fn(&Run<'_, T>) -> Result<(), String>,
) -> Tried {
    match level {
        Level::SystemCalls => exchanged::<Moment, T>(Search::new("every_exchange", level, host, &act), exchanges, &law),
        Level::PortCalls => {
            exchanged::<PortMoment, T>(Search::new("every_exchange", level, host, &act), exchanges, &law)
        }
    }
}

type Act = dyn Fn(&FakeBackend) -> Result<(), Errno> + Send + Sync;

/// Act of another process.
#[derive(Clone)]
pub struct Exchange {
    name: String,
    act: Arc<Act>,
}

impl Exchange {
    /// An act in words, and the act. On an error it was not possible at this moment; the run then does not count.
    pub fn new(
        name: impl Into<String>,
        act: impl Fn(&FakeBackend) -> Result<(), Errno> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), act: Arc::new(act) }
    }

    /// The exchange of two names by the first process (`renameat2` with `RENAME_EXCHANGE`).
    pub fn of_names(one: &'static str, other: &'static str) -> Self {
        Self::new(format!("{one} exchanged with {other}"), move |host| {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            host.machine(|machine| machine.renameat2(Machine::INIT, At::Cwd, one, At::Cwd, other, RENAME_EXCHANGE))
        })
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchange").field(&self.name).finish()
    }
}

/// The code under test, and its calls when nothing happens.
struct Search<'a, P, T> {
    tried: Tried,
    before: FakeBackend,
    act: &'a dyn Fn(&dyn Backend) -> T,
    calls: Vec<P>,
}

impl<'a, P: CallOfLevel, T> Search<'a, P, T> {
    fn new(what: &'static str, level: Level, host: &FakeBackend, act: &'a dyn Fn(&dyn Backend) -> T) -> Self {
        let count = Arc::new(Count::<P>::default());
        let before = host.snapshot().past_the_plan();
        P::play(&before.snapshot(), Arc::clone(&count) as Arc<dyn Between<P>>, act);
        Self { tried: Tried::new(what, level), before, act, calls: count.calls() }
    }

    /// One run on a copy of the host, with what is made for that copy between its calls.
    fn run(&self, between: impl FnOnce(&FakeBackend) -> Arc<dyn Between<P>>) -> (T, FakeBackend, bool) {
        let host = self.before.snapshot().past_the_plan();
        let budget = Arc::new(Budget::default());
        let between = Arc::new((Arc::clone(&budget), between(&host)));
        let result = P::play(&host, between, self.act);
        (result, host, budget.is_spent())
    }

    fn judge<R>(
        &mut self,
        point: String,
        result: R,
        (after, endless): (FakeBackend, bool),
        law: &dyn Fn(&Run<'_, R>) -> Result<(), String>,
    ) {
        let run = Run { point, result, before: &self.before, after };
        let verdict = if endless { Err("thousands of calls, and no end".to_owned()) } else { law(&run) };
        self.tried.add(&run.point, verdict);
    }
}

type Law<'a, T> = &'a dyn Fn(&Run<'_, T>) -> Result<(), String>;

fn faults<P: CallOfLevel, T>(mut search: Search<'_, P, T>, law: Law<'_, T>) -> Tried {
    for call in search.calls.clone() {
        for errno in call.failures() {
            for how_long in [HowLong::Once, HowLong::ForGood] {
                let (result, after, endless) =
                    search.run(|_| Arc::new(Fault::<P>::new(call.number(), errno, how_long)));
                let how = if how_long == HowLong::Once { "once" } else { "for good" };
                search.judge(format!("{}: {errno} {how}", call.text()), result, (after, endless), law);
            }
        }
    }
    search.tried
}

fn deaths<P: CallOfLevel, T>(mut search: Search<'_, P, T>, law: Law<'_, ()>) -> Tried {
    for call in search.calls.clone() {
        let (_, after, endless) = search.run(|host| {
            let host = host.clone();
            let process = host.process();
            Arc::new(Death::after(call.number(), move || {
                host.machine(|machine| machine.close_all_of_ports_of(process));
            }))
        });
        search.judge(format!("death after {}", call.text()), (), (after, endless), law);
    }
    search.tried
}

fn exchanged<P: CallOfLevel, T>(mut search: Search<'_, P, T>, exchanges: &[Exchange], law: Law<'_, T>) -> Tried {
    for call in search.calls.clone() {
        for exchange in exchanges {
            let done = Arc::new(AtomicBool::new(false));
            let (result, after, endless) = search.run(|host| {
                let (host, exchange, done) = (host.clone(), exchange.clone(), Arc::clone(&done));
                Arc::new(Once::before(call.number(), move || {
                    done.store((exchange.act)(&host).is_ok(), Ordering::Relaxed);
                }))
            });
            if done.load(Ordering::Relaxed) {
                search.judge(format!("{} before {}", exchange.name, call.text()), result, (after, endless), law);
            }
        }
    }
    search.tried
}

/// Acts before the call of one number.
struct Once<F> {
    number: usize,
    act: Mutex<F>,
}

impl<F: FnMut() + Send + 'static> Once<F> {
    fn before(number: usize, act: F) -> Self {
        Self { number, act: Mutex::new(act) }
    }
}

impl<P: CallOfLevel, F: FnMut() + Send + 'static> Between<P> for Once<F> {
    fn before(&self, point: P) -> Result<(), Errno> {
        if point.number() == self.number {
            (self.act.lock().unwrap_or_else(PoisonError::into_inner))();
        }
        Ok(())
    }
}

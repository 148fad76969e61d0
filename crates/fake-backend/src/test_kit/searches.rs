//! The searches with one caller: every fault, every death, every exchange.

use mountwright_core::{Backend, OsError};

use crate::fake_backend::FakeBackend;
use crate::test_kit::exchange::Exchange;
use crate::test_kit::interposed::between::{Moment, PortMoment};
use crate::test_kit::interposed::fault::HowLong;
use crate::test_kit::level::{Level, SearchedCall};
use crate::test_kit::search::{Run, Search};
use crate::test_kit::tried::Tried;

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
    let tried = Tried::new("every_fault", level);
    match level {
        Level::SystemCalls => faults(tried, &Search::<Moment, T>::new(host, act), &law),
        Level::PortCalls => faults(tried, &Search::<PortMoment, T>::new(host, act), &law),
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
    let tried = Tried::new("every_death", level);
    match level {
        Level::SystemCalls => deaths(tried, &Search::<Moment, T>::new(host, act), &law),
        Level::PortCalls => deaths(tried, &Search::<PortMoment, T>::new(host, act), &law),
    }
}

/// Lets another process act before every call of the code, with each of the exchanges that is possible there, for good and
/// undone before the next call. Checks the law after each run.
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
    let tried = Tried::new("every_exchange", level);
    match level {
        Level::SystemCalls => exchanged(tried, &Search::<Moment, T>::new(host, act), exchanges, &law),
        Level::PortCalls => exchanged(tried, &Search::<PortMoment, T>::new(host, act), exchanges, &law),
    }
}

type Law<'a, T> = &'a dyn Fn(&Run<'_, T>) -> Result<(), String>;

fn faults<P: SearchedCall, T>(mut tried: Tried, search: &Search<'_, P, T>, law: Law<'_, T>) -> Tried {
    let both = [HowLong::Once, HowLong::ForGood];
    let of_call = |&call: &P| call.failures().into_iter().flat_map(move |errno| both.map(|how| (call, errno, how)));
    for (_, _, run) in search.faults(search.calls().iter().flat_map(of_call)) {
        tried.judge(&run, law);
    }
    tried
}

fn deaths<P: SearchedCall, T>(mut tried: Tried, search: &Search<'_, P, T>, law: Law<'_, ()>) -> Tried {
    for Run { point, before, after, endless, .. } in search.deaths() {
        tried.judge(&Run { point, result: (), before, after, endless }, law);
    }
    tried
}

fn exchanged<P: SearchedCall, T>(
    mut tried: Tried,
    search: &Search<'_, P, T>,
    exchanges: &[Exchange],
    law: Law<'_, T>,
) -> Tried {
    search.exchanges(exchanges).for_each(|run| tried.judge(&run, law));
    tried
}

//! Acts of another process.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;

use crate::abi::RENAME_EXCHANGE;
use crate::fake_backend::FakeBackend;
use crate::model::machine::Machine;
use crate::model::vfs::at::At;
use crate::test_kit::interposed::between::{Between, Point};

type Act = dyn Fn(&FakeBackend) -> Result<(), Errno> + Send + Sync;

/// Act of another process.
#[derive(Clone)]
pub struct Exchange {
    name: String,
    act: Arc<Act>,
    undo: Option<Arc<Act>>,
}

impl Exchange {
    /// An act in words, and the act. On an error it was not possible at this moment; the run then does not count.
    pub fn new(
        name: impl Into<String>,
        act: impl Fn(&FakeBackend) -> Result<(), Errno> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), act: Arc::new(act), undo: None }
    }

    /// The act can be undone: it is tried for good, and undone again before the next call.
    #[must_use]
    pub fn undone_by(mut self, undo: impl Fn(&FakeBackend) -> Result<(), Errno> + Send + Sync + 'static) -> Self {
        self.undo = Some(Arc::new(undo));
        self
    }

    /// The exchange of two names by the first process (`renameat2` with `RENAME_EXCHANGE`).
    pub fn of_names(one: &'static str, other: &'static str) -> Self {
        Self::new(format!("{one} exchanged with {other}"), move |host| {
            let (one, other) = (one.as_bytes(), other.as_bytes());
            host.machine(|machine| machine.renameat2(Machine::INIT, At::Cwd, one, At::Cwd, other, RENAME_EXCHANGE))
        })
    }

    /// Returns true if the act can be undone.
    pub fn can_be_undone(&self) -> bool {
        self.undo.is_some()
    }

    /// Returns true if the act is possible on a copy of the host.
    pub(super) fn is_possible(&self, host: &FakeBackend) -> bool {
        (self.act)(&host.snapshot()).is_ok()
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchange").field(&self.name).finish()
    }
}

/// An exchange before a certain call.
#[derive(Clone, Debug)]
pub struct Strike<'e> {
    /// The act.
    pub exchange: &'e Exchange,
    /// The number of the call.
    pub before: usize,
    /// The number of the call before which it is undone, if it is.
    pub undone_before: Option<usize>,
}

impl fmt::Display for Strike<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} before call {}", self.exchange.name, self.before)?;
        self.undone_before.map_or(Ok(()), |call| write!(f, ", undone before call {call}"))
    }
}

/// The strikes of one run.
pub(super) struct Strikes {
    host: FakeBackend,
    acts: Vec<(usize, Arc<Act>)>,
    undos: Vec<(usize, Arc<Act>)>,
    hit: Arc<AtomicBool>,
}

impl Strikes {
    /// Sets `hit` if any of them was possible.
    pub(super) fn new(host: &FakeBackend, strikes: &[Strike<'_>], hit: Arc<AtomicBool>) -> Self {
        let acts = strikes.iter().map(|strike| (strike.before, Arc::clone(&strike.exchange.act))).collect();
        let undo = |strike: &Strike<'_>| Some((strike.undone_before?, Arc::clone(strike.exchange.undo.as_ref()?)));
        Self { host: host.clone(), acts, undos: strikes.iter().filter_map(undo).collect(), hit }
    }
}

impl<P: Point> Between<P> for Strikes {
    fn before(&self, point: P) -> Result<(), Errno> {
        let now = |(number, _): &&(usize, Arc<Act>)| *number == point.number();
        for (_, act) in self.acts.iter().filter(now) {
            if act(&self.host).is_ok() {
                self.hit.store(true, Ordering::Relaxed);
            }
        }
        for (_, undo) in self.undos.iter().filter(now) {
            // Changes by the code under test may prevent it.
            let _ = undo(&self.host);
        }
        Ok(())
    }
}

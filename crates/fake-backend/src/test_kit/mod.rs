//! A test kit for code that mounts: every fault, every death, every exchange of names, every order of two callers.
//!
//! * [`every_fault`], [`every_death`], [`every_exchange`], [`every_interleaving`] run the code under test on copies of a fake
//!   host, with one thing going wrong in each run, and ask a law after each. They act between system calls or between port
//!   calls ([`Level`]). The result prints the number of runs ([`Tried`]). [`Search`] is the driver of the first three, for runs
//!   that are judged one by one.
//! * [`LeakGuard`] fails a test that leaves a mount, on any backend.
//! * [`Interposed`] and [`Hooked`] put anything between the system calls or the port calls of any backend: a [`Fault`], a
//!   [`Death`], a [`Count`], a [`Budget`], or an implementation of [`Between`]. [`take_turns`] runs two callers by a
//!   [`Schedule`]. The four searches are made of these.
//!
//! The code under test is a closure over `&dyn Backend`. Such a reference implements both ports itself: `&backend` is a
//! `&dyn Filesystem` and a `&dyn Mounter`.

pub(crate) mod errnos;
pub(crate) mod exchange;
pub(crate) mod fault_plan;
pub(crate) mod hooked;
pub(crate) mod interleavings;
pub(crate) mod interposed;
pub(crate) mod leak_guard;
pub(crate) mod level;
pub(crate) mod search;
pub(crate) mod searches;
pub(crate) mod tried;
pub(crate) mod turns;

pub use errnos::{errnos, is_a_statement, means_again};
pub use exchange::{Exchange, Strike};
pub use fault_plan::{PlannedFault, fault_plan, plain_failure};
pub use hooked::Hooked;
pub use interleavings::{Caller, Interleaved, as_in_some_order, every_interleaving};
pub use interposed::between::{Between, Moment, Point, PortMoment};
pub use interposed::budget::Budget;
pub use interposed::count::Count;
pub use interposed::death::Death;
pub use interposed::fault::{Fault, HowLong};
pub use interposed::wrapper::Interposed;
pub use leak_guard::LeakGuard;
pub use level::{Level, SearchedCall};
pub use search::{Calls, Run, Search};
pub use searches::{all_or_nothing, every_death, every_exchange, every_fault};
pub use tried::Tried;
pub use turns::{Schedule, Turn, Turned, take_turns};

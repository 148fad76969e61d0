//! The names of processes.

/// A process of the model. The first is [`Machine::INIT`](crate::Machine::INIT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub u32);

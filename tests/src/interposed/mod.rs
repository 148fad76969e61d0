//! Code between any two system calls: faults, the death of the process, an adversary, a count. It works over any
//! [`Kernel`](mountwright_linux::Kernel), the model's and the machine's own alike.

mod between;
mod budget;
mod count;
mod death;
mod fault;
mod kernel;
mod wrapper;

pub use between::{Between, Moment};
pub use budget::Budget;
pub use count::Count;
pub use death::Death;
pub use fault::{Fault, HowLong};
pub use wrapper::Interposed;

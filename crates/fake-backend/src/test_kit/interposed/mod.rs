//! Something between any two system calls: a fault, the death of the process, an adversary, a count. Over any
//! [`Kernel`](mountwright_linux::Kernel): that of the model and that of the machine.

pub(crate) mod between;
pub(crate) mod budget;
mod calls;
pub(crate) mod count;
pub(crate) mod death;
pub(crate) mod fault;
pub(crate) mod wrapper;

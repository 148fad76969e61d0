//! Sets of system calls, with their names.

use mountwright_linux::{Call, SyscallSet};

/// A set of system calls with its name.
#[derive(Clone, Copy, Debug)]
pub struct NamedSet {
    /// The call that it is without; `all`, or `none`.
    pub name: &'static str,
    /// The system calls that may be used.
    pub syscalls: SyscallSet,
}

impl NamedSet {
    /// Returns true if a read-only bind is complete before it is visible without a staging directory.
    pub fn detached(self) -> bool {
        let allows = |call| self.syscalls.allows(call);
        let changes = allows(Call::MountSetattr) || allows(Call::OpenTreeAttr);
        allows(Call::OpenTree) && allows(Call::MoveMount) && changes
    }
}

/// The highest and the lowest; where it may take long, each without one call too.
pub fn syscall_sets(long: bool) -> Vec<NamedSet> {
    let mut syscall_sets = vec![
        NamedSet { name: "all", syscalls: SyscallSet::ALL },
        NamedSet { name: "none", syscalls: SyscallSet::NONE },
    ];
    let single = [
        Call::OpenTree,
        Call::OpenTreeAttr,
        Call::MountSetattr,
        Call::MoveMount,
        Call::Openat2,
        Call::Statmount,
        Call::Listmount,
        Call::SetGroup,
        Call::Fsopen,
    ];
    let without = |call: Call| NamedSet { name: call.name(), syscalls: SyscallSet::ALL.without(call) };
    if long {
        syscall_sets.extend(single.into_iter().map(without));
    }
    syscall_sets
}

//! The Linux backend with all calls, and with those of kernels that lack a call or of filters that forbid one.

use mountwright_core::Backend;
use mountwright_core::ports::ProcessRoot;
use mountwright_linux::{Call, Kernel, LinuxBackend, SyscallSet};

/// The sets of calls, each with the suffix of a world's name.
pub(crate) fn syscall_sets() -> [(&'static str, SyscallSet); 6] {
    let joins = SyscallSet::ALL
        .without(Call::Statmount)
        .without(Call::Listmount)
        .without(Call::OpenTreeAttr)
        .without(Call::Fchmodat2)
        .without(Call::Getxattrat);
    let common = joins.without(Call::SetGroup);
    let bare = common.without(Call::MountSetattr).without(Call::Openat2);
    [
        ("", SyscallSet::ALL),
        (", calls of 5.15", joins),
        (", calls of 5.12", common),
        (", calls of 5.2", bare),
        (", calls of 4.18", SyscallSet::NONE),
        (", no openat2", SyscallSet::ALL.without(Call::Openat2)),
    ]
}

/// Returns the backend, and true if it has a call for whole trees.
pub(crate) fn limited<K: Kernel>(backend: LinuxBackend<K>, syscalls: SyscallSet) -> (impl Backend + ProcessRoot, bool) {
    let backend = backend.with_syscalls(syscalls);
    let changes_trees = backend.uses(Call::MountSetattr);
    (backend, changes_trees)
}

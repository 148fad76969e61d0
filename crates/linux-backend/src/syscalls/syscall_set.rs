//! The newer system calls: those that may be used, and those that exist.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use mountwright_core::Errno;
use mountwright_core::mount::Origin;

use crate::syscalls::abi::{MNT_DETACH, MNT_EXPIRE};
use crate::syscalls::retry::uninterrupted;
use crate::syscalls::{Call, Kernel, Reach};

/// The calls that not every kernel from 4.18 on has, or that filters forbid.
const OPTIONAL: [Call; 12] = [
    Call::Openat2,
    Call::Statmount,
    Call::Listmount,
    Call::OpenTree,
    Call::OpenTreeAttr,
    Call::MountSetattr,
    Call::MoveMount,
    Call::SetGroup,
    Call::Fsopen,
    Call::SetFd,
    Call::Fchmodat2,
    Call::Getxattrat,
];

fn index(call: Call) -> Option<usize> {
    OPTIONAL.iter().position(|&known| known == call)
}

/// The newer system calls that the backend may use if they exist. By default all.
///
/// The optional calls are openat2, statmount, listmount, `open_tree`, `open_tree_attr`, `mount_setattr`, `move_mount`, its
/// flag `MOVE_MOUNT_SET_GROUP` ([`Call::SetGroup`]), fsopen (which stands for fsconfig, fsmount and fspick too), fsconfig's
/// command `FSCONFIG_SET_FD` ([`Call::SetFd`]), fchmodat2 and getxattrat.
///
/// ```
/// use mountwright_linux::{Call, SyscallSet};
///
/// let as_on_5_4 = SyscallSet::ALL.without(Call::Openat2).without(Call::MountSetattr).without(Call::Statmount);
/// assert!(as_on_5_4.allows(Call::OpenTree) && !as_on_5_4.allows(Call::MountSetattr));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SyscallSet(u16);

impl SyscallSet {
    /// Every call that is there.
    pub const ALL: Self = Self(0);
    /// The calls of Linux 4.18 alone.
    pub const NONE: Self = Self(!0);

    /// Excludes this call. Calls that every kernel has cannot be excluded.
    #[must_use]
    pub fn without(self, call: Call) -> Self {
        index(call).map_or(self, |index| Self(self.0 | 1 << index))
    }

    /// Returns true if this call may be used.
    pub fn allows(self, call: Call) -> bool {
        index(call).is_none_or(|index| self.0 & 1 << index == 0)
    }
}

impl Default for SyscallSet {
    fn default() -> Self {
        Self::ALL
    }
}

const UNKNOWN: u8 = 0;
const THERE: u8 = 1;
const ABSENT: u8 = 2;

/// The probed properties of the kernel. Each call is probed once, when it is first needed.
#[derive(Debug, Default)]
pub(crate) struct Found {
    calls: [AtomicU8; OPTIONAL.len()],
    /// Set once the orphans of killed processes have been looked for.
    pub(crate) reclaimed: AtomicBool,
    /// Set once a real procfs was found.
    pub(crate) procfs: AtomicBool,
    /// Boot and namespace, once both are known.
    pub(crate) origin: OnceLock<Origin>,
    /// The fields that statmount has returned at least once.
    pub(crate) statmount_fields: FieldsSeen,
}

/// A set of statmount's fields. Two halves: not every processor has atomics of 64 bits.
#[derive(Debug, Default)]
pub(crate) struct FieldsSeen([AtomicU32; 2]);

impl FieldsSeen {
    /// Adds these and returns all.
    pub(crate) fn add(&self, fields: u64) -> u64 {
        let halves = [fields & u64::from(u32::MAX), fields >> 32];
        let mut all = 0;
        for (index, (seen, half)) in self.0.iter().zip(halves).enumerate() {
            let half = u32::try_from(half).unwrap_or_default();
            let known = seen.load(Ordering::Relaxed);
            // Nearly always nothing is new, and a look alone costs nothing.
            let known = if half & !known == 0 { known } else { seen.fetch_or(half, Ordering::Relaxed) | half };
            all |= u64::from(known) << (32 * index);
        }
        all
    }
}

impl Found {
    pub(crate) fn has<K: Kernel>(&self, kernel: &K, syscalls: SyscallSet, call: Call) -> bool {
        let Some(index) = index(call) else { return true };
        if !syscalls.allows(call) {
            return false;
        }
        match self.calls[index].load(Ordering::Relaxed) {
            THERE => true,
            ABSENT => false,
            _ => {
                let found = ask(kernel, call);
                self.calls[index].store(found, Ordering::Relaxed);
                // A call whose probe failed is tried: it reports itself.
                found != ABSENT
            }
        }
    }
}

/// Returns true if this process may mount and unmount. umount2 checks the privilege before it refuses the combination
/// of these flags. A filter that permits mount(2) permits umount2 too.
pub(crate) fn may_mount<K: Kernel>(kernel: &K) -> bool {
    uninterrupted(|| kernel.umount2(Reach::Path("/".as_ref()), MNT_EXPIRE | MNT_DETACH)) == Err(Errno::EINVAL)
}

fn ask<K: Kernel>(kernel: &K, call: Call) -> u8 {
    match uninterrupted(|| kernel.probe(call)) {
        Ok(()) => THERE,
        // These calls check the privilege first: `EPERM` may come from the kernel itself.
        Err(Errno::EPERM) if matches!(call, Call::MoveMount | Call::SetGroup | Call::Fsopen) => {
            if may_mount(kernel) {
                ABSENT
            } else {
                UNKNOWN
            }
        }
        Err(Errno::ENOSYS | Errno::EPERM) => ABSENT,
        // The probe itself failed.
        Err(_) => UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_optional_calls_can_be_left_out() {
        assert!(SyscallSet::NONE.allows(Call::Mount) && SyscallSet::ALL.without(Call::Umount2).allows(Call::Umount2));
        for call in OPTIONAL {
            assert!(SyscallSet::ALL.allows(call) && !SyscallSet::NONE.allows(call));
            let without = SyscallSet::ALL.without(call);
            assert!(OPTIONAL.into_iter().all(|other| without.allows(other) == (other != call)));
        }
    }
}

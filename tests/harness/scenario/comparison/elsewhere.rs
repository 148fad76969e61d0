//! A kernel whose results differ from the recording, and the change between kernels that explains it.

use serde::{Deserialize, Serialize};

use super::difference::Difference;
use crate::scenario::kernel_version::KernelVersion;
use crate::scenario::outcome::Outcome;
use crate::scenario::snapshot::Snapshot;
use crate::scenario::value::Value;

/// The first step at which other kernels differ from the recording, with their outcome.
///
/// The steps after that one are not compared: the histories have diverged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Elsewhere {
    /// The first kernel of this entry; absent: the oldest
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<KernelVersion>,
    /// The last kernel of this entry; absent: the newest
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<KernelVersion>,
    /// Name of the change in [`CHANGES`]
    pub change: String,
    /// Index of the operation; -1 for the set-up
    pub step: i64,
    /// The outcome, where it differs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Outcome>,
    /// The value, where it differs
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The tables, where they differ
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tables: Option<Snapshot>,
}

impl Elsewhere {
    /// Returns true if the entry applies to this kernel.
    pub fn holds_on(&self, kernel: KernelVersion) -> bool {
        self.since.is_none_or(|since| since <= kernel) && self.until.is_none_or(|until| kernel <= until)
    }

    /// The entry that would explain the difference, but for the name of the change.
    pub fn of(difference: &Difference, kernel: KernelVersion) -> Self {
        let (result, value, tables) = difference.parts_that_differ();
        let (since, until, change) = (None, Some(kernel), String::new());
        Self { since, until, change, step: difference.at(), result, value, tables }
    }

    /// Returns true if the entry matches the difference; `tables` are the entry's, in the order in which the kernels
    /// are compared.
    pub(super) fn explains(&self, difference: &Difference, tables: Option<Snapshot>) -> bool {
        (self.step, (self.result, self.value.clone(), tables)) == (difference.at(), difference.parts_that_differ())
    }

    /// The reason why the entry cannot be used; `None` for a good one.
    pub fn fault(&self) -> Option<String> {
        let Some(change) = CHANGES.iter().find(|change| change.name == self.change) else {
            return Some(format!("no change is named `{}`", self.change));
        };
        // An entry of older kernels ends before the change; one of newer kernels begins with it.
        match (self.since, self.until) {
            (_, Some(until)) if until < change.since => None,
            (Some(since), None) if since >= change.since => None,
            _ => Some(format!(
                "the change `{}` came with {}, inside the kernels of the entry",
                change.name, change.since
            )),
        }
    }
}

/// A change between kernels that histories show.
#[derive(Clone, Copy, Debug)]
pub struct KernelChange {
    /// Its name in the entries
    pub name: &'static str,
    /// The first kernel that has it, or the first one run on which it was observed
    pub since: KernelVersion,
}

const fn change(name: &'static str, major: u32, minor: u32) -> KernelChange {
    KernelChange { name, since: KernelVersion::new(major, minor) }
}

/// The changes that explain entries; `docs/kernel.md` says what each one is.
pub const CHANGES: &[KernelChange] = &[
    change("locked-copies", 6, 1),
    change("target-in-an-unmounted-mount", 6, 12),
    change("detached-trees", 6, 15),
    change("order-of-copies", 6, 17),
    change("refused-crossing", 6, 17),
    change("stack-on-a-cover", 6, 17),
    change("umount-propagation", 6, 17),
    change("unbindable-copies", 6, 17),
    change("unbindable-copies-again", 7, 2),
];

/// The first kernel whose tables are in the order of the mounts' age (unique ids).
pub(super) const TABLES_BY_AGE: KernelVersion = KernelVersion::new(6, 8);

//! Rungs of the ladder of calls.

use mountwright_linux::{Call, Ladder};

/// A rung, with its name.
#[derive(Clone, Copy, Debug)]
pub struct Rung {
    /// The call that it is without; `all`, or `none`.
    pub name: &'static str,
    /// The system calls that may be used.
    pub ladder: Ladder,
}

impl Rung {
    /// Returns true if a read-only bind is complete before it is visible without a staging directory.
    pub fn detached(self) -> bool {
        let allows = |call| self.ladder.allows(call);
        let changes = allows(Call::MountSetattr) || allows(Call::OpenTreeAttr);
        allows(Call::OpenTree) && allows(Call::MoveMount) && changes
    }
}

/// The highest and the lowest; where it may take long, each without one call too.
pub fn rungs(long: bool) -> Vec<Rung> {
    let mut rungs = vec![Rung { name: "all", ladder: Ladder::ALL }, Rung { name: "none", ladder: Ladder::NONE }];
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
    let without = |call: Call| Rung { name: call.name(), ladder: Ladder::ALL.without(call) };
    if long {
        rungs.extend(single.into_iter().map(without));
    }
    rungs
}

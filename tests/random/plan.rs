//! A history as it is drawn, before it meets a world.

use proptest::prelude::*;

use crate::intent::{Intent, intent};
use crate::kind::Kind;
use crate::layout::{Layout, layout};
use crate::theme::{Theme, theme};

/// How many operations a history has, at most.
pub(crate) const LENGTH: usize = 20;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) layout: Layout,
    pub(crate) theme: Theme,
    /// Some more than are needed: one that fits nowhere is left out
    pub(crate) intents: Vec<Intent>,
}

pub(crate) fn plan(kind: Kind) -> impl Strategy<Value = Plan> {
    (layout(), theme(), proptest::collection::vec(intent(kind), LENGTH + 8)).prop_map(|(layout, theme, intents)| Plan {
        layout,
        theme,
        intents,
    })
}

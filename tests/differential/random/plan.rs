//! A history as it is drawn, before it meets a world.

use mountwright_tests::scenario::{NodeKind, Operation};
use proptest::prelude::*;

use crate::intent::{Intent, What, intent};
use crate::kind::Kind;
use crate::layout::{Layout, layout};
use crate::theme::{Theme, theme};

/// The highest number of operations of a history.
pub(crate) const LENGTH: usize = 20;

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) layout: Layout,
    pub(crate) theme: Theme,
    /// Some more than are needed: one that fits nowhere is left out
    pub(crate) intents: Vec<Intent>,
}

/// Plans of this kind; without root on the machine, such as do without.
pub(crate) fn plan(kind: Kind, is_root: bool) -> impl Strategy<Value = Plan> {
    let drawn = (layout(), theme(), 0u8..2, proptest::collection::vec(intent(kind), LENGTH + 8));
    drawn.prop_map(move |(layout, theme, mapped, intents)| {
        // Every second history of this kind; no other kind has maps.
        let theme = if kind == Kind::ContainerRoot && mapped == 0 { Theme::Mapped } else { theme };
        let plan = Plan { layout, theme, intents };
        if is_root { plan } else { plan.for_an_ordinary_user() }
    })
}

impl Plan {
    /// The same without device nodes and without other credentials, which need root on the machine.
    fn for_an_ordinary_user(mut self) -> Self {
        self.layout = self.layout.without_device();
        if matches!(self.theme, Theme::Flagged | Theme::Restricted) {
            self.theme = Theme::Plain;
        }
        for intent in &mut self.intents {
            intent.who = Intent::ROOT;
            if let What::Operation(Operation::Mknod { kind, .. }) = &mut intent.what {
                *kind = NodeKind::Fifo;
            }
        }
        self
    }
}

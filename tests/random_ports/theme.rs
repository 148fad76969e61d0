//! The beginnings of histories at the ports.

use proptest::prelude::*;

use crate::call::{Call, Outside, Propagation};
use crate::place::Spot;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Theme {
    Plain,
    /// The stage is shared: whatever is mounted is
    Shared,
    /// Peers, and a slave of theirs
    Chain,
    /// Two mounts on one directory
    Stack,
    /// Many mounts
    Crowd,
    Unbindable,
}

pub(crate) fn theme() -> impl Strategy<Value = Theme> {
    prop_oneof![
        3 => Just(Theme::Plain),
        2 => Just(Theme::Shared),
        3 => Just(Theme::Chain),
        2 => Just(Theme::Stack),
        2 => Just(Theme::Crowd),
        1 => Just(Theme::Unbindable),
    ]
}

fn spot(path: &str) -> Spot {
    Spot::Path(path.to_owned())
}

fn tmpfs(path: &str) -> Outside {
    Outside::Tmpfs { path: spot(path) }
}

fn bind(source: &str, target: &str, recursive: bool) -> Outside {
    Outside::Bind { source: spot(source), target: spot(target), recursive }
}

fn make(path: &str, propagation: Propagation) -> Outside {
    Outside::Propagation { path: spot(path), propagation, recursive: false }
}

impl Theme {
    pub(crate) fn calls(self) -> Vec<Call> {
        use Propagation::{Shared, Slave, Unbindable};
        let outside = match self {
            Self::Plain => vec![],
            Self::Shared => vec![make("/w", Shared), tmpfs("/w/c")],
            Self::Chain => vec![
                bind("/w/a", "/w/a", false),
                make("/w/a", Shared),
                bind("/w/a", "/w/b", false),
                bind("/w/b", "/w/c", false),
                make("/w/c", Slave),
            ],
            Self::Stack => vec![tmpfs("/w/a"), tmpfs("/w/a"), bind("/w/b", "/w/a", false), tmpfs("/w/b/x")],
            Self::Crowd => vec![
                make("/w", Shared),
                tmpfs("/w/c"),
                tmpfs("/w/b/x"),
                bind("/w", "/w/a/x", true),
                bind("/w/b", "/w/c", true),
                bind("/w", "/w/b/y", true),
            ],
            Self::Unbindable => vec![tmpfs("/w/a"), make("/w/a", Unbindable)],
        };
        outside.into_iter().map(Call::Outside).collect()
    }
}

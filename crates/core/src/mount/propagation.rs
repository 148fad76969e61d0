//! Mount propagation.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use crate::mount::Recursion;

/// The propagation type a mount is given (`Documentation/filesystems/sharedsubtree.rst`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Propagation {
    /// Mounts below it are not propagated, in either direction.
    Private,
    /// Mounts below it are propagated to every peer, and mounts below a peer to it.
    Shared,
    /// Mounts below its former peers are propagated to it, mounts below it are not propagated to them. A mount without
    /// peers and without a master becomes private; the kernel reports no error.
    Slave,
    /// Private, and cannot be the source of a bind.
    Unbindable,
}

impl Propagation {
    /// The word for it: `private`, `shared`, `slave`, `unbindable`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
            Self::Slave => "slave",
            Self::Unbindable => "unbindable",
        }
    }
}

impl fmt::Display for Propagation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A word that names no propagation type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "wrong propagation type {0:?}: expected private, shared, slave or unbindable, with an r before it for the whole tree"
)]
pub struct WrongPropagation(pub String);

/// A propagation type and how far it reaches, as option lists write it: `slave` for one mount, `rslave` for the tree.
///
/// Both the original's `ubind` and the usual `unbindable` are understood; `Display` writes the usual one.
///
/// ```
/// use mountwright_core::{Propagation, Recursion};
/// use mountwright_core::mount::PropagationWord;
///
/// let word: PropagationWord = "rslave".parse().unwrap();
/// assert_eq!((word.propagation, word.recursion), (Propagation::Slave, Recursion::Tree));
/// assert!("slaves".parse::<PropagationWord>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PropagationWord {
    /// The type.
    pub propagation: Propagation,
    /// Of one mount or of the tree.
    pub recursion: Recursion,
}

impl fmt::Display for PropagationWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reach = if self.recursion == Recursion::Tree { "r" } else { "" };
        write!(f, "{reach}{}", self.propagation)
    }
}

impl FromStr for PropagationWord {
    type Err = WrongPropagation;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let (plain, recursion) = match word.strip_prefix('r') {
            Some(plain) => (plain, Recursion::Tree),
            None => (word, Recursion::This),
        };
        let propagation = match plain {
            "private" => Propagation::Private,
            "shared" => Propagation::Shared,
            "slave" => Propagation::Slave,
            "unbindable" | "ubind" => Propagation::Unbindable,
            _ => return Err(WrongPropagation(word.to_owned())),
        };
        Ok(Self { propagation, recursion })
    }
}

impl FromStr for Propagation {
    type Err = WrongPropagation;

    /// The type alone; the words with an `r`, which apply to a tree, are refused here.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word.parse::<PropagationWord>()? {
            PropagationWord { propagation, recursion: Recursion::This } => Ok(propagation),
            PropagationWord { .. } => Err(WrongPropagation(word.to_owned())),
        }
    }
}

/// The number of a peer group, as mountinfo prints it (`shared:N`, `master:N`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PeerGroup(pub NonZeroU32);

impl PeerGroup {
    /// The group of this number; `None` for 0.
    pub const fn new(number: u32) -> Option<Self> {
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }
}

impl fmt::Display for PeerGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The propagation of a mount.
///
/// `Display` is mountinfo's optional fields (`shared:1 master:2`); nothing for a private mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PropagationState {
    /// The peer group that it is a member of (`shared:N`).
    pub peers: Option<PeerGroup>,
    /// The peer group that is its master (`master:N`).
    pub master: Option<PeerGroup>,
    /// The nearest dominating peer group that is visible below this process's root, where the master itself has no peer
    /// there (`propagate_from:N`).
    pub propagate_from: Option<PeerGroup>,
    /// It cannot be bound.
    pub unbindable: bool,
}

impl PropagationState {
    /// True where mounts below it are not propagated in either direction. An unbindable mount is private too.
    pub fn is_private(self) -> bool {
        self.peers.is_none() && self.master.is_none()
    }

    /// The type that makes a mount of this kind. A mount that is both slave and shared counts as shared.
    pub fn kind(self) -> Propagation {
        match self {
            Self { unbindable: true, .. } => Propagation::Unbindable,
            Self { peers: Some(_), .. } => Propagation::Shared,
            Self { master: Some(_), .. } => Propagation::Slave,
            _ => Propagation::Private,
        }
    }
}

impl fmt::Display for PropagationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tags = [("shared", self.peers), ("master", self.master), ("propagate_from", self.propagate_from)];
        let mut gap = "";
        for (tag, group) in tags.into_iter().filter_map(|(tag, group)| Some((tag, group?))) {
            write!(f, "{gap}{tag}:{group}")?;
            gap = " ";
        }
        if self.unbindable {
            write!(f, "{gap}unbindable")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ubind_and_unbindable_both_parse_and_the_r_variants() {
        for (word, propagation, recursion) in [
            ("ubind", Propagation::Unbindable, Recursion::This),
            ("unbindable", Propagation::Unbindable, Recursion::This),
            ("rubind", Propagation::Unbindable, Recursion::Tree),
            ("rprivate", Propagation::Private, Recursion::Tree),
            ("shared", Propagation::Shared, Recursion::This),
        ] {
            let expected = PropagationWord { propagation, recursion };
            assert_eq!(word.parse(), Ok(expected), "{word}");
            assert_eq!(expected.to_string().parse(), Ok(expected), "{word}");
        }
        for bad in ["", "r", "rr", "rrslave", "Slave", "slave ", "public"] {
            assert_eq!(bad.parse::<PropagationWord>(), Err(WrongPropagation(bad.to_owned())));
        }
        assert!("rslave".parse::<Propagation>().is_err());
    }

    #[test]
    fn prints_the_optional_fields_of_mountinfo() {
        let group = |n| PeerGroup::new(n);
        let state = PropagationState { peers: group(7), master: group(3), propagate_from: group(2), unbindable: false };
        assert_eq!(state.to_string(), "shared:7 master:3 propagate_from:2");
        let unbindable = PropagationState { unbindable: true, ..PropagationState::default() };
        assert_eq!(unbindable.to_string(), "unbindable");
        assert_eq!(PropagationState::default().to_string(), "");
    }

    #[test]
    fn a_state_is_of_the_kind_that_would_make_it() {
        let state = |peers, master, unbindable| PropagationState {
            peers: PeerGroup::new(peers),
            master: PeerGroup::new(master),
            unbindable,
            ..PropagationState::default()
        };
        for (peers, master, unbindable, kind) in [
            (0, 0, false, Propagation::Private),
            (0, 0, true, Propagation::Unbindable),
            (1, 0, false, Propagation::Shared),
            (0, 2, false, Propagation::Slave),
            (1, 2, false, Propagation::Shared),
        ] {
            assert_eq!(state(peers, master, unbindable).kind(), kind);
        }
    }
}

//! The propagation that the mounts of a new tree are to have.
//!
//! Words apply one after the other, in the kernel too: of each mount they leave what cuts it off from its source, if
//! anything, and whether it is shared in the end.

use mountwright_core::mount::{OccupiedTarget, PropagationWord};
use mountwright_core::{BindRequest, Propagation, Recursion};

use crate::syscalls::abi::{MS_PRIVATE, MS_SLAVE, MS_UNBINDABLE};

/// The propagation that one mount is to have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Private, slave or unbindable. `None`: as the kernel makes it.
    apart: Option<Propagation>,
    /// Made shared after that.
    shared: bool,
}

impl Wanted {
    pub(crate) fn of(propagation: Option<Propagation>) -> Self {
        propagation.map_or(Self::default(), |propagation| Self::default().then(propagation))
    }

    /// The propagation after one more word.
    fn then(self, word: Propagation) -> Self {
        use Propagation::{Private, Shared, Slave, Unbindable};
        match (word, self.apart) {
            // A shared mount can be bound.
            (Shared, Some(Unbindable)) => Self { apart: Some(Private), shared: true },
            (Shared, apart) => Self { apart, shared: true },
            // It has no master, nor peers that could become one.
            (Slave, apart @ Some(Private | Unbindable)) => Self { apart, shared: false },
            (Private | Slave | Unbindable, _) => Self { apart: Some(word), shared: false },
        }
    }

    pub(crate) fn is_slave(self) -> bool {
        self.apart == Some(Propagation::Slave)
    }

    /// The type in the end; `None`: as the kernel makes it.
    pub(crate) fn last(self) -> Option<Propagation> {
        if self.shared { Some(Propagation::Shared) } else { self.apart }
    }

    /// `MS_…` of a copy before it is attached. An unbindable mount cannot be attached below a shared one.
    fn before_the_attach(self) -> Option<u32> {
        Some(match self.apart? {
            Propagation::Slave => MS_SLAVE,
            _ => MS_PRIVATE,
        })
    }

    /// The type that a mount has still to be given once it is private or a slave of its source.
    fn once_apart(self) -> Option<Propagation> {
        self.last().filter(|last| matches!(last, Propagation::Shared | Propagation::Unbindable))
    }
}

/// The propagation that the mounts of a tree are to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WantedOfTree {
    pub(crate) recursion: Recursion,
    pub(crate) top: Wanted,
    /// Of the mounts below the top; of one mount the same.
    pub(crate) below: Wanted,
}

/// A change of a new tree: of one mount, its top, or of the whole.
pub(crate) type Change = (Propagation, Recursion);

impl WantedOfTree {
    pub(crate) fn of_one(propagation: Option<Propagation>) -> Self {
        let wanted = Wanted::of(propagation);
        Self { recursion: Recursion::This, top: wanted, below: wanted }
    }

    pub(crate) fn of_bind(request: &BindRequest) -> Self {
        let words = request.propagation_words();
        let all = |words: &mut dyn Iterator<Item = &PropagationWord>| {
            words.fold(Wanted::default(), |wanted, word| wanted.then(word.propagation))
        };
        let top = all(&mut words.iter());
        let below = match request.recursion() {
            Recursion::This => top,
            Recursion::Tree => all(&mut words.iter().filter(|word| word.recursion == Recursion::Tree)),
        };
        Self { recursion: request.recursion(), top, below }
    }

    /// True where every mount leaves the peer group of its source. The top does so where any mount does.
    pub(crate) fn is_apart(self) -> bool {
        self.below.apart.is_some()
    }

    /// The mounts that leave the peer group of their sources. `None`: no mount.
    pub(crate) fn leaving(self) -> Option<Recursion> {
        self.top.apart.map(|_| if self.is_apart() { self.recursion } else { Recursion::This })
    }

    /// True where any mount is to be a slave of its source.
    pub(crate) fn has_slaves(self) -> bool {
        self.top.is_slave() || self.below.is_slave()
    }

    /// The changes before the mounts leave their peers: those that do not leave are made shared.
    pub(crate) fn before_leaving(self) -> Vec<Change> {
        let last = self.below.last().filter(|_| !self.is_apart());
        last.map(|last| (last, self.recursion)).into_iter().collect()
    }

    /// The changes after the mounts have left their peers.
    pub(crate) fn after_leaving(self) -> Vec<Change> {
        let whole = self.below.once_apart().filter(|_| self.is_apart());
        let mut changes: Vec<Change> = whole.map(|last| (last, self.recursion)).into_iter().collect();
        if self.top != self.below {
            // A change of the whole tree was one of its top too.
            let is_changed = whole.is_some() || !self.before_leaving().is_empty();
            let again = self.top.apart.filter(|apart| is_changed || *apart == Propagation::Unbindable);
            changes.extend(again.map(|apart| (apart, Recursion::This)));
            changes.extend(self.top.shared.then_some((Propagation::Shared, Recursion::This)));
        }
        changes
    }

    /// The changes of a copy that is not attached, once it has left the peers that it is to leave.
    pub(crate) fn of_a_detached_copy(self) -> Vec<Change> {
        [self.before_leaving(), self.after_leaving()].concat()
    }

    /// True where mounts on any mount of the tree may propagate to peers.
    pub(crate) fn may_have_peers(self) -> bool {
        [self.top, self.below].into_iter().any(|wanted| matches!(wanted.last(), None | Some(Propagation::Shared)))
    }

    /// The changes of an unbindable tree.
    pub(crate) fn when_unbindable(self) -> Vec<Change> {
        let whole = self.below.last().map(|last| (last, self.recursion));
        let top = self.top.last().filter(|_| self.top != self.below).map(|last| (last, Recursion::This));
        whole.into_iter().chain(top).collect()
    }
}

/// `MS_…` of a copy before it is attached: of the whole, and of the top alone where that is another.
///
/// Set only after the attach, it would apply to one mount alone. Below a shared parent the copies at the parent's peers
/// would stay peers of the source. The mount itself would be one for a moment, in which mounts on it propagate to the
/// source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BeforeTheAttach {
    pub(crate) whole: Option<u32>,
    pub(crate) top: Option<u32>,
}

impl BeforeTheAttach {
    pub(crate) fn of(request: &BindRequest) -> Self {
        if let OccupiedTarget::StackOn(_) = request.occupied_target() {
            // The kernel attaches no unbindable mount to a shared one.
            return Self { whole: Some(MS_UNBINDABLE), top: None };
        }
        let wanted = WantedOfTree::of_bind(request);
        let (whole, top) = (wanted.below.before_the_attach(), wanted.top.before_the_attach());
        Self { whole, top: top.filter(|_| top != whole) }
    }

    /// True where any mount of the copy is changed.
    pub(crate) fn is_any(self) -> bool {
        self.whole.is_some() || self.top.is_some()
    }
}

#[cfg(test)]
mod tests {
    use mountwright_core::Location;

    use super::*;

    fn tree(words: &str) -> WantedOfTree {
        let words = words.split_whitespace().map(|word| word.parse().unwrap());
        let request = BindRequest::new(Location::trusted("/s"), Location::trusted("/t")).recursive();
        WantedOfTree::of_bind(&request.propagations(words))
    }

    #[test]
    fn words_leave_what_the_kernel_makes_of_them() {
        use Propagation::{Private, Shared, Slave, Unbindable};
        for (words, apart, shared) in [
            ("unbindable slave", Some(Unbindable), false),
            ("unbindable shared", Some(Private), true),
            ("slave shared", Some(Slave), true),
            ("slave shared slave", Some(Slave), false),
            ("private shared slave", Some(Private), false),
            ("shared slave", Some(Slave), false),
            ("private slave", Some(Private), false),
            ("shared", None, true),
            ("slave private", Some(Private), false),
            ("", None, false),
        ] {
            assert_eq!(tree(words).top, Wanted { apart, shared }, "{words}");
            assert_eq!(tree(words).below, Wanted::default(), "{words}");
        }
        assert_eq!(tree("rslave shared").top.last(), Some(Shared));
        assert_eq!(tree("rslave shared").below.last(), Some(Slave));
    }

    #[test]
    fn a_top_of_its_own_is_changed_after_the_tree() {
        let shown = |words: &str| {
            let changes = tree(words).after_leaving().into_iter();
            let shown: Vec<String> = changes
                .map(|(propagation, recursion)| PropagationWord { propagation, recursion }.to_string())
                .collect();
            shown.join(" ")
        };
        for (words, changes) in [
            ("rslave shared", "shared"),
            ("rslave rshared slave", "rshared slave"),
            ("rslave private", ""),
            ("runbindable private", "runbindable private"),
            ("rprivate unbindable", "unbindable"),
            ("rshared private", "private"),
            ("rshared slave", "slave"),
            ("private", ""),
            ("unbindable", "unbindable"),
        ] {
            assert_eq!(shown(words), changes, "{words}");
        }
        assert_eq!(tree("rshared private").before_leaving(), [(Propagation::Shared, Recursion::Tree)]);
        assert_eq!(tree("rslave private").before_leaving(), []);
    }
}

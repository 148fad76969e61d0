//! Propagation of the mount below which everything happens.

/// The propagation of the mount of `/shared`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// It does not propagate. The other namespace has nothing mounted below it: there each name may be renamed and
    /// removed.
    Private,
    /// It propagates to the other namespace, which has a peer.
    Shared,
}

impl Parent {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Private, Self::Shared];

    /// Its word in a line for [`furnish`](crate::machine::furnish).
    pub fn word(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Shared => "shared",
        }
    }

    /// Returns the parents for searches on the kernel: in short the one with more risks.
    pub fn on_kernel(long: bool) -> &'static [Self] {
        if long { &Self::ALL } else { &[Self::Shared] }
    }
}

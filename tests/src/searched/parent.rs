//! Propagation of the mount below which everything happens.

use mountwright_linux::abi::{MS_PRIVATE, MS_SHARED};

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

    /// Its flag of mount(2).
    pub fn propagation(self) -> u32 {
        match self {
            Self::Private => MS_PRIVATE,
            Self::Shared => MS_SHARED,
        }
    }

    /// Returns the parents for searches on the kernel: in short the one with more risks.
    pub fn on_kernel(long: bool) -> &'static [Self] {
        if long { &Self::ALL } else { &[Self::Shared] }
    }
}

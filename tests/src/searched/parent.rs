//! How the mount below which everything happens propagates.

/// How the mount of `/shared` propagates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// Not at all. The other namespace has nothing mounted below it: there each name may be renamed and removed.
    Private,
    /// To the other namespace, which has a peer.
    Shared,
}

impl Parent {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Private, Self::Shared];

    /// What the kernel is searched with: in short the one where more can go wrong.
    pub fn on_kernel(long: bool) -> &'static [Self] {
        if long { &Self::ALL } else { &[Self::Shared] }
    }
}

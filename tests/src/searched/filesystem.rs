//! The filesystems of the scene.

/// A filesystem that a run may change or must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filesystem {
    /// `/`, with `/outside`.
    Root,
    /// `/shared`: the only one that a guest and the operations may change.
    Shared,
    /// `/src`.
    Source,
    /// The filesystem mounted below `/src/tree`.
    Inner,
    /// The filesystem mounted below `/outside/busy`.
    Victim,
    /// The filesystem mounted on `/shared/other/rootfs`.
    Bystander,
}

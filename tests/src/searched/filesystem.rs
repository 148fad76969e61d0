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
    /// What is mounted below `/src/tree`.
    Inner,
    /// What is mounted below `/outside/busy`.
    Victim,
    /// What is mounted on `/shared/other/rootfs`.
    Bystander,
}

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

/// Each filesystem, with a place where it is mounted.
pub const FILESYSTEMS: [(Filesystem, &str); 6] = [
    (Filesystem::Root, "/"),
    (Filesystem::Shared, "/shared"),
    (Filesystem::Source, "/src"),
    (Filesystem::Inner, "/src/tree/inner"),
    (Filesystem::Victim, "/outside/busy/plain"),
    (Filesystem::Bystander, "/shared/other/rootfs"),
];

//! The start directory of a relative path.

/// The directory that a relative path starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The working directory (`AT_FDCWD`).
    Cwd,
    /// A descriptor, as the `*at` calls take it. Ignored when the path is absolute.
    Fd(i32),
    /// As if the path were `/proc/thread-self/fd/N` (when it is empty) or `/proc/thread-self/fd/N/PATH`: the magic link of a
    /// descriptor, for calls that take only a path (`mount`, `umount2`, `chdir`) and for programs that prefer it. A magic
    /// link is followed like a symlink: not as the last component of a call that does not follow one, not under
    /// `RESOLVE_NO_MAGICLINKS`; a descriptor that is not open is `ENOENT`. Works without a procfs in the tree.
    Link(i32),
}

impl From<i32> for At {
    /// The raw argument of an `*at` call: `AT_FDCWD` or a descriptor.
    fn from(dirfd: i32) -> Self {
        if dirfd == crate::abi::AT_FDCWD { Self::Cwd } else { Self::Fd(dirfd) }
    }
}

//! The server behind a filesystem.

use mountwright_core::Errno;

/// The behaviour of the server behind a filesystem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Server {
    /// It replies to every call.
    #[default]
    Answers,
    /// It replies to no call: see [`Machine::hang`](crate::Machine::hang).
    Hangs,
    /// Each look-up of a name below its root fails with this errno.
    FailsLookUps(Errno),
    /// It serves this user only, as a FUSE mount without `allow_other`. For every other user, root included, names below
    /// the root, attributes, listing and contents are `EACCES`. `open` with `O_PATH` and `open_tree` of the root, and a
    /// `statx` that asks for nothing (mask 0; it shows the classic mount id and the mount root) do not ask the server.
    Serves(u32),
}

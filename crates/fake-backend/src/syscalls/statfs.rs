//! `statfs` and `fstatfs`.

use mountwright_core::Errno;

use crate::{At, Machine, Pid};

/// The answer of `statfs`: the fields that the model knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statfs {
    /// The magic number of the filesystem type.
    pub f_type: u64,
    /// `ST_*` flags of mount and superblock, with `ST_VALID`.
    pub f_flags: u64,
    /// The longest name.
    pub f_namelen: u64,
}

impl Machine {
    /// `statfs` (follows symlinks); with an empty path and `At::Fd`, `fstatfs`.
    pub fn statfs(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<Statfs, Errno> {
        Err(Errno::ENOSYS)
    }
}

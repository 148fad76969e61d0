//! Permission bits.

use std::fmt;

/// Permission bits of a file, set-id bits and the sticky bit included: twelve bits, never more.
///
/// `Display` and `Debug` are octal, four digits: `0755`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileMode(u16);

impl FileMode {
    /// `rwxr-xr-x`: the mode of directories and placeholders that are created for a mount (`mountPerm` of the
    /// original).
    pub const MOUNT_TARGET: Self = Self(0o755);

    /// The mode of these bits; those above `0o7777` (the file's kind) are dropped.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits & 0o7777)
    }

    /// The twelve bits.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Debug for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

//! The mounts as findmnt(8) draws them.

use std::fmt;

use mountwright_core::MountTable;

use crate::fake_backend::FakeBackend;

impl fmt::Display for FakeBackend {
    /// The mounts that the process sees, as findmnt(8) draws them, with attributes and propagation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.machine(|machine| machine.mountinfo(self.process())).map_err(|_| fmt::Error)?;
        fmt::Display::fmt(&MountTable::parse(text), f)
    }
}

//! The whole of a modelled machine.

use crate::Pid;

/// A modelled Linux machine: a plain value.
///
/// See the [crate's page](crate) for what it is; the methods are grouped by system call.
#[derive(Clone, Debug)]
pub struct Machine {}

impl Machine {
    /// The first process: uid 0, every capability, the initial namespaces.
    pub const INIT: Pid = Pid(1);

    /// A machine with one process ([`Machine::INIT`]) and an empty root: a tmpfs mounted at `/`, upon a rootfs that, as on a
    /// real machine, no path leads to. The root mount is private, `rw,relatime`.
    pub fn new() -> Self {
        Self {}
    }

    /// Sets the most mounts that a namespace may have (`fs.mount-max`; 100,000 at first). More is `ENOSPC`.
    pub fn set_mount_max(&mut self, most: u32) {
        let _ = most;
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

//! The machine of a story: any machine that can be set up and inspected by system calls.

use mountwright_core::Backend;
use mountwright_linux::Kernel;

/// The sandbox's directory: everything that a story may touch is below it.
pub(crate) const SANDBOX: &str = "/w/sb";

/// A machine with the process of the story, and another process whose mount namespace receives its mounts, as virtiofsd
/// has one.
pub(crate) trait Ground {
    /// Its system calls.
    type Calls: Kernel;

    /// Returns the calls of the first process, without the code that a test has put in between.
    fn calls(&self) -> Self::Calls;
    /// Returns the ports on it, without code in between: those of a process that is started later.
    fn ports(&self) -> Box<dyn Backend + '_>;
    /// The mount table of the other process.
    fn elsewhere(&self) -> Vec<u8>;
    /// Counts the open descriptors of the first process.
    fn descriptors(&self) -> usize;
}

/// The lines that furnish `/w`, which must be a mount, shared or private:
///
/// * `/w/sb`, the sandbox's directory, empty.
/// * Sources: `/w/src/rootfs`, `/w/src/data`, the file `/w/src/config`; `/w/disk/layer` on a shared mount of its own.
/// * Others' things: `/w/victim` with mounts in it, and another sandbox below `/w/other`.
pub(crate) fn furnishing(shared: bool) -> String {
    let kind = if shared { "shared" } else { "private" };
    format!("{NAMES}{kind} /w{MOUNTS}")
}

const NAMES: &str = "
    dir /w/sb /w/src /w/src/rootfs /w/src/rootfs/bin /w/src/data /w/disk /w/victim /w/other /w/other/c1 /w/other/c1/rootfs
    ";

const MOUNTS: &str = "
    mount tmpfs tmpfs /w/disk
    shared /w/disk
    dir /w/disk/layer
    mount tmpfs tmpfs /w/victim
    dir /w/victim/rootfs /w/victim/snapshotdir /w/victim/data /w/victim/mounted
    mount tmpfs tmpfs /w/victim/rootfs /w/victim/mounted
    file /w/src/rootfs/bin/sh #!
    file /w/src/rootfs/empty
    file /w/src/data/f data
    file /w/src/config key=value
    file /w/disk/layer/l layer
    file /w/victim/f kept
    file /w/victim/rootfs/f kept too
    file /w/victim/mounted/f and this
    file /w/victim/config
    bind /w/src/rootfs /w/other/c1/rootfs";

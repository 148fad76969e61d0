//! The machine of a story: any machine that can be set up and inspected by system calls.

use mountwright_core::Backend;
use mountwright_linux::abi::{MS_PRIVATE, MS_SHARED};
use mountwright_tests::machine::{Calls, Furniture};

/// The sandbox's directory: everything that a story may touch is below it.
pub(crate) const SANDBOX: &str = "/w/sb";

/// A machine with the process of the story, and another process whose mount namespace receives its mounts, as virtiofsd
/// has one.
pub(crate) trait Ground {
    /// Its system calls.
    type Calls: Calls;

    /// Returns the calls of the first process, without the code that a test has put in between.
    fn calls(&self) -> Self::Calls;
    /// Returns the ports on it, without code in between: those of a process that is started later.
    fn ports(&self) -> Box<dyn Backend + '_>;
    /// The mount table of the other process.
    fn elsewhere(&self) -> Vec<u8>;
    /// Counts the open descriptors of the first process.
    fn descriptors(&self) -> usize;
}

/// Furnishes `/w`, which must be a mount, shared or private:
///
/// * `/w/sb`, the sandbox's directory, empty.
/// * Sources: `/w/src/rootfs`, `/w/src/data`, the file `/w/src/config`; `/w/disk/layer` on a shared mount of its own.
/// * Others' things: `/w/victim` with mounts in it, and another sandbox below `/w/other`.
pub(crate) fn furnish(calls: &impl Calls, shared: bool) {
    let furniture = Furniture(calls);
    let tmpfs = |path: &str| furniture.mount("tmpfs", path, "tmpfs", 0);
    let directories = [
        "sb",
        "src",
        "src/rootfs",
        "src/rootfs/bin",
        "src/data",
        "disk",
        "victim",
        "other",
        "other/c1",
        "other/c1/rootfs",
    ];
    for directory in directories {
        furniture.dir(&format!("/w/{directory}"));
    }
    furniture.propagate("/w", if shared { MS_SHARED } else { MS_PRIVATE });
    tmpfs("/w/disk");
    furniture.propagate("/w/disk", MS_SHARED);
    furniture.dir("/w/disk/layer");
    tmpfs("/w/victim");
    for directory in ["rootfs", "snapshotdir", "data", "mounted"] {
        furniture.dir(&format!("/w/victim/{directory}"));
    }
    for directory in ["rootfs", "mounted"] {
        tmpfs(&format!("/w/victim/{directory}"));
    }
    for (path, bytes) in [
        ("src/rootfs/bin/sh", "#!"),
        ("src/rootfs/empty", ""),
        ("src/data/f", "data"),
        ("src/config", "key=value"),
        ("disk/layer/l", "layer"),
        ("victim/f", "kept"),
        ("victim/rootfs/f", "kept too"),
        ("victim/mounted/f", "and this"),
        ("victim/config", ""),
    ] {
        furniture.file(&format!("/w/{path}"), bytes);
    }
    furniture.bind("/w/src/rootfs", "/w/other/c1/rootfs");
}

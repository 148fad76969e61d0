//! The machine of a story: any machine that can be set up and inspected by system calls.

use std::path::Path;

use mountwright_core::{Backend, Errno};
use mountwright_linux::abi::{MS_BIND, MS_PRIVATE, MS_SHARED, O_CLOEXEC, O_CREAT, O_WRONLY};
use mountwright_linux::{At, Kernel, Reach};

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

/// Furnishes `/w`, which must be a mount, shared or private:
///
/// * `/w/sb`, the sandbox's directory, empty.
/// * Sources: `/w/src/rootfs`, `/w/src/data`, the file `/w/src/config`; `/w/disk/layer` on a shared mount of its own.
/// * Others' things: `/w/victim` with mounts in it, and another sandbox below `/w/other`.
pub(crate) fn furnish(calls: &impl Kernel, shared: bool) {
    let furniture = Furniture(calls);
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
    furniture.tmpfs("/w/disk");
    furniture.propagate("/w/disk", MS_SHARED);
    furniture.dir("/w/disk/layer");
    furniture.tmpfs("/w/victim");
    for directory in ["rootfs", "snapshotdir", "data", "mounted"] {
        furniture.dir(&format!("/w/victim/{directory}"));
    }
    for directory in ["rootfs", "mounted"] {
        furniture.tmpfs(&format!("/w/victim/{directory}"));
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

/// Set-up by system calls.
pub(crate) struct Furniture<'a, K>(pub(crate) &'a K);

impl<K: Kernel> Furniture<'_, K> {
    pub(crate) fn dir(&self, path: &str) {
        done("mkdir", path, self.0.mkdirat(At::Cwd, Path::new(path), 0o755));
    }

    pub(crate) fn file(&self, path: &str, bytes: &str) {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC;
        let file = done("open", path, self.0.openat(At::Cwd, Path::new(path), flags, 0o644));
        if !bytes.is_empty() {
            done("write", path, self.0.write(&file, bytes.as_bytes()));
        }
    }

    pub(crate) fn tmpfs(&self, path: &str) {
        self.mount("tmpfs", path, "tmpfs", 0);
    }

    pub(crate) fn bind(&self, source: &str, target: &str) {
        self.mount(source, target, "", MS_BIND);
    }

    pub(crate) fn propagate(&self, path: &str, kind: u32) {
        self.mount("", path, "", kind);
    }

    pub(crate) fn mount(&self, source: &str, target: &str, fs_type: &str, flags: u32) {
        let (from, to) = (Reach::Path(Path::new(source)), Reach::Path(Path::new(target)));
        done("mount", target, self.0.mount(from, to, fs_type.as_ref(), flags, "".as_ref()));
    }
}

fn done<T>(what: &str, path: &str, answer: Result<T, Errno>) -> T {
    answer.unwrap_or_else(|errno| panic!("setting up: {what} {path}: {errno}"))
}

//! What is there before an attack.

use std::fs;

use rustix::mount::MountFlags;

/// Where the links lead: one directory in which the container's names are mounted on, one in which they are plain.
pub(crate) const OUTSIDE: [&str; 2] = ["busy", "empty"];

pub(crate) fn tmpfs(path: &str, source: &str) {
    fs::create_dir_all(path).unwrap();
    rustix::mount::mount(source, path, "tmpfs", MountFlags::empty(), c"mode=755").unwrap();
}

/// `/w/shared`, with links; `/w/source/tree`, with a byte to lose; `/w/outside`, with victims.
pub(crate) fn make() {
    tmpfs("/w/source", "source");
    fs::create_dir("/w/source/tree").unwrap();
    fs::write("/w/source/tree/data", "precious").unwrap();
    tmpfs("/w/outside", "outside");
    for outside in OUTSIDE {
        fs::create_dir_all(format!("/w/outside/{outside}/rootfs")).unwrap();
    }
    victim();
    tmpfs("/w/shared", "shared");
    fs::create_dir("/w/shared/box").unwrap();
    // So that it is not removed with the last share in it.
    fs::write("/w/shared/box/other", "").unwrap();
    for outside in OUTSIDE {
        std::os::unix::fs::symlink(format!("/w/outside/{outside}"), format!("/w/shared/to-{outside}")).unwrap();
        let rootfs = format!("/w/outside/{outside}/rootfs");
        std::os::unix::fs::symlink(rootfs, format!("/w/shared/to-{outside}-rootfs")).unwrap();
    }
}

/// The mount that somebody else has, with a byte of his.
pub(crate) fn victim() {
    tmpfs("/w/outside/busy/rootfs", "victim");
    fs::write("/w/outside/busy/rootfs/keep", "keep").unwrap();
}

/// How long an attack lasts.
pub(crate) fn seconds() -> u64 {
    from_environment("MOUNTWRIGHT_RACE_SECONDS", 2)
}

/// A number that may be set from outside.
pub(crate) fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

//! The mounts that are there before.

use std::fs;

use mountwright_tests::namespace::{self, NoNamespace};
use rustix::mount::MountFlags;

/// A mount of another user namespace, with its flags.
pub(crate) const LOCKED: &str = "/tmp/locked";
/// A mount below it.
pub(crate) const INNER: &str = "/tmp/locked/inner";
/// A directory that may be mounted on.
pub(crate) const TARGET: &str = "/tmp/target";

/// Makes them in a mount namespace of this process's own, and enters another user namespace, in which they are locked.
pub(crate) fn make() -> Result<(), NoNamespace> {
    namespace::enter()?;
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    // Where the backend would stage a mount, too: nothing here reaches the machine's own directories.
    tmpfs("/run", MountFlags::empty());
    tmpfs("/tmp", MountFlags::empty());
    tmpfs(LOCKED, flags);
    fs::write("/tmp/locked/file", "text").unwrap();
    tmpfs(INNER, MountFlags::empty());
    fs::create_dir(TARGET).unwrap();
    fs::create_dir("/tmp/mounts").unwrap();
    namespace::enter_user_namespace()
}

fn tmpfs(path: &str, flags: MountFlags) {
    fs::create_dir_all(path).unwrap();
    rustix::mount::mount("t", path, "tmpfs", flags, c"mode=755").unwrap();
}

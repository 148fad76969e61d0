//! The mounts that are there before.

use mountwright_tests::machine::furnish;
use mountwright_tests::namespace::{self, NoNamespace};

/// A mount of another user namespace, with its flags.
pub(crate) const LOCKED: &str = "/tmp/locked";
/// A mount below it.
pub(crate) const INNER: &str = "/tmp/locked/inner";
/// A directory that may be mounted on.
pub(crate) const TARGET: &str = "/tmp/target";

/// Makes them in a mount namespace of this process's own, and enters another user namespace, in which they are locked.
pub(crate) fn make() -> Result<(), NoNamespace> {
    namespace::enter()?;
    // Where the backend would stage a mount, too: nothing here reaches the machine's own directories.
    furnish(&format!(
        "tmpfs /run /tmp {LOCKED}; file {LOCKED}/file text; remount nosuid,nodev,noexec,noatime {LOCKED}"
    ));
    furnish(&format!("tmpfs {INNER}; dir {TARGET} /tmp/mounts"));
    namespace::enter_user_namespace()
}

//! Privileges in a namespace.

/// The privilege of a process in its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// It is root on the machine: device nodes and other users too.
    Root,
    /// It is root in a user namespace, of its own or one that it was in before, where there are few users and no device node can
    /// be made.
    UserNamespace,
}

impl Privilege {
    /// Returns the privilege of a process that may mount.
    pub(super) fn of_this_process() -> Self {
        if has_every_user() { Self::Root } else { Self::UserNamespace }
    }
}

/// Returns true if this process appears to be in the initial user namespace: the one that maps every user.
pub fn has_every_user() -> bool {
    std::fs::read_to_string("/proc/thread-self/uid_map")
        .is_ok_and(|map| map.split_ascii_whitespace().eq(["0", "0", "4294967295"]))
}

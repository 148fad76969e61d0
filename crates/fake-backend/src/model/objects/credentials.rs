//! Credentials: the ids and capabilities of a process.

use crate::abi;

/// The credentials of a process.
///
/// Ids are those of the initial user namespace (the kernel's `kuid_t`), whatever namespace the process is in. Real,
/// effective and filesystem ids are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// User id, seen from the initial user namespace.
    pub uid: u32,
    /// Group id, seen from the initial user namespace.
    pub gid: u32,
    /// Supplementary groups, seen from the initial user namespace.
    pub groups: Vec<u32>,
    /// The effective capabilities, in the process's own user namespace ([`abi::CAP_SYS_ADMIN`] and the like).
    pub capabilities: u64,
}

impl Credentials {
    /// Uid 0 with every capability.
    pub const fn root() -> Self {
        Self { uid: 0, gid: 0, groups: Vec::new(), capabilities: abi::CAP_FULL_SET }
    }

    /// This user and group, without capabilities (for uid 0 as well: root with everything dropped).
    pub const fn without_capabilities(uid: u32, gid: u32) -> Self {
        Self { uid, gid, groups: Vec::new(), capabilities: 0 }
    }
}

/// One line of `/proc/PID/uid_map`: `count` ids from `inside` on are the ids from `outside` on of the parent namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdRange {
    /// First id inside the namespace.
    pub inside: u32,
    /// First id in the parent namespace.
    pub outside: u32,
    /// The length of the range.
    pub count: u32,
}

/// The ids that a user namespace knows: users and groups alike.
pub type IdMap = Vec<IdRange>;

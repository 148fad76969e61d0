//! Processes and their namespaces: `fork`, `exit`, `unshare`, `setns`.

use mountwright_core::Errno;

use crate::{Credentials, IdMap, Machine, Pid};

impl Machine {
    /// `fork`: a process with the same root, working directory, namespaces and credentials, and the same open files.
    pub fn fork(&mut self, pid: Pid) -> Result<Pid, Errno> {
        Err(Errno::ENOSYS)
    }

    /// The process ends: its descriptors are closed; a namespace that it was the last process of is dismantled.
    pub fn exit(&mut self, pid: Pid) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `unshare` with `CLONE_NEWNS`, `CLONE_NEWUSER` or both. A new user namespace has an empty map ([`Machine::set_id_map`])
    /// and gives its maker every capability in it; mounts copied into it are locked together and shared ones become slaves.
    pub fn unshare(&mut self, pid: Pid, flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// `setns` to the namespaces of another process (`CLONE_NEWNS`, `CLONE_NEWUSER`).
    pub fn setns(&mut self, pid: Pid, other: Pid, flags: u32) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Writes both `uid_map` and `gid_map` of the process's user namespace; `EPERM` when they were written already.
    pub fn set_id_map(&mut self, pid: Pid, map: IdMap) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// Who the process is.
    pub fn credentials(&self, pid: Pid) -> Result<Credentials, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Makes the process somebody else (`setresuid`, `setgroups`, `capset` in one, unchecked).
    pub fn set_credentials(&mut self, pid: Pid, credentials: Credentials) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// The id of the process's mount namespace, as `statmount` and `listmount` take it.
    pub fn mount_namespace(&self, pid: Pid) -> Result<u64, Errno> {
        Err(Errno::ENOSYS)
    }
}

//! Performs one call as another user.

use rustix::io;
use rustix::process::{Gid, Signal, Uid, set_parent_process_death_signal};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities, set_thread_res_gid, set_thread_res_uid};

use crate::scenario::Credentials;

/// The unprivileged uid and gid.
const NOBODY: u32 = 65534;

/// Runs the call with the credentials, and restores root's afterwards.
///
/// The outer error is that of switching; the saved uid stays 0, so that root's credentials can be restored.
pub(super) fn as_somebody<T>(credentials: Credentials, call: impl FnOnce() -> T) -> io::Result<T> {
    match credentials {
        Credentials::Root => Ok(call()),
        Credentials::Nobody => as_nobody(call),
        Credentials::Nocap => without_capabilities(call),
    }
}

fn as_nobody<T>(call: impl FnOnce() -> T) -> io::Result<T> {
    let (nobody, root) = (Uid::from_raw(NOBODY), Uid::ROOT);
    let (nobodys, roots) = (Gid::from_raw(NOBODY), Gid::ROOT);
    // The group first and last: changing it takes a capability that is lost with the uid.
    set_thread_res_gid(nobodys, nobodys, roots)?;
    set_thread_res_uid(nobody, nobody, root)?;
    let answer = call();
    set_thread_res_uid(root, root, root)?;
    set_thread_res_gid(roots, roots, roots)?;
    die_with_parent()?;
    Ok(answer)
}

fn without_capabilities<T>(call: impl FnOnce() -> T) -> io::Result<T> {
    let all = capabilities(None)?;
    let mut none = all;
    none.effective = CapabilitySet::empty();
    set_capabilities(None, none)?;
    let answer = call();
    set_capabilities(None, all)?;
    die_with_parent()?;
    Ok(answer)
}

/// Asks the kernel to kill this process when its parent ends; a change of credentials resets that.
pub(super) fn die_with_parent() -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))
}

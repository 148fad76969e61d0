//! The system calls that have no safe binding.

// A raw call cannot be made without it; each block says why it is sound.
#![allow(unsafe_code)]

use std::io;

use rustix::thread::UnshareFlags;

/// unshare(2) of namespaces, by a process of one thread.
pub(crate) fn unshare(namespaces: UnshareFlags) -> io::Result<()> {
    assert!(!namespaces.contains(UnshareFlags::FILES), "descriptors would be valid on one thread only");
    // SAFETY: the call is unsound only for `FILES`, which was just refused.
    unsafe { rustix::thread::unshare_unsafe(namespaces) }.map_err(Into::into)
}

/// Closes every descriptor but the first three when the process executes a program.
pub(crate) fn close_on_exec_from_3() -> io::Result<()> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    // SAFETY: the arguments are plain numbers, and no descriptor is closed while a value owns it.
    match unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, flags) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

//! The system calls that rustix lacks or marks unsafe: all the unsafe code of this crate.

// A raw call cannot be made without it; every block says why it is sound.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use mountwright_fake::MountAttr;
use rustix::io;
use rustix::thread::UnshareFlags;

/// `mount_setattr(2)`
pub(super) fn mount_setattr(dir: BorrowedFd<'_>, path: Vec<u8>, flags: u32, attr: MountAttr) -> io::Result<()> {
    with_attributes(libc::SYS_mount_setattr, dir, path, flags, attr).map(drop)
}

/// `open_tree_attr(2)`
pub(super) fn open_tree_attr(dir: BorrowedFd<'_>, path: Vec<u8>, flags: u32, attr: MountAttr) -> io::Result<OwnedFd> {
    let number = libc::c_long::from(linux_raw_sys::general::__NR_open_tree_attr);
    let fd = with_attributes(number, dir, path, flags, attr)?;
    // SAFETY: the call has just opened this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Calls one of these two, and returns its result.
fn with_attributes(
    number: libc::c_long,
    dir: BorrowedFd<'_>,
    path: Vec<u8>,
    flags: u32,
    attr: MountAttr,
) -> io::Result<RawFd> {
    let path = CString::new(path).map_err(|_| io::Errno::INVAL)?;
    let attr: [u64; 4] = [attr.attr_set, attr.attr_clr, attr.propagation, attr.userns_fd];
    let size = std::mem::size_of_val(&attr);
    // SAFETY: the path is a C string and the array is a `struct mount_attr` of the size passed; both outlive the call,
    // which writes to neither.
    let result = unsafe { libc::syscall(number, dir.as_raw_fd(), path.as_ptr(), flags, attr.as_ptr(), size) };
    RawFd::try_from(result).ok().filter(|result| *result >= 0).ok_or_else(last_error)
}

fn last_error() -> io::Errno {
    let error = std::io::Error::last_os_error();
    io::Errno::from_io_error(&error).unwrap_or(io::Errno::INVAL)
}

/// unshare(2), never of the descriptor table.
pub(super) fn unshare(flags: UnshareFlags) -> io::Result<()> {
    assert!(!flags.contains(UnshareFlags::FILES), "descriptors would be valid on one thread only");
    // SAFETY: the call is unsound only for `FILES`, which was just refused.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Closes every descriptor above standard error but these, regardless of owners: for a forked child that never returns.
pub(super) fn close_all_but(keep: &[RawFd]) -> io::Result<()> {
    let mut keep: Vec<u32> = keep.iter().filter_map(|&fd| u32::try_from(fd).ok()).collect();
    keep.sort_unstable();
    let mut first = 3;
    for fd in keep.into_iter().chain([u32::MAX]) {
        if first < fd {
            // SAFETY: the numbers are plain integers; the owners of the descriptors are values of the parent, whose
            // destructors never run in a child that leaves by _exit.
            let result = unsafe { libc::syscall(libc::SYS_close_range, first, fd - 1, 0) };
            if result != 0 {
                return Err(last_error());
            }
        }
        first = fd.saturating_add(1);
    }
    Ok(())
}

//! Bare system calls: the lower bound.
#![allow(unsafe_code)] // rustix has no statmount and no mount_setattr, and its unshare is unsafe.

use std::ffi::{CStr, c_int, c_long, c_uint};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use linux_raw_sys::general::{
    __NR_mount_setattr, __NR_open_tree_attr, __NR_statmount, __NR_statx, MNT_ID_REQ_SIZE_VER0, MOUNT_ATTR_SIZE_VER0,
    mnt_id_req, mount_attr, statx,
};
use mountwright_linux::abi::{
    AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, MOUNT_ATTR_RDONLY, STATX_MNT_ID, STATX_MNT_ID_UNIQUE,
    STATX_TYPE,
};

fn answer(value: c_long) -> io::Result<c_long> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(value) }
}

const fn number(nr: u32) -> c_long {
    nr as c_long
}

/// Enters a copy of the mount namespace.
pub(crate) fn unshare_mounts() -> io::Result<()> {
    // SAFETY: no memory is involved; the process has one thread.
    answer(unsafe { libc::unshare(libc::CLONE_NEWNS) }.into()).map(drop)
}

/// The unique id of the mount at a path.
pub(crate) fn mount_id(dir: c_int, path: &CStr, flags: c_uint) -> io::Result<u64> {
    let mut found = MaybeUninit::<statx>::uninit();
    let flags = flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT;
    let mask = STATX_TYPE | STATX_MNT_ID | STATX_MNT_ID_UNIQUE;
    // SAFETY: the path is NUL-terminated and the buffer is as long as the structure.
    answer(unsafe { libc::syscall(number(__NR_statx), dir, path.as_ptr(), flags, mask, found.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so the kernel has filled all of it.
    Ok(unsafe { found.assume_init() }.stx_mnt_id)
}

/// statmount(2) into `buffer`.
pub(crate) fn statmount(id: u64, mask: u64, buffer: &mut [MaybeUninit<u8>]) -> io::Result<()> {
    let request = mnt_id_req { size: MNT_ID_REQ_SIZE_VER0, spare: 0, mnt_id: id, param: mask, mnt_ns_id: 0 };
    let (start, room) = (buffer.as_mut_ptr(), buffer.len());
    // SAFETY: the request is readable for the size that it names, the buffer is writable for its length.
    answer(unsafe { libc::syscall(number(__NR_statmount), &raw const request, start, room, 0) }).map(drop)
}

const fn attr(set: u32, propagation: u32) -> mount_attr {
    mount_attr { attr_set: set as u64, attr_clr: 0, propagation: propagation as u64, userns_fd: 0 }
}

/// `mount_setattr(2)` of an open mount.
pub(crate) fn mount_setattr(mount: &OwnedFd, set: u32, propagation: u32) -> io::Result<()> {
    let (attr, size) = (attr(set, propagation), MOUNT_ATTR_SIZE_VER0 as usize);
    let (mount, empty) = (mount.as_raw_fd(), c"".as_ptr());
    // SAFETY: the path is NUL-terminated, the structure readable for `size` bytes.
    let value =
        unsafe { libc::syscall(number(__NR_mount_setattr), mount, empty, AT_EMPTY_PATH, &raw const attr, size) };
    answer(value).map(drop)
}

/// `open_tree_attr(2)`: a read-only copy.
pub(crate) fn read_only_tree(dir: c_int, path: &CStr, flags: c_uint) -> io::Result<OwnedFd> {
    let (attr, size) = (attr(MOUNT_ATTR_RDONLY, 0), MOUNT_ATTR_SIZE_VER0 as usize);
    // SAFETY: as above.
    let value = unsafe { libc::syscall(number(__NR_open_tree_attr), dir, path.as_ptr(), flags, &raw const attr, size) };
    let fd = c_int::try_from(answer(value)?).expect("a descriptor");
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

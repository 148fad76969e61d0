//! All unsafe code of this crate: the system calls that rustix does not have, or has in a form that costs a copy.
//!
//! Structures and numbers are those of linux-raw-sys. Every structure is passed with the size of its first version:
//! newer kernels accept that, older ones know no other.
#![allow(unsafe_code)] // libc::syscall is the only way to make these calls; nothing else in the crate may.

use std::ffi::{CStr, c_int, c_long, c_uint};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use linux_raw_sys::general::{
    __NR_clone3, __NR_close_range, __NR_fchmodat2, __NR_fsopen, __NR_getdents64, __NR_getxattrat, __NR_listmount,
    __NR_mount_setattr, __NR_move_mount, __NR_open_tree, __NR_open_tree_attr, __NR_openat2, __NR_statmount,
    AT_SYMLINK_NOFOLLOW, CLONE_ARGS_SIZE_VER0, CLONE_CLEAR_SIGHAND, CLONE_NEWUSER, CLONE_PIDFD, MNT_ID_REQ_SIZE_VER0,
    MOUNT_ATTR_IDMAP, MOUNT_ATTR_SIZE_VER0, MOVE_MOUNT_SET_GROUP, clone_args, mnt_id_req, mount_attr, open_how,
    xattr_args,
};
use rustix::io::Errno;

use crate::syscalls::{Call, MountAttr};

// The sizes that are handed over are those of the structures, on every architecture.
const _: () = assert!(size_of::<mount_attr>() == MOUNT_ATTR_SIZE_VER0 as usize);
const _: () = assert!(std::mem::offset_of!(mnt_id_req, mnt_ns_id) == MNT_ID_REQ_SIZE_VER0 as usize);

/// Converts a return value of libc: -1 with errno set, or the value.
fn answer(value: c_long) -> Result<c_long, Errno> {
    if value == -1 {
        let raw = std::io::Error::last_os_error().raw_os_error();
        Err(raw.map_or(Errno::IO, Errno::from_raw_os_error))
    } else {
        Ok(value)
    }
}

fn descriptor(value: c_long) -> Result<OwnedFd, Errno> {
    let raw = c_int::try_from(answer(value)?).map_err(|_| Errno::BADF)?;
    // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

#[allow(clippy::cast_possible_wrap)] // The numbers of system calls are below 10,000 on every architecture.
const fn number(nr: u32) -> c_long {
    nr as c_long
}

fn attr(change: MountAttr) -> mount_attr {
    mount_attr { attr_set: change.set, attr_clr: change.clear, propagation: change.propagation, userns_fd: 0 }
}

/// A change of the map of owners: from any to that of this user namespace, or to none.
fn owners(clear: bool, namespace: Option<BorrowedFd<'_>>) -> mount_attr {
    let bit = |is_set: bool| if is_set { u64::from(MOUNT_ATTR_IDMAP) } else { 0 };
    // A descriptor that is borrowed is not negative.
    let userns_fd = namespace.map_or(0, |file| u64::from(file.as_raw_fd().unsigned_abs()));
    mount_attr { attr_set: bit(namespace.is_some()), attr_clr: bit(clear), propagation: 0, userns_fd }
}

/// `mount_setattr(2)` of a descriptor, with the map of a user namespace.
pub(super) fn map_owners(tree: BorrowedFd<'_>, flags: c_uint, namespace: BorrowedFd<'_>) -> Result<(), Errno> {
    set_attributes(tree, c"", flags, &owners(false, Some(namespace)))
}

/// `open_tree_attr(2)` of a descriptor, with the map of a user namespace or without one.
pub(super) fn remap_owners(
    tree: BorrowedFd<'_>,
    flags: c_uint,
    namespace: Option<BorrowedFd<'_>>,
) -> Result<OwnedFd, Errno> {
    open_tree_with(tree, c"", flags, &owners(true, namespace))
}

/// A child of this process, alone in a new user namespace, which ends when no process holds the other end of `gate` open. It
/// is in no list of children but that of a wait with `__WALL`, and sends no signal when it ends.
pub(super) fn child_in_user_namespace(gate: BorrowedFd<'_>) -> Result<(u32, OwnedFd), Errno> {
    let mut pidfd: c_int = -1;
    let arguments = clone_args {
        flags: u64::from(CLONE_NEWUSER | CLONE_PIDFD) | CLONE_CLEAR_SIGHAND,
        pidfd: (&raw mut pidfd).expose_provenance() as u64,
        child_tid: 0,
        parent_tid: 0,
        exit_signal: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    // SAFETY: `arguments` is readable for the size it is passed with, and `pidfd` is writable. Without `CLONE_VM` the child
    // has a copy of the memory, and without a stack of its own it continues on its copy of this one, as after fork(2).
    let child = unsafe { libc::syscall(number(__NR_clone3), &raw const arguments, CLONE_ARGS_SIZE_VER0 as usize) };
    if child == 0 {
        // SAFETY: the child of a process that may have other threads: it allocates nothing, takes no lock and never returns,
        // so that no value is dropped twice.
        unsafe { wait_at(gate.as_raw_fd()) }
    }
    let child = answer(child)?;
    // SAFETY: the kernel has just written this descriptor, and nothing else owns it.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok((u32::try_from(child).map_err(|_| Errno::OVERFLOW)?, pidfd))
}

/// The whole life of the child: it closes every other descriptor, waits for the end of the pipe, and ends.
///
/// # Safety
///
/// For a child process that nothing else runs in: it closes descriptors that values of the parent own.
unsafe fn wait_at(gate: c_int) -> ! {
    let (gate_number, last) = (gate.unsigned_abs(), c_uint::MAX);
    let mut byte = 0_u8;
    // SAFETY: plain numbers; `byte` is writable for the one byte that is read. These calls are async-signal-safe.
    unsafe {
        if gate_number > 0 {
            libc::syscall(number(__NR_close_range), 0 as c_uint, gate_number - 1, 0 as c_uint);
        }
        libc::syscall(number(__NR_close_range), gate_number + 1, last, 0 as c_uint);
        while answer(libc::read(gate, (&raw mut byte).cast(), 1) as c_long) == Err(Errno::INTR) {}
        libc::_exit(0)
    }
}

/// `mount_setattr(2)`.
pub(super) fn mount_setattr(dir: BorrowedFd<'_>, path: &CStr, flags: c_uint, change: MountAttr) -> Result<(), Errno> {
    set_attributes(dir, path, flags, &attr(change))
}

fn set_attributes(dir: BorrowedFd<'_>, path: &CStr, flags: c_uint, attr: &mount_attr) -> Result<(), Errno> {
    let (fd, size) = (dir.as_raw_fd(), MOUNT_ATTR_SIZE_VER0 as usize);
    // SAFETY: `path` is NUL-terminated and `attr` is readable for `size` bytes; both outlive the call, which writes to
    // neither. Each variadic argument has the width of the register that the kernel reads it from.
    let value = unsafe { libc::syscall(number(__NR_mount_setattr), fd, path.as_ptr(), flags, &raw const *attr, size) };
    answer(value).map(drop)
}

/// `open_tree_attr(2)`.
pub(super) fn open_tree_attr(
    dir: BorrowedFd<'_>,
    path: &CStr,
    flags: c_uint,
    change: MountAttr,
) -> Result<OwnedFd, Errno> {
    open_tree_with(dir, path, flags, &attr(change))
}

fn open_tree_with(dir: BorrowedFd<'_>, path: &CStr, flags: c_uint, attr: &mount_attr) -> Result<OwnedFd, Errno> {
    let (fd, size) = (dir.as_raw_fd(), MOUNT_ATTR_SIZE_VER0 as usize);
    // SAFETY: as for mount_setattr: a NUL-terminated path and a readable structure of `size` bytes, alive for the call.
    let value = unsafe { libc::syscall(number(__NR_open_tree_attr), fd, path.as_ptr(), flags, &raw const *attr, size) };
    descriptor(value)
}

/// fchmodat2(2).
pub(super) fn fchmodat2(dir: BorrowedFd<'_>, path: &CStr, mode: c_uint, flags: c_uint) -> Result<(), Errno> {
    // SAFETY: `path` is NUL-terminated and outlives the call, which writes to no memory. Each variadic argument has the width
    // of the register that the kernel reads it from.
    let value = unsafe { libc::syscall(number(__NR_fchmodat2), dir.as_raw_fd(), path.as_ptr(), mode, flags) };
    answer(value).map(drop)
}

/// getxattrat(2) of a name in `dir`, which is not followed: the value into `value`, and its length.
pub(super) fn getxattrat(dir: BorrowedFd<'_>, path: &CStr, name: &CStr, value: &mut [u8]) -> Result<usize, Errno> {
    let size = u32::try_from(value.len()).map_err(|_| Errno::TOOBIG)?;
    let arguments = xattr_args { value: value.as_mut_ptr().expose_provenance() as u64, size, flags: 0 };
    let (fd, path, flags, length) = (dir.as_raw_fd(), path.as_ptr(), AT_SYMLINK_NOFOLLOW, size_of::<xattr_args>());
    // SAFETY: both strings are NUL-terminated and `arguments` is readable for its size; the kernel writes at most `size`
    // bytes to `value`. All of them outlive the call. Each variadic argument has the width of its register.
    let found =
        unsafe { libc::syscall(number(__NR_getxattrat), fd, path, flags, name.as_ptr(), &raw const arguments, length) };
    usize::try_from(answer(found)?).map_err(|_| Errno::OVERFLOW)
}

/// statmount(2) of a mount of the caller's namespace: `struct statmount` and its strings into `buffer`.
pub(super) fn statmount(unique_id: u64, mask: u64, buffer: &mut [u8]) -> Result<(), Errno> {
    let request = mnt_id_req { size: MNT_ID_REQ_SIZE_VER0, spare: 0, mnt_id: unique_id, param: mask, mnt_ns_id: 0 };
    let (start, room, no_flags) = (buffer.as_mut_ptr(), buffer.len(), 0 as c_uint);
    // SAFETY: `request` is readable for the size it names, `start` is writable for the buffer's length and the kernel
    // writes no more than that; it requires no alignment. Both outlive the call.
    let value = unsafe { libc::syscall(number(__NR_statmount), &raw const request, start, room, no_flags) };
    answer(value).map(drop)
}

/// getdents64(2) with a buffer of `room` bytes: the bytes that the kernel wrote.
pub(super) fn getdents64(directory: BorrowedFd<'_>, room: usize) -> Result<Vec<u8>, Errno> {
    let mut buffer = Vec::<u8>::with_capacity(room);
    // SAFETY: the buffer is writable for `room` bytes, and the kernel writes no more than that; it requires no alignment.
    // It outlives the call.
    let value = unsafe { libc::syscall(number(__NR_getdents64), directory.as_raw_fd(), buffer.as_mut_ptr(), room) };
    let filled = usize::try_from(answer(value)?).map_err(|_| Errno::OVERFLOW)?;
    // SAFETY: the kernel has written this many bytes, at most `room`.
    unsafe { buffer.set_len(filled) };
    Ok(buffer)
}

/// ioctl(2) `NS_GET_MNTNS_ID` of a mount namespace's file.
pub(super) fn mount_namespace_id(file: BorrowedFd<'_>) -> Result<u64, Errno> {
    const NS_GET_MNTNS_ID: rustix::ioctl::Opcode = rustix::ioctl::opcode::read::<u64>(0xb7, 5);
    // SAFETY: this request writes one `u64`, the size of the getter's buffer, and reads nothing.
    unsafe { rustix::ioctl::ioctl(file, rustix::ioctl::Getter::<NS_GET_MNTNS_ID, u64>::new()) }
}

/// listmount(2) of the caller's namespace, of the mounts below one: ids younger than `after` into `ids`, and how many.
pub(super) fn listmount(unique_id: u64, after: u64, ids: &mut [u64]) -> Result<usize, Errno> {
    let request = mnt_id_req { size: MNT_ID_REQ_SIZE_VER0, spare: 0, mnt_id: unique_id, param: after, mnt_ns_id: 0 };
    let (start, most, no_flags) = (ids.as_mut_ptr(), ids.len(), 0 as c_uint);
    // SAFETY: `request` is readable for the size it names, `start` is aligned and writable for `most` ids and the kernel
    // writes no more than that. Both outlive the call.
    let value = unsafe { libc::syscall(number(__NR_listmount), &raw const request, start, most, no_flags) };
    usize::try_from(answer(value)?).map_err(|_| Errno::OVERFLOW)
}

/// Makes a call with arguments that every kernel refuses before it does anything.
pub(super) fn refused(call: Call) -> Result<(), Errno> {
    const UNKNOWN_FLAGS: c_uint = !0;
    const NO_SIZE: usize = 0;
    let (no_fd, empty): (c_int, *const std::ffi::c_char) = (-1, c"".as_ptr());
    let attr = attr(MountAttr::default());
    let how = open_how { flags: 0, mode: 0, resolve: 0 };
    let request = mnt_id_req { size: MNT_ID_REQ_SIZE_VER0, spare: 0, mnt_id: 0, param: 0, mnt_ns_id: 0 };
    let mut nowhere = [0_u8; 8];
    let (attr, how, request, out) = (&raw const attr, &raw const how, &raw const request, nowhere.as_mut_ptr());
    // SAFETY: every pointer is to a live value, readable (for `out` writable) for at least the size handed over, which
    // is 0 or the structure's own; the flags are unknown or the size is too small, so that each call is refused.
    let value = unsafe {
        match call {
            Call::Openat2 => libc::syscall(number(__NR_openat2), no_fd, empty, how, NO_SIZE),
            Call::OpenTree => libc::syscall(number(__NR_open_tree), no_fd, empty, UNKNOWN_FLAGS),
            Call::OpenTreeAttr => {
                libc::syscall(number(__NR_open_tree_attr), no_fd, empty, UNKNOWN_FLAGS, attr, NO_SIZE)
            }
            Call::MountSetattr => libc::syscall(number(__NR_mount_setattr), no_fd, empty, 0, attr, NO_SIZE),
            Call::MoveMount => libc::syscall(number(__NR_move_mount), no_fd, empty, no_fd, empty, UNKNOWN_FLAGS),
            // Without a path and without a descriptor: `ENOENT` from a kernel that knows the flag.
            Call::SetGroup => libc::syscall(number(__NR_move_mount), no_fd, empty, no_fd, empty, MOVE_MOUNT_SET_GROUP),
            Call::Listmount => libc::syscall(number(__NR_listmount), request, out, NO_SIZE, UNKNOWN_FLAGS),
            Call::Statmount => libc::syscall(number(__NR_statmount), request, out, NO_SIZE, UNKNOWN_FLAGS),
            Call::Fchmodat2 => libc::syscall(number(__NR_fchmodat2), no_fd, empty, 0, UNKNOWN_FLAGS),
            Call::Getxattrat => {
                libc::syscall(number(__NR_getxattrat), no_fd, empty, UNKNOWN_FLAGS, empty, out, NO_SIZE)
            }
            Call::Fsopen => libc::syscall(number(__NR_fsopen), empty, UNKNOWN_FLAGS),
            _ => return Ok(()),
        }
    };
    answer(value).map(drop)
}

/// Gives this thread a current directory, root and umask of its own.
pub(super) fn unshare_current_dir() -> Result<(), Errno> {
    // SAFETY: `FS` alone leaves the table of descriptors as it is.
    unsafe { rustix::thread::unshare_unsafe(rustix::thread::UnshareFlags::FS) }
}

/// Leaves namespaces for new ones.
#[cfg(feature = "test-namespace")]
pub(crate) fn unshare(flags: rustix::thread::UnshareFlags) -> Result<(), Errno> {
    // SAFETY: without `FILES` the call is sound. With it, descriptors that this thread opens afterwards are valid on it
    // alone; the only caller that passes it documents that none of them may leave the thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Runs `act` in the child before exec. `act` must allocate nothing and take no lock.
#[cfg(feature = "test-namespace")]
pub(crate) fn before_exec(
    command: &mut std::process::Command,
    act: impl FnMut() -> std::io::Result<()> + Send + Sync + 'static,
) {
    use std::os::unix::process::CommandExt as _;
    // SAFETY: the only caller makes system calls there and nothing else: all that they need was made before the fork.
    unsafe { command.pre_exec(act) };
}

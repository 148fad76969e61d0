//! Mount namespaces for tests on the kernel: of one's own, or none of the test is run.
//!
//! [`enter`] takes a process of one thread in, [`enter_on_this_thread`] one thread of it further, so that cases on several
//! threads do not see each other's mounts. Both end with whoever entered them; nothing of the machine's own is changed.

// unshare(2) is unsafe in rustix; the one block says why it is sound here.
#![allow(unsafe_code)]

use std::fmt;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io;
use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

/// What a process may do in its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// It is root on the machine: device nodes and other users too.
    Root,
    /// It is root in a user namespace of its own, where there is one user and no device node can be made.
    UserNamespace,
}

/// Why there is no namespace of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoNamespace {
    step: &'static str,
    errno: io::Errno,
}

impl NoNamespace {
    /// The step that the kernel refused.
    pub const fn at(step: &'static str, errno: io::Errno) -> Self {
        Self { step, errno }
    }
}

impl fmt::Display for NoNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no mount namespace of our own: {} answers {}", self.step, self.errno)
    }
}

impl std::error::Error for NoNamespace {}

/// Takes this process, which must have one thread, into a mount namespace of its own in which every mount is private;
/// without the privilege for that, into a user namespace first, where it is root.
///
/// # Errors
///
/// [`NoNamespace`] where neither is allowed.
pub fn enter() -> Result<Privilege, NoNamespace> {
    let privilege = if unshare(UnshareFlags::NEWNS).is_err() {
        enter_user_namespace()?;
        Privilege::UserNamespace
    } else if has_every_user() {
        Privilege::Root
    } else {
        Privilege::UserNamespace
    };
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    step("mount(MS_PRIVATE)", rustix::mount::mount_change("/", private))?;
    Ok(privilege)
}

/// Whether this process is in the machine's own user namespace, as far as it can tell: the one that maps every user.
pub fn has_every_user() -> bool {
    std::fs::read_to_string("/proc/thread-self/uid_map")
        .is_ok_and(|map| map.split_ascii_whitespace().eq(["0", "0", "4294967295"]))
}

/// Takes this thread into a copy of the process's mount namespace, with a current directory, a root, a umask and a table of
/// descriptors of its own.
///
/// For a thread that then does one thing and ends: what it opens is valid on it alone, so nothing that owns a descriptor may
/// leave it.
///
/// # Errors
///
/// [`NoNamespace`] where the kernel refuses.
pub fn enter_on_this_thread() -> Result<(), NoNamespace> {
    step("unshare(CLONE_NEWNS)", unshare(UnshareFlags::NEWNS | UnshareFlags::FILES))
}

/// Takes this process, which must have one thread, into another user namespace and a copy of its mount namespace: it is root
/// there, the only user, and every mount that was there before is locked.
///
/// # Errors
///
/// [`NoNamespace`] where the kernel refuses.
pub fn enter_user_namespace() -> Result<(), NoNamespace> {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    step("unshare(CLONE_NEWUSER)", unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS))?;
    write_proc("/proc/thread-self/setgroups", "deny")?;
    write_proc("/proc/thread-self/uid_map", &format!("0 {} 1", uid.as_raw()))?;
    write_proc("/proc/thread-self/gid_map", &format!("0 {} 1", gid.as_raw()))
}

fn write_proc(path: &'static str, text: &str) -> Result<(), NoNamespace> {
    let file = step(path, rustix::fs::openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()))?;
    step(path, rustix::io::write(&file, text.as_bytes())).map(drop)
}

fn unshare(flags: UnshareFlags) -> io::Result<()> {
    // SAFETY: without `FILES` the call is sound. With it, descriptors that this thread opens afterwards are valid on it
    // alone; the only caller that passes it tells its own callers to let none of them leave the thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

fn step<T>(step: &'static str, result: io::Result<T>) -> Result<T, NoNamespace> {
    result.map_err(|errno| NoNamespace { step, errno })
}

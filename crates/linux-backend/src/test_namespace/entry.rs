//! Entering a namespace.

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

use crate::system::unshare;
use crate::test_namespace::no_namespace::{NoNamespace, step};
use crate::test_namespace::privilege::Privilege;

/// Takes this process, which must have one thread, into a mount namespace of its own in which every mount is private;
/// without the privilege for that, into a user namespace first, where it is root.
///
/// # Errors
///
/// [`NoNamespace`] where neither is allowed.
pub fn enter() -> Result<Privilege, NoNamespace> {
    let entry = Entry::prepare();
    if entry.perform(Way::Mounts).is_err() {
        entry.perform(Way::UsersAndMounts)?;
    }
    Ok(Privilege::of_this_process())
}

/// Takes this process, which must have one thread, into another user namespace and a copy of its mount namespace: it is root
/// there, the only user, and every mount that was there before is locked.
///
/// # Errors
///
/// [`NoNamespace`] where the kernel refuses.
pub fn enter_user_namespace() -> Result<(), NoNamespace> {
    Entry::prepare().new_user_namespace()
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

/// The namespaces that are new.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// The mount namespace alone, which takes a privilege.
    Mounts,
    /// A user namespace too, which gives it.
    UsersAndMounts,
}

/// Everything that entering needs, so that it allocates nothing: it may run between fork and exec.
pub(super) struct Entry {
    uid_map: String,
    gid_map: String,
}

impl Entry {
    pub(super) fn prepare() -> Self {
        let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
        Self { uid_map: format!("0 {} 1", uid.as_raw()), gid_map: format!("0 {} 1", gid.as_raw()) }
    }

    /// Enters the namespace this way, and makes every mount private.
    pub(super) fn perform(&self, way: Way) -> Result<(), NoNamespace> {
        match way {
            Way::Mounts => step("unshare(CLONE_NEWNS)", unshare(UnshareFlags::NEWNS))?,
            Way::UsersAndMounts => self.new_user_namespace()?,
        }
        let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        step("mount(MS_PRIVATE)", rustix::mount::mount_change("/", private))
    }

    fn new_user_namespace(&self) -> Result<(), NoNamespace> {
        step("unshare(CLONE_NEWUSER)", unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNS))?;
        write_proc("/proc/thread-self/setgroups", "deny")?;
        write_proc("/proc/thread-self/uid_map", &self.uid_map)?;
        write_proc("/proc/thread-self/gid_map", &self.gid_map)
    }
}

fn write_proc(path: &'static str, text: &str) -> Result<(), NoNamespace> {
    let file = step(path, rustix::fs::openat(CWD, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty()))?;
    step(path, rustix::io::write(&file, text.as_bytes())).map(drop)
}

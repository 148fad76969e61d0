//! The mount namespace in which sandboxes are made.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::process::Gid;
use rustix::thread::{LinkNameSpaceType, UnshareFlags};

use super::raw_calls::unshare;
use crate::namespace::{NoNamespace, Privilege, enter};
use crate::scenario::KernelVersion;

/// A mount namespace of this process's own: an empty tmpfs, and nothing of the machine in it.
///
/// The stage is where the process waits between two sandboxes. It ends with the process.
#[derive(Debug)]
pub struct Stage {
    /// The machine's /proc, which is not mounted here
    proc: OwnedFd,
    /// The stage's mount namespace, and the namespaces that some sandboxes have of their own
    namespace: OwnedFd,
    others: Vec<(OwnedFd, LinkNameSpaceType)>,
    /// True if the process is root on the machine, and not only in a user namespace of its own
    is_root: bool,
    kernel: KernelVersion,
}

fn at<T>(step: &'static str, result: io::Result<T>) -> Result<T, NoNamespace> {
    result.map_err(|errno| NoNamespace::at(step, errno))
}

/// The namespaces that have filesystems of their own.
const OTHERS: [(&str, LinkNameSpaceType); 3] = [
    ("net", LinkNameSpaceType::Network),
    ("ipc", LinkNameSpaceType::InterProcessCommunication),
    ("cgroup", LinkNameSpaceType::ControlGroup),
];

/// The mount point of the sandbox before it becomes the root.
const SANDBOX: &str = "/sandbox";

impl Stage {
    /// Takes this process, which must have one thread, into a mount namespace of its own.
    ///
    /// Without the privilege for that it enters a user namespace, where it is root; credentials other than root and
    /// nested user namespaces do not work there. The umask is cleared and supplementary groups are dropped.
    ///
    /// # Errors
    ///
    /// [`NoNamespace`] where neither is allowed, or the machine has no usable /proc.
    pub fn enter() -> Result<Self, NoNamespace> {
        let is_root = enter()? == Privilege::Root;
        let proc = at("open(/proc)", rustix::fs::open("/proc", directory(), Mode::empty()))?;
        if is_root {
            at("setgroups", rustix::thread::set_thread_groups(&[] as &[Gid]))?;
        }
        rustix::process::umask(Mode::empty());
        // Any directory will do; /proc exists, and its contents are held by descriptor.
        become_root_tmpfs("base", "/proc")?;
        at("mkdir", rustix::fs::mkdir(SANDBOX, Mode::from_raw_mode(0o755)))?;
        let namespace = at(
            "open(ns/mnt)",
            rustix::fs::openat(&proc, "thread-self/ns/mnt", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()),
        )?;
        let kernel = kernel_version(&proc)?;
        let mut others = Vec::new();
        for (name, kind) in OTHERS {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let opened = rustix::fs::openat(&proc, format!("thread-self/ns/{name}"), flags, Mode::empty());
            others.push((at("open(ns)", opened)?, kind));
        }
        Ok(Self { proc, namespace, others, is_root, kernel })
    }

    /// Takes this process from the stage into a fresh mount namespace with a fresh tmpfs as its root; and into fresh
    /// network, ipc and cgroup namespaces, whose filesystems are not the machine's, where the history mounts such.
    pub(super) fn fresh_sandbox(with_others: bool) -> Result<(), NoNamespace> {
        let others = UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWCGROUP;
        let flags = if with_others { UnshareFlags::NEWNS | others } else { UnshareFlags::NEWNS };
        at("unshare", unshare(flags))?;
        // The scenario before may have set another one.
        rustix::process::umask(Mode::empty());
        become_root_tmpfs("k0", SANDBOX)
    }

    /// Returns this process to the stage. The namespace that it leaves ends, unless another process is in it.
    pub(super) fn return_to(&self) -> Result<(), NoNamespace> {
        let kind = Some(LinkNameSpaceType::Mount);
        at("setns", rustix::thread::move_into_link_name_space(self.namespace.as_fd(), kind))?;
        self.others.iter().try_for_each(|(namespace, kind)| {
            at("setns", rustix::thread::move_into_link_name_space(namespace.as_fd(), Some(*kind)))
        })
    }

    /// The machine's /proc.
    pub(super) fn proc(&self) -> BorrowedFd<'_> {
        self.proc.as_fd()
    }

    /// The version of the running kernel.
    pub fn kernel(&self) -> KernelVersion {
        self.kernel
    }

    /// Returns true if the process is root on the machine, so that other credentials and user namespaces can be tried.
    pub fn is_root(&self) -> bool {
        self.is_root
    }
}

fn directory() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// Mounts a tmpfs on the directory and makes it the root, the old one detached.
fn become_root_tmpfs(source: &str, directory: &str) -> Result<(), NoNamespace> {
    at("mount(tmpfs)", rustix::mount::mount(source, directory, "tmpfs", MountFlags::empty(), None))?;
    at("chdir", rustix::process::chdir(directory))?;
    // The old root is stacked on the new one, where the detaching unmount finds it: pivot_root(2), "pivot_root(".", ".")".
    at("pivot_root", rustix::process::pivot_root(".", "."))?;
    at("umount2", rustix::mount::unmount(".", UnmountFlags::DETACH))?;
    at("chdir", rustix::process::chdir("/"))
}

/// The version of the running kernel.
fn kernel_version(proc: &OwnedFd) -> Result<KernelVersion, NoNamespace> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = at("open(osrelease)", rustix::fs::openat(proc, "sys/kernel/osrelease", flags, Mode::empty()))?;
    let mut release = [0; 64];
    let length = at("read(osrelease)", rustix::io::read(&file, &mut release))?;
    let release = String::from_utf8_lossy(&release[..length]);
    at("read(osrelease)", release.parse().map_err(|_| io::Errno::INVAL))
}

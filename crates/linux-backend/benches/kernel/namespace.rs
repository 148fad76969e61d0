//! Mount namespaces of this process.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;

use rustix::mount::MountPropagationFlags;
use rustix::thread::LinkNameSpaceType;

use crate::raw;

/// A mount namespace that this process, which has one thread, can be in.
pub(crate) struct Namespace(File);

impl Namespace {
    /// Enters a copy of the present one, in which every mount is private.
    pub(crate) fn new() -> io::Result<Self> {
        raw::unshare_mounts()?;
        rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
        File::open("/proc/thread-self/ns/mnt").map(Self)
    }

    pub(crate) fn enter(&self) {
        let kind = Some(LinkNameSpaceType::Mount);
        rustix::thread::move_into_link_name_space(self.0.as_fd(), kind).expect("a namespace of our own");
    }
}

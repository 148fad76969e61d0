//! Setting propagation.

use mountwright_core::file::FinalSymlink;
use mountwright_core::{Location, MountKey, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::syscalls::abi::{AT_EMPTY_PATH, AT_RECURSIVE, MS_PRIVATE, MS_REC, MS_SHARED, MS_SLAVE, MS_UNBINDABLE};
use crate::syscalls::failure::Step;
use crate::syscalls::{At, Call, Kernel, MountAttr, Reach};

pub(crate) fn bit(propagation: Propagation) -> u32 {
    match propagation {
        Propagation::Private => MS_PRIVATE,
        Propagation::Shared => MS_SHARED,
        Propagation::Slave => MS_SLAVE,
        Propagation::Unbindable => MS_UNBINDABLE,
    }
}

pub(crate) fn recursive(recursion: Recursion, flag: u32) -> u32 {
    match recursion {
        Recursion::This => 0,
        Recursion::Tree => flag,
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Sets the propagation of the mount whose root is pinned.
    pub(crate) fn propagate(&self, mount: &K::Fd, propagation: Propagation, recursion: Recursion) -> Step<()> {
        if self.uses(Call::MountSetattr) {
            let attr = MountAttr { propagation: bit(propagation).into(), ..MountAttr::default() };
            let flags = AT_EMPTY_PATH | recursive(recursion, AT_RECURSIVE);
            return self.calls.mount_setattr(At::Fd(mount), "".as_ref(), flags, attr);
        }
        let flags = bit(propagation) | recursive(recursion, MS_REC);
        self.mount_by_flags(Reach::Descriptor(mount), flags)
    }

    pub(crate) fn propagate_at(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Step<()> {
        match at {
            // One call, which resolves the path itself; every kernel has it.
            Location::Trusted(path) => {
                self.mount_by_flags(Reach::Path(path), bit(propagation) | recursive(recursion, MS_REC))
            }
            Location::Beneath { .. } | Location::InRoot { .. } => {
                self.propagate(&self.pin(at, FinalSymlink::Follow, 0)?, propagation, recursion)
            }
        }
    }

    /// Sets the propagation of this mount, by the descriptor that its identity was compared on.
    pub(crate) fn propagate_only(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Step<()> {
        let root = self.pin(at, FinalSymlink::Follow, 0)?;
        self.expect_mount(&root, mount)?;
        self.propagate(&root, propagation, Recursion::This)
    }

    /// mount(2) with flags that take neither source nor type.
    pub(crate) fn mount_by_flags(&self, target: Reach<'_, K::Fd>, flags: u32) -> Step<()> {
        self.calls.mount(Reach::Path("".as_ref()), target, "".as_ref(), flags, "".as_ref())
    }
}

//! The kernel as ground: a fresh root for each run, and a thread in a mount namespace that follows it.

use mountwright_core::{Backend, Mounter};
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::elsewhere::Elsewhere;
use mountwright_tests::machine::{furnish, mountinfo, open_descriptors};
use rustix::mount::{MountPropagationFlags, mount_change};

use crate::ground::{Ground, furnishing};

/// This thread's namespace, which must be a fresh one with a fresh root.
pub(crate) struct Real {
    linux: Linux,
    /// A copy of this namespace in which every mount is a slave, as virtiofsd has.
    follower: Elsewhere,
}

impl Real {
    /// Furnishes it.
    pub(crate) fn new(shared: bool) -> Self {
        let linux = Linux::new();
        furnish(&furnishing(shared));
        // The backend may keep a descriptor open.
        LinuxBackend::over(linux.clone()).mounts().expect("the table can be read");
        let follower = Elsewhere::enter();
        follower.does(|| {
            let slaves = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
            mount_change("/", slaves).expect("its mounts can be slaves");
        });
        Self { linux, follower }
    }

    /// Returns the kernel, to be wrapped.
    pub(crate) fn linux(&self) -> Linux {
        self.linux.clone()
    }
}

impl Ground for Real {
    type Calls = Linux;

    fn calls(&self) -> Linux {
        self.linux.clone()
    }

    fn ports(&self) -> Box<dyn Backend + '_> {
        Box::new(LinuxBackend::over(self.linux.clone()))
    }

    fn elsewhere(&self) -> Vec<u8> {
        self.follower.asks(mountinfo)
    }

    fn descriptors(&self) -> usize {
        open_descriptors()
    }
}

//! Changing attributes.

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{Guarantee, PathMount};
use mountwright_core::{AttributesRequest, Errno, Location, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::query::attribute_bits::{attr_of, ms_bits};
use crate::syscalls::abi::{AT_EMPTY_PATH, AT_RECURSIVE, MS_BIND, MS_REMOUNT};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn change(&self, request: &AttributesRequest) -> Step<Guarantee> {
        let done = Guarantee::Atomic;
        if request.change().is_nothing() {
            // The call would be a no-op for the kernel, which would not check the path.
            let mount = self.pin(request.at(), FinalSymlink::Follow, 0)?;
            let is_root = self.is_mount_root(&mount)?;
            return if is_root { Ok(done) } else { Err(Fault::new(Call::MountSetattr, Errno::EINVAL)) };
        }
        if !self.uses(Call::MountSetattr) {
            return self.remount(request).map(|()| done);
        }
        let (attr, flags) = (attr_of(request.change()), recursive(request.recursion(), AT_RECURSIVE));
        match request.at() {
            Location::Trusted(path) => self.calls.mount_setattr(At::Cwd, path, flags, attr)?,
            at @ (Location::Beneath { .. } | Location::InRoot { .. }) => {
                let mount = self.pin(at, FinalSymlink::Follow, 0)?;
                self.calls.mount_setattr(At::Fd(&mount), "".as_ref(), flags | AT_EMPTY_PATH, attr)?;
            }
        }
        Ok(done)
    }

    /// Before 5.12: mount(2) replaces all attributes, so the present ones are read and passed again. It cannot change a
    /// tree as a whole.
    fn remount(&self, request: &AttributesRequest) -> Step<()> {
        if request.recursion() == Recursion::Tree {
            return Err(Fault::new(Call::Mount, Errno::EOPNOTSUPP));
        }
        let file = self.pin(request.at(), FinalSymlink::Follow, 0)?;
        let PathMount { mount, is_root } = self.mount_of_pinned(&file)?;
        if !is_root {
            return Err(Fault::new(Call::Mount, Errno::EINVAL));
        }
        let flags = ms_bits(mount.attributes.changed_by(request.change()));
        self.mount_by_flags(Reach::Descriptor(&file), MS_REMOUNT | MS_BIND | flags)
    }
}

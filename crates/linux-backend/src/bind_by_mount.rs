//! Binds by mount(2), for kernels before 5.12 and where a filter forbids the newer calls.
//!
//! A copy is made and changed in a private staging place and then moved, as a whole, to where it belongs: nobody sees it
//! before it is as it should be. Where there can be no staging place it is changed where it is seen, after a window.

use mountwright_core::{BindReport, BindRequest, Errno, FinalLink, Guarantee, MountKey, Recursion};

use crate::LinuxBackend;
use crate::abi::{MNT_DETACH, MS_BIND, MS_MOVE, MS_REC, MS_REMOUNT, O_CLOEXEC, O_NOFOLLOW, O_PATH};
use crate::attribute_bits::ms_bits;
use crate::created::Created;
use crate::fault::{Fault, Step};
use crate::kernel::{At, Call, Kernel, Reach};
use crate::propagation::recursive;
use crate::target::Target;

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_by_mount(&self, request: &BindRequest) -> Step<BindReport> {
        let changes = !request.change().is_nothing();
        if changes && request.recursion() == Recursion::Tree {
            // MS_REMOUNT changes one mount; with MS_REC it says that it has changed all and has not.
            return Err(Fault::new(Call::Mount, Errno::EOPNOTSUPP));
        }
        let source = self.pin(request.source(), FinalLink::Follow, 0)?;
        let mut created = Created::nothing();
        let bound = match self.enter_staging() {
            Ok(staging) => {
                let bound = self
                    .stage(&staging, &source, MS_BIND | recursive(request.recursion(), MS_REC))
                    .and_then(|copy| self.bind_staged(request, &copy, &mut created));
                self.leave_staging(staging);
                bound.map(|mount| (mount, Guarantee::Atomic))
            }
            Err(_) if changes && request.required() == Guarantee::Atomic => {
                Err(Fault::new(Call::Mount, Errno::EOPNOTSUPP))
            }
            Err(_) => {
                let guarantee = if changes { Guarantee::Window } else { Guarantee::Atomic };
                self.bind_in_place(request, &source, &mut created).map(|mount| (mount, guarantee))
            }
        };
        match bound {
            Ok((mount, guarantee)) => Ok(BindReport::new(mount, guarantee).creating(created.paths())),
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    /// Changes the staged copy and moves it to the target.
    fn bind_staged(&self, request: &BindRequest, copy: &K::Fd, created: &mut Created<K::Fd>) -> Step<MountKey> {
        let mount = self.mount_of_fd(copy)?;
        self.change_copy(request, copy)?;
        let target = self.target(request, copy, created)?;
        self.calls
            .mount(Reach::Descriptor(copy), Reach::Descriptor(&target.file), "".as_ref(), MS_MOVE, "".as_ref())
            .map_err(|fault| self.as_mount_says(fault, copy, &target.file))?;
        self.finish_copy(request, copy, &target, mount)?;
        Ok(mount)
    }

    /// Binds at the target and changes the mount there.
    fn bind_in_place(&self, request: &BindRequest, source: &K::Fd, created: &mut Created<K::Fd>) -> Step<MountKey> {
        let target = self.target(request, source, created)?;
        let flags = MS_BIND | recursive(request.recursion(), MS_REC);
        let (from, to) = (Reach::Descriptor(source), Reach::Descriptor(&target.file));
        self.calls.mount(from, to, "".as_ref(), flags, "".as_ref())?;
        let found = self.mounted_on(&target);
        let (copy, mount) = found.map_err(|fault| match self.calls.umount2(to, MNT_DETACH) {
            Ok(()) => fault,
            // Which mount it is could not be found out either.
            Err(_) => fault.leaving(mountwright_core::Leftover::Attributes { at: request.target().for_display() }),
        })?;
        self.change_copy(request, &copy)
            .map_err(|fault| self.take_off(&copy, fault, mount, &request.target().for_display()))?;
        self.finish_copy(request, &copy, &target, mount)?;
        Ok(mount)
    }

    /// Pins what is now mounted on a target.
    pub(crate) fn mounted_on(&self, target: &Target<K::Fd>) -> Step<(K::Fd, MountKey)> {
        let flags = O_PATH | O_NOFOLLOW | O_CLOEXEC;
        let copy = match &target.named {
            Some((parent, name)) => self.calls.openat(At::Fd(parent), name.as_ref(), flags, 0)?,
            None => self.calls.openat(At::Cwd, &self.calls.fd_path(&target.file)?, flags, 0)?,
        };
        let mount = self.mount_of_fd(&copy)?;
        if mount == self.mount_of_fd(&target.file)? {
            return Err(Fault::new(Call::Openat, Errno::ESTALE));
        }
        Ok((copy, mount))
    }

    fn change_copy(&self, request: &BindRequest, copy: &K::Fd) -> Step<()> {
        if request.change().is_nothing() {
            return Ok(());
        }
        let attributes = self.mount_of_pinned(copy)?.mount.attributes.changed_by(request.change());
        self.mount_by_flags(Reach::Descriptor(copy), MS_REMOUNT | MS_BIND | ms_bits(attributes))
    }

    fn finish_copy(&self, request: &BindRequest, copy: &K::Fd, target: &Target<K::Fd>, mount: MountKey) -> Step<()> {
        let propagation = request.wanted_propagation().map(|propagation| (propagation, request.recursion()));
        let finished = self.finish(copy, target, propagation, mount);
        finished.map_err(|fault| self.take_off(copy, fault, mount, &request.target().for_display()))
    }
}

//! Binds by mount(2), for kernels before 5.12 and where a filter forbids the newer calls.
//!
//! A copy is made and changed in a private staging place and then moved, as a whole, to where it belongs: nobody sees it
//! before it is as it should be. Where there can be no staging place it is changed where it is seen, after a window.

use mountwright_core::{BindReport, BindRequest, Errno, FinalLink, Guarantee, Location, MountKey, Recursion};

use crate::LinuxBackend;
use crate::abi::{MS_BIND, MS_MOVE, MS_PRIVATE, MS_REC, MS_REMOUNT};
use crate::attach::LastStep;
use crate::attribute_bits::ms_bits;
use crate::bind::{last_step, may_part};
use crate::created::Created;
use crate::fault::{Fault, Step};
use crate::kernel::{Call, Kernel, Reach};
use crate::propagation::recursive;
use crate::staging::Staging;
use crate::target::Target;

/// Whether a bind may be made where it is seen, and changed there.
///
/// * Below a root nothing proves that what the name shows afterwards is what was mounted, for somebody may exchange it.
/// * A tree would be changed one mount after the other, and what then fails could not be taken back.
fn may_be_in_place(request: &BindRequest) -> bool {
    let changes = !request.change().is_nothing();
    let whole = request.required() == Guarantee::Atomic || request.recursion() == Recursion::Tree;
    matches!(request.target(), Location::Trusted(_)) && !(changes && whole)
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_by_mount(&self, request: &BindRequest) -> Step<BindReport> {
        let changes = !request.change().is_nothing();
        let source = self.pin(request.source(), FinalLink::Follow, 0)?;
        let mut created = Created::nothing();
        let bound = match self.enter_staging()? {
            Some(staging) => {
                let mount = self.bind_by_staging(request, &source, staging, &mut created);
                mount.map(|mount| (mount, Guarantee::Atomic))
            }
            None if !may_be_in_place(request) => Err(self.no_staging()),
            None => {
                let guarantee = if changes { Guarantee::Window } else { Guarantee::Atomic };
                self.bind_in_place(request, &source, &mut created).map(|mount| (mount, guarantee))
            }
        };
        match bound {
            Ok((mount, guarantee)) => Ok(BindReport::new(mount, guarantee).creating(created.paths())),
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn bind_by_staging(
        &self,
        request: &BindRequest,
        source: &K::Fd,
        staging: Staging<K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<MountKey> {
        let last = last_step(request, may_part(request));
        let moved = self
            .stage(&staging, source, MS_BIND | recursive(request.recursion(), MS_REC))
            .and_then(|copy| self.move_staged(request, copy, last, created));
        let take_off = |(copy, target, mount), fault| self.take_off((&copy, mount), &target, last.apart, fault);
        let (copy, target, mount) = self.leave_staging(staging, moved, take_off)?;
        self.settle(&copy, &target, last, mount)?;
        Ok(mount)
    }

    /// Changes the staged copy and moves it to the target.
    fn move_staged<'a>(
        &self,
        request: &'a BindRequest,
        copy: K::Fd,
        last: LastStep,
        created: &mut Created<K::Fd>,
    ) -> Step<(K::Fd, Target<'a, K::Fd>, MountKey)> {
        let mount = self.mount_of_fd(&copy)?;
        match request.recursion() {
            Recursion::This => self.change_copy(request, &copy)?,
            Recursion::Tree => self.change_staged_tree(&copy, request.change())?,
        }
        if last.apart {
            self.mount_by_flags(Reach::Descriptor(&copy), MS_PRIVATE | MS_REC)?;
        }
        let target = self.target(request, &copy, created)?;
        self.calls
            .mount(Reach::Descriptor(&copy), Reach::Descriptor(&target.file), "".as_ref(), MS_MOVE, "".as_ref())
            .map_err(|fault| self.as_mount_says(fault, &copy, &target.file))?;
        self.look_at(&copy, &target, last, mount)?;
        Ok((copy, target, mount))
    }

    /// Binds at the target and changes the mount there.
    fn bind_in_place(&self, request: &BindRequest, source: &K::Fd, created: &mut Created<K::Fd>) -> Step<MountKey> {
        let target = self.target(request, source, created)?;
        let before_it_is_seen = !request.change().is_nothing() || may_part(request);
        if before_it_is_seen && self.has_peers(&target.file)? {
            return Err(self.no_staging());
        }
        let flags = MS_BIND | recursive(request.recursion(), MS_REC);
        let (from, to) = (Reach::Descriptor(source), Reach::Descriptor(&target.file));
        self.calls.mount(from, to, "".as_ref(), flags, "".as_ref())?;
        let (copy, mount) = self.mounted_on(&target, Some(source))?;
        self.change_copy(request, &copy).map_err(|fault| self.take_off((&copy, mount), &target, false, fault))?;
        self.finish(&copy, &target, last_step(request, false), mount)?;
        Ok(mount)
    }

    /// What to say where only a staging place would do, and there is none: `EPERM` where that is because nothing may be
    /// mounted at all.
    pub(crate) fn no_staging(&self) -> Fault {
        let errno = if self.may_mount() { Errno::EOPNOTSUPP } else { Errno::EPERM };
        Fault::new(Call::Mount, errno)
    }

    /// Whether the mount of a target has peers: what is mounted on it is at once in theirs too, as it is then and for good.
    pub(crate) fn has_peers(&self, target: &K::Fd) -> Step<bool> {
        Ok(self.mount_of_pinned(target)?.mount.propagation.peers.is_some())
    }

    fn change_copy(&self, request: &BindRequest, copy: &K::Fd) -> Step<()> {
        if request.change().is_nothing() {
            return Ok(());
        }
        let attributes = self.mount_of_pinned(copy)?.mount.attributes.changed_by(request.change());
        self.mount_by_flags(Reach::Descriptor(copy), MS_REMOUNT | MS_BIND | ms_bits(attributes))
    }
}

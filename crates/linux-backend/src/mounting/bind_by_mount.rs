//! Binds by mount(2), for kernels before 5.12 and where a filter forbids the newer calls.
//!
//! A copy is made and changed in a private staging directory and then moved, as a whole, to its target: it is complete
//! before it is visible. Without a staging directory it is changed on its target, after a window.

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{BindReport, Guarantee};
use mountwright_core::{AttributeChange, BindRequest, Errno, Location, MountKey, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::mounting::attach::{Attached, LastStep};
use crate::mounting::bind_detached::last_step;
use crate::mounting::created_targets::Created;
use crate::mounting::standing::Standing;
use crate::mounting::target::{Target, TargetRequest};
use crate::mounting::wanted_propagation::BeforeTheAttach;
use crate::query::attribute_bits::ms_bits;
use crate::staging::area::Staging;
use crate::syscalls::abi::{MS_BIND, MS_MOVE, MS_REC, MS_REMOUNT};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Reach};

/// Returns true if a bind may be made at its target and changed there.
///
/// * Not below a root: another process may exchange the name, and nothing proves that it still shows the new mount.
/// * Not a tree: its mounts are changed one by one, and a failure could not be rolled back. Until they are private, the
///   peers of its copies are unknown.
fn may_be_in_place(request: &BindRequest) -> bool {
    let (changes, tree) = (changes(request), request.recursion() == Recursion::Tree);
    let whole = changes && (request.required() == Guarantee::Atomic || tree) || parts(request) && tree;
    matches!(request.target(), Location::Trusted(_)) && !whole
}

/// Returns true if the copy gets its propagation before it is attached.
fn parts(request: &BindRequest) -> bool {
    BeforeTheAttach::of(request).is_any()
}

/// Returns true if attributes of any mount are changed.
fn changes(request: &BindRequest) -> bool {
    !request.change().is_nothing() || !request.top_change().is_nothing()
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn bind_by_mount(&self, request: &BindRequest) -> Step<BindReport> {
        let source = self.pin(request.source(), FinalSymlink::Follow, 0)?;
        self.expect_source(request, &source)?;
        match (self.enter_staging()?, request.staging()) {
            (None, Some(directory)) => {
                let named = self.clone().with_staging(directory);
                let staging = named.enter_staging()?;
                named.bind_staged(request, &source, staging)
            }
            (staging, _) => self.bind_staged(request, &source, staging),
        }
    }

    fn bind_staged(&self, request: &BindRequest, source: &K::Fd, staging: Option<Staging<K::Fd>>) -> Step<BindReport> {
        let mut created = Created::nothing();
        let bound = match staging {
            Some(staging) => {
                let bound = self.bind_by_staging(request, source, staging, &mut created);
                bound.map(|bound| (bound, Guarantee::Atomic))
            }
            None if !may_be_in_place(request) => Err(self.no_staging()),
            None => {
                let guarantee = if changes(request) { Guarantee::Window } else { Guarantee::Atomic };
                self.bind_in_place(request, source, &mut created).map(|bound| (bound, guarantee))
            }
        };
        match bound {
            Ok(((mount, standing), guarantee)) => {
                let propagation = self.propagation_given(request, mount, standing);
                self.keep_created(&created);
                Ok(created.report(mount, guarantee).with_propagation(propagation))
            }
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn bind_by_staging(
        &self,
        request: &BindRequest,
        source: &K::Fd,
        staging: Staging<K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<Bound> {
        let last = last_step(request, None);
        let moved = self
            .stage(&staging, source, MS_BIND | recursive(request.recursion(), MS_REC))
            .and_then(|copy| self.move_staged(request, copy, &last, created));
        let take_off = |Moved { copy, target, mount, .. }: Moved<'_, K::Fd>, fault| {
            self.take_off((&copy, mount), &target, last.apart, fault)
        };
        let moved = self.leave_staging(staging, moved, take_off)?;
        let Moved { copy, target, mount, standing, fence } = &moved;
        let attached = Attached { tree: copy, mount: *mount, standing: *standing, fence: *fence };
        self.settle(&attached, target, &last)?;
        Ok((moved.mount, moved.standing))
    }

    /// Changes the staged copy and moves it to the target.
    fn move_staged<'a>(
        &self,
        request: &'a BindRequest,
        copy: K::Fd,
        last: &LastStep<'_, K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<Moved<'a, K::Fd>> {
        let mount = self.mount_of_fd(&copy)?;
        match request.recursion() {
            Recursion::This => self.change_copy(request.change(), &copy)?,
            Recursion::Tree => {
                self.change_staged_tree(&copy, request.change())?;
                self.change_copy(request.top_change(), &copy)?;
            }
        }
        let before = BeforeTheAttach::of(request);
        for flags in [before.whole.map(|whole| whole | MS_REC), before.top].into_iter().flatten() {
            self.mount_by_flags(Reach::Descriptor(&copy), flags)?;
        }
        let target = self.target(TargetRequest::of_bind(request), Some(&copy), created)?;
        let fence = self.about_to_attach((&copy, mount), &target, last)?.fence;
        self.calls
            .mount(Reach::Descriptor(&copy), Reach::Descriptor(&target.file), "".as_ref(), MS_MOVE, "".as_ref())
            .map_err(|fault| self.as_mount_says(fault, &copy, &target))?;
        let standing = self.look_at(&Attached::new(&copy, mount, request.recursion()), &target, last)?;
        Ok(Moved { copy, target, mount, standing, fence })
    }

    /// Binds at the target and changes the mount there. A mount that is to be private or a slave must not be a peer of
    /// its source before that, nor have copies.
    fn bind_in_place(&self, request: &BindRequest, source: &K::Fd, created: &mut Created<K::Fd>) -> Step<Bound> {
        let target = self.target(TargetRequest::of_bind(request), Some(source), created)?;
        let before_it_is_seen = changes(request) || parts(request);
        if before_it_is_seen && self.has_peers(&target.file)? || parts(request) && self.has_peers(source)? {
            return Err(self.no_staging());
        }
        let flags = MS_BIND | recursive(request.recursion(), MS_REC);
        let (from, to) = (Reach::Descriptor(source), Reach::Descriptor(&target.file));
        self.calls.mount(from, to, "".as_ref(), flags, "".as_ref())?;
        let last = last_step(request, None);
        let (copy, mount) = self.mounted_on(&target, Some(source))?;
        self.change_copy(request.change(), &copy)
            .and_then(|()| match BeforeTheAttach::of(request).whole {
                Some(propagation) => self.mount_by_flags(Reach::Descriptor(&copy), propagation),
                None => Ok(()),
            })
            .map_err(|fault| self.take_off((&copy, mount), &target, last.apart, fault))?;
        let standing = self.finish(Attached::new(&copy, mount, request.recursion()), &target, &last)?;
        Ok((mount, standing))
    }

    /// Returns the error of a bind that needs a staging directory where none is possible: `EPERM` if the process may
    /// not mount at all. Its detail is the reason.
    pub(crate) fn no_staging(&self) -> Fault {
        if !self.may_mount() {
            return Fault::new(Call::Mount, Errno::EPERM);
        }
        Fault::new(Call::Mount, Errno::EOPNOTSUPP).because(self.why_no_staging())
    }

    /// Returns true if the target's mount has peers: a mount on it propagates at once, and later changes do not reach
    /// the copies.
    pub(crate) fn has_peers(&self, target: &K::Fd) -> Step<bool> {
        Ok(self.mount_of_pinned(target)?.mount.propagation.peers.is_some())
    }

    pub(crate) fn change_copy(&self, change: AttributeChange, copy: &K::Fd) -> Step<()> {
        if change.is_nothing() {
            return Ok(());
        }
        let attributes = self.mount_of_pinned(copy)?.mount.attributes.changed_by(change);
        self.mount_by_flags(Reach::Descriptor(copy), MS_REMOUNT | MS_BIND | ms_bits(attributes))
    }
}

/// A new mount, and its relations right after the attach where the kernel was asked.
type Bound = (MountKey, Option<Standing>);

/// A copy that was moved from the staging directory to its target.
struct Moved<'a, Fd> {
    copy: Fd,
    target: Target<'a, Fd>,
    mount: MountKey,
    standing: Option<Standing>,
    fence: Option<u64>,
}

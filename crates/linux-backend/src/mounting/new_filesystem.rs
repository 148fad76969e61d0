//! Mounting new filesystems.

use std::ffi::OsStr;

use mountwright_core::mount::{BindReport, FilesystemOption, Guarantee, MountAttributes, OccupiedTarget};
use mountwright_core::{AttributeChange, Errno, MountFlags, MountKey, MountRequest, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::attach::{Attached, LastStep};
use crate::mounting::bind_detached::MOST_ATTEMPTS;
use crate::mounting::created_targets::Created;
use crate::mounting::filesystem_options::{MountData, fit_a_context, fits_a_context, fits_a_page, without_values};
use crate::mounting::target::{Target, TargetRequest};
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::query::attribute_bits::{atime_attr, attr_bits, attr_of, ms_bits};
use crate::syscalls::abi::{AT_EMPTY_PATH, FSMOUNT_CLOEXEC, MS_BIND, MS_MOVE, MS_RDONLY, MS_REMOUNT};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Config, Kernel, Reach};

/// A detached mount of a new filesystem, or the reason why only mount(2) can make it: what a context has refused.
pub(crate) type ByContext<Fd> = Result<Fd, Option<Fault>>;

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn mount_request(&self, request: &MountRequest) -> Step<BindReport> {
        if stacks_on(request) && matches!(request.propagation, None | Some(Propagation::Slave)) {
            return Err(Fault::new(Call::MoveMount, Errno::EINVAL));
        }
        if request.copies_up && request.fs_type != "tmpfs" {
            return Err(Fault::new(Call::Fsopen, Errno::EINVAL).at_step("copy up (into another type than tmpfs)"));
        }
        for _ in 1..MOST_ATTEMPTS {
            match self.attempt_mount(request) {
                Err(fault) if fault.is_worth_another_attempt() => {}
                other => return other,
            }
        }
        self.attempt_mount(request)
    }

    fn attempt_mount(&self, request: &MountRequest) -> Step<BindReport> {
        let mut created = Created::nothing();
        let target = self.target(TargetRequest::of_mount(request), None, &mut created);
        match target.and_then(|target| self.mount_on(request, &target)) {
            Ok((mount, guarantee)) => {
                self.keep_created(&created);
                Ok(created.report(mount, guarantee).with_propagation(given_propagation(request)))
            }
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn mount_on(&self, request: &MountRequest, target: &Target<'_, K::Fd>) -> Step<(MountKey, Guarantee)> {
        let by_context = self.uses(Call::Fsopen) && self.uses(Call::MoveMount) && fits_a_context(request);
        // A mount of the staging directory can be made unbindable by every kernel.
        let is_changed = stacks_on(request) || becomes_read_only(request);
        let by_context = by_context && (!is_changed || self.uses(Call::MountSetattr));
        self.can_map_owners(request.owners.as_ref(), by_context)?;
        let tree = if by_context { self.complete_filesystem(request, target)? } else { Err(None) };
        match tree {
            Ok(tree) => {
                self.prepare_to_stack(request, &tree)?;
                let mount = self.mount_of_fd(&tree)?;
                self.attach((&tree, mount), target, &last_step(request))?;
                Ok((mount, Guarantee::Atomic))
            }
            Err(refused) if request.owners.is_some() => {
                Err(refused.unwrap_or(Fault::new(Call::MapOwners, Errno::EOPNOTSUPP)))
            }
            Err(refused) => {
                let mounted =
                    self.by_path(&request.options).and_then(|by| self.mount_by_mount(request, &by.options, target));
                mounted.map_err(|fault| match refused {
                    Some(refused) if fault.errno() == Errno::EINVAL => refused,
                    _ => fault,
                })
            }
        }
    }

    /// A new filesystem for `target`, complete but for its propagation. `Err`: as [`ByContext`] says.
    pub(crate) fn complete_filesystem(
        &self,
        request: &MountRequest,
        target: &Target<'_, K::Fd>,
    ) -> Step<ByContext<K::Fd>> {
        let mut tree = match self.detached_filesystem(request)? {
            Ok(tree) => tree,
            refused => return Ok(refused),
        };
        self.fill(request, target, &tree)?;
        if let Some(map) = &request.owners {
            tree = self.with_owners(tree, map, Recursion::This, Recursion::This)?;
        }
        if becomes_read_only(request) {
            let attr = attr_of(AttributeChange::READ_ONLY);
            self.calls.mount_setattr(At::Fd(&tree), "".as_ref(), AT_EMPTY_PATH, attr)?;
        }
        Ok(Ok(tree))
    }

    /// Copies what is in the target into the new filesystem, if requested.
    fn fill(&self, request: &MountRequest, target: &Target<'_, K::Fd>, mounted: &K::Fd) -> Step<()> {
        if request.copies_up { self.copy_up(&target.file, mounted, request) } else { Ok(()) }
    }

    /// The kernel attaches no unbindable mount to a shared one.
    fn prepare_to_stack(&self, request: &MountRequest, tree: &K::Fd) -> Step<()> {
        if stacks_on(request) { self.propagate(tree, Propagation::Unbindable, Recursion::This) } else { Ok(()) }
    }

    fn detached_filesystem(&self, request: &MountRequest) -> Step<ByContext<K::Fd>> {
        let context = match self.context_of(request)? {
            Ok(context) => context,
            Err(refused) => return Ok(Err(refused)),
        };
        // Until the contents are copied it is writable.
        let later = if becomes_read_only(request) { MountFlags::READ_ONLY } else { MountFlags::NONE };
        let attributes = attr_bits(request.attributes.flags.without(later)) | atime_attr(request.attributes.atime);
        match self.calls.fsmount(&context, FSMOUNT_CLOEXEC, attributes) {
            Ok(tree) => Ok(Ok(tree)),
            // Before 5.14 fsmount does not know the flag; mount(2) knows it since 5.10.
            Err(fault) if fault.errno() == Errno::EINVAL && follows_no_symlink(request) => Ok(Err(None)),
            Err(fault) => Err(fault),
        }
    }

    /// A context of the new filesystem: places by their descriptors, or else by paths. A filesystem that takes neither in a
    /// context takes one text of mount(2).
    fn context_of(&self, request: &MountRequest) -> Step<ByContext<K::Fd>> {
        let create = |options: &[FilesystemOption]| {
            let created = self.completed_context(Config::Create, || self.configured_context(request, options));
            created.map_err(|fault| without_values(fault, options))
        };
        let has_places = request.options.iter().any(|option| option.place.is_some());
        let mut refused = None;
        if !has_places || self.uses(Call::SetFd) {
            match create(&request.options) {
                Err(fault) if fault.errno() == Errno::EINVAL && fault.step() == Call::SetFd.name() => {
                    refused = Some(fault);
                }
                other => return other.map(Ok),
            }
        }
        let by_path = self.by_path(&request.options)?;
        if fit_a_context(&by_path.options) {
            match create(&by_path.options) {
                Err(fault) if fault.errno() == Errno::EINVAL => refused = refused.or(Some(fault)),
                other => return other.map(Ok),
            }
        }
        Ok(Err(refused))
    }

    /// Before 5.2, and for a request that no context accepts: mounts in the staging directory and moves the mount to
    /// its target. Without a staging directory it mounts on the target, read-only after a window.
    fn mount_by_mount(
        &self,
        request: &MountRequest,
        options: &[FilesystemOption],
        target: &Target<'_, K::Fd>,
    ) -> Step<(MountKey, Guarantee)> {
        let data = MountData::of(options)?;
        let source = request.source.as_deref().unwrap_or(OsStr::new("none"));
        fits_a_page(source)?;
        let make = |place: Reach<'_, K::Fd>| {
            // As a flag of a new mount, read-only would become the superblock's too: it is set afterwards.
            let safe = ms_bits(wanted(request)) & !MS_RDONLY;
            self.calls.mount(Reach::Path(source.as_ref()), place, &request.fs_type, data.set | safe, &data.text)
        };
        match self.enter_staging()? {
            Some(staging) => {
                let mounted = self.stage_at(&staging, Sort::Directory, make);
                let moved = mounted.and_then(|mounted| self.move_new_mount(mounted, target, request));
                let take_off = |(mounted, mount), fault| self.take_off((&mounted, mount), target, true, fault);
                let (mounted, mount) = self.leave_staging(staging, moved, take_off)?;
                self.settle(&Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
                Ok((mount, Guarantee::Atomic))
            }
            None if target.named.is_some() || stacks_on(request) || request.copies_up => Err(self.no_staging()),
            None if request.attributes.is_read_only() && self.has_peers(&target.file)? => Err(self.no_staging()),
            None => {
                make(Reach::Descriptor(&target.file))?;
                let (mounted, mount) = self.mounted_on(target, None)?;
                self.make_read_only(&mounted, request)
                    .map_err(|fault| self.take_off((&mounted, mount), target, true, fault))?;
                self.finish(Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
                let is_at_once = !request.attributes.is_read_only();
                Ok((mount, if is_at_once { Guarantee::Atomic } else { Guarantee::Window }))
            }
        }
    }

    fn move_new_mount(
        &self,
        mounted: K::Fd,
        target: &Target<'_, K::Fd>,
        request: &MountRequest,
    ) -> Step<(K::Fd, MountKey)> {
        self.fill(request, target, &mounted)?;
        self.make_read_only(&mounted, request)?;
        self.prepare_to_stack(request, &mounted)?;
        let mount = self.mount_of_fd(&mounted)?;
        let (from, to) = (Reach::Descriptor(&mounted), Reach::Descriptor(&target.file));
        self.calls
            .mount(from, to, "".as_ref(), MS_MOVE, "".as_ref())
            .map_err(|fault| self.as_mount_says(fault, &mounted, target))?;
        self.look_at(&Attached::new(&mounted, mount, Recursion::This), target, &last_step(request))?;
        Ok((mounted, mount))
    }

    /// Makes the mount read-only if requested. If symlinks must not be followed, checks that the flag is set: before
    /// 5.10 mount(2) ignores it.
    fn make_read_only(&self, mounted: &K::Fd, request: &MountRequest) -> Step<()> {
        if follows_no_symlink(request) {
            let flags = self.mount_of_pinned(mounted)?.mount.attributes.flags;
            if !flags.contains(MountFlags::NO_SYMLINK_FOLLOW) {
                return Err(Fault::new(Call::Mount, Errno::EOPNOTSUPP).at_step("mount (nosymfollow)"));
            }
        }
        if !request.attributes.is_read_only() {
            return Ok(());
        }
        self.mount_by_flags(Reach::Descriptor(mounted), MS_REMOUNT | MS_BIND | ms_bits(wanted(request)))
    }
}

/// The propagation of the new mount: it has no peers that could become a master.
pub(crate) fn given_propagation(request: &MountRequest) -> Option<Propagation> {
    request.propagation.map(|wanted| if wanted == Propagation::Slave { Propagation::Private } else { wanted })
}

fn stacks_on(request: &MountRequest) -> bool {
    matches!(request.occupied_target, OccupiedTarget::StackOn(_))
}

/// True of a filesystem that is filled before it becomes read-only.
fn becomes_read_only(request: &MountRequest) -> bool {
    request.copies_up && request.attributes.is_read_only()
}

fn follows_no_symlink(request: &MountRequest) -> bool {
    request.attributes.flags.contains(MountFlags::NO_SYMLINK_FOLLOW)
}

fn wanted(request: &MountRequest) -> MountAttributes {
    request.attributes.changed_by(AttributeChange::NOTHING)
}

/// A new filesystem has no original, hence no peers.
fn last_step<Fd>(request: &MountRequest) -> LastStep<'static, Fd> {
    LastStep { wanted: WantedOfTree::of_one(request.propagation), apart: true, source: None }
}

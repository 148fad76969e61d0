//! Members of a tree: binds and new filesystems that are attached in it.

use std::path::Path;

use mountwright_core::mount::{BindReport, Guarantee, MountKey, OccupiedTarget, TreeForm};
use mountwright_core::path::printable;
use mountwright_core::{BindRequest, Errno, MountRequest, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::bind_detached::Source;
use crate::mounting::created_targets::Created;
use crate::mounting::filesystem_options::fits_a_context;
use crate::mounting::new_filesystem::given_propagation;
use crate::mounting::target::{Target, TargetRequest, Way};
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::resolve::identity::{self, QUIETLY};
use crate::syscalls::abi::{
    AT_SYMLINK_NOFOLLOW, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, O_PATH, S_IFDIR, S_IFLNK, STATX_TYPE,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};
use crate::trees::begin::in_a_tree;
use crate::trees::root::{Member, Part, TreeRoot, one, path_in_tree};
use crate::trees::targets::refuse_outside;

/// Filesystems whose new mount shows names that no other process can exchange: it shows names of the kernel's alone, or
/// no other process has reached it.
const CLOSED: [&str; 5] = ["proc", "sysfs", "tmpfs", "devpts", "mqueue"];

impl<K: Kernel> LinuxBackend<K> {
    /// Binds onto a place in the tree whose backend this is.
    pub(crate) fn bind_part(&self, tree: &TreeRoot<K::Fd>, request: &BindRequest) -> Step<BindReport> {
        refuse_outside(request.target())?;
        let _turn = tree.take_turn();
        let request = &in_a_tree(request);
        if let OccupiedTarget::StackOn(_) = request.occupied_target() {
            return Err(Fault::new(Call::MoveMount, Errno::EINVAL));
        }
        if tree.form == TreeForm::Detached {
            return self.bind_detached_part(tree, request);
        }
        let report = self.bind_request(request)?;
        tree.record(None, part_of(request, report.mount));
        Ok(report)
    }

    fn bind_detached_part(&self, tree: &TreeRoot<K::Fd>, request: &BindRequest) -> Step<BindReport> {
        if let Some(report) = self.bind_on_name(tree, request)? {
            return Ok(report);
        }
        let (at, mut created) = (TargetRequest::of_bind(request), Created::nothing());
        let itself = self.itself(tree, request)?;
        let known = itself.as_ref().map(|(file, _)| (file, Path::new("")));
        let Source { tree: part, mount, pinned, .. } = self.copy_of_place(request, known)?;
        self.complete_propagation(&part, request)?;
        let target = match itself {
            // The same descriptor is source and target.
            Some((file, way)) => self.pinned_target(at, (file, None), way, &mut created),
            None => self.target(at, Some(&part), &mut created),
        };
        match target.and_then(|target| self.attach_part(tree, &part, &target, part_of(request, mount))) {
            Ok(()) => {
                self.keep_created(&created);
                let given = self.propagation_of_part(request, pinned.as_ref());
                Ok(created.report(mount, Guarantee::Atomic).with_propagation(given))
            }
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    /// Binds onto a name in a member, which no other process can change: it is not opened. `None`: the name is missing or a
    /// symlink, it is to be unoccupied, or the kernel refuses.
    fn bind_on_name(&self, tree: &TreeRoot<K::Fd>, request: &BindRequest) -> Step<Option<BindReport>> {
        let path = path_in_tree(request.target()).unwrap_or("".as_ref());
        let member = tree.member_above(path).filter(|(_, name)| one(name));
        let stacks = request.occupied_target() == OccupiedTarget::Stack && !tree.has_shared_part();
        let Some((member, name)) = member.filter(|_| stacks) else { return Ok(None) };
        let is_itself = request.source() == request.target();
        let copied = self.copy_of_place(request, is_itself.then_some((&*member.root, &*name)));
        let Source { tree: part, kind, mount, pinned } = match copied {
            Err(missing) if is_itself && missing.errno() == Errno::ENOENT => {
                return Err(missing.because(Some(is_missing(path))));
            }
            copied => copied?,
        };
        // The kernel attaches no directory on a symlink.
        let is_followed =
            if is_itself { kind == S_IFLNK } else { kind != S_IFDIR && !self.is_plain(&member, &name)? };
        if is_followed {
            return Ok(None);
        }
        self.complete_propagation(&part, request)?;
        if self.calls.move_mount(&part, &member.root, &name, MOVE_MOUNT_F_EMPTY_PATH).is_err() {
            return Ok(None);
        }
        tree.cover_members(path, true);
        tree.record(Some(member.mount), part_of(request, mount));
        let given = self.propagation_of_part(request, pinned.as_ref());
        Ok(Some(Created::<K::Fd>::nothing().report(mount, Guarantee::Atomic).with_propagation(given)))
    }

    /// True of a name that is there and is no symlink.
    fn is_plain(&self, member: &Member<K::Fd>, name: &Path) -> Step<bool> {
        match self.calls.statx(At::Fd(&member.root), name, QUIETLY | AT_SYMLINK_NOFOLLOW, STATX_TYPE) {
            Ok(stat) => Ok(identity::kind(&stat) != S_IFLNK),
            Err(fault) if fault.errno() == Errno::ENOENT => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// The place of a request that binds one onto itself, opened once.
    fn itself(&self, tree: &TreeRoot<K::Fd>, request: &BindRequest) -> Step<Option<(K::Fd, Way)>> {
        match path_in_tree(request.target()) {
            Some(path) if request.source() == request.target() => match self.existing_in_tree(tree, path, O_PATH) {
                Err(missing) if missing.errno() == Errno::ENOENT => Err(missing.because(Some(is_missing(path)))),
                found => found.map(Some),
            },
            _ => Ok(None),
        }
    }

    /// The propagation of a copy: no table shows a detached mount, but the source of a slave decides it.
    fn propagation_of_part(&self, request: &BindRequest, source: Option<&K::Fd>) -> Option<Propagation> {
        match WantedOfTree::of_bind(request).top.last()? {
            Propagation::Slave => {
                let standing = self.standing(self.mount_of_fd(source?).ok()?).ok()?;
                let has_master = standing.shared || standing.master.is_some();
                Some(if has_master { Propagation::Slave } else { Propagation::Private })
            }
            given => Some(given),
        }
    }

    /// Mounts a new filesystem on a place in the tree whose backend this is.
    pub(crate) fn mount_part(&self, tree: &TreeRoot<K::Fd>, request: &MountRequest) -> Step<BindReport> {
        refuse_outside(&request.target)?;
        let _turn = tree.take_turn();
        if let OccupiedTarget::StackOn(_) = request.occupied_target {
            return Err(Fault::new(Call::MoveMount, Errno::EINVAL));
        }
        let part = |mount| Part {
            path: path_in_tree(&request.target).unwrap_or("".as_ref()).to_path_buf(),
            mount,
            recursion: Recursion::This,
            shared: request.propagation == Some(Propagation::Shared),
            closed: CLOSED.iter().any(|known| request.fs_type == *known),
            fixed: false,
        };
        if tree.form != TreeForm::Detached {
            let report = self.mount_request(request)?;
            tree.record(None, part(report.mount));
            return Ok(report);
        }
        let mut created = Created::nothing();
        let mounted = self
            .target(TargetRequest::of_mount(request), None, &mut created)
            .and_then(|target| self.mount_detached_part(tree, request, &target, part));
        match mounted {
            Ok(mount) => {
                self.keep_created(&created);
                Ok(created.report(mount, Guarantee::Atomic).with_propagation(given_propagation(request)))
            }
            Err(fault) => Err(self.take_back(created, fault)),
        }
    }

    fn mount_detached_part(
        &self,
        tree: &TreeRoot<K::Fd>,
        request: &MountRequest,
        target: &Target<'_, K::Fd>,
        part: impl FnOnce(MountKey) -> Part,
    ) -> Step<MountKey> {
        let filesystem = if fits_a_context(request) { self.complete_filesystem(request, target)? } else { Err(None) };
        let filesystem =
            filesystem.map_err(|refused| refused.unwrap_or(Fault::new(Call::Fsmount, Errno::EOPNOTSUPP)))?;
        // A detached mount of a new filesystem is private.
        if let Some(propagation) = request.propagation.filter(|&wanted| wanted != Propagation::Private) {
            self.propagate(&filesystem, propagation, Recursion::This)?;
        }
        let mount = self.mount_of_fd(&filesystem)?;
        let part = part(mount);
        self.attach_part(tree, &filesystem, target, part.clone())?;
        tree.keep_member(&part, filesystem, target.direct);
        Ok(mount)
    }

    /// Attaches a member that is complete. Nothing can be undone after that but with the whole tree, so every look comes before.
    fn attach_part(&self, tree: &TreeRoot<K::Fd>, file: &K::Fd, target: &Target<'_, K::Fd>, part: Part) -> Step<()> {
        let on = match target.on {
            // Of no other mount is it asked.
            None if tree.member_above(&part.path).is_some() => Some(self.mount_of_fd(&target.file)?),
            on => on,
        };
        self.calls
            .move_mount(file, &target.file, "".as_ref(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
            .map_err(|fault| self.as_mount_says(fault, file, target))?;
        tree.cover_members(&part.path, target.direct);
        tree.record(on, part);
        Ok(())
    }
}

fn is_missing(path: &Path) -> String {
    format!("{} is missing", printable(path))
}

fn part_of(request: &BindRequest, mount: MountKey) -> Part {
    Part {
        path: path_in_tree(request.target()).unwrap_or("".as_ref()).to_path_buf(),
        mount,
        recursion: request.recursion(),
        shared: WantedOfTree::of_bind(request).may_have_peers(),
        closed: false,
        fixed: false,
    }
}

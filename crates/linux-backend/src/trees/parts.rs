//! Members of a tree: binds and new filesystems that are attached in it.

use mountwright_core::mount::{BindReport, Guarantee, MountKey, OccupiedTarget, TreeForm};
use mountwright_core::{BindRequest, Errno, MountRequest, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::mounting::bind_detached::Source;
use crate::mounting::created_targets::Created;
use crate::mounting::filesystem_options::fits_a_context;
use crate::mounting::new_filesystem::given_propagation;
use crate::mounting::target::{Target, TargetRequest};
use crate::mounting::wanted_propagation::WantedOfTree;
use crate::syscalls::abi::{MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};
use crate::trees::begin::in_a_tree;
use crate::trees::root::{Part, TreeRoot, path_in_tree};
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
        let Source { tree: part, mount, pinned } = self.copy_of_source(request)?;
        self.complete_propagation(&part, request)?;
        let mut created = Created::nothing();
        let attached = self
            .target(TargetRequest::of_bind(request), Some(&part), &mut created)
            .and_then(|target| self.attach_part(tree, &part, &target, part_of(request, mount)));
        match attached {
            Ok(()) => {
                self.keep_created(&created);
                let given = self.propagation_of_part(request, pinned.as_ref());
                Ok(created.report(mount, Guarantee::Atomic).with_propagation(given))
            }
            Err(fault) => Err(self.take_back(created, fault)),
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
        if let Some(propagation) = request.propagation {
            self.propagate(&filesystem, propagation, Recursion::This)?;
        }
        let mount = self.mount_of_fd(&filesystem)?;
        self.attach_part(tree, &filesystem, target, part(mount))?;
        Ok(mount)
    }

    /// Attaches a member that is complete. Nothing can be undone after that but with the whole tree, so every look comes before.
    fn attach_part(&self, tree: &TreeRoot<K::Fd>, file: &K::Fd, target: &Target<'_, K::Fd>, part: Part) -> Step<()> {
        let on = match target.alone_on {
            Some(on) => on,
            None => self.mount_of_fd(&target.file)?,
        };
        self.calls
            .move_mount(file, &target.file, MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
            .map_err(|fault| self.as_mount_says(fault, file, target))?;
        tree.record(Some(on), part);
        Ok(())
    }
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

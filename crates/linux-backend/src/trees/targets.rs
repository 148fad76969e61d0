//! Targets in a tree: the shared members that refuse mounts, and the look at every target's name once more.

use std::path::Path;

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::TreeForm;
use mountwright_core::path::printable;
use mountwright_core::{Errno, Location, MountKey};

use crate::backend::LinuxBackend;
use crate::resolve::identity::{QUIETLY, mount_key};
use crate::syscalls::abi::O_PATH;
use crate::syscalls::failure::{Fault, Step, is_another_name};
use crate::syscalls::{Call, Kernel};
use crate::trees::root::{TreeRoot, path_in_tree, plain};

impl<K: Kernel> LinuxBackend<K> {
    /// Refuses a target of a request in a tree that is on a shared member: the kernel would propagate the mount at once.
    pub(crate) fn refuse_shared_part(&self, target: &K::Fd) -> Step<()> {
        let Some(tree) = self.tree().filter(|tree| tree.has_shared_part()) else { return Ok(()) };
        let is_shared = match tree.form {
            TreeForm::Detached => tree.is_shared(self.mount_of_fd(target)?),
            _ => self.has_peers(target)?,
        };
        if !is_shared {
            return Ok(());
        }
        let refused = Fault::new(Call::MoveMount, Errno::EINVAL);
        Err(refused.because(Some("the target is on a shared mount of the tree".to_owned())))
    }

    /// Resolves the name of every member's target again: `ESTALE` where one leads to another place. `may_cover` accepts a mount
    /// of another process on a member.
    pub(crate) fn check_parts(
        &self,
        tree: &TreeRoot<K::Fd>,
        may_cover: impl Fn(MountKey, MountKey) -> bool,
    ) -> Step<()> {
        let parts = tree.parts().clone();
        for (index, part) in parts.iter().enumerate().filter(|(_, part)| !part.fixed) {
            let stale = |fault: Fault| {
                let path = printable(&part.path);
                fault
                    .saying(Errno::ESTALE)
                    .because(Some(format!("the target {path} in the tree leads elsewhere by now")))
            };
            let seen = match self.mount_shown(tree, &part.path) {
                Ok(seen) => seen,
                Err(fault) if is_another_name(fault.errno()) => return Err(stale(fault)),
                Err(fault) => return Err(fault),
            };
            if seen != part.mount && !tree.was_attached_later(seen, index) && !may_cover(seen, part.mount) {
                return Err(stale(Fault::new(Call::Statx, Errno::ESTALE)));
            }
        }
        Ok(())
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// The mount that a path in the tree shows.
    fn mount_shown(&self, tree: &TreeRoot<K::Fd>, path: &Path) -> Step<MountKey> {
        let how = (QUIETLY, self.identity_mask());
        match self.stat_one_name(&tree.file, path, FinalSymlink::Follow, how)?.as_ref().and_then(mount_key) {
            Some(mount) => Ok(mount),
            None => self.mount_of_fd(&self.in_root(&tree.file, path, O_PATH)?),
        }
    }
}

/// Refuses a target that is no place in the tree (`EINVAL`), or its root (`EBUSY`): no path in the tree would show the mount.
pub(crate) fn refuse_outside(target: &Location) -> Step<()> {
    let (errno, detail) = match path_in_tree(target).map(plain) {
        None => (Errno::EINVAL, "the target is no place in the tree"),
        Some(Some(path)) if path.as_os_str().is_empty() => (Errno::EBUSY, "the target is the root of the tree"),
        Some(_) => return Ok(()),
    };
    Err(Fault::new(Call::MoveMount, errno).because(Some(detail.to_owned())))
}

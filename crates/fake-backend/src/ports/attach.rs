//! Attaching a detached mount, the moment in which it comes to be seen, and what has to hold after it.

use mountwright_core::{Errno, Propagation, Recursion, UniqueMountId};

use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use super::target::Target;

impl Calls<'_> {
    /// Attaches `tree` to the target and gives it its propagation: both, or neither.
    pub(crate) fn attach(
        &mut self,
        tree: Fd,
        target: &Target,
        propagation: Option<Propagation>,
        recursion: Recursion,
    ) -> Step<UniqueMountId> {
        let mount = self.mount_of_fd(tree)?;
        // The target may be seen from beneath a cover (a current directory can be there): mounting goes on top of that.
        if target.alone && self.is_covered(target.file) {
            return Err(Fault::new("move_mount", Errno::EBUSY));
        }
        let before = propagation.is_some().then(|| self.machine().clone());
        self.move_mount(tree, target.file).map_err(|fault| self.as_mount_says(fault, tree, target.file))?;
        // Last: a shared parent has just made it shared.
        let Some((propagation, before)) = propagation.zip(before) else { return Ok(mount) };
        if let Err(fault) = self.propagate(tree, propagation, recursion) {
            *self.machine() = before;
            return Err(fault);
        }
        Ok(mount)
    }

    /// `move_mount` has one errno for all mistakes; mount(2) says `ENOTDIR` where a directory and a file meet.
    fn as_mount_says(&mut self, fault: Fault, tree: Fd, target: Fd) -> Fault {
        if fault.errno() != Errno::EINVAL {
            return fault;
        }
        match (self.sort_of(tree), self.sort_of(target)) {
            (Ok(tree), Ok(target)) if tree != target => fault.saying(Errno::ENOTDIR),
            _ => fault,
        }
    }
}

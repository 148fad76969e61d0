//! Mounts whose caller was stopped or killed between its attach and its last step.

use crate::error::OsError;
use crate::mount::{Conflict, Difference, Propagation, PropagationShape, UnmountMode};
use crate::path::Location;
use crate::ports::Mounter;
use crate::unmount::exact::{may_have_moved, of_mount};

/// True where another caller's bind may be in progress: the kernel attaches a mount before its propagation can be set.
pub(crate) fn may_be_in_the_making(conflict: &Conflict) -> bool {
    conflict.differences == [Difference::Propagation]
}

/// Takes the last step of a bind in place of its caller, where the mount differs from the wanted one only by the peers that
/// a shared parent gave it: it becomes private. A slave would follow these peers then, so it is unmounted instead; its
/// caller, if there still is one, finds that out and looks again.
pub(crate) fn finish(mounter: &dyn Mounter, at: &Location, conflict: &Conflict) -> Result<(), OsError> {
    let (found, key) = (&conflict.found, conflict.found.key());
    if !may_be_in_the_making(conflict) || found.propagation.peers.is_none() {
        return Ok(());
    }
    let done = match (conflict.wanted.propagation, found.propagation.master) {
        (PropagationShape::Private | PropagationShape::SlaveOf(None), None) => {
            mounter.set_propagation_of(at, key, Propagation::Private)
        }
        (PropagationShape::SlaveOf(Some(wanted)), Some(master)) if wanted == master => {
            mounter.unmount(&of_mount(found, key).with_mode(UnmountMode::Detach))
        }
        _ => Ok(()),
    };
    match done {
        // Another caller has covered or unmounted it.
        Err(error) if may_have_moved(&error) => Ok(()),
        done => done,
    }
}

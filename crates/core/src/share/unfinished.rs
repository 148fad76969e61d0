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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation};
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, MountInfo, PeerGroup};
    use crate::ports::MockMounter;
    use crate::share::expected_mount::shape_of_copy;

    fn conflict(differences: &[Difference], wanted: PropagationShape, peers: u32, master: u32) -> Conflict {
        let mut found = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(8, 1));
        (found.propagation.peers, found.propagation.master) = (PeerGroup::new(peers), PeerGroup::new(master));
        let mut shape = shape_of_copy(&found, "/".into(), true, Propagation::Private);
        shape.propagation = wanted;
        Conflict { wanted: shape.into(), found: found.into(), differences: differences.to_vec() }
    }

    fn finished(conflict: &Conflict, calls: [usize; 2], errno: Option<Errno>) -> Result<(), Errno> {
        let mut mounter = MockMounter::new();
        let answer = move |at: &Location| {
            errno.map_or(Ok(()), |errno| Err(OsError::new(Operation::Unmount, at.for_display(), errno)))
        };
        mounter.expect_set_propagation_of().times(calls[0]).returning(move |at, _, _| answer(at));
        mounter.expect_unmount().times(calls[1]).returning(move |request| answer(request.at()));
        finish(&mounter, &Location::trusted("/m/c"), conflict).map_err(|error| error.errno())
    }

    #[test]
    fn only_peers_that_a_shared_parent_gave_are_removed() {
        use Difference::{Device, Propagation};
        use PropagationShape::{Private, SlaveOf};
        for (differences, wanted, peers, master, calls) in [
            (&[Propagation][..], Private, 3, 0, [1, 0]),
            (&[Propagation], SlaveOf(None), 3, 0, [1, 0]),
            (&[Propagation], SlaveOf(PeerGroup::new(5)), 3, 5, [0, 1]),
            (&[Propagation], SlaveOf(PeerGroup::new(5)), 3, 6, [0, 0]),
            (&[Propagation], Private, 0, 0, [0, 0]),
            (&[Propagation, Device], Private, 3, 0, [0, 0]),
            (&[Device], Private, 3, 0, [0, 0]),
        ] {
            let conflict = conflict(differences, wanted, peers, master);
            assert_eq!(finished(&conflict, calls, None), Ok(()), "{conflict}");
        }
    }

    #[test]
    fn last_step_is_done_where_another_caller_has_moved_the_mount() {
        let conflict = conflict(&[Difference::Propagation], PropagationShape::Private, 3, 0);
        for (errno, result) in [(Errno::ESTALE, Ok(())), (Errno::EIO, Err(Errno::EIO))] {
            assert_eq!(finished(&conflict, [1, 0], Some(errno)), result);
        }
    }
}

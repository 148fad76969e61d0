//! Rules of the generator that hold from some kernel on. The model is Linux 6.17 and later.
//!
//! Found by playing the recorded histories on 6.1, 6.12 and 6.18: what differs on an older kernel is not drawn there, and
//! counted.

use mountwright_tests::scenario::{KernelVersion, Operation, Place};

/// The oldest kernel on which all that the rules below allow was found to agree. On an older one nothing is drawn: the
/// rows of its tables stand in another order.
pub(crate) const OLDEST: KernelVersion = KernelVersion::new(6, 12);

/// The first kernel on which the operation does as the model has it.
pub(crate) fn since(operation: &Operation) -> KernelVersion {
    let at_descriptor = |place: &Place| matches!(place, Place::AtFd { .. });
    match operation {
        // The copy of an unbindable mount is private.
        Operation::CloneNs { .. }
        // Which copies go with a mount (`propagate_umount.txt`).
        | Operation::Umount { .. } => KernelVersion::new(6, 17),
        // A detached tree can be mounted on, and copied.
        Operation::OpenTree { path, clone: true, .. } if at_descriptor(path) => KernelVersion::new(6, 15),
        Operation::MountTmpfs { target, .. } if at_descriptor(target) => KernelVersion::new(6, 15),
        // And it resolves its target before its source.
        Operation::MoveMount { .. } => KernelVersion::new(6, 15),
        Operation::Bind { source, target, .. } if at_descriptor(source) || at_descriptor(target) => {
            KernelVersion::new(6, 15)
        }
        // Recorded on this kernel alone.
        Operation::MountNew { .. }
        | Operation::Fsmount { .. }
        | Operation::OpenTreeAttr { .. }
        | Operation::Setattr { id_map: Some(_), .. }
        | Operation::PivotRoot { .. } => KernelVersion::new(6, 18),
        _ => OLDEST,
    }
}

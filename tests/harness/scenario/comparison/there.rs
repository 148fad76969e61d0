//! The calls that a kernel has.

use crate::scenario::bits::{Attribute, MountFlag};
use crate::scenario::kernel_version::KernelVersion;
use crate::scenario::operation::Operation;

/// The first kernel with the call of the operation, or with the flag that the operation gives it; `None`: every kernel that
/// the library runs on.
pub(super) fn call_since(operation: &Operation) -> Option<KernelVersion> {
    let version = |major, minor| Some(KernelVersion::new(major, minor));
    match operation {
        // `mount_setattr` knows the flag since 5.14, mount(2) since 5.10.
        Operation::Setattr { set, clear, .. }
            if set.contains(&Attribute::Nosymfollow) || clear.contains(&Attribute::Nosymfollow) =>
        {
            version(5, 14)
        }
        Operation::Setattr { .. } => version(5, 12),
        Operation::MountTmpfs { flags, .. }
        | Operation::RemountBind { flags, .. }
        | Operation::Remount { flags, .. }
            if flags.contains(&MountFlag::Nosymfollow) =>
        {
            version(5, 10)
        }
        Operation::MoveMount { beneath: true, .. } => version(6, 5),
        Operation::MoveMount { set_group: true, .. } => version(5, 15),
        Operation::MoveMount { .. } | Operation::OpenTree { .. } => version(5, 2),
        Operation::Open { resolve: Some(_), .. } => version(5, 6),
        _ => None,
    }
}

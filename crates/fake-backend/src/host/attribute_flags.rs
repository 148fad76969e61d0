//! The attributes of a described mount as flags of a modelled one.

use mountwright_core::mount::{AtimeMode, MountAttributes};
use mountwright_core::{MountFlags as Attribute, MountInfo};

use crate::model::objects::mount_flags::MountFlags;

const ATTRIBUTES: [(Attribute, MountFlags); 6] = [
    (Attribute::READ_ONLY, MountFlags::READ_ONLY),
    (Attribute::NO_SUID, MountFlags::NO_SUID),
    (Attribute::NO_DEV, MountFlags::NO_DEV),
    (Attribute::NO_EXEC, MountFlags::NO_EXEC),
    (Attribute::NO_SYMLINK_FOLLOW, MountFlags::NO_SYMLINK_FOLLOW),
    (Attribute::NO_DIR_ATIME, MountFlags::NO_DIR_ATIME),
];

/// The flags of a row's mount.
pub(super) fn flags_of_mount(mount: &MountInfo) -> MountFlags {
    let mapped = if mount.idmapped { MountFlags::ID_MAPPED } else { MountFlags::default() };
    flags_of(mount.attributes) | mapped
}

fn flags_of(attributes: MountAttributes) -> MountFlags {
    let atime = match attributes.atime {
        AtimeMode::Relative => MountFlags::REL_ATIME,
        AtimeMode::Never => MountFlags::NO_ATIME,
        AtimeMode::Strict => MountFlags::default(),
    };
    let wanted = ATTRIBUTES.into_iter().filter(|(attribute, _)| attributes.flags.contains(*attribute));
    wanted.fold(atime, |all, (_, flag)| all | flag)
}

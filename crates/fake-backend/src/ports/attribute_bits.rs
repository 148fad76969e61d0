//! Attributes of a mount in the kernel's alphabet.

use mountwright_core::{AtimeMode, AttributeChange, MountAttributes, MountFlags, Propagation, Recursion};

use crate::MountAttr;
use crate::abi::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY, MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME,
    MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE,
};

const ATTRIBUTES: [(MountFlags, u64); 6] = [
    (MountFlags::READ_ONLY, MOUNT_ATTR_RDONLY),
    (MountFlags::NO_SUID, MOUNT_ATTR_NOSUID),
    (MountFlags::NO_DEV, MOUNT_ATTR_NODEV),
    (MountFlags::NO_EXEC, MOUNT_ATTR_NOEXEC),
    (MountFlags::NO_SYMLINK_FOLLOW, MOUNT_ATTR_NOSYMFOLLOW),
    (MountFlags::NO_DIR_ATIME, MOUNT_ATTR_NODIRATIME),
];

fn flag_bits(flags: MountFlags) -> u64 {
    ATTRIBUTES.iter().filter(|(flag, _)| flags.contains(*flag)).fold(0, |bits, (_, bit)| bits | bit)
}

const fn atime_bits(atime: AtimeMode) -> u64 {
    match atime {
        AtimeMode::Relative => MOUNT_ATTR_RELATIME,
        AtimeMode::Never => MOUNT_ATTR_NOATIME,
        AtimeMode::Strict => MOUNT_ATTR_STRICTATIME,
    }
}

/// All attributes of a new mount, as `fsmount` takes them.
pub(crate) fn bits_of(attributes: MountAttributes) -> u64 {
    flag_bits(attributes.flags) | atime_bits(attributes.atime)
}

/// `MOUNT_ATTR_…` as core's value.
pub(crate) fn attributes_of(bits: u64) -> MountAttributes {
    let flags = ATTRIBUTES.iter().filter(|(_, bit)| bits & bit != 0);
    let flags = flags.fold(MountFlags::NONE, |all, (flag, _)| all | *flag);
    let atime = match bits & MOUNT_ATTR__ATIME {
        MOUNT_ATTR_NOATIME => AtimeMode::Never,
        MOUNT_ATTR_STRICTATIME => AtimeMode::Strict,
        _ => AtimeMode::Relative,
    };
    MountAttributes { flags, atime }
}

/// A change as `mount_setattr` takes it. The atime class is one field: it is cleared as a whole before it is set.
pub(crate) fn attr_of(change: AttributeChange) -> MountAttr {
    let mut attr =
        MountAttr { attr_set: flag_bits(change.set()), attr_clr: flag_bits(change.clear()), ..MountAttr::default() };
    if let Some(atime) = change.atime() {
        attr.attr_clr |= MOUNT_ATTR__ATIME;
        attr.attr_set |= atime_bits(atime);
    }
    attr
}

pub(crate) const fn propagation_bit(propagation: Propagation) -> u64 {
    match propagation {
        Propagation::Private => MS_PRIVATE,
        Propagation::Shared => MS_SHARED,
        Propagation::Slave => MS_SLAVE,
        Propagation::Unbindable => MS_UNBINDABLE,
    }
}

/// `flag` where the whole tree is meant.
pub(crate) const fn recursive(recursion: Recursion, flag: u32) -> u32 {
    match recursion {
        Recursion::This => 0,
        Recursion::Tree => flag,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_survive_the_kernels_alphabet() {
        for atime in [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict] {
            for flags in [MountFlags::NONE, MountFlags::ALL, MountFlags::NO_DEV | MountFlags::NO_SYMLINK_FOLLOW] {
                let attributes = MountAttributes { flags, atime };
                assert_eq!(attributes_of(bits_of(attributes)), attributes);
            }
        }
    }

    #[test]
    fn an_atime_class_replaces_the_whole_field() {
        let change = AttributeChange::new(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Relative)).unwrap();
        assert_eq!((attr_of(change).attr_set, attr_of(change).attr_clr), (0, MOUNT_ATTR__ATIME));
        assert_eq!(attr_of(AttributeChange::READ_ONLY).attr_clr, 0);
    }
}

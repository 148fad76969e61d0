//! Attributes of a mount in the kernel's two encodings: `MOUNT_ATTR_…` and `MS_…`.

use mountwright_core::mount::{AtimeMode, MountAttributes};
use mountwright_core::{AttributeChange, MountFlags};

use crate::syscalls::MountAttr;
use crate::syscalls::abi::{
    MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW, MOUNT_ATTR_RDONLY, MOUNT_ATTR_STRICTATIME, MS_NOATIME, MS_NODEV,
    MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_RDONLY, MS_RELATIME, MS_STRICTATIME,
};

/// One flag in core's and the kernel's two encodings.
pub(crate) struct Attribute {
    pub(crate) flag: MountFlags,
    pub(crate) attr: u32,
    pub(crate) ms: u32,
}

const fn attribute(flag: MountFlags, attr: u32, ms: u32) -> Attribute {
    Attribute { flag, attr, ms }
}

pub(crate) const ATTRIBUTES: [Attribute; 6] = [
    attribute(MountFlags::READ_ONLY, MOUNT_ATTR_RDONLY, MS_RDONLY),
    attribute(MountFlags::NO_SUID, MOUNT_ATTR_NOSUID, MS_NOSUID),
    attribute(MountFlags::NO_DEV, MOUNT_ATTR_NODEV, MS_NODEV),
    attribute(MountFlags::NO_EXEC, MOUNT_ATTR_NOEXEC, MS_NOEXEC),
    attribute(MountFlags::NO_SYMLINK_FOLLOW, MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW),
    attribute(MountFlags::NO_DIR_ATIME, MOUNT_ATTR_NODIRATIME, MS_NODIRATIME),
];

/// `MOUNT_ATTR_…` of these flags.
pub(crate) fn attr_bits(flags: MountFlags) -> u32 {
    ATTRIBUTES.iter().filter(|known| flags.contains(known.flag)).fold(0, |bits, known| bits | known.attr)
}

pub(crate) fn atime_attr(atime: AtimeMode) -> u32 {
    match atime {
        AtimeMode::Relative => 0,
        AtimeMode::Never => MOUNT_ATTR_NOATIME,
        AtimeMode::Strict => MOUNT_ATTR_STRICTATIME,
    }
}

/// Converts a change for `mount_setattr(2)`. The atime class is one field: it is cleared as a whole before it is set.
pub(crate) fn attr_of(change: AttributeChange) -> MountAttr {
    let (mut set, mut clear) = (attr_bits(change.set()), attr_bits(change.clear()));
    if let Some(atime) = change.atime() {
        clear |= MOUNT_ATTR__ATIME;
        set |= atime_attr(atime);
    }
    MountAttr { set: set.into(), clear: clear.into(), propagation: 0 }
}

/// Converts attributes for mount(2): all of them, because a remount replaces the present ones.
pub(crate) fn ms_bits(attributes: MountAttributes) -> u32 {
    let flags = ATTRIBUTES.iter().filter(|known| attributes.flags.contains(known.flag));
    let atime = match attributes.atime {
        AtimeMode::Relative => MS_RELATIME,
        AtimeMode::Never => MS_NOATIME,
        AtimeMode::Strict => MS_STRICTATIME,
    };
    flags.fold(atime, |bits, known| bits | known.ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::mount_info::attributes_of;

    #[test]
    fn attributes_survive_the_kernels_alphabet() {
        for atime in [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict] {
            for flags in [MountFlags::NONE, MountFlags::ALL, MountFlags::NO_DEV | MountFlags::NO_SYMLINK_FOLLOW] {
                let bits = attr_bits(flags) | atime_attr(atime);
                assert_eq!(attributes_of(bits.into()), MountAttributes { flags, atime });
            }
        }
    }

    #[test]
    fn an_atime_class_replaces_the_whole_field() {
        let change = AttributeChange::new(MountFlags::NONE, MountFlags::NONE, Some(AtimeMode::Relative)).unwrap();
        assert_eq!(attr_of(change), MountAttr { set: 0, clear: MOUNT_ATTR__ATIME.into(), propagation: 0 });
        assert_eq!(attr_of(AttributeChange::READ_ONLY).clear, 0);
    }
}

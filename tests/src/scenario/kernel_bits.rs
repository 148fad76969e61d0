//! Conversion from the words of the form to the kernel's bits.

use rustix::fs::ResolveFlags;
use rustix::mount::{MountAttrFlags, MountFlags, MountPropagationFlags, UnmountFlags};

use super::bits::{Attribute, MountFlag, PropagationBit, ResolveFlag, UnmountFlag};

pub(crate) fn mount_flags(words: &[MountFlag]) -> MountFlags {
    words.iter().map(|word| mount_flag(*word)).collect()
}

fn mount_flag(word: MountFlag) -> MountFlags {
    match word {
        MountFlag::Ro => MountFlags::RDONLY,
        MountFlag::Nosuid => MountFlags::NOSUID,
        MountFlag::Nodev => MountFlags::NODEV,
        MountFlag::Noexec => MountFlags::NOEXEC,
        MountFlag::Noatime => MountFlags::NOATIME,
        MountFlag::Nodiratime => MountFlags::NODIRATIME,
        MountFlag::Relatime => MountFlags::RELATIME,
        MountFlag::Strictatime => MountFlags::STRICTATIME,
        MountFlag::Nosymfollow => MountFlags::NOSYMFOLLOW,
    }
}

pub(crate) fn propagation_flags(words: &[PropagationBit]) -> MountPropagationFlags {
    words.iter().map(|word| propagation_flag(*word)).collect()
}

fn propagation_flag(word: PropagationBit) -> MountPropagationFlags {
    let flag = |flag: MountFlags| MountPropagationFlags::from_bits_retain(flag.bits());
    match word {
        PropagationBit::Shared => MountPropagationFlags::SHARED,
        PropagationBit::Private => MountPropagationFlags::PRIVATE,
        PropagationBit::Slave => MountPropagationFlags::DOWNSTREAM,
        PropagationBit::Unbindable => MountPropagationFlags::UNBINDABLE,
        PropagationBit::Ro => flag(MountFlags::RDONLY),
        PropagationBit::Nosuid => flag(MountFlags::NOSUID),
        PropagationBit::Nodev => flag(MountFlags::NODEV),
        PropagationBit::Noexec => flag(MountFlags::NOEXEC),
    }
}

pub(crate) fn attributes(words: &[Attribute]) -> u64 {
    words.iter().map(|word| attribute(*word)).fold(0, |bits, bit| bits | bit)
}

fn attribute(word: Attribute) -> u64 {
    let flag = match word {
        Attribute::Rdonly => MountAttrFlags::MOUNT_ATTR_RDONLY,
        Attribute::Nosuid => MountAttrFlags::MOUNT_ATTR_NOSUID,
        Attribute::Nodev => MountAttrFlags::MOUNT_ATTR_NODEV,
        Attribute::Noexec => MountAttrFlags::MOUNT_ATTR_NOEXEC,
        Attribute::Noatime => MountAttrFlags::MOUNT_ATTR_NOATIME,
        Attribute::Strictatime => MountAttrFlags::MOUNT_ATTR_STRICTATIME,
        Attribute::Relatime => MountAttrFlags::MOUNT_ATTR_RELATIME,
        Attribute::Nodiratime => MountAttrFlags::MOUNT_ATTR_NODIRATIME,
        Attribute::Nosymfollow => MountAttrFlags::MOUNT_ATTR_NOSYMFOLLOW,
        Attribute::AtimeField => MountAttrFlags::MOUNT_ATTR__ATIME,
        Attribute::Bogus => MountAttrFlags::from_bits_retain(UNKNOWN_ATTRIBUTE),
    };
    u64::from(flag.bits())
}

/// A bit that no kernel has given a meaning yet.
const UNKNOWN_ATTRIBUTE: u32 = 1 << 30;

pub(crate) fn unmount_flags(words: &[UnmountFlag]) -> UnmountFlags {
    words.iter().map(|word| unmount_flag(*word)).collect()
}

fn unmount_flag(word: UnmountFlag) -> UnmountFlags {
    match word {
        UnmountFlag::Detach => UnmountFlags::DETACH,
        UnmountFlag::Nofollow => UnmountFlags::NOFOLLOW,
        UnmountFlag::Expire => UnmountFlags::EXPIRE,
        UnmountFlag::Force => UnmountFlags::FORCE,
        UnmountFlag::Bogus => UnmountFlags::from_bits_retain(UNKNOWN_UNMOUNT),
    }
}

/// A bit that no kernel has given a meaning yet.
const UNKNOWN_UNMOUNT: u32 = 1 << 20;

pub(crate) fn resolve_flags(words: &[ResolveFlag]) -> ResolveFlags {
    words.iter().map(|word| resolve_flag(*word)).collect()
}

fn resolve_flag(word: ResolveFlag) -> ResolveFlags {
    match word {
        ResolveFlag::Beneath => ResolveFlags::BENEATH,
        ResolveFlag::InRoot => ResolveFlags::IN_ROOT,
        ResolveFlag::NoMagiclinks => ResolveFlags::NO_MAGICLINKS,
        ResolveFlag::NoSymlinks => ResolveFlags::NO_SYMLINKS,
        ResolveFlag::NoXdev => ResolveFlags::NO_XDEV,
    }
}

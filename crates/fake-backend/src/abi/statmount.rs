//! Masks of `statmount`, the root of `listmount` (`linux/mount.h`).

/// Device, magic, superblock flags.
pub const STATMOUNT_SB_BASIC: u64 = 0x1;
/// Ids, parent, attributes, propagation.
pub const STATMOUNT_MNT_BASIC: u64 = 0x2;
/// The dominating peer group.
pub const STATMOUNT_PROPAGATE_FROM: u64 = 0x4;
/// The root inside its filesystem.
pub const STATMOUNT_MNT_ROOT: u64 = 0x8;
/// The mount point.
pub const STATMOUNT_MNT_POINT: u64 = 0x10;
/// The filesystem type.
pub const STATMOUNT_FS_TYPE: u64 = 0x20;
/// The namespace.
pub const STATMOUNT_MNT_NS_ID: u64 = 0x40;
/// Options of the filesystem.
pub const STATMOUNT_MNT_OPTS: u64 = 0x80;
/// The subtype.
pub const STATMOUNT_FS_SUBTYPE: u64 = 0x100;
/// The source.
pub const STATMOUNT_SB_SOURCE: u64 = 0x200;
/// Options, one by one.
pub const STATMOUNT_OPT_ARRAY: u64 = 0x400;
/// Security options.
pub const STATMOUNT_OPT_SEC_ARRAY: u64 = 0x800;
/// The mask of all fields that this kernel supports.
pub const STATMOUNT_SUPPORTED_MASK: u64 = 0x1000;
/// User-id map.
pub const STATMOUNT_MNT_UIDMAP: u64 = 0x2000;
/// Group-id map.
pub const STATMOUNT_MNT_GIDMAP: u64 = 0x4000;
/// `listmount`: the caller's root mount.
pub const LSMT_ROOT: u64 = u64::MAX;
/// Newest first.
pub const LISTMOUNT_REVERSE: u32 = 1;

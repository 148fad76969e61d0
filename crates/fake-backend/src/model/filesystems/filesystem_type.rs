//! The filesystem types that `mount` knows.

use crate::model::filesystems::fixed_names::{CGROUP2, FixedName, SYSFS};

/// The contents of a new filesystem of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// A new, empty, writable tree in memory for each mount.
    Memory,
    /// The machine's processes.
    Processes,
    /// A disk of the machine; mounted twice, it is the same filesystem.
    Disk,
    /// A new tree for each mount, whose names the kernel makes: `ptmx` and the terminals.
    Terminals,
    /// One tree for the machine, whose names the kernel makes.
    Kernel(&'static [FixedName]),
    /// One tree for the machine, of message queues. It is there before it is mounted.
    Queues,
}

/// A filesystem type, by the name that `mount` takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FilesystemType {
    pub(crate) name: &'static [u8],
    pub(crate) magic: u32,
    pub(crate) backing: Backing,
    /// May be mounted with capabilities over a user namespace only.
    pub(crate) in_user_namespace: bool,
}

const fn memory(name: &'static [u8], magic: u32, in_user_namespace: bool) -> FilesystemType {
    FilesystemType { name, magic, backing: Backing::Memory, in_user_namespace }
}

const fn of_machine(name: &'static [u8], magic: u32, backing: Backing) -> FilesystemType {
    FilesystemType { name, magic, backing, in_user_namespace: false }
}

const fn disk(name: &'static [u8], magic: u32) -> FilesystemType {
    FilesystemType { name, magic, backing: Backing::Disk, in_user_namespace: false }
}

const TYPES: [FilesystemType; 13] = [
    memory(b"tmpfs", 0x0102_1994, true),
    memory(b"ramfs", 0x8584_58f6, true),
    memory(b"hugetlbfs", 0x9584_58f6, false),
    FilesystemType { name: b"devpts", magic: 0x1cd1, backing: Backing::Terminals, in_user_namespace: true },
    // The others may be mounted where the user namespace has an ipc, pid, network or cgroup namespace of its own, which is
    // not modelled.
    of_machine(b"mqueue", 0x1980_0202, Backing::Queues),
    of_machine(b"proc", 0x9fa0, Backing::Processes),
    of_machine(b"sysfs", 0x6265_6572, Backing::Kernel(&SYSFS)),
    of_machine(b"cgroup2", 0x6367_7270, Backing::Kernel(&CGROUP2)),
    disk(b"ext4", 0xef53),
    disk(b"ext3", 0xef53),
    disk(b"xfs", 0x5846_5342),
    disk(b"vfat", 0x4d44),
    disk(b"squashfs", 0x7371_7368),
];

/// Types whose mounts can map owners (`FS_ALLOW_IDMAP`).
const MAPS_OWNERS: [&[u8]; 12] = [
    b"btrfs",
    b"ceph",
    b"erofs",
    b"exfat",
    b"ext4",
    b"f2fs",
    b"hugetlbfs",
    b"ntfs3",
    b"squashfs",
    b"tmpfs",
    b"vfat",
    b"xfs",
];

/// Returns true for a type whose mounts can map owners.
pub(crate) fn maps_owners(name: &[u8]) -> bool {
    MAPS_OWNERS.contains(&name)
}

impl FilesystemType {
    /// The type of a superblock that exists but cannot be mounted anew.
    pub(crate) const UNKNOWN: Self = disk(b"", 0);

    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        TYPES.into_iter().find(|known| known.name == name)
    }
}

/// Types that Linux has and that cannot be mounted anew here, with their magic numbers (`include/uapi/linux/magic.h` and the
/// filesystems' own headers). A host that was built may have them.
const NOT_MODELLED: [(&[u8], u32); 33] = [
    (b"9p", 0x0102_1997),
    (b"autofs", 0x0187),
    (b"binfmt_misc", 0x4249_4e4d),
    (b"bpf", 0xcafe_4a11),
    (b"btrfs", 0x9123_683e),
    (b"ceph", 0x00c3_6400),
    (b"cgroup", 0x0027_e0eb),
    (b"cifs", 0xff53_4d42),
    (b"configfs", 0x6265_6570),
    (b"cpuset", 0x0027_e0eb),
    (b"debugfs", 0x6462_6720),
    // It is implemented as a tmpfs.
    (b"devtmpfs", 0x0102_1994),
    (b"efivarfs", 0xde5e_81e4),
    (b"erofs", 0xe0f5_e1e2),
    (b"exfat", 0x2011_bab0),
    (b"ext2", 0xef53),
    (b"f2fs", 0xf2f5_2010),
    (b"fuse", 0x6573_5546),
    (b"fuseblk", 0x6573_5546),
    (b"fusectl", 0x6573_5543),
    (b"iso9660", 0x9660),
    (b"nfs", 0x6969),
    (b"nfs4", 0x6969),
    (b"nsfs", 0x6e73_6673),
    (b"overlay", 0x794c_7630),
    (b"pstore", 0x6165_676c),
    (b"rootfs", 0x0102_1994),
    (b"securityfs", 0x7363_6673),
    (b"smb3", 0xfe53_4d42),
    (b"tracefs", 0x7472_6163),
    (b"udf", 0x1501_3346),
    (b"virtiofs", 0x6573_5546),
    (b"zfs", 0x2fc1_2fc1),
];

fn not_modelled(name: &[u8]) -> Option<u32> {
    let family = name.split(|&byte| byte == b'.').next().unwrap_or(name);
    NOT_MODELLED.iter().find(|(known, _)| *known == family).map(|(_, magic)| *magic)
}

/// Returns true for a type of Linux that the model lacks.
pub(crate) fn is_known_but_not_modelled(name: &[u8]) -> bool {
    not_modelled(name).is_some()
}

/// Returns the magic number of a type as `statfs` reports it; 0 for an unknown type.
pub(crate) fn magic_of(name: &[u8]) -> u32 {
    FilesystemType::named(name).map(|known| known.magic).or_else(|| not_modelled(name)).unwrap_or_default()
}

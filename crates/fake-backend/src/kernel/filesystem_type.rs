//! The filesystem types that `mount` knows.

/// What a filesystem of a type is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backing {
    /// A new, empty, writable tree in memory for each mount.
    Memory,
    /// The machine's processes.
    Processes,
    /// A disk that the machine was given; mounted twice, it is the same filesystem.
    Disk,
}

/// A type as `mount` is told it.
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

const fn disk(name: &'static [u8], magic: u32) -> FilesystemType {
    FilesystemType { name, magic, backing: Backing::Disk, in_user_namespace: false }
}

const TYPES: [FilesystemType; 10] = [
    memory(b"tmpfs", 0x0102_1994, true),
    memory(b"ramfs", 0x8584_58f6, true),
    memory(b"hugetlbfs", 0x9584_58f6, false),
    // In a user namespace of its own kind only, which is not modelled.
    memory(b"mqueue", 0x1980_0202, false),
    FilesystemType { name: b"proc", magic: 0x9fa0, backing: Backing::Processes, in_user_namespace: false },
    disk(b"ext4", 0xef53),
    disk(b"ext3", 0xef53),
    disk(b"xfs", 0x5846_5342),
    disk(b"vfat", 0x4d44),
    disk(b"squashfs", 0x7371_7368),
];

impl FilesystemType {
    /// Stands for the type of a superblock that can be there but not be mounted anew.
    pub(crate) const UNKNOWN: Self = disk(b"", 0);

    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        TYPES.into_iter().find(|known| known.name == name)
    }
}

/// Types that Linux has and that cannot be mounted anew here. A host that was built may have them.
const NOT_MODELLED: [&[u8]; 33] = [
    b"9p",
    b"autofs",
    b"binfmt_misc",
    b"bpf",
    b"btrfs",
    b"ceph",
    b"cgroup",
    b"cgroup2",
    b"cifs",
    b"configfs",
    b"cpuset",
    b"debugfs",
    b"devpts",
    b"devtmpfs",
    b"efivarfs",
    b"erofs",
    b"exfat",
    b"ext2",
    b"f2fs",
    b"fuse",
    b"fuseblk",
    b"fusectl",
    b"iso9660",
    b"nfs",
    b"nfs4",
    b"overlay",
    b"pstore",
    b"securityfs",
    b"smb3",
    b"sysfs",
    b"tracefs",
    b"udf",
    b"virtiofs",
];

/// Linux has the type, and the model has not.
pub(crate) fn is_known_but_not_modelled(name: &[u8]) -> bool {
    let family = name.split(|&byte| byte == b'.').next().unwrap_or(name);
    NOT_MODELLED.contains(&family)
}

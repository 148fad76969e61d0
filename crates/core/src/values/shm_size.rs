//! The size of /dev/shm.

/// The size in bytes of a sandbox's `/dev/shm` where its specification gives none (`DefaultShmSize` of the original).
pub const DEFAULT_SHM_SIZE: u64 = 65536 * 1024;

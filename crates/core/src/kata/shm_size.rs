//! The size of /dev/shm.

/// The size in bytes of a sandbox's `/dev/shm` where its specification gives none (`DefaultShmSize` of the original).
pub const DEFAULT_SHM_SIZE: u64 = 65536 * 1024;

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_64_mebibytes() {
        assert_eq!(super::DEFAULT_SHM_SIZE, 67_108_864);
    }
}

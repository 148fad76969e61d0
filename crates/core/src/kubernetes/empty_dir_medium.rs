//! The medium of an emptyDir volume.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;

/// The medium of an emptyDir volume (`emptyDir.medium` of a pod).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum EmptyDirMedium {
    /// `Memory`: the directory is the root of a tmpfs.
    Memory,
    /// `HugePages` and `HugePages-<size>`: the directory is the root of a hugetlbfs.
    HugePages {
        /// The page size in bytes; `None` where the mount does not show it.
        page_size: Option<u64>,
    },
    /// The default: a directory on the filesystem of the kubelet's data.
    Disk,
}

impl EmptyDirMedium {
    /// The page size in the superblock option `pagesize` of a hugetlbfs: a number and `K`, `M` or `G`.
    pub(crate) fn page_size(option: &OsStr) -> Option<u64> {
        let (digits, unit) = match option.as_bytes() {
            [digits @ .., b'K' | b'k'] => (digits, 10),
            [digits @ .., b'M' | b'm'] => (digits, 20),
            [digits @ .., b'G' | b'g'] => (digits, 30),
            digits => (digits, 0),
        };
        // `parse` would accept a sign too.
        if !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number: u64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
        number.checked_mul(1 << unit)
    }
}

impl fmt::Display for EmptyDirMedium {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory"),
            Self::Disk => f.write_str("disk"),
            Self::HugePages { page_size: None } => f.write_str("huge pages"),
            Self::HugePages { page_size: Some(bytes) } => write!(f, "huge pages of {} KiB", bytes / 1024),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_sizes_are_read_as_the_kernel_writes_them() {
        let size = |text: &str| EmptyDirMedium::page_size(OsStr::new(text));
        assert_eq!(size("2M"), Some(2 << 20));
        assert_eq!(size("1024M"), Some(1 << 30));
        assert_eq!(size("64K"), Some(64 << 10));
        assert_eq!(size("1G"), Some(1 << 30));
        assert_eq!(size("4096"), Some(4096));
        for odd in ["", "M", "+2M", "-1", "2T", "2 M", "99999999999999999999", "99999999999999999G"] {
            assert_eq!(size(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn reads_as_words() {
        assert_eq!(EmptyDirMedium::Memory.to_string(), "memory");
        assert_eq!(EmptyDirMedium::Disk.to_string(), "disk");
        assert_eq!(EmptyDirMedium::HugePages { page_size: Some(2 << 20) }.to_string(), "huge pages of 2048 KiB");
        assert_eq!(EmptyDirMedium::HugePages { page_size: None }.to_string(), "huge pages");
    }
}

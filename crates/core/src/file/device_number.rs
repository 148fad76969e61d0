//! Device numbers.

use std::fmt;

/// A device number: major and minor, 32 bits each.
///
/// The encoding is glibc's `dev_t` (`gnu_dev_makedev(3)`, `makedev(3)`), in which every 64-bit value names exactly one
/// pair: [`from_raw`](Self::from_raw) and [`to_raw`](Self::to_raw) are inverse. The Go original drops the high bits of
/// both numbers; below 2³² both give the same result.
///
/// `Display` is `8:1`, as in mountinfo and below `/sys/dev/block`.
///
/// ```
/// use mountwright_core::DeviceNumber;
///
/// let sda1 = DeviceNumber::from_raw(0x801);
/// assert_eq!(sda1, DeviceNumber::new(8, 1));
/// assert_eq!(sda1.to_string(), "8:1");
/// assert_eq!(DeviceNumber::new(0x1234_5678, 0x9abc_def0).to_raw(), 0x1234_59ab_cde6_78f0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceNumber {
    major: u32,
    minor: u32,
}

impl DeviceNumber {
    /// The device number of these two.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Decodes a `dev_t` as stat(2) returns it on Linux.
    // Both casts keep exactly the bits that were masked in.
    #[allow(clippy::cast_possible_truncation)]
    pub const fn from_raw(raw: u64) -> Self {
        Self {
            major: ((raw >> 32 & 0xffff_f000) | (raw >> 8 & 0xfff)) as u32,
            minor: ((raw >> 12 & 0xffff_ff00) | (raw & 0xff)) as u32,
        }
    }

    /// Encodes as a `dev_t`.
    pub const fn to_raw(self) -> u64 {
        let (major, minor) = (self.major as u64, self.minor as u64);
        (major & 0xffff_f000) << 32 | (major & 0xfff) << 8 | (minor & 0xffff_ff00) << 12 | (minor & 0xff)
    }

    /// The major number: the driver. 0 for filesystems without a device of their own.
    pub const fn major(self) -> u32 {
        self.major
    }

    /// The minor number.
    pub const fn minor(self) -> u32 {
        self.minor
    }

    /// True where the kernel made the number up: overlay, btrfs, tmpfs, NFS and all else whose major number is 0.
    pub const fn is_anonymous(self) -> bool {
        self.major == 0
    }
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The Go original's computation.
    fn original(raw: u64) -> (u64, u64) {
        ((raw >> 8) & 0xfff, (raw & 0xff) | ((raw >> 12) & 0xfff00))
    }

    proptest! {
        #[test]
        fn encoding_round_trips(raw: u64) {
            prop_assert_eq!(DeviceNumber::from_raw(raw).to_raw(), raw);
        }

        #[test]
        fn decoding_round_trips(major: u32, minor: u32) {
            let number = DeviceNumber::new(major, minor);
            prop_assert_eq!(DeviceNumber::from_raw(number.to_raw()), number);
        }

        #[test]
        fn below_two_to_the_32_the_original_agrees(raw: u32) {
            let number = DeviceNumber::from_raw(raw.into());
            prop_assert_eq!((number.major().into(), number.minor().into()), original(raw.into()));
        }
    }

    #[test]
    fn high_bits_are_kept_where_the_original_drops_them() {
        let number = DeviceNumber::new(0x1000, 0x10_0000);
        assert_eq!(DeviceNumber::from_raw(number.to_raw()), number);
        assert_eq!(original(number.to_raw()), (0, 0));
    }
}

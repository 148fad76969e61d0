//! Device numbers as the kernel packs them for user space.

/// A device: major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Device {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

impl Device {
    /// Unpacks what `makedev` made.
    pub(crate) const fn from_raw(raw: u64) -> Self {
        let major = ((raw >> 8) & 0xfff) | ((raw >> 32) & 0xffff_f000);
        let minor = (raw & 0xff) | ((raw >> 12) & 0xffff_ff00);
        // Both are masked to 32 bits.
        #[allow(clippy::cast_possible_truncation)]
        Self { major: major as u32, minor: minor as u32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_unpacks_small_and_large_numbers() {
        assert_eq!(Device::from_raw(0x0801), Device { major: 8, minor: 1 });
        assert_eq!(Device::from_raw(0x0012_3456_789a_bcde), Device { major: 0x0012_3abc, minor: 0x4567_89de });
    }
}

//! The version of a kernel, as precise as rules need it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first two numbers of a kernel release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KernelVersion {
    major: u32,
    minor: u32,
}

impl KernelVersion {
    /// `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for KernelVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The rest after the second number (`.44-generic`) is ignored.
impl FromStr for KernelVersion {
    type Err = String;

    fn from_str(release: &str) -> Result<Self, Self::Err> {
        let mut numbers = release.split('.').map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit()).map_or(part, |end| &part[..end]);
            digits.parse::<u32>().ok()
        });
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(major), Some(minor)) => Ok(Self { major, minor }),
            _ => Err(format!("`{release}` is not a kernel version")),
        }
    }
}

impl Serialize for KernelVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KernelVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::KernelVersion;

    #[test]
    fn reads_what_uname_prints() {
        assert_eq!("6.18.44-fc-v669".parse(), Ok(KernelVersion::new(6, 18)));
        assert_eq!("6.8-rc1".parse(), Ok(KernelVersion::new(6, 8)));
        assert!("six.18".parse::<KernelVersion>().is_err());
        assert!("6".parse::<KernelVersion>().is_err());
    }

    #[test]
    fn orders_by_number_and_not_by_text() {
        assert!(KernelVersion::new(6, 8) < KernelVersion::new(6, 18));
    }
}

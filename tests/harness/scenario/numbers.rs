//! Numbers as scenario files write them: modes in octal, devices as `5:1`, id maps as lists of ranges.

use std::fmt;
use std::str::FromStr;

use mountwright_fake::IdRange;
use serde::{Deserialize, Serialize};

/// Permission bits or a umask, in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Octal(pub u32);

impl fmt::Display for Octal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl TryFrom<String> for Octal {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u32::from_str_radix(&text, 8).map(Self).map_err(|_| format!("{text:?} is no octal number"))
    }
}

impl From<Octal> for String {
    fn from(number: Octal) -> Self {
        number.to_string()
    }
}

/// The device of a node: major and minor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceNumber(pub u32, pub u32);

impl DeviceNumber {
    pub(crate) fn raw(self) -> u64 {
        rustix::fs::makedev(self.0, self.1)
    }
}

impl fmt::Display for DeviceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0, self.1)
    }
}

impl FromStr for DeviceNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers = text.split_once(':').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        numbers.map(|(major, minor)| Self(major, minor)).ok_or_else(|| format!("{text:?} is no device number"))
    }
}

impl TryFrom<String> for DeviceNumber {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<DeviceNumber> for String {
    fn from(device: DeviceNumber) -> Self {
        device.to_string()
    }
}

/// The map of a user namespace, users and groups alike: the first id inside, the first outside, the count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdRanges(pub Vec<(u32, u32, u32)>);

impl IdRanges {
    pub(crate) fn ranges(&self) -> Vec<IdRange> {
        self.0.iter().map(|&(inside, outside, count)| IdRange { inside, outside, count }).collect()
    }
}

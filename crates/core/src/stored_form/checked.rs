//! Values whose form is a text or a list, and is checked when it is read.

use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::Path;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Errno;
use crate::file::{DeviceNumber, FileMode};
use crate::kubernetes::atomic_writer::VolumeGeneration;
use crate::mount::{AtimeMode, AttributeChange, BootId, MountFlags, PropagationWord};
use crate::mount_table::MountTable;
use crate::path::{ContainerId, RelativePath};
use crate::spec::MountOptions;
use crate::stored_form::names::{Bytes, Names as _};

/// Stores the printed text; on reading, `$read` checks the text.
macro_rules! by_text {
    ($($value:ty, $write:expr, $read:expr;)*) => {$(
        impl Serialize for $value {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let write: fn(&$value) -> String = $write;
                serializer.serialize_str(&write(self))
            }
        }

        impl<'de> Deserialize<'de> for $value {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                let read: fn(&str) -> Result<$value, String> = $read;
                read(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

by_text! {
    BootId, |boot| boot.to_string(), boot;
    ContainerId, |id| id.to_string(), |text| ContainerId::new(text).map_err(said);
    DeviceNumber, |device| device.to_string(), device;
    FileMode, |mode| format!("{:04o}", mode.bits()), mode;
    PropagationWord, |word| word.to_string(), |text| text.parse().map_err(said);
    Errno, |errno| errno.to_string(), errno;
}

fn said(error: impl Display) -> String {
    error.to_string()
}

fn boot(text: &str) -> Result<BootId, String> {
    BootId::parse(text)
        .ok_or_else(|| format!("{text:?} is no boot id: expected 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12"))
}

fn device(text: &str) -> Result<DeviceNumber, String> {
    let numbers = text.split_once(':').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    numbers
        .map(|(major, minor)| DeviceNumber::new(major, minor))
        .ok_or_else(|| format!("{text:?} is no device number: expected MAJOR:MINOR"))
}

fn mode(text: &str) -> Result<FileMode, String> {
    match u16::from_str_radix(text, 8) {
        Ok(bits) if bits <= 0o7777 => Ok(FileMode::from_bits(bits)),
        _ => Err(format!("{text:?} is no file mode: expected octal digits, at most 7777")),
    }
}

/// By name, or `errno N` where there is none.
fn errno(text: &str) -> Result<Errno, String> {
    let number = text.strip_prefix("errno ").and_then(|number| number.parse().ok());
    let named = || (1..=4095).filter_map(Errno::from_raw).find(|errno| errno.name() == Some(text));
    number.and_then(Errno::from_raw).or_else(named).ok_or_else(|| format!("{text:?} is no errno"))
}

impl Serialize for MountFlags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.words().map(|(_, word)| word))
    }
}

impl<'de> Deserialize<'de> for MountFlags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<Cow<'_, str>>::deserialize(deserializer)?.iter().try_fold(Self::NONE, |flags, word| {
            let flag = Self::from_word(word.as_bytes());
            flag.map(|flag| flags | flag).ok_or_else(|| D::Error::custom(format!("{word:?} is no mount flag")))
        })
    }
}

#[derive(Serialize, Deserialize)]
struct Change {
    #[serde(default)]
    set: MountFlags,
    #[serde(default)]
    clear: MountFlags,
    #[serde(default)]
    atime: Option<AtimeMode>,
}

impl Serialize for AttributeChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Change { set: self.set(), clear: self.clear(), atime: self.atime() }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AttributeChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Change { set, clear, atime } = Change::deserialize(deserializer)?;
        Self::new(set, clear, atime).ok_or_else(|| D::Error::custom("cannot both set and clear an attribute"))
    }
}

/// As an option list: [`MountOptions::to_words`].
impl Serialize for MountOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_words().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MountOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Vec::<String>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// As its text.
impl Serialize for MountTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(Cow::Borrowed(self.text())).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MountTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Bytes::deserialize(deserializer).map(|text| Self::parse(text.0.into_owned()))
    }
}

impl Serialize for RelativePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::of(self.as_path().as_os_str()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RelativePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(OsString::read(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for VolumeGeneration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::of(self.name()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for VolumeGeneration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = OsString::read(deserializer)?;
        Self::from_target(Path::new(&name))
            .ok_or_else(|| D::Error::custom(format!("{} is no version of a volume", name.display())))
    }
}

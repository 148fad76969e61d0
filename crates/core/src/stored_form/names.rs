//! Names of the kernel's: any bytes. A string where they are UTF-8, else an array of the bytes.
//!
//! For fields: `#[serde(with = "crate::stored_form::names")]`. Formats that are not for people get bytes.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::de::{SeqAccess, Visitor};
use serde::ser::{SerializeSeq as _, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

/// A field that holds names.
pub(crate) trait Names: Sized {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

pub(crate) fn serialize<T: Names, S: Serializer>(names: &T, serializer: S) -> Result<S::Ok, S::Error> {
    names.write(serializer)
}

pub(crate) fn deserialize<'de, T: Names, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::read(deserializer)
}

/// Bytes in their form.
pub(super) struct Bytes<'a>(pub(super) Cow<'a, [u8]>);

impl<'a> Bytes<'a> {
    pub(super) fn of(name: &'a OsStr) -> Self {
        Self(Cow::Borrowed(name.as_bytes()))
    }

    fn into_name(self) -> OsString {
        OsString::from_vec(self.0.into_owned())
    }
}

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            _ if !serializer.is_human_readable() => serializer.serialize_bytes(&self.0),
            Ok(text) => serializer.serialize_str(text),
            Err(_) => serializer.collect_seq(self.0.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes<'static> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(Either)
        } else {
            deserializer.deserialize_byte_buf(Either)
        }
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Bytes<'static>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an array of bytes")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Bytes(Cow::Owned(text.as_bytes().to_vec())))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        Ok(Bytes(Cow::Owned(bytes.to_vec())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut bytes: A) -> Result<Self::Value, A::Error> {
        let mut read = Vec::new();
        while let Some(byte) = bytes.next_element()? {
            read.push(byte);
        }
        Ok(Bytes(Cow::Owned(read)))
    }
}

impl Names for OsString {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::of(self).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Bytes::deserialize(deserializer)?.into_name())
    }
}

impl Names for PathBuf {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::of(self.as_os_str()).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        OsString::read(deserializer).map(Self::from)
    }
}

impl Names for Box<Path> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes::of(self.as_os_str()).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        PathBuf::read(deserializer).map(PathBuf::into_boxed_path)
    }
}

impl Names for Option<OsString> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_deref().map(Bytes::of).serialize(serializer)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<Bytes<'_>>::deserialize(deserializer)?.map(Bytes::into_name))
    }
}

impl Names for Vec<PathBuf> {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut names = serializer.serialize_seq(Some(self.len()))?;
        for path in self {
            names.serialize_element(&Bytes::of(path.as_os_str()))?;
        }
        names.end()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<Bytes<'_>>::deserialize(deserializer)?;
        Ok(names.into_iter().map(|name| name.into_name().into()).collect())
    }
}

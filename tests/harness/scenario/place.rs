//! The place of an operation.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// A path of an operation: absolute in the sandbox, or relative to a descriptor that the scenario opened.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Place {
    /// A path as it is passed to the kernel; `""` too.
    Path(String),
    /// Relative to a descriptor.
    ///
    /// The `*at()` calls get the descriptor and the path, with the empty-path flag where the path is empty; mount(2),
    /// umount2(2) and plain file calls get `/proc/self/fd/N/path`.
    AtFd {
        /// The name that the scenario gave to the descriptor.
        fd: String,
        /// The path from there; empty for the descriptor itself.
        path: String,
    },
}

impl Place {
    /// The descriptor that the place is relative to.
    pub fn fd(&self) -> Option<&str> {
        match self {
            Self::Path(_) => None,
            Self::AtFd { fd, .. } => Some(fd),
        }
    }
}

impl From<&str> for Place {
    fn from(path: &str) -> Self {
        Self::Path(path.to_owned())
    }
}

// Written out because the error of an untagged enum would not name the unknown field.
impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlaceVisitor)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtFd {
    fd: String,
    path: String,
}

struct PlaceVisitor;

impl<'de> Visitor<'de> for PlaceVisitor {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path or {\"fd\": name, \"path\": path}")
    }

    fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Self::Value, E> {
        Ok(Place::Path(path.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let AtFd { fd, path } = AtFd::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Place::AtFd { fd, path })
    }
}

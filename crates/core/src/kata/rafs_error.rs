//! What a nydus daemon answers.

/// What taking off an image did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RafsUnmount {
    /// It was there and is gone.
    Done,
    /// Nothing was there.
    NotMounted,
}

/// A nydus daemon that cannot be reached or refuses, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the nydus daemon answered: {0}")]
pub struct RafsError(pub String);

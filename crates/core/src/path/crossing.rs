//! Mount points on the path to a name.

/// Behaviour of a look-up at a name that is a mount point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Crossing {
    /// The look-up enters the mount, as every path look-up does.
    Enter,
    /// The look-up fails with `EXDEV` (`RESOLVE_NO_XDEV`).
    Refuse,
}

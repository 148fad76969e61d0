//! Access times.

/// When reading a file changes its access time (mount(8)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum AtimeMode {
    /// When it is older than the last change, or a day (`relatime`): the kernel's default.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "relatime"))]
    Relative,
    /// Never (`noatime`).
    #[cfg_attr(feature = "serde", serde(rename = "noatime"))]
    Never,
    /// On every read (`strictatime`); mountinfo has no word for it.
    #[cfg_attr(feature = "serde", serde(rename = "strictatime"))]
    Strict,
}

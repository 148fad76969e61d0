//! The way in which mounts are unmounted.

use crate::mount::UnmountMode;

/// The way in which mounts are unmounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum UnmountStrategy {
    /// Lazy unmount (`MNT_DETACH`), children included; the kernel frees them when the last user closes.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "detach"))]
    Lazy,
    /// Plain unmount: fails for a mount that is in use. The mounts below it are unmounted first.
    Strict,
}

impl UnmountStrategy {
    pub(crate) fn unmount_mode(self) -> UnmountMode {
        match self {
            Self::Lazy => UnmountMode::Detach,
            Self::Strict => UnmountMode::Plain,
        }
    }
}

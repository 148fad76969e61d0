//! A mount that a crashed runtime left behind.

use std::fmt;
use std::path::PathBuf;

use crate::mount::MountInfo;
use crate::path::Location;
use crate::unmount::UnprovenMount;

/// The role of a mount in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum OrphanRole {
    /// The host's directory, bound onto itself.
    MountsOntoItself,
    /// Below the host's directory: a share, or a mount within one.
    Share,
    /// The mount that the guest saw.
    Shared,
    /// Below the mount that the guest saw: usually a copy of a share.
    Copy,
    /// The private directory, bound onto itself.
    PrivateOntoItself,
    /// In the private directory: a mount that was being prepared.
    Prepared,
}

impl fmt::Display for OrphanRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MountsOntoItself => "the mounts directory bound onto itself",
            Self::Share => "a share",
            Self::Shared => "the shared directory",
            Self::Copy => "a copy of a share",
            Self::PrivateOntoItself => "the private directory bound onto itself",
            Self::Prepared => "a mount being prepared",
        })
    }
}

/// A mount that a crashed runtime left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Orphan {
    /// The mount, as in the table.
    pub mount: MountInfo,
    /// Its role.
    pub role: OrphanRole,
    /// The path at which it can be reached; it leads to another mount where that covers it.
    pub at: Location,
}

impl fmt::Display for Orphan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mount, role, .. } = self;
        write!(f, "{} at {} ({} of {})", role, mount.mount_point.display(), mount.root.display(), mount.device)
    }
}

/// All orphans of a sandbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Orphans {
    /// Mounts, oldest first.
    pub mounts: Vec<Orphan>,
    /// Empty directories and files, mount targets included.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub names: Vec<PathBuf>,
    /// Mounts and symlinks on the sandbox's directories that are not proven to be the sandbox's: recovery leaves them.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Vec::is_empty"))]
    pub unproven: Vec<UnprovenMount>,
}

impl Orphans {
    /// True where nothing of the sandbox is left.
    pub fn is_empty(&self) -> bool {
        self.mounts.is_empty() && self.names.is_empty()
    }
}

impl fmt::Display for Orphans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mount in &self.mounts {
            writeln!(f, "{mount}")?;
        }
        for name in &self.names {
            writeln!(f, "{}", name.display())?;
        }
        self.unproven.iter().try_for_each(|unproven| writeln!(f, "{unproven}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_is_something_left() {
        assert!(Orphans::default().is_empty());
        assert!(!Orphans { mounts: Vec::new(), names: vec!["/m/c".into()], unproven: Vec::new() }.is_empty());
    }
}

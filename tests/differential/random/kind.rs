//! The five kinds of random histories.

use serde::{Deserialize, Serialize};

/// The features of a history besides mounts and names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// Nothing
    SingleNamespace,
    /// Copies of the mount namespace
    SeveralNamespaces,
    /// Copies of the mount namespace that a user namespace of its own has
    UserNamespaces,
    /// Descriptors, and the calls that take them: `open_tree`, `move_mount`, `mount_setattr`
    Descriptors,
    /// Calls for a container's root: new filesystems with options, nodes, owners, id maps of mounts, `pivot_root`
    ContainerRoot,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::SingleNamespace, Self::SeveralNamespaces, Self::UserNamespaces, Self::Descriptors, Self::ContainerRoot];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SingleNamespace => "one_namespace",
            Self::SeveralNamespaces => "several_namespaces",
            Self::UserNamespaces => "user_namespaces",
            Self::Descriptors => "descriptors",
            Self::ContainerRoot => "container_root",
        }
    }
}

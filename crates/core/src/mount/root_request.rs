//! The root that a process enters.

use std::any::Any;
use std::fmt;

use crate::mount::MountNamespaceId;
use crate::path::Location;

/// The way in which a process enters a root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum RootChange {
    /// `pivot_root(2)`.
    #[default]
    Pivot,
    /// `MS_MOVE` onto `/`, then chroot(2).
    Move,
    /// chroot(2) alone.
    Chroot,
}

/// A mount namespace, by its identity and a descriptor that keeps the identity from being used again.
pub struct PinnedNamespace {
    id: MountNamespaceId,
    /// Held, never used.
    _descriptor: Box<dyn Any + Send + Sync>,
}

impl PinnedNamespace {
    /// A namespace, with the value that keeps it; for backends.
    pub fn new(id: MountNamespaceId, descriptor: impl Any + Send + Sync) -> Self {
        Self { id, _descriptor: Box::new(descriptor) }
    }

    /// The identity.
    pub fn id(&self) -> MountNamespaceId {
        self.id
    }

    /// The reason why a process in the namespace `now` may still be in this one; `None` once it has left it.
    ///
    /// An id of `NS_GET_MNTNS_ID` and a file of nsfs are not comparable.
    pub fn not_left(&self, now: MountNamespaceId) -> Option<&'static str> {
        match (self.id, now) {
            (before, now) if before == now => Some("the process is still in the mount namespace that it came from"),
            (MountNamespaceId::Unique(_), MountNamespaceId::Unique(_))
            | (MountNamespaceId::Inode { .. }, MountNamespaceId::Inode { .. }) => None,
            _ => Some("cannot know whether this is the host's mount namespace: the ids are of two kinds"),
        }
    }
}

impl fmt::Debug for PinnedNamespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PinnedNamespace").field(&self.id).finish()
    }
}

/// The proof that a change of the root does not change the host's own namespace.
#[derive(Debug, Default)]
#[non_exhaustive]
pub enum NamespaceGuard {
    /// None: the change is refused.
    #[default]
    CannotTell,
    /// The namespace that the process came from: the change is refused while the process is in it.
    CameFrom(PinnedNamespace),
    /// The caller means the namespace in which the process is, whichever that is.
    InThisNamespace,
}

/// A root to be entered: the input of [`ProcessRoot::enter_root`](crate::ports::ProcessRoot::enter_root).
///
/// By default by `pivot_root(2)`, and refused until [`coming_from`](Self::coming_from) or
/// [`in_this_namespace`](Self::in_this_namespace) says in which namespace.
#[derive(Debug)]
pub struct RootRequest {
    new_root: Location,
    change: RootChange,
    guard: NamespaceGuard,
}

impl RootRequest {
    /// Enters `new_root`.
    pub fn new(new_root: Location) -> Self {
        Self { new_root, change: RootChange::Pivot, guard: NamespaceGuard::CannotTell }
    }

    /// Enters it in this way.
    pub fn by(mut self, change: RootChange) -> Self {
        self.change = change;
        self
    }

    /// Refuses the change while the process is in this namespace, which was pinned before it was left
    /// ([`ProcessRoot::pin_namespace`](crate::ports::ProcessRoot::pin_namespace)).
    pub fn coming_from(mut self, namespace: PinnedNamespace) -> Self {
        self.guard = NamespaceGuard::CameFrom(namespace);
        self
    }

    /// Changes the root in the namespace in which the process is, whichever that is.
    pub fn in_this_namespace(mut self) -> Self {
        self.guard = NamespaceGuard::InThisNamespace;
        self
    }

    /// The new root.
    pub fn new_root(&self) -> &Location {
        &self.new_root
    }

    /// The way.
    pub fn change(&self) -> RootChange {
        self.change
    }

    /// The proof about the namespace.
    pub fn guard(&self) -> &NamespaceGuard {
        &self.guard
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;

    #[test]
    fn namespace_is_left_only_where_an_id_of_the_same_kind_is_another() {
        let (unique, inode) =
            (MountNamespaceId::Unique, |inode| MountNamespaceId::Inode { device: DeviceNumber::new(0, 4), inode });
        for (before, now, reason) in [
            (unique(1), unique(1), Some("still in the mount namespace")),
            (unique(1), unique(2), None),
            (inode(1), inode(1), Some("still in the mount namespace")),
            (inode(1), inode(2), None),
            (unique(1), inode(1), Some("of two kinds")),
        ] {
            let refused = PinnedNamespace::new(before, ()).not_left(now);
            assert_eq!(refused.is_some(), reason.is_some(), "{before} {now}");
            assert!(refused.unwrap_or_default().contains(reason.unwrap_or_default()), "{refused:?}");
        }
    }

    #[test]
    fn request_has_what_it_was_given() {
        let request = || RootRequest::new(Location::trusted("/r"));
        assert_eq!(
            (request().by(RootChange::Move).change(), request().change()),
            (RootChange::Move, RootChange::Pivot)
        );
        assert!(matches!(request().in_this_namespace().guard(), NamespaceGuard::InThisNamespace));
        let pinned = PinnedNamespace::new(MountNamespaceId::Unique(1), ());
        assert!(
            matches!(request().coming_from(pinned).guard(), NamespaceGuard::CameFrom(from) if from.id() == MountNamespaceId::Unique(1))
        );
        assert_eq!(request().new_root(), &Location::trusted("/r"));
    }
}

//! The root of a tree, and the record of the members that were attached in it.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mountwright_core::mount::{MountKey, TreeForm};
use mountwright_core::{Location, Recursion};

/// A mount that was attached in a tree.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The path of its target in the tree, as the request names it.
    pub(crate) path: PathBuf,
    pub(crate) mount: MountKey,
    pub(crate) recursion: Recursion,
    /// True if mounts on it propagate to peers.
    pub(crate) shared: bool,
    /// True if it is a new filesystem in which no other process can rename.
    pub(crate) closed: bool,
    /// True if no other process can change the name of its target.
    pub(crate) fixed: bool,
}

/// A directory or file that a request in the tree has created as its target, without the directory that it is in: a
/// descriptor of that one leads into the tree.
#[derive(Clone, Debug)]
pub(crate) struct CreatedInTree {
    /// Its path in the tree, without symlinks.
    pub(crate) path: PathBuf,
    /// Its path in the directory that the tree is a copy of.
    pub(crate) shown: PathBuf,
    pub(crate) is_directory: bool,
    pub(crate) identity: Option<((u32, u32), u64)>,
    /// The mount that it is on; `None`: unknown.
    pub(crate) on: Option<MountKey>,
}

/// The open root of a new filesystem whose names no other process can change.
pub(crate) struct Member<Fd> {
    /// The names that lead to it from the tree's root, without a symlink.
    path: PathBuf,
    pub(crate) mount: MountKey,
    pub(crate) root: Arc<Fd>,
}

// Derived, it would ask of the descriptors to be clones.
impl<Fd> Clone for Member<Fd> {
    fn clone(&self) -> Self {
        Self { path: self.path.clone(), mount: self.mount, root: Arc::clone(&self.root) }
    }
}

/// The root of a tree.
pub(crate) struct TreeRoot<Fd> {
    pub(crate) file: Arc<Fd>,
    /// The path of the directory that the tree is a copy of, for messages.
    pub(crate) shown: PathBuf,
    pub(crate) mount: MountKey,
    pub(crate) form: TreeForm,
    parts: Mutex<Vec<Part>>,
    created: Mutex<Vec<CreatedInTree>>,
    turn: Mutex<()>,
    members: Mutex<Vec<Member<Fd>>>,
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    // It is complete between any two calls.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<Fd> TreeRoot<Fd> {
    pub(crate) fn new(file: Fd, shown: PathBuf, mount: MountKey, form: TreeForm) -> Self {
        let (parts, created, turn) = (Mutex::default(), Mutex::default(), Mutex::default());
        let members = Mutex::default();
        Self { file: Arc::new(file), shown, mount, form, parts, created, turn, members }
    }

    /// Waits for the requests of other threads. The target that one has found unoccupied would be another's by the attach, and
    /// in a detached tree neither could be unmounted.
    pub(crate) fn take_turn(&self) -> MutexGuard<'_, ()> {
        locked(&self.turn)
    }

    pub(crate) fn parts(&self) -> MutexGuard<'_, Vec<Part>> {
        locked(&self.parts)
    }

    pub(crate) fn members(&self) -> MutexGuard<'_, Vec<Member<Fd>>> {
        locked(&self.members)
    }

    pub(crate) fn created(&self) -> MutexGuard<'_, Vec<CreatedInTree>> {
        locked(&self.created)
    }

    /// Records a member that was attached on the mount `on`; `None`: which it is on is unknown.
    pub(crate) fn record(&self, on: Option<MountKey>, part: Part) {
        let fixed = on.is_some_and(|on| self.is_fixed(&part.path, on));
        self.parts().push(Part { fixed, ..part });
    }

    pub(crate) fn has_shared_part(&self) -> bool {
        self.parts().iter().any(|part| part.shared)
    }

    /// Returns true if a mount is a shared member of a detached tree, or one below the top of such a member: the copies of a
    /// recursive bind have the unique ids that follow its own.
    pub(crate) fn is_shared(&self, mount: MountKey) -> bool {
        let parts = self.parts();
        let part = parts.iter().rev().find(|part| part.mount == mount || is_later(mount, part.mount));
        part.is_some_and(|part| part.shared && (part.mount == mount || part.recursion == Recursion::Tree))
    }

    /// Returns true if no other process can change the name of a target on the mount `on`: the path leads by plain names
    /// through that mount's own target, which is checked, or fixed itself.
    fn is_fixed(&self, path: &Path, on: MountKey) -> bool {
        let Some(path) = plain(path) else { return false };
        let below = |part: &Part| plain(&part.path).is_some_and(|above| path.starts_with(above));
        self.parts().iter().any(|part| part.closed && part.mount == on && below(part))
    }

    /// Returns true if a member's target shows a mount that was attached after the member, and covers it.
    pub(crate) fn was_attached_later(&self, seen: MountKey, part: usize) -> bool {
        let parts = self.parts();
        let later = parts.get(part + 1..).unwrap_or_default();
        later.iter().any(|later| later.mount == seen)
            || later.first().is_some_and(|next| next.recursion == Recursion::Tree && is_later(seen, next.mount))
    }
}

impl<Fd> TreeRoot<Fd> {
    /// The member that a path leads into and the names that follow; `None`: another look-up has to say.
    pub(crate) fn member_above(&self, path: &Path) -> Option<(Member<Fd>, PathBuf)> {
        let names = names_alone(path)?;
        let members = self.members();
        let above = members.iter().filter_map(|member| Some((member, names.strip_prefix(&member.path).ok()?)));
        let (member, rest) = above.min_by_key(|(_, rest)| rest.as_os_str().len())?;
        Some((member.clone(), rest.to_path_buf()))
    }

    /// Forgets the members that a mount covers. `direct`: no symlink is on the path to its target.
    pub(crate) fn cover_members(&self, path: &Path, direct: bool) {
        match plain(path) {
            Some(names) if direct => self.members().retain(|member| !member.path.starts_with(&names)),
            _ => self.members().clear(),
        }
    }

    /// Keeps the root of a new filesystem that was attached.
    pub(crate) fn keep_member(&self, part: &Part, root: Fd, direct: bool) {
        if let (true, true, Some(path)) = (part.closed, direct, plain(&part.path)) {
            self.members().push(Member { path, mount: part.mount, root: Arc::new(root) });
        }
    }
}

/// Returns true if a mount was made after another, as unique ids show it.
fn is_later(mount: MountKey, other: MountKey) -> bool {
    matches!((mount, other), (MountKey::Unique(mount), MountKey::Unique(other)) if mount > other)
}

/// The names of a path without `..`.
pub(crate) fn plain(path: &Path) -> Option<PathBuf> {
    let mut names = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => names.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(names)
}

/// The names of a path that has no other component and ends in a name.
pub(crate) fn names_alone(path: &Path) -> Option<PathBuf> {
    let bytes = path.as_os_str().as_bytes();
    let ends_in_name = !bytes.ends_with(b"/") && !bytes.ends_with(b"/.") && !bytes.contains(&0);
    plain(path).filter(|names| ends_in_name && !names.as_os_str().is_empty())
}

/// True of a single name.
pub(crate) fn one(names: &Path) -> bool {
    !names.as_os_str().is_empty() && !names.as_os_str().as_bytes().contains(&b'/')
}

/// The path of a place in a tree; `None`: another place.
pub(crate) fn path_in_tree(at: &Location) -> Option<&Path> {
    match at {
        Location::InRoot { root, path } if root.as_os_str().is_empty() => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_with_another_component_than_names_is_left_to_the_whole_look_up() {
        for (path, names) in [("/a", Some("a")), ("a//b", Some("a/b")), ("/./a", Some("a"))] {
            assert_eq!(names_alone(Path::new(path)).as_deref(), names.map(Path::new), "{path}");
        }
        for path in ["", "/", "/a/", "/a/.", "/a/../b", ".."] {
            assert_eq!(names_alone(Path::new(path)), None, "{path}");
        }
        assert!(one(Path::new("a")) && !one(Path::new("a/b")) && !one(Path::new("")));
        assert_eq!(names_alone(Path::new("/a\0b")), None);
    }
}

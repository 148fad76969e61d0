//! Look-ups in a tree that start in the open root of a new filesystem: no name above it is resolved again.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_core::file::FinalSymlink;

use crate::backend::LinuxBackend;
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::{kind, mount_key};
use crate::syscalls::abi::{AT_SYMLINK_NOFOLLOW, S_IFLNK};
use crate::syscalls::failure::Step;
use crate::syscalls::{At, Kernel, Stat};
use crate::trees::root::{Member, names_alone, one};

impl<K: Kernel> LinuxBackend<K> {
    /// Opens a path that leads into a member; `None`: a symlink or another mount is on the way.
    pub(crate) fn in_member(&self, member: &Member<K::Fd>, rest: &Path, flags: u32) -> Step<Option<K::Fd>> {
        if rest.as_os_str().is_empty() {
            return Ok(None);
        }
        match self.beneath(&member.root, rest, flags, Crossing::Refuse) {
            Ok(file) => Ok(Some(file)),
            Err(fault) if matches!(fault.errno(), Errno::ELOOP | Errno::EXDEV) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Calls statx on a path in a root that is one name: one call instead of three. `None`: it is a symlink that is to be followed,
    /// or more than a name.
    pub(crate) fn stat_one_name(
        &self,
        root: &K::Fd,
        path: &Path,
        link: FinalSymlink,
        (flags, mask): (u32, u32),
    ) -> Step<Option<Stat>> {
        let Some(name) = names_alone(path).filter(|names| one(names)) else { return Ok(None) };
        let stat = self.calls.statx(At::Fd(root), &name, flags | AT_SYMLINK_NOFOLLOW, mask)?;
        let is_followed = link == FinalSymlink::Follow && kind(&stat) == S_IFLNK;
        // Before 5.8 only a descriptor shows its mount.
        Ok(Some(stat).filter(|stat| !is_followed && mount_key(stat).is_some()))
    }

    /// The start of a look-up in a root, and what is to be looked up from there: in the tree, a member's root if one name follows, or none.
    pub(crate) fn start_of<'p>(&self, root: &Path, path: &'p Path) -> Step<(Arc<K::Fd>, Cow<'p, Path>)> {
        let tree = self.tree().filter(|_| root.as_os_str().is_empty());
        match tree.and_then(|tree| tree.member_above(path)) {
            Some((member, rest)) if one(&rest) || rest.as_os_str().is_empty() => Ok((member.root, Cow::Owned(rest))),
            _ => Ok((self.root_of_place(root)?, Cow::Borrowed(path))),
        }
    }
}

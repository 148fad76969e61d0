//! The target of a new mount in a root: pinned, and created if it is missing.

use std::path::Path;
use std::sync::Arc;

use mountwright_core::Errno;
use mountwright_core::mount::TreeForm;

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::created_targets::Created;
use crate::mounting::target::{Found, Modes, Named, TargetRequest, Way, target_flags};
use crate::resolve::in_root::{IN_ROOT, undisturbed};
use crate::resolve::path_text::in_a_root;
use crate::resolve::root_walk::{Part, RootWalk, Stepped};
use crate::syscalls::abi::{O_CLOEXEC, RESOLVE_NO_SYMLINKS};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};
use crate::trees::root::{TreeRoot, one, plain};

/// The missing components of a target: the root's path for messages, the modes, and the sort of the last one.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) root: &'a Path,
    pub(crate) modes: Modes,
    pub(crate) sort: Sort,
    /// The flags that open the last one.
    pub(crate) flags: u32,
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn target_in_root<'a>(
        &self,
        request: TargetRequest<'_>,
        (root, path): (&Path, &'a Path),
        source: Option<&K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<(Found<'a, K::Fd>, Way)> {
        let root_fd = self.root_of_place(root)?;
        let (tree, flags) = (self.tree().filter(|_| root.as_os_str().is_empty()), target_flags(source));
        let (root, path_there) = (tree.map_or(root, |tree| &tree.shown), in_a_root(path)?);
        let wanted = |modes| Ok(Wanted { root, modes, sort: self.sort_of_target(source)?, flags });
        let found = match tree.filter(|tree| tree.form == TreeForm::Detached) {
            Some(tree) => {
                let missing = request.modes.map(|modes| move || wanted(modes));
                self.target_without_symlinks(tree, path_there, missing, flags, created)?
            }
            None => None,
        };
        if let Some((file, way)) = found {
            return Ok(((file, Some(Named::InRoot(root_fd, path))), way));
        }
        let file = match (self.in_root(&root_fd, path, flags), request.modes) {
            (Err(fault), Some(modes)) if fault.errno() == Errno::ENOENT => {
                let wanted = wanted(modes)?;
                undisturbed(|| {
                    self.make_in_root(RootWalk::new(self, Arc::clone(&root_fd), path_there), wanted, created)
                })?
            }
            (found, _) => found?,
        };
        Ok(((file, Some(Named::InRoot(root_fd, path))), Way::default()))
    }

    /// The target in a tree where its path has no symlink. `None`: the whole look-up has to say.
    fn target_without_symlinks<'w>(
        &self,
        tree: &TreeRoot<K::Fd>,
        path: &Path,
        missing: Option<impl FnOnce() -> Step<Wanted<'w>>>,
        flags: u32,
        created: &mut Created<K::Fd>,
    ) -> Step<Option<(K::Fd, Way)>> {
        let Some((member, rest)) = tree.member_above(path).filter(|(_, rest)| !rest.as_os_str().is_empty()) else {
            return Ok(self.plain_target(tree, path, flags));
        };
        let way = Way { on: Some(member.mount), direct: true };
        let found = match (self.in_member(&member, &rest, flags), missing) {
            (Err(fault), Some(missing)) if fault.errno() == Errno::ENOENT && one(&rest) => {
                let wanted = missing()?;
                let place = (&member.root, rest.as_path(), &*wanted.root.join(plain(path).unwrap_or_default()));
                let again = || Err(Fault::new(Call::Openat, Errno::EAGAIN));
                let made = match wanted.sort {
                    Sort::Directory => self.make_directory_for_mount(place, wanted.modes.0, created, again),
                    Sort::File => self.make_file_for_mount(place, wanted.modes.1, created, again),
                };
                Some(made?)
            }
            (Err(fault), Some(_)) if fault.errno() == Errno::ENOENT => None,
            (found, _) => found?,
        };
        Ok(found.map(|file| (file, way)))
    }

    /// A file in the tree that is there.
    pub(crate) fn existing_in_tree(&self, tree: &TreeRoot<K::Fd>, path: &Path, flags: u32) -> Step<(K::Fd, Way)> {
        let found = self.target_without_symlinks(
            tree,
            in_a_root(path)?,
            None::<fn() -> Step<Wanted<'static>>>,
            flags,
            &mut Created::nothing(),
        )?;
        match found {
            Some(found) => Ok(found),
            None => Ok((self.in_root(&tree.file, path, flags)?, Way::default())),
        }
    }

    /// The target that is there, if no symlink is on its path. `None`: the whole look-up has to say.
    fn plain_target(&self, tree: &TreeRoot<K::Fd>, path: &Path, flags: u32) -> Option<(K::Fd, Way)> {
        let scope = IN_ROOT | RESOLVE_NO_SYMLINKS;
        let opened = self.uses(Call::Openat2).then(|| self.calls.openat2(&tree.file, path, flags | O_CLOEXEC, scope));
        Some((opened?.ok()?, Way { on: None, direct: true }))
    }

    /// Walks to the target and creates missing components, those of a dangling symlink's text too. A `..` after a missing
    /// component is `ENOENT`: what it would lead to is not there.
    pub(crate) fn make_in_root(
        &self,
        mut walk: RootWalk<'_, K>,
        wanted: Wanted<'_>,
        created: &mut Created<K::Fd>,
    ) -> Step<K::Fd> {
        loop {
            match walk.step(wanted.flags)? {
                Stepped::On => {}
                Stepped::End(file) => {
                    created.found_the_last();
                    return Ok(file);
                }
                Stepped::Missing(_, fault) if walk.goes_up() => return Err(fault),
                Stepped::Missing(part, _) => {
                    let made = self.make_part(&walk, &part, wanted, created)?;
                    if part.last {
                        return Ok(made);
                    }
                    walk.enter(part.name, made);
                }
            }
        }
    }

    fn make_part(
        &self,
        walk: &RootWalk<'_, K>,
        part: &Part,
        wanted: Wanted<'_>,
        created: &mut Created<K::Fd>,
    ) -> Step<K::Fd> {
        let name = Path::new(&part.name);
        let shown = wanted.root.join(walk.reached()).join(name);
        let place = (walk.dir(), name, shown.as_path());
        // Another process was faster: the name is looked up anew, for it may be a symlink.
        let again = || Err(Fault::new(Call::Openat, Errno::EAGAIN));
        match (part.last, wanted.sort) {
            (false, _) | (true, Sort::Directory) => {
                self.make_directory_for_mount(place, wanted.modes.0, created, again)
            }
            (true, Sort::File) if part.slash => Err(Fault::new(Call::Openat, Errno::ENOTDIR)),
            (true, Sort::File) => self.make_file_for_mount(place, wanted.modes.1, created, again),
        }
    }
}

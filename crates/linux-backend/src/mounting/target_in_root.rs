//! The target of a new mount in a root: pinned, and created if it is missing.

use std::path::Path;
use std::sync::Arc;

use mountwright_core::Errno;

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::mounting::created_targets::Created;
use crate::mounting::target::{Found, Modes, Named, TargetRequest, target_flags};
use crate::resolve::in_root::undisturbed;
use crate::resolve::path_text::in_a_root;
use crate::resolve::root_walk::{Part, RootWalk, Stepped};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel};

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
    ) -> Step<Found<'a, K::Fd>> {
        let root_fd = self.root_of_place(root)?;
        let flags = target_flags(source);
        let file = match (self.in_root(&root_fd, path, flags), request.modes) {
            (Err(fault), Some(modes)) if fault.errno() == Errno::ENOENT => {
                let root = self.tree().filter(|_| root.as_os_str().is_empty()).map_or(root, |tree| &tree.shown);
                let wanted = Wanted { root, modes, sort: self.sort_of_target(source)?, flags };
                let path = in_a_root(path)?;
                undisturbed(|| self.make_in_root(RootWalk::new(self, Arc::clone(&root_fd), path), wanted, created))?
            }
            (found, _) => found?,
        };
        Ok((file, Some(Named::InRoot(root_fd, path))))
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
                Stepped::End(file) => return Ok(file),
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

//! The place that a mount goes to: pinned, and made where it is missing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_core::{BindRequest, Errno, FileMode, Location, MissingTarget, OccupiedTarget, RelativePath};

use super::calls::{Calls, Fd};
use super::created::{Created, Sort};
use super::fault::{Fault, Step};
use super::identity::{IDENTITY, is_mount_root};
use super::place::{Crossing, short_enough};
use crate::At;
use crate::abi::{O_DIRECTORY, O_PATH};

/// A pinned target.
pub(crate) struct Target {
    /// The target itself.
    pub(crate) file: Fd,
    /// Nothing else may be mounted there.
    pub(crate) alone: bool,
}

/// How the components of a target are opened.
#[derive(Clone, Copy)]
enum Trust {
    /// As the kernel resolves a path, symlinks included.
    Trusted,
    /// Without a symlink, and below the start.
    Beneath(Crossing),
}

impl Calls<'_> {
    /// Pins the target of a bind of `source`, and creates it where the request says so. What was created stands in
    /// `created`, also after an error.
    pub(crate) fn target(&mut self, request: &BindRequest, source: Fd, created: &mut Created) -> Step<Target> {
        let file = match request.target() {
            Location::Trusted(path) => self.trusted_target(request, path, source, created)?,
            Location::Beneath { root, path } => self.target_beneath(request, (root, path), source, created)?,
        };
        let alone = request.occupied_target() == OccupiedTarget::Refuse;
        if alone && is_mount_root(&self.stat_fd(file, IDENTITY)?) {
            return Err(Fault::new("statx", Errno::EBUSY));
        }
        Ok(Target { file, alone })
    }

    fn trusted_target(&mut self, request: &BindRequest, path: &Path, source: Fd, created: &mut Created) -> Step<Fd> {
        let found = self.openat(At::Cwd, path, O_PATH, 0);
        match (found, request.missing_target()) {
            (Err(fault), MissingTarget::Create { mode })
                if fault.errno() == Errno::ENOENT && !path.as_os_str().is_empty() =>
            {
                let bytes = path.as_os_str().as_bytes();
                let (start, rest, shown) = match bytes.strip_prefix(b"/") {
                    Some(rest) => ("/", rest, PathBuf::from("/")),
                    None => (".", bytes, PathBuf::new()),
                };
                let start = self.open_root(Path::new(start))?;
                let names: Vec<_> =
                    rest.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).map(OsStr::from_bytes).collect();
                self.make_way((start, shown), &names, Trust::Trusted, (mode, source), created)
            }
            (found, _) => found,
        }
    }

    fn target_beneath(
        &mut self,
        request: &BindRequest,
        (root, path): (&Path, &RelativePath),
        source: Fd,
        created: &mut Created,
    ) -> Step<Fd> {
        short_enough(path.as_path())?;
        let crossing = match request.occupied_target() {
            OccupiedTarget::Refuse => Crossing::Refuse,
            OccupiedTarget::Stack => Crossing::Enter,
        };
        let root_fd = self.open_root(root)?;
        let found = self.existing_beneath(root_fd, path, crossing);
        match (found, request.missing_target()) {
            (Err(fault), MissingTarget::Create { mode }) if fault.errno() == Errno::ENOENT => {
                let names: Vec<_> = path.components().collect();
                self.make_way((root_fd, root.to_path_buf()), &names, Trust::Beneath(crossing), (mode, source), created)
            }
            (found, _) => found,
        }
    }

    fn existing_beneath(&mut self, root: Fd, path: &RelativePath, crossing: Crossing) -> Step<Fd> {
        let parent = match path.parent() {
            Some(parent) => self.beneath(root, parent, O_PATH | O_DIRECTORY, Crossing::Refuse)?,
            None => root,
        };
        self.open_last(parent, path.name().as_ref(), crossing)
    }

    fn open_last(&mut self, parent: Fd, name: &Path, crossing: Crossing) -> Step<Fd> {
        self.beneath(parent, name, O_PATH, crossing).map_err(|fault| match fault.errno() {
            // One name below its own directory: what is crossed is a mount on the target itself.
            Errno::EXDEV => fault.saying(Errno::EBUSY),
            _ => fault,
        })
    }

    fn open_component(&mut self, dir: Fd, name: &Path, last: bool, trust: Trust) -> Step<Fd> {
        match trust {
            Trust::Trusted if last => self.openat(dir, name, O_PATH, 0),
            Trust::Trusted => self.openat(dir, name, O_PATH | O_DIRECTORY, 0),
            Trust::Beneath(crossing) if last => self.open_last(dir, name, crossing),
            Trust::Beneath(_) => self.beneath(dir, name, O_PATH | O_DIRECTORY, Crossing::Refuse),
        }
    }

    /// Walks to the target one component at a time and makes what is missing.
    fn make_way(
        &mut self,
        (mut dir, mut shown): (Fd, PathBuf),
        names: &[&OsStr],
        trust: Trust,
        (mode, source): (FileMode, Fd),
        created: &mut Created,
    ) -> Step<Fd> {
        for (index, name) in names.iter().enumerate() {
            let (last, name) = (index + 1 == names.len(), Path::new(name));
            shown.push(name);
            dir = match self.open_component(dir, name, last, trust) {
                Err(fault) if fault.errno() == Errno::ENOENT => {
                    let sort = if last { self.sort_of(source)? } else { Sort::Directory };
                    self.make_for_mount(dir, (name, &shown), sort, mode, created)?;
                    self.open_component(dir, name, last, trust)?
                }
                opened => opened?,
            };
        }
        if names.is_empty() { Err(Fault::new("openat", Errno::ENOENT)) } else { Ok(dir) }
    }
}

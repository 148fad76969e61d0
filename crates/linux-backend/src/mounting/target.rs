//! The target of a new mount: pinned, and created if it is missing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mountwright_core::file::FileIdentity;
use mountwright_core::mount::OccupiedTarget;
use mountwright_core::{BindRequest, Errno, FileMode, Location, MountKey, MountRequest, RelativePath};

use crate::backend::LinuxBackend;
use crate::files::create::Sort;
use crate::files::metadata::file_identity;
use crate::mounting::created_targets::Created;
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::{kind, mount_key, mount_root};
use crate::resolve::path_text::short_enough;
use crate::syscalls::abi::{O_CLOEXEC, O_DIRECTORY, O_PATH, S_IFDIR, STATX_INO, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};

/// A pinned target.
pub(crate) struct Target<'a, Fd> {
    /// The target itself.
    pub(crate) file: Fd,
    /// The name that has to show the mount; `None`: the kernel's path of the target.
    pub(crate) named: Option<Named<'a, Fd>>,
    /// The mount that the new one must be on, if the request names it, or the target must be unoccupied and the kernel
    /// reports the mount.
    pub(crate) alone_on: Option<MountKey>,
    /// The mount that a target in a tree is on, where the look-up shows it.
    pub(crate) on: Option<MountKey>,
    /// False if a symlink of a tree may have been followed to the target.
    pub(crate) direct: bool,
    /// The rule for other mounts on the target.
    pub(crate) occupied: OccupiedTarget,
    /// The requested location.
    pub(crate) at: &'a Location,
}

impl<Fd> Target<'_, Fd> {
    /// Returns the path for messages.
    pub(crate) fn shown(&self) -> PathBuf {
        self.at.for_display()
    }
}

/// The way on which a target in a tree was found.
#[derive(Clone, Copy, Default)]
pub(crate) struct Way {
    /// The mount that it is on; `None`: unknown.
    pub(crate) on: Option<MountKey>,
    /// True if no symlink was followed.
    pub(crate) direct: bool,
}

/// The name of a target that another process may be changing.
pub(crate) enum Named<'a, Fd> {
    /// A name in a directory beneath a root; not followed.
    Beneath(Arc<Fd>, &'a OsStr),
    /// A path in a root; followed.
    InRoot(Arc<Fd>, &'a Path),
}

pub(crate) type Found<'a, Fd> = (Fd, Option<Named<'a, Fd>>);

/// The rule for opening the components of a target.
#[derive(Clone, Copy)]
enum Trust {
    /// As the kernel resolves a path, symlinks included.
    Trusted,
    /// Without a symlink, and below the start.
    Beneath(Crossing),
}

/// The modes of created directories and of a created file.
pub(crate) type Modes = (FileMode, FileMode);

/// The target of a new mount, as it is requested.
#[derive(Clone, Copy)]
pub(crate) struct TargetRequest<'a> {
    pub(crate) at: &'a Location,
    /// The modes of what is created for a missing target; `None`: nothing is.
    pub(crate) modes: Option<Modes>,
    occupied: OccupiedTarget,
}

impl<'a> TargetRequest<'a> {
    pub(crate) fn of_bind(request: &'a BindRequest) -> Self {
        let modes = request.target_mode().zip(request.target_file_mode());
        Self { at: request.target(), modes, occupied: request.occupied_target() }
    }

    pub(crate) fn of_mount(request: &'a MountRequest) -> Self {
        let modes = request.target_mode().map(|mode| (mode, mode));
        Self { at: &request.target, modes, occupied: request.occupied_target }
    }
}

/// The flags that open the target of a bind of `source`, or of a new filesystem, which is a directory.
pub(crate) fn target_flags<Fd>(source: Option<&Fd>) -> u32 {
    if source.is_some() { O_PATH } else { O_PATH | O_DIRECTORY }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Returns the sort of a file: directory or not.
    pub(crate) fn sort_of(&self, file: &K::Fd) -> Step<Sort> {
        let stat = self.stat_fd(file, STATX_TYPE)?;
        Ok(if kind(&stat) == S_IFDIR { Sort::Directory } else { Sort::File })
    }

    /// The sort of the target of a bind of `source`, or of a new filesystem.
    pub(crate) fn sort_of_target(&self, source: Option<&K::Fd>) -> Step<Sort> {
        source.map_or(Ok(Sort::Directory), |source| self.sort_of(source))
    }

    /// Pins the target of a bind of `source`, or of a new filesystem, and creates it if requested. `created` records what was
    /// created, also on an error.
    pub(crate) fn target<'a>(
        &self,
        request: TargetRequest<'a>,
        source: Option<&K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<Target<'a, K::Fd>> {
        let (found, way) = match request.at {
            Location::Trusted(path) => ((self.trusted_target(request, path, source, created)?, None), Way::default()),
            Location::Beneath { root, path } => {
                (self.target_beneath(request, (root, path), source, created)?, Way::default())
            }
            Location::InRoot { root, path } => self.target_in_root(request, (root, path), source, created)?,
        };
        self.pinned_target(request, found, way, created)
    }

    /// A target that is open: refused where it is occupied, if the request says so.
    pub(crate) fn pinned_target<'a>(
        &self,
        request: TargetRequest<'a>,
        (file, named): Found<'a, K::Fd>,
        Way { on, direct }: Way,
        created: &mut Created<K::Fd>,
    ) -> Step<Target<'a, K::Fd>> {
        self.refuse_shared_part(&file)?;
        let alone_on = match request.occupied {
            OccupiedTarget::Refuse => {
                let (alone_on, identity) = match created.fresh() {
                    Some((on, identity)) => (Some(on), Some(identity)),
                    None => self.unoccupied(&file)?,
                };
                created.target = identity;
                alone_on
            }
            OccupiedTarget::StackOn(mount) => Some(self.topmost(&file, mount)?),
            OccupiedTarget::Stack => None,
        };
        Ok(Target { file, named, alone_on, on: on.or(alone_on), direct, occupied: request.occupied, at: request.at })
    }

    /// Returns the mount that a target is on, if statx reports it, and the file's identity, if the server permits the
    /// stat. `EBUSY`: the target is the root of its mount.
    fn unoccupied(&self, file: &K::Fd) -> Step<(Option<MountKey>, Option<FileIdentity>)> {
        let mask = self.identity_mask();
        let (stat, identity) = match self.stat_fd(file, mask | STATX_INO) {
            Err(fault) if fault.errno() == Errno::EACCES => (self.stat_fd(file, mask)?, None),
            other => {
                let stat = other?;
                let identity = file_identity(&stat)?;
                (stat, Some(identity))
            }
        };
        let is_root = match mount_root(&stat) {
            Some(is_root) => is_root,
            None => self.mount_of_pinned(file)?.is_root,
        };
        if is_root { Err(Fault::new(Call::Openat, Errno::EBUSY)) } else { Ok((mount_key(&stat), identity)) }
    }

    /// `EBUSY` where a target is on another mount than this one, or this one is shared.
    fn topmost(&self, file: &K::Fd, expected: MountKey) -> Step<MountKey> {
        let found = self.mount_of_pinned(file)?.mount;
        let is_expected = [found.key(), MountKey::Reused(found.id)].contains(&expected);
        if is_expected && found.propagation.peers.is_none() {
            Ok(found.key())
        } else {
            Err(Fault::new(Call::Openat, Errno::EBUSY))
        }
    }

    fn trusted_target(
        &self,
        request: TargetRequest<'_>,
        path: &Path,
        source: Option<&K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<K::Fd> {
        match (self.calls.openat(At::Cwd, path, target_flags(source) | O_CLOEXEC, 0), request.modes) {
            (Err(fault), Some(modes)) if fault.errno() == Errno::ENOENT && !path.as_os_str().is_empty() => {
                let bytes = path.as_os_str().as_bytes();
                let (start, rest) = match bytes.strip_prefix(b"/") {
                    Some(rest) => (Path::new("/"), rest),
                    None => (Path::new("."), bytes),
                };
                let start_fd = self.open_root(start)?;
                let names = rest.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).map(OsStr::from_bytes);
                let shown = if start == Path::new("/") { PathBuf::from("/") } else { PathBuf::new() };
                Ok(self.make_way((start_fd, shown), names, Trust::Trusted, (modes, source), created)?.0)
            }
            (found, _) => found,
        }
    }

    fn target_beneath<'a>(
        &self,
        request: TargetRequest<'_>,
        (root, path): (&Path, &'a RelativePath),
        source: Option<&K::Fd>,
        created: &mut Created<K::Fd>,
    ) -> Step<Found<'a, K::Fd>> {
        short_enough(path.as_path())?;
        let crossing = match request.occupied {
            OccupiedTarget::Refuse => Crossing::Refuse,
            OccupiedTarget::Stack | OccupiedTarget::StackOn(_) => Crossing::Enter,
        };
        let root_fd = self.open_root(root)?;
        let found = self.existing_beneath(&root_fd, path, (target_flags(source), crossing));
        match (found, request.modes) {
            (Err(fault), Some(modes)) if fault.errno() == Errno::ENOENT => {
                let trust = Trust::Beneath(crossing);
                let way =
                    self.make_way((root_fd, root.to_path_buf()), path.components(), trust, (modes, source), created);
                way.map(|(file, named)| (file, Some(named)))
            }
            (found, _) => {
                let (parent, file) = found?;
                let parent = Arc::new(parent.unwrap_or(root_fd));
                Ok((file, Some(Named::Beneath(parent, path.name()))))
            }
        }
    }

    /// Returns the target's parent, unless that is the root itself, and the target.
    fn existing_beneath(
        &self,
        root: &K::Fd,
        path: &RelativePath,
        how: (u32, Crossing),
    ) -> Step<(Option<K::Fd>, K::Fd)> {
        let parent = match path.parent() {
            Some(parent) => Some(self.beneath(root, parent, O_PATH | O_DIRECTORY, Crossing::Refuse)?),
            None => None,
        };
        let file = self.open_last(parent.as_ref().unwrap_or(root), path.name().as_ref(), how)?;
        Ok((parent, file))
    }

    fn open_last(&self, parent: &K::Fd, name: &Path, (flags, crossing): (u32, Crossing)) -> Step<K::Fd> {
        self.beneath(parent, name, flags, crossing).map_err(|fault| match fault.errno() {
            // The path is one name in its own directory, so the crossed mount is on the target itself.
            Errno::EXDEV => fault.saying(Errno::EBUSY),
            _ => fault,
        })
    }

    /// Walks to the target one component at a time and creates missing ones.
    fn make_way<'n>(
        &self,
        (start, mut shown): (K::Fd, PathBuf),
        names: impl Iterator<Item = &'n OsStr>,
        trust: Trust,
        (modes, source): (Modes, Option<&K::Fd>),
        created: &mut Created<K::Fd>,
    ) -> Step<(K::Fd, Named<'n, K::Fd>)> {
        let mut dir = Arc::new(start);
        let mut names = names.peekable();
        while let Some(component) = names.next() {
            let (last, name) = (names.peek().is_none(), Path::new(component));
            shown.push(name);
            let here = Arc::clone(&dir);
            let open = || match trust {
                Trust::Trusted if last => self.calls.openat(At::Fd(&here), name, target_flags(source) | O_CLOEXEC, 0),
                Trust::Trusted => self.calls.openat(At::Fd(&here), name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0),
                Trust::Beneath(crossing) if last => self.open_last(&here, name, (target_flags(source), crossing)),
                Trust::Beneath(_) => self.beneath(&here, name, O_PATH | O_DIRECTORY, Crossing::Refuse),
            };
            let child = match open() {
                Err(fault) if fault.errno() == Errno::ENOENT => {
                    let place = (&dir, name, shown.as_path());
                    if !last || self.sort_of_target(source)? == Sort::Directory {
                        self.make_directory_for_mount(place, modes.0, created, open)?
                    } else {
                        self.make_file_for_mount(place, modes.1, created, open)?
                    }
                }
                other => {
                    created.found_the_last();
                    other?
                }
            };
            if last {
                return Ok((child, Named::Beneath(dir, component)));
            }
            dir = Arc::new(child);
        }
        Err(Fault::new(Call::Openat, Errno::ENOENT))
    }
}

//! Resolution of a location to descriptors, once.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use mountwright_core::file::FinalSymlink;
use mountwright_core::path::Crossing;
use mountwright_core::{Errno, Location, RelativePath};

use crate::backend::LinuxBackend;
use crate::resolve::path_text::{PATH_MAX, in_a_root, short_enough};
use crate::syscalls::abi::{O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Reach};

/// The start of a look-up.
#[derive(Debug)]
pub(crate) enum Base<'a, Fd> {
    /// At the current directory: for one call only, which may be given any trusted path.
    Cwd,
    /// In an open directory.
    Open(Fd),
    /// In an open directory of the caller's.
    Lent(&'a Fd),
}

/// A name and where to look it up.
#[derive(Debug)]
pub(crate) struct Place<'a, Fd> {
    base: Base<'a, Fd>,
    name: Cow<'a, Path>,
}

impl<'a, Fd> Place<'a, Fd> {
    /// The place of a name in an open directory.
    pub(crate) fn within(dir: &'a Fd, name: &'a Path) -> Self {
        Self { base: Base::Lent(dir), name: Cow::Borrowed(name) }
    }

    pub(crate) fn dir(&self) -> At<'_, Fd> {
        match &self.base {
            Base::Cwd => At::Cwd,
            Base::Open(fd) => At::Fd(fd),
            Base::Lent(fd) => At::Fd(fd),
        }
    }

    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// For the calls that take no descriptor.
    pub(crate) fn reach(&self) -> Reach<'_, Fd> {
        match &self.base {
            Base::Cwd => Reach::Path(&self.name),
            Base::Open(fd) => Reach::Below(fd, self.name.as_os_str()),
            Base::Lent(fd) => Reach::Below(fd, self.name.as_os_str()),
        }
    }
}

/// Returns a trusted path without the slashes at its end, which would make the kernel follow a symlink there.
pub(crate) fn without_end_slashes(path: &Path) -> &Path {
    let mut bytes = path.as_os_str().as_bytes();
    while let [rest @ .., b'/'] = bytes {
        if rest.is_empty() {
            break;
        }
        bytes = rest;
    }
    Path::new(OsStr::from_bytes(bytes))
}

/// Splits a trusted path before its last component; `None` where that is no name.
fn split(path: &Path) -> Option<(&Path, &Path)> {
    let bytes = without_end_slashes(path).as_os_str().as_bytes();
    let start = bytes.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
    let (parent, name) = bytes.split_at(start);
    if matches!(name, b"" | b"." | b"..") {
        return None;
    }
    let parent = if parent.is_empty() { b"." } else { parent };
    Some((Path::new(OsStr::from_bytes(parent)), Path::new(OsStr::from_bytes(name))))
}

/// An absolute path as relative ones that are each short enough for the kernel.
fn parts_for_the_kernel(path: &Path) -> Vec<&Path> {
    let mut rest = path.as_os_str().as_bytes();
    let mut parts = Vec::new();
    loop {
        while let [b'/', after @ ..] = rest {
            rest = after;
        }
        if rest.is_empty() {
            return parts;
        }
        let end = match rest.get(..PATH_MAX) {
            Some(first) => first.iter().rposition(|&byte| byte == b'/').unwrap_or(rest.len()),
            None => rest.len(),
        };
        let (part, after) = rest.split_at(end);
        parts.push(Path::new(OsStr::from_bytes(part)));
        rest = after;
    }
}

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn open_root(&self, root: &Path) -> Step<K::Fd> {
        self.calls.openat(At::Cwd, root, O_PATH | O_DIRECTORY | O_CLOEXEC, 0)
    }

    /// Opens the root of a place in a root; `""` is the tree in which a request is made.
    pub(crate) fn root_of_place(&self, root: &Path) -> Step<Arc<K::Fd>> {
        match self.tree() {
            Some(tree) if root.as_os_str().is_empty() => Ok(Arc::clone(&tree.file)),
            _ => self.open_root(root).map(Arc::new),
        }
    }

    /// The directory above the last component of a path below a root.
    pub(crate) fn open_parent(&self, root: &Path, path: &RelativePath) -> Step<K::Fd> {
        short_enough(path.as_path())?;
        let root = self.open_root(root)?;
        match path.parent() {
            Some(parent) => self.beneath(&root, parent, O_PATH | O_DIRECTORY, Crossing::Refuse),
            None => Ok(root),
        }
    }

    /// Returns a place for exactly one call, which must not follow the last component if the location is below a root.
    pub(crate) fn place_for_one_call<'a>(&self, at: &'a Location) -> Step<Place<'a, K::Fd>> {
        match at {
            Location::Trusted(path) => {
                short_enough(path).map(|()| Place { base: Base::Cwd, name: Cow::Borrowed(path) })
            }
            Location::Beneath { root, path } if path.parent().is_none() => {
                // `root` is trusted and `path` one name: the kernel resolves both in that call.
                if root.as_os_str().is_empty() {
                    return Err(Fault::new(Call::Openat, Errno::ENOENT));
                }
                Ok(Place { base: Base::Cwd, name: Cow::Owned(root.join(path.as_path())) })
            }
            Location::Beneath { .. } | Location::InRoot { .. } => self.place(at),
        }
    }

    /// Returns a place for any number of calls: the directory is pinned, the name is one component. Only a trusted path
    /// that ends in no name (`/`, `.`, `..`) is passed on unchanged. A path in a root that ends in none is `.` in the
    /// directory that it leads to: no call acts on that name.
    pub(crate) fn place<'a>(&self, at: &'a Location) -> Step<Place<'a, K::Fd>> {
        match at {
            Location::Trusted(path) => self.trusted_place(path),
            Location::InRoot { root, path } => {
                let (parent, name) = split(in_a_root(path)?).unwrap_or((path, Path::new(".")));
                let dir = self.in_root(&self.root_of_place(root)?, parent, O_PATH | O_DIRECTORY)?;
                Ok(Place { base: Base::Open(dir), name: Cow::Borrowed(name) })
            }
            Location::Beneath { root, path } => {
                let base = Base::Open(self.open_parent(root, path)?);
                Ok(Place { base, name: Cow::Borrowed(Path::new(path.name())) })
            }
        }
    }

    /// As [`place`](Self::place), of a trusted path.
    pub(crate) fn trusted_place<'a>(&self, path: &'a Path) -> Step<Place<'a, K::Fd>> {
        short_enough(path)?;
        match split(path) {
            Some((parent, name)) => Ok(Place { base: Base::Open(self.open_root(parent)?), name: Cow::Borrowed(name) }),
            None => Ok(Place { base: Base::Cwd, name: Cow::Borrowed(path) }),
        }
    }

    /// Returns the place of an absolute mount point as the kernel reports it: of any length, without symlinks. Its
    /// parent is opened in pieces that the kernel accepts, each below the one before.
    pub(crate) fn place_of_any_length<'a>(&self, mount_point: &'a Path) -> Step<Place<'a, K::Fd>> {
        let Some((parent, name)) = split(mount_point) else {
            return Ok(Place { base: Base::Cwd, name: Cow::Borrowed(mount_point) });
        };
        let mut dir = self.open_root(Path::new("/"))?;
        for part in parts_for_the_kernel(without_end_slashes(parent)) {
            dir = self.beneath(&dir, part, O_PATH | O_DIRECTORY, Crossing::Enter)?;
        }
        Ok(Place { base: Base::Open(dir), name: Cow::Borrowed(name) })
    }

    /// Pins the file at a location, with `O_PATH` and these further flags.
    pub(crate) fn pin(&self, at: &Location, link: FinalSymlink, flags: u32) -> Step<K::Fd> {
        let flags = flags | O_PATH | O_CLOEXEC | if link == FinalSymlink::Itself { O_NOFOLLOW } else { 0 };
        self.open(at, flags)
    }

    /// Opens the file at a location. `flags` have `O_PATH` or `O_DIRECTORY`.
    pub(crate) fn open(&self, at: &Location, flags: u32) -> Step<K::Fd> {
        match at {
            Location::Trusted(path) => {
                short_enough(path)?;
                let path = if flags & O_NOFOLLOW == 0 { path } else { without_end_slashes(path) };
                self.calls.openat(At::Cwd, path, flags | O_CLOEXEC, 0)
            }
            Location::Beneath { root, path } => {
                let parent = self.open_parent(root, path)?;
                self.beneath(&parent, path.name().as_ref(), flags, Crossing::Enter)
            }
            Location::InRoot { root, path } => {
                let path = if flags & O_NOFOLLOW == 0 { path } else { without_end_slashes(path) };
                self.in_root(&self.root_of_place(root)?, path, flags)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_split_before_its_last_name() {
        let text = |path: &'static str| {
            split(Path::new(path)).map(|(parent, name)| (parent.to_str().unwrap(), name.to_str().unwrap()))
        };
        assert_eq!(text("/a/b"), Some(("/a/", "b")));
        assert_eq!(text("a"), Some((".", "a")));
        assert_eq!(text("/a//"), Some(("/", "a")));
        for no_name in ["", "/", "//", ".", "..", "a/..", "/a/.", "a/./"] {
            assert_eq!(text(no_name), None, "{no_name:?}");
        }
    }
}

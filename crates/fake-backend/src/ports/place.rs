//! From a location to where system calls look.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub(crate) use mountwright_core::Crossing;
use mountwright_core::{Errno, FinalLink, Location, RelativePath};

use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use crate::At;
use crate::abi::{
    O_DIRECTORY, O_NOFOLLOW, O_PATH, RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
};

/// A name and where to look it up.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    pub(crate) at: At,
    pub(crate) name: Cow<'a, Path>,
}

/// A trusted path without the slashes at its end, which would make a walk follow a symlink there.
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

/// The kernel refuses a path of this length as a whole; a part of it would get by.
const PATH_MAX: usize = 4096;

/// Refuses a path that is too long for the kernel, before it is taken apart.
pub(crate) fn short_enough(path: &Path) -> Step<()> {
    if path.as_os_str().len() < PATH_MAX { Ok(()) } else { Err(Fault::new("openat", Errno::ENAMETOOLONG)) }
}

impl Calls<'_> {
    pub(crate) fn open_root(&mut self, root: &Path) -> Step<Fd> {
        self.openat(At::Cwd, root, O_PATH | O_DIRECTORY, 0)
    }

    /// Opens `path`, of plain components only, below `dir`. A symlink is `ELOOP`, unless it is the last component and
    /// `flags` have `O_PATH` and `O_NOFOLLOW`.
    pub(crate) fn beneath(&mut self, dir: Fd, path: &Path, flags: u32, crossing: Crossing) -> Step<Fd> {
        let mut resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
        if crossing == Crossing::Refuse {
            resolve |= RESOLVE_NO_XDEV;
        }
        self.openat2(dir, path, flags, resolve)
    }

    /// The directory above the last component of a path below a root.
    pub(crate) fn open_parent(&mut self, root: &Path, path: &RelativePath) -> Step<Fd> {
        short_enough(path.as_path())?;
        let root = self.open_root(root)?;
        match path.parent() {
            Some(parent) => self.beneath(root, parent, O_PATH | O_DIRECTORY, Crossing::Refuse),
            None => Ok(root),
        }
    }

    /// A place for one call, which does not follow the last component where the location is below a root.
    pub(crate) fn place_for_one_call<'a>(&mut self, at: &'a Location) -> Step<Place<'a>> {
        match at {
            Location::Trusted(path) => short_enough(path).map(|()| Place { at: At::Cwd, name: Cow::Borrowed(path) }),
            Location::Beneath { root, path } if path.parent().is_none() => {
                if root.as_os_str().is_empty() {
                    return Err(Fault::new("openat", Errno::ENOENT));
                }
                Ok(Place { at: At::Cwd, name: Cow::Owned(root.join(path.as_path())) })
            }
            Location::Beneath { .. } => self.place(at),
        }
    }

    /// A place for any number of calls: the directory is pinned, the name is one component. Only a trusted path that ends
    /// in no name (`/`, `.`, `..`) is handed on as it is.
    pub(crate) fn place<'a>(&mut self, at: &'a Location) -> Step<Place<'a>> {
        match at {
            Location::Trusted(path) => short_enough(path).and_then(|()| match split(path) {
                Some((parent, name)) => Ok(Place { at: self.open_root(parent)?.into(), name: Cow::Borrowed(name) }),
                None => Ok(Place { at: At::Cwd, name: Cow::Borrowed(path) }),
            }),
            Location::Beneath { root, path } => {
                let parent = self.open_parent(root, path)?;
                Ok(Place { at: parent.into(), name: Cow::Borrowed(Path::new(path.name())) })
            }
        }
    }

    /// Pins what is at a location, with `O_PATH` and these further flags.
    pub(crate) fn pin(&mut self, at: &Location, link: FinalLink, flags: u32) -> Step<Fd> {
        let flags = flags | O_PATH | if link == FinalLink::Itself { O_NOFOLLOW } else { 0 };
        self.open_at(at, flags)
    }

    /// Opens what is at a location. `flags` have `O_PATH` or `O_DIRECTORY`.
    pub(crate) fn open_at(&mut self, at: &Location, flags: u32) -> Step<Fd> {
        match at {
            Location::Trusted(path) => {
                short_enough(path)?;
                let path = if flags & O_NOFOLLOW == 0 { path } else { without_end_slashes(path) };
                self.openat(At::Cwd, path, flags, 0)
            }
            Location::Beneath { root, path } => {
                let parent = self.open_parent(root, path)?;
                self.beneath(parent, path.name().as_ref(), flags, Crossing::Enter)
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

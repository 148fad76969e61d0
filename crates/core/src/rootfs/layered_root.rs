//! A root as it will be: the image with the mounts of a plan on it, before any of them is there.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation, OsError};
use crate::file::{FileKind, FinalSymlink};
use crate::path::Location;
use crate::ports::Filesystem;

/// The number of symlinks that the kernel follows.
const MOST_SYMLINKS: usize = 40;

/// The content of a mount.
#[derive(Debug)]
pub(crate) enum Content {
    /// A file or directory of the host.
    Host(PathBuf),
    /// A new tmpfs.
    Empty,
    /// A filesystem whose names are not known before: each is taken to be there.
    Opaque,
}

/// A mount of the plan, at a path of the root without symlinks.
#[derive(Debug)]
struct Layer {
    at: PathBuf,
    content: Content,
    /// Names that the plan creates in it.
    created: BTreeMap<PathBuf, Entry>,
}

#[derive(Clone, Debug)]
enum Entry {
    Symlink(PathBuf),
    Other(FileKind),
}

/// A path of the root without symlinks, and the path on the host of a name that has to be created there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) inner: PathBuf,
    pub(crate) missing: bool,
}

/// A root as it will be.
pub(crate) struct LayeredRoot<'a> {
    files: &'a dyn Filesystem,
    layers: Vec<Layer>,
    /// Names that the plan creates on filesystems of the host: path and kind, in order.
    pub(crate) on_host: Vec<(PathBuf, FileKind)>,
}

impl<'a> LayeredRoot<'a> {
    pub(crate) fn new(files: &'a dyn Filesystem, image: &Path) -> Self {
        let root = Layer { at: PathBuf::new(), content: Content::Host(image.to_owned()), created: BTreeMap::new() };
        Self { files, layers: vec![root], on_host: Vec::new() }
    }

    pub(crate) fn mount(&mut self, at: PathBuf, content: Content) {
        self.layers.push(Layer { at, content, created: BTreeMap::new() });
    }

    /// Creates a target of this kind where it is missing, with the directories above it; symlinks are followed.
    pub(crate) fn target(&mut self, path: &Path, kind: FileKind) -> Result<PathBuf, OsError> {
        let place = self.resolve(path, true)?;
        if place.missing {
            self.create(&place.inner, Entry::Other(kind));
        }
        Ok(place.inner)
    }

    /// Creates a name where it is missing, with the directories above it; a symlink of that name is not followed.
    pub(crate) fn name(&mut self, path: &Path, symlink_to: Option<&Path>, kind: FileKind) -> Result<(), OsError> {
        let place = self.resolve(path, false)?;
        if place.missing {
            let entry = symlink_to.map_or(Entry::Other(kind), |target| Entry::Symlink(target.to_owned()));
            self.create(&place.inner, entry);
        }
        Ok(())
    }

    fn resolve(&mut self, path: &Path, follow: bool) -> Result<Place, OsError> {
        let failed = |errno| OsError::new(Operation::Metadata, path, errno);
        let mut left = components(path);
        let (mut inner, mut links, mut created) = (PathBuf::new(), 0, false);
        while let Some(name) = left.pop_front() {
            if name == ".." {
                if created {
                    return Err(failed(Errno::ENOENT));
                }
                inner.pop();
                continue;
            }
            inner.push(&name);
            match self.entry(&inner)? {
                Some(Entry::Symlink(target)) if follow || !left.is_empty() => {
                    links += 1;
                    if links > MOST_SYMLINKS {
                        return Err(failed(Errno::ELOOP));
                    }
                    inner.pop();
                    if target.has_root() {
                        inner.clear();
                    }
                    components(&target).into_iter().rev().for_each(|name| left.push_front(name));
                }
                Some(Entry::Other(kind)) if kind != FileKind::Directory && !left.is_empty() => {
                    return Err(failed(Errno::ENOTDIR));
                }
                Some(_) => {}
                None if left.is_empty() => return Ok(Place { inner, missing: true }),
                None => {
                    self.create(&inner, Entry::Other(FileKind::Directory));
                    created = true;
                }
            }
        }
        Ok(Place { inner, missing: false })
    }

    /// The uppermost mount that holds a path, and the path below it.
    fn layer(&self, inner: &Path) -> (usize, PathBuf) {
        let holds = |layer: &Layer| inner.strip_prefix(&layer.at).ok().map(Path::to_owned);
        let found = self.layers.iter().enumerate().rev().find_map(|(index, layer)| Some((index, holds(layer)?)));
        found.unwrap_or_else(|| (0, inner.to_owned()))
    }

    fn entry(&self, inner: &Path) -> Result<Option<Entry>, OsError> {
        let (index, below) = self.layer(inner);
        let layer = &self.layers[index];
        if let Some(entry) = layer.created.get(&below) {
            return Ok(Some(entry.clone()));
        }
        let is_root = below.as_os_str().is_empty();
        match &layer.content {
            Content::Host(base) => self.entry_on_host(base, &below),
            Content::Empty if !is_root => Ok(None),
            Content::Empty | Content::Opaque => Ok(Some(Entry::Other(FileKind::Directory))),
        }
    }

    fn entry_on_host(&self, base: &Path, below: &Path) -> Result<Option<Entry>, OsError> {
        let at = Location::in_root(base, below);
        if below.as_os_str().is_empty() {
            let metadata = self.files.metadata(&Location::trusted(base), FinalSymlink::Follow)?;
            return Ok(Some(Entry::Other(metadata.kind)));
        }
        match self.files.metadata(&at, FinalSymlink::Itself) {
            Ok(metadata) if metadata.kind == FileKind::Symlink => {
                self.files.read_link(&at).map(|target| Some(Entry::Symlink(target)))
            }
            Ok(metadata) => Ok(Some(Entry::Other(metadata.kind))),
            Err(error) if error.errno() == Errno::ENOENT => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn create(&mut self, inner: &Path, entry: Entry) {
        let (index, below) = self.layer(inner);
        let layer = &mut self.layers[index];
        if let Content::Host(base) = &layer.content {
            let kind = if let Entry::Other(kind) = entry { kind } else { FileKind::Symlink };
            self.on_host.push((base.join(&below), kind));
        }
        layer.created.insert(below, entry);
    }
}

/// The components of a path, without `.` and empty ones.
fn components(path: &Path) -> VecDeque<OsString> {
    let all = path.as_os_str().as_bytes().split(|&byte| byte == b'/');
    let named = all.filter(|name| !name.is_empty() && *name != b".");
    named.map(|name| std::ffi::OsStr::from_bytes(name).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::read_only_tree::SmallWorld;

    /// The target that is found in an image, and whether it is missing.
    fn found(root: &mut LayeredRoot<'_>, path: &str) -> Result<(String, bool), Errno> {
        let place = root.resolve(Path::new(path), true).map_err(|error| error.errno())?;
        Ok((place.inner.to_str().unwrap().to_owned(), place.missing))
    }

    #[test]
    fn components_are_looked_up_one_after_the_other() {
        let world = SmallWorld::new().directory("/i/a").file("/i/file", 1).file("/i/a/x", 1).failing(
            "/i/a/x",
            Operation::Metadata,
            Errno::EACCES,
        );
        let mut root = LayeredRoot::new(&world, Path::new("/i"));
        assert_eq!(found(&mut root, "/.//a/./b"), Ok(("a/b".into(), true)));
        assert_eq!(found(&mut root, "/a/"), Ok(("a".into(), false)));
        assert_eq!(found(&mut root, "/file"), Ok(("file".into(), false)));
        assert_eq!(found(&mut root, "/file/x"), Err(Errno::ENOTDIR));
        assert_eq!(found(&mut root, "/a/x"), Err(Errno::EACCES));
    }

    #[test]
    fn only_names_below_the_root_of_a_new_tmpfs_are_missing() {
        let world = SmallWorld::new().directory("/i/t");
        let mut root = LayeredRoot::new(&world, Path::new("/i"));
        root.mount("t".into(), Content::Empty);
        root.mount("t/s".into(), Content::Opaque);
        for (path, missing) in [("/t", false), ("/t/x", true), ("/t/s", false), ("/t/s/x", false)] {
            assert_eq!(found(&mut root, path), Ok((path[1..].into(), missing)));
        }
        root.target(Path::new("/t/file"), FileKind::Regular).unwrap();
        assert_eq!(found(&mut root, "/t/file/x"), Err(Errno::ENOTDIR));
    }

    #[test]
    fn as_many_symlinks_are_followed_as_the_kernel_follows() {
        for (links, errno) in [(MOST_SYMLINKS, None), (MOST_SYMLINKS + 1, Some(Errno::ELOOP))] {
            let chain = |world: SmallWorld, link: usize| world.symlink(&format!("/i/{link}"), &format!("{}", link + 1));
            let world = (0..links).fold(SmallWorld::new(), chain).directory(&format!("/i/{links}"));
            let seen = found(&mut LayeredRoot::new(&world, Path::new("/i")), "/0");
            assert_eq!(seen.as_ref().err().copied(), errno, "{seen:?}");
        }
    }
}

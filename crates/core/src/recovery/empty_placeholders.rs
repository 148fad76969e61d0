//! Empty directories and files that sharing creates.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Errno, Error};
use crate::file::{DirectoryEntry, FileKind, FinalSymlink};
use crate::path::{ContainerId, Location};
use crate::ports::Filesystem;
use crate::recovery::Orphan;
use crate::unmount::placeholder;

/// The names that sharing could have created below `root` and that are empty now, innermost first: `<id>/<name>` and
/// `<id>-…`, in the private directory `<id>:<name>`. Mount points are not entered: the mounts hold data of other users.
pub(crate) fn left_names(fs: &dyn Filesystem, root: &Path, mounts: &[Orphan]) -> Result<Vec<Location>, Error> {
    let mut names = Names { fs, root, covered: mounts.iter().map(|left| &left.at).collect(), found: Vec::new() };
    for entry in placeholder::listed(fs, &Location::trusted(root))? {
        if entry.name.to_str().is_some_and(has_own_shape) {
            names.outer(&entry)?;
        }
    }
    Ok(names.found)
}

/// `<id>`, or `<id>-…` and `<id>:…` followed by any name of a volume.
fn has_own_shape(name: &str) -> bool {
    let id_before = |mark| name.split_once(mark).map_or(name, |(id, _)| id);
    [name, id_before('-'), id_before(':')].into_iter().any(|id| ContainerId::new(id).is_ok())
}

struct Names<'a> {
    fs: &'a dyn Filesystem,
    root: &'a Path,
    covered: HashSet<&'a Location>,
    found: Vec<Location>,
}

impl Names<'_> {
    fn outer(&mut self, entry: &DirectoryEntry) -> Result<(), Error> {
        let at = Location::beneath(self.root, &entry.name)?;
        if entry.kind != FileKind::Directory || self.covered.contains(&at) {
            return self.inner(at, entry).map(drop);
        }
        let mut all_empty = true;
        for inner in placeholder::listed(self.fs, &at)? {
            let inner_at = Location::beneath(self.root, Path::new(&entry.name).join(&inner.name))?;
            all_empty &= self.inner(inner_at, &inner)?;
        }
        if all_empty {
            self.found.push(at);
        }
        Ok(())
    }

    /// Adds the name if it is empty and nothing is mounted on it.
    fn inner(&mut self, at: Location, entry: &DirectoryEntry) -> Result<bool, Error> {
        let is_empty = !self.covered.contains(&at)
            && match entry.kind {
                FileKind::Directory => placeholder::listed(self.fs, &at)?.is_empty(),
                FileKind::Regular => self.is_empty_file(&at)?,
                _ => false,
            };
        if is_empty {
            self.found.push(at);
        }
        Ok(is_empty)
    }

    fn is_empty_file(&self, at: &Location) -> Result<bool, Error> {
        match self.fs.metadata(at, FinalSymlink::Itself) {
            Ok(found) => Ok(found.kind == FileKind::Regular && found.size == 0),
            // It was listed: the removal will show whether it is gone.
            Err(error) if error.errno() == Errno::ENOENT => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::file::{DeviceNumber, Metadata};
    use crate::ports::{DirectoryEntries, MockDirectory, MockFilesystem};

    #[test]
    fn own_names_are_containers_and_what_is_theirs() {
        for own in ["c", "c1-hosts", "c1-with space", "a.b_c-\u{e4}", "a-b:config", "c:\u{e4}"] {
            assert!(has_own_shape(own), "{own}");
        }
        for other in [".hidden", "with space", "-", "", "..", "\u{e4}-x", ":", "\u{e4}:x"] {
            assert!(!has_own_shape(other), "{other}");
        }
    }

    /// Names in `/m`, with other results for the listing of a directory and for the metadata of a name.
    fn names(open: Option<Errno>, look: Result<Metadata, Errno>) -> Result<Vec<Location>, Error> {
        let refuse = |errno| OsError::new(Operation::OpenDir, "/m/c", errno);
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().withf(|at| *at == Location::trusted("/m")).returning(|_| {
            let mut directory = MockDirectory::new();
            directory.expect_entries().returning(|| {
                let all = [("c", FileKind::Directory), ("d", FileKind::Regular)];
                let all = all.map(|(name, kind)| Ok(DirectoryEntry { name: name.into(), kind, inode: 9 }));
                Ok(DirectoryEntries::new(all.into_iter()))
            });
            Ok(Box::new(directory))
        });
        fs.expect_open_dir().returning(move |_| {
            open.map_or(Ok(()), |errno| Err(refuse(errno)))?;
            let mut directory = MockDirectory::new();
            directory.expect_entries().returning(|| Ok(DirectoryEntries::new(std::iter::empty())));
            Ok(Box::new(directory))
        });
        fs.expect_metadata().returning(move |_, _| look.clone().map_err(refuse));
        left_names(&fs, Path::new("/m"), &[])
    }

    fn found(names: &Result<Vec<Location>, Error>) -> Result<Vec<String>, Option<Errno>> {
        let shown = |at: &Location| at.for_display().display().to_string();
        names.as_ref().map(|all| all.iter().map(shown).collect()).map_err(Error::errno)
    }

    #[test]
    fn a_directory_is_gone_only_where_two_calls_say_so() {
        let gone = [Errno::ENOENT, Errno::ENOTDIR];
        for errno in gone {
            assert_eq!(found(&names(Some(errno), Err(Errno::ENOENT))), Ok(vec!["/m/c".into(), "/m/d".into()]));
            assert_eq!(found(&names(Some(errno), Err(Errno::EIO))), Err(Some(errno)));
        }
        assert_eq!(found(&names(Some(Errno::EACCES), Err(Errno::ENOENT))), Err(Some(Errno::EACCES)));
    }

    #[test]
    fn only_an_empty_regular_file_is_a_placeholder() {
        let metadata = |kind, size| Metadata { size, ..Metadata::new(kind, DeviceNumber::new(8, 1), 9) };
        let both = Ok(vec!["/m/c".to_owned(), "/m/d".to_owned()]);
        assert_eq!(found(&names(None, Ok(metadata(FileKind::Regular, 0)))), both);
        for other in [metadata(FileKind::Regular, 1), metadata(FileKind::Fifo, 0)] {
            assert_eq!(found(&names(None, Ok(other))), Ok(vec!["/m/c".to_owned()]));
        }
        assert_eq!(found(&names(None, Err(Errno::ENOENT))), both);
        assert_eq!(found(&names(None, Err(Errno::EIO))), Err(Some(Errno::EIO)));
    }
}

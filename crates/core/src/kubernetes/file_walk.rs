//! Iteration over the files of a tree.

use std::ops::ControlFlow;
use std::path::Path;

use crate::error::{Errno, Error};
use crate::file::{EntryRef, FileKind, FinalSymlink, Metadata};
use crate::path::Location;
use crate::ports::{Directory, DirectoryEntries, Filesystem};

/// The maximum depth of a tree, its root included.
///
/// The iteration holds a directory and its listing open for each level: at most twice this many descriptors, well below
/// the usual limit of 1024 for a process.
pub const TREE_DEPTH_MAX: usize = 128;

/// The start of an iteration.
pub(super) enum Start {
    /// A directory, open.
    Directory(Box<dyn Directory>),
    /// Any other file.
    File(Metadata),
}

impl Start {
    /// Opens `path`, following symlinks.
    pub(super) fn open(fs: &dyn Filesystem, path: &Path) -> Result<Self, Error> {
        let at = Location::trusted(path);
        match fs.open_dir(&at) {
            Ok(directory) => Ok(Self::Directory(directory)),
            // Either the path is no directory, or a component before its end is none.
            Err(error) if error.errno() == Errno::ENOTDIR => match fs.metadata(&at, FinalSymlink::Follow)? {
                metadata if metadata.is_dir() => Err(error.into()),
                metadata => Ok(Self::File(metadata)),
            },
            Err(error) => Err(error.into()),
        }
    }
}

/// Calls `visit` for each file below `root` that is no directory, with the directory that holds it, until `visit`
/// breaks.
///
/// * The order is depth first, in the order of the listings. Symlinks are visited, not followed; mount points are
///   entered.
/// * A directory that disappears counts as empty; one that is replaced by another file is visited as that file.
/// * The levels are kept on the heap, so a deep tree cannot overflow the thread's stack.
///
/// # Errors
///
/// [`Error::TooDeep`], the errors of `visit`, and those of opening or listing a directory. `path` is the path of
/// `root`, for messages.
pub(super) fn each_file(
    root: &dyn Directory,
    path: &Path,
    mut visit: impl FnMut(&dyn Directory, EntryRef<'_>) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    each_entry(root, path, |directory, entry| match entry {
        Entry::File(file) => visit(directory, file),
        Entry::Directory => Ok(ControlFlow::Continue(())),
    })
}

/// An entry that [`each_entry`] visits.
pub(super) enum Entry<'a> {
    /// A directory, before its own entries.
    Directory,
    /// Any other file.
    File(EntryRef<'a>),
}

/// As [`each_file`], with the directories below `root`.
pub(super) fn each_entry(
    root: &dyn Directory,
    path: &Path,
    mut visit: impl FnMut(&dyn Directory, Entry<'_>) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    let mut above: Vec<(Box<dyn Directory>, DirectoryEntries)> = Vec::new();
    let mut root_entries = root.entries()?;
    loop {
        let depth = above.len() + 1;
        let (directory, entries) = match above.last_mut() {
            Some((directory, entries)) => (&**directory, entries),
            None => (root, &mut root_entries),
        };
        let entry = match entries.lend_next() {
            Some(Ok(entry)) => entry,
            Some(Err(error)) => return Err(error.into()),
            None => match above.pop() {
                Some(_) => continue,
                None => return Ok(()),
            },
        };
        if entry.kind == FileKind::Directory {
            if depth >= TREE_DEPTH_MAX {
                return Err(Error::TooDeep { path: path.to_path_buf(), levels: TREE_DEPTH_MAX });
            }
            match open(directory, entry)? {
                Opened::Level(below, entries) => {
                    if visit(directory, Entry::Directory)?.is_break() {
                        return Ok(());
                    }
                    above.push((below, entries));
                    continue;
                }
                Opened::Vanished => continue,
                Opened::NoDirectory => {}
            }
        }
        if visit(directory, Entry::File(entry))?.is_break() {
            return Ok(());
        }
    }
}

enum Opened {
    Level(Box<dyn Directory>, DirectoryEntries),
    Vanished,
    NoDirectory,
}

fn open(directory: &dyn Directory, entry: EntryRef<'_>) -> Result<Opened, Error> {
    let opened = directory.open_dir(entry.name, crate::path::Crossing::Enter).and_then(|below| {
        let entries = below.entries()?;
        Ok(Opened::Level(below, entries))
    });
    opened.or_else(|error| match error.errno() {
        Errno::ENOENT => Ok(Opened::Vanished),
        Errno::ENOTDIR | Errno::ELOOP => Ok(Opened::NoDirectory),
        _ => Err(error.into()),
    })
}

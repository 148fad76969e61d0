//! Creation and removal of placeholders: the empty directories and files that mounts are attached to.

use std::ffi::{OsStr, OsString};
use std::path::Path;

pub(crate) use crate::error::errno::is_gone;
use crate::error::{Errno, Error, Leftover, Operation, OsError};
use crate::file::{DirectoryEntry, FileIdentity, FileKind, FileMode, FinalSymlink};
use crate::mount::Placeholder;
use crate::path::{Crossing, Location};
use crate::ports::{Directory, Filesystem, Mounter};
use crate::unmount::NameAfter;

/// Creates a placeholder for a file of this kind: a directory for a directory, an empty file for anything else. Returns
/// `None` if the name exists; the later bind checks its type.
pub(crate) fn make(fs: &dyn Filesystem, at: &Location, kind: FileKind) -> Result<Option<Placeholder>, OsError> {
    let made = match kind {
        FileKind::Directory => fs.create_dir(at, FileMode::MOUNT_TARGET),
        _ => fs.create_file(at, FileMode::MOUNT_TARGET),
    };
    match made {
        Ok(identity) => Ok(Some(Placeholder { at: at.clone(), identity })),
        Err(error) if error.errno() == Errno::EEXIST => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates the directory at the trusted `path` and the missing ones above it. Adds the created ones, outermost first,
/// and those that another caller created since this one found them missing: both callers count as their creators, and
/// either may remove them.
pub(crate) fn make_dirs(fs: &dyn Filesystem, path: &Path, made: &mut Vec<Placeholder>) -> Result<(), OsError> {
    let at = Location::trusted(path);
    let missing = match make(fs, &at, FileKind::Directory) {
        Ok(placeholder) => {
            made.extend(placeholder);
            return Ok(());
        }
        Err(error) => error,
    };
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if missing.errno() == Errno::ENOENT && missing.left().is_empty() => {
            make_dirs(fs, parent, made)?;
        }
        _ => return Err(missing),
    }
    let placeholder = match make(fs, &at, FileKind::Directory)? {
        Some(placeholder) => Some(placeholder),
        None => there(fs, &at)?,
    };
    made.extend(placeholder);
    Ok(())
}

/// The directory at `at`, with its identity; `None` where it is gone, or is no directory.
pub(crate) fn there(fs: &dyn Filesystem, at: &Location) -> Result<Option<Placeholder>, OsError> {
    match fs.metadata(at, FinalSymlink::Itself) {
        Ok(found) if found.is_dir() => Ok(Some(Placeholder { at: at.clone(), identity: FileIdentity::from(&found) })),
        Ok(_) => Ok(None),
        Err(error) if is_gone(error.errno()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a placeholder that [`make`] created, if the name still leads to it and it is still empty.
///
/// The directory that holds it is opened once, and the check and the removal use that descriptor: a directory above it
/// that is swapped in between has no effect.
pub(crate) fn remove_made(fs: &dyn Filesystem, made: &Placeholder) -> Result<NameRemoval, OsError> {
    let above = match Above::open(fs, &made.at) {
        Ok(above) => above,
        Err(error) => return gone_with_all_above(fs, &made.at, error),
    };
    let found = match above.directory.metadata(&above.name) {
        Ok(found) => found,
        Err(error) if is_gone(error.errno()) => {
            // For a file there the errno would be ENOTDIR.
            return match above.directory.open_dir(&above.name, Crossing::Enter) {
                Err(other) if other.errno() == Errno::ENOENT => Ok(NameRemoval::Removed),
                _ => Err(at_path(&error, &made.at)),
            };
        }
        Err(error) => return Err(at_path(&error, &made.at)),
    };
    let operation = if found.is_dir() { Operation::RemoveDir } else { Operation::RemoveFile };
    let is_it = FileIdentity::from(&found) == made.identity
        || (found.kind == made.identity.kind
            && above.lists(&made.identity).map_err(|error| at_path(&error, &made.at))?);
    let kept = |errno| Ok(NameRemoval::Kept(OsError::new(operation, made.at.for_display(), errno)));
    if !is_it {
        return kept(Errno::ESTALE);
    }
    if !found.is_dir() && found.size != 0 {
        // The size may be that of a file that is mounted on it.
        let own = above.directory.own_metadata().map_err(|error| at_path(&error, &made.at))?;
        return kept(if own.mount == found.mount { Errno::ENOTEMPTY } else { Errno::EBUSY });
    }
    let removed =
        if found.is_dir() { above.directory.remove_dir(&above.name) } else { above.directory.remove_file(&above.name) };
    Ok(match removed {
        Ok(()) => NameRemoval::Removed,
        Err(error) => match gone_in_or_kept(&*above.directory, &above.name, error) {
            NameRemoval::Kept(error) => NameRemoval::Kept(at_path(&error, &made.at)),
            NameRemoval::Removed => NameRemoval::Removed,
        },
    })
}

/// Removes the empty directory or empty regular file at `at`; anything else stays, a symlink with `ELOOP`. No mount is
/// entered to remove a directory. For a file, a mount that appears on its path at that moment is entered, and an empty
/// file in it is removed.
pub(crate) fn remove_at(fs: &dyn Filesystem, at: &Location) -> Result<NameRemoval, OsError> {
    let error = match fs.remove_dir(at) {
        Ok(()) => return Ok(NameRemoval::Removed),
        Err(error) => error,
    };
    if error.errno() != Errno::ENOTDIR {
        return Ok(gone_or_kept(fs, at, error));
    }
    let above = match Above::open(fs, at) {
        Ok(above) => above,
        Err(error) => return gone_with_all_above(fs, at, error),
    };
    let removal = remove_empty_file(&*above.directory, &above.name, error)?;
    Ok(match removal {
        NameRemoval::Kept(error) => NameRemoval::Kept(at_path(&error, at)),
        NameRemoval::Removed => NameRemoval::Removed,
    })
}

/// The directory that holds a name, opened. For a place beneath a root no mount was crossed on the path to it.
pub(crate) struct Above {
    pub(crate) directory: Box<dyn Directory>,
    pub(crate) name: OsString,
}

impl Above {
    pub(crate) fn open(fs: &dyn Filesystem, at: &Location) -> Result<Self, OsError> {
        match at {
            Location::Trusted(path) => {
                // `/` and `..` are no names, so no call created them.
                let Some(name) = path.file_name() else {
                    return Err(OsError::new(Operation::OpenDir, at.for_display(), Errno::EINVAL));
                };
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let directory = fs.open_dir(&Location::trusted(parent.unwrap_or(Path::new("."))))?;
                Ok(Self { directory, name: name.to_owned() })
            }
            Location::InRoot { root, path } => {
                let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
                    return Err(OsError::new(Operation::OpenDir, at.for_display(), Errno::EINVAL));
                };
                let directory = fs.open_dir(&Location::in_root(root, parent))?;
                Ok(Self { directory, name: name.to_owned() })
            }
            Location::Beneath { root, path } => {
                let mut directory = fs.open_dir(&Location::Trusted(root.clone()))?;
                for component in path.parent().into_iter().flatten() {
                    directory = directory.open_dir(component, Crossing::Refuse)?;
                }
                Ok(Self { directory, name: path.name().to_owned() })
            }
        }
    }

    /// True where the listing of the directory shows the name with this identity. Where the layers of an overlay are on
    /// two filesystems, a listing and `stat(2)` return different numbers for one file; a file beneath a mount can only
    /// be listed.
    fn lists(&self, identity: &FileIdentity) -> Result<bool, OsError> {
        if self.directory.own_metadata()?.device != identity.device {
            return Ok(false);
        }
        for entry in self.directory.entries()? {
            let entry = entry?;
            if entry.name == self.name {
                return Ok(entry.inode == identity.inode && entry.kind == identity.kind);
            }
        }
        Ok(false)
    }
}

/// The directory above could not be opened: if it does not exist, the name does not either.
fn gone_with_all_above(fs: &dyn Filesystem, at: &Location, error: OsError) -> Result<NameRemoval, OsError> {
    match fs.metadata(at, FinalSymlink::Itself) {
        Err(other) if is_gone(error.errno()) && is_gone(other.errno()) => Ok(NameRemoval::Removed),
        _ => Err(error),
    }
}

/// The same error, for the whole path in place of a name in a directory.
fn at_path(error: &OsError, at: &Location) -> OsError {
    let whole = OsError::new(error.operation(), at.for_display(), error.errno());
    match error.step() {
        Some(step) => whole.at_step(step),
        None => whole,
    }
}

/// The meaning of a removal's error. A name counts as gone only if two calls report that: otherwise a removal that
/// failed for another reason, or met a name that was moved away for a moment, would leave it behind without a report.
pub(crate) fn gone_or_kept(fs: &dyn Filesystem, at: &Location, error: OsError) -> NameRemoval {
    if error.errno() != Errno::ENOENT {
        return NameRemoval::Kept(error);
    }
    match fs.metadata(at, FinalSymlink::Itself) {
        Err(other) if is_gone(other.errno()) => NameRemoval::Removed,
        _ => NameRemoval::Kept(error),
    }
}

/// The failure of a step, for the removal of the names that were created before it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailedStep {
    /// Another caller has mounted on a created name; the names that its mount needs are that caller's.
    pub(crate) lost_a_race: bool,
    /// The step's error names a mount of this caller's that stays.
    pub(crate) left_a_mount: bool,
}

impl FailedStep {
    pub(crate) fn new<T>(taken: &Result<T, Error>, lost_a_race: impl FnOnce(&Error) -> bool) -> Self {
        let Err(error) = taken else { return Self::default() };
        let left_a_mount = error.left().iter().any(|left| matches!(left, Leftover::Mount { .. }));
        Self { lost_a_race: lost_a_race(error), left_a_mount }
    }
}

/// Removes created names, the last one first. Adds those that stay and are still this caller's to `left`.
///
/// A name is another caller's if a mount is on it or in it, unless a mount of this caller's stays: the record of the other
/// mount lists it.
pub(crate) fn take_back(
    (fs, mounter): (&dyn Filesystem, &dyn Mounter),
    made: &[Placeholder],
    failed: FailedStep,
    left: &mut Vec<Leftover>,
) {
    let mut may_be_anothers = left.is_empty() && !failed.left_a_mount;
    let mut of_another = failed.lost_a_race && may_be_anothers;
    for made in made.iter().rev() {
        let stays = match remove_made(fs, made) {
            Ok(NameRemoval::Removed) => false,
            Ok(NameRemoval::Kept(error)) => {
                let errno = error.errno();
                let is_in_use = may_be_anothers && is_in_use((fs, mounter), &made.at, errno);
                let is_theirs = is_in_use || of_another && is_of_another(made.identity.kind, errno);
                of_another |= is_in_use;
                !is_theirs
            }
            Err(_) => true,
        };
        // The directory that holds it stays for it.
        (may_be_anothers, of_another) = (may_be_anothers && !stays, of_another && !stays);
        left.extend(stays.then(|| leftover(&made.at, made.identity.kind)));
    }
}

/// True where a mount is on a name that could not be removed (`EBUSY`), or in it (`ENOTEMPTY`).
fn is_in_use((fs, mounter): (&dyn Filesystem, &dyn Mounter), at: &Location, errno: Errno) -> bool {
    match errno {
        Errno::EBUSY => mounter.mount_of(at).is_ok_and(|found| found.is_root),
        Errno::ENOTEMPTY | Errno::EEXIST => holds_a_mount(fs, at).unwrap_or(false),
        _ => false,
    }
}

/// True where a name that could not be removed may belong to another caller: a mount is on it (`EBUSY`), or other names
/// are in it (`ENOTEMPTY`). The record of that caller's mount lists it.
fn is_of_another(kind: FileKind, errno: Errno) -> bool {
    match errno {
        Errno::EBUSY => true,
        Errno::ENOTEMPTY | Errno::EEXIST => kind == FileKind::Directory,
        _ => false,
    }
}

pub(crate) fn leftover(at: &Location, kind: FileKind) -> Leftover {
    match kind {
        FileKind::Directory => Leftover::Directory(at.for_display()),
        _ => Leftover::File(at.for_display()),
    }
}

/// The names of the directory at `at`; none where it does not exist.
pub(crate) fn listed(fs: &dyn Filesystem, at: &Location) -> Result<Vec<DirectoryEntry>, OsError> {
    let directory = match fs.open_dir(at) {
        Ok(directory) => directory,
        Err(error) => {
            // It counts as gone only if a second call reports that too.
            return match fs.metadata(at, FinalSymlink::Itself) {
                Err(other) if is_gone(error.errno()) && is_gone(other.errno()) => Ok(Vec::new()),
                _ => Err(error),
            };
        }
    };
    match directory.entries().and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        // Another process removed it after it was opened.
        Err(error) if error.errno() == Errno::ENOENT => Ok(Vec::new()),
        listed => listed,
    }
}

/// True where something is mounted on a name of the directory at `at`. A look that fails is an error: it does not show
/// that there is no mount.
fn holds_a_mount(fs: &dyn Filesystem, at: &Location) -> Result<bool, OsError> {
    let directory = fs.open_dir(at)?;
    let own = directory.own_metadata()?;
    for entry in directory.entries()? {
        match directory.metadata(&entry?.name) {
            Ok(found) if found.mount == own.mount => {}
            Ok(_) => return Ok(true),
            // Another process removed it after it was listed.
            Err(error) if error.errno() == Errno::ENOENT => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// The removal of what was created for mounts.
#[derive(Debug, Default)]
pub(crate) struct MadeRemoval {
    /// The names that were removed.
    pub(crate) removed: Vec<Location>,
    /// The reasons for which the others stay.
    pub(crate) kept: Vec<OsError>,
}

impl MadeRemoval {
    /// The outcome for one of the names.
    pub(crate) fn target(&self, at: &Location) -> NameAfter {
        if self.removed.contains(at) { NameAfter::Removed } else { NameAfter::Kept }
    }
}

/// Removes what was created for mounts, the last one first, and continues after a failure. A directory that another mount
/// is in stays without a failure: the removal of that mount removes it. With `own` every other directory that is not empty
/// is left to a later removal. With `is_stale` a name that leads to another file is no failure.
pub(crate) fn remove_all_made<'a>(
    fs: &dyn Filesystem,
    all: impl DoubleEndedIterator<Item = &'a Placeholder>,
    own: Option<&Location>,
    is_stale: bool,
) -> MadeRemoval {
    let mut done = MadeRemoval::default();
    for made in all.rev() {
        match remove_made(fs, made) {
            Ok(NameRemoval::Removed) => done.removed.push(made.at.clone()),
            Ok(NameRemoval::Kept(error)) if is_stale && error.errno() == Errno::ESTALE => {}
            Ok(NameRemoval::Kept(error))
                if error.errno() == Errno::ENOTEMPTY && own.is_some_and(|own| *own != made.at) => {}
            Ok(NameRemoval::Kept(error)) if error.errno() == Errno::ENOTEMPTY => match holds_a_mount(fs, &made.at) {
                Ok(true) => {}
                Ok(false) => done.kept.push(error),
                Err(look) => done.kept.extend([error, look]),
            },
            Ok(NameRemoval::Kept(error)) | Err(error) => done.kept.push(error),
        }
    }
    done
}

/// The outcome for a placeholder.
#[derive(Debug)]
pub(crate) enum NameRemoval {
    /// It does not exist any more.
    Removed,
    /// It still exists; the error is the reason.
    Kept(OsError),
}

/// Removes the empty directory or empty regular file `name`; anything else stays, a symlink with `ELOOP`, a mount point with
/// `EBUSY`.
pub(crate) fn remove(directory: &dyn Directory, name: &OsStr) -> Result<NameRemoval, Error> {
    let error = match directory.remove_dir(name) {
        Ok(()) => return Ok(NameRemoval::Removed),
        Err(error) => error,
    };
    match error.errno() {
        Errno::ENOENT => Ok(gone_in_or_kept(directory, name, error)),
        Errno::ENOTDIR => Ok(remove_empty_file(directory, name, error)?),
        _ => Ok(NameRemoval::Kept(error)),
    }
}

fn remove_empty_file(directory: &dyn Directory, name: &OsStr, no_directory: OsError) -> Result<NameRemoval, OsError> {
    let file = match directory.open_entry(name) {
        Ok(file) => file,
        Err(error) if error.errno() == Errno::ENOENT => return Ok(gone_in_or_kept(directory, name, error)),
        Err(error) => return Err(error),
    };
    let found = file.metadata()?;
    if found.kind != FileKind::Regular || found.size != 0 {
        return Ok(NameRemoval::Kept(of_kind(no_directory, found.kind)));
    }
    if let Err(error) = directory.remove_file(name) {
        return Ok(gone_in_or_kept(directory, name, error));
    }
    // The kernel removes names, not files. A file with as many links as before was not the one at this name.
    let after = file.metadata()?;
    Ok(if after.links != 0 && after.links == found.links {
        NameRemoval::Kept(OsError::new(Operation::RemoveFile, Path::new(name), Errno::ESTALE))
    } else {
        NameRemoval::Removed
    })
}

/// The error for `ENOTDIR`: `ELOOP` for a symlink, which an untrusted process may have created.
fn of_kind(no_directory: OsError, kind: FileKind) -> OsError {
    if kind != FileKind::Symlink {
        return no_directory;
    }
    OsError::new(no_directory.operation(), no_directory.subject().clone(), Errno::ELOOP)
}

/// As [`gone_or_kept`], for a name in a directory.
pub(crate) fn gone_in_or_kept(directory: &dyn Directory, name: &OsStr, error: OsError) -> NameRemoval {
    if error.errno() != Errno::ENOENT {
        return NameRemoval::Kept(error);
    }
    match directory.metadata(name) {
        Err(other) if other.errno() == Errno::ENOENT => NameRemoval::Removed,
        _ => NameRemoval::Kept(error),
    }
}

#[cfg(test)]
mod tests;

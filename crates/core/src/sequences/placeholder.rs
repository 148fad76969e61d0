//! The empty directory or file that a mount was put on.

use std::ffi::OsStr;
use std::path::Path;

use crate::{
    Directory, Errno, Error, FileIdentity, FileKind, FileMode, Filesystem, FinalLink, Leftover, Location, Operation,
    OsError, Placeholder,
};

/// Makes a placeholder for a file of this kind: a directory for a directory, an empty file for anything else. `None`:
/// something of that name was there; what, the mount will tell.
pub(crate) fn make(fs: &dyn Filesystem, at: &Location, kind: FileKind) -> Result<Option<Placeholder>, OsError> {
    let made = match kind {
        FileKind::Directory => fs.create_dir(at, FileMode::MOUNT_TARGET),
        _ => fs.create_file(at, FileMode::MOUNT_TARGET),
    };
    match made {
        Ok(()) => {}
        Err(error) if error.errno() == Errno::EEXIST => return Ok(None),
        Err(error) => return Err(error),
    }
    let error = match fs.metadata(at, FinalLink::Itself) {
        Ok(found) => return Ok(Some(Placeholder { at: at.clone(), identity: FileIdentity::from(&found) })),
        Err(error) => error,
    };
    // Made, and yet not to be known again: better none.
    let removed = match kind {
        FileKind::Directory => fs.remove_dir(at),
        _ => fs.remove_file(at),
    };
    Err(match removed {
        Ok(()) => error,
        Err(_) => error.leaving(leftover(at, kind)),
    })
}

/// Makes the directory at the trusted `path` and those above it that are missing. Answers what was made, outermost first.
pub(crate) fn make_dirs(fs: &dyn Filesystem, path: &Path, made: &mut Vec<Placeholder>) -> Result<(), OsError> {
    let at = Location::from(path);
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
    made.extend(make(fs, &at, FileKind::Directory)?);
    Ok(())
}

/// Removes what [`make`] made, if the name still leads to it and it is still empty.
pub(crate) fn remove_made(fs: &dyn Filesystem, made: &Placeholder) -> Result<Removal, OsError> {
    let found = match fs.metadata(&made.at, FinalLink::Itself) {
        Ok(found) => found,
        Err(error) if is_gone(error.errno()) => {
            // For a file there it would be ENOTDIR.
            return match fs.open_dir(&made.at) {
                Err(other) if other.errno() == Errno::ENOENT => Ok(Removal::Removed),
                _ => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    let operation = if found.is_dir() { Operation::RemoveDir } else { Operation::RemoveFile };
    if FileIdentity::from(&found) != made.identity {
        return Ok(Removal::Kept(OsError::new(operation, made.at.for_display(), Errno::ESTALE)));
    }
    if !found.is_dir() && found.size != 0 {
        return Ok(Removal::Kept(OsError::new(operation, made.at.for_display(), Errno::ENOTEMPTY)));
    }
    let removed = if found.is_dir() { fs.remove_dir(&made.at) } else { fs.remove_file(&made.at) };
    Ok(removed.map_or_else(|error| gone_or_kept(fs, &made.at, error), |()| Removal::Removed))
}

/// Removes the empty directory or empty regular file at `at`; anything else stays.
pub(crate) fn remove_at(fs: &dyn Filesystem, at: &Location) -> Result<Removal, OsError> {
    let error = match fs.remove_dir(at) {
        Ok(()) => return Ok(Removal::Removed),
        Err(error) => error,
    };
    if error.errno() != Errno::ENOTDIR {
        return Ok(gone_or_kept(fs, at, error));
    }
    let found = fs.metadata(at, FinalLink::Itself)?;
    if found.kind != FileKind::Regular || found.size != 0 {
        return Ok(Removal::Kept(error));
    }
    Ok(fs.remove_file(at).map_or_else(|error| gone_or_kept(fs, at, error), |()| Removal::Removed))
}

/// What the error of a removal means. That a name is gone is believed only when two calls say so: one that failed for
/// another reason, or met a name that was away for a moment, would leave it behind untold.
pub(crate) fn gone_or_kept(fs: &dyn Filesystem, at: &Location, error: OsError) -> Removal {
    if error.errno() != Errno::ENOENT {
        return Removal::Kept(error);
    }
    match fs.metadata(at, FinalLink::Itself) {
        Err(other) if is_gone(other.errno()) => Removal::Removed,
        _ => Removal::Kept(error),
    }
}

/// Removes what was made, last made first. Answers what is left.
pub(crate) fn take_back(fs: &dyn Filesystem, made: &[Placeholder]) -> Vec<Leftover> {
    let left = made.iter().rev().filter(|made| !matches!(remove_made(fs, made), Ok(Removal::Removed)));
    left.map(|made| leftover(&made.at, made.identity.kind)).collect()
}

pub(crate) fn leftover(at: &Location, kind: FileKind) -> Leftover {
    match kind {
        FileKind::Directory => Leftover::Directory(at.for_display()),
        _ => Leftover::File(at.for_display()),
    }
}

/// The name, or a directory above it, is not there.
pub(crate) fn is_gone(errno: Errno) -> bool {
    [Errno::ENOENT, Errno::ENOTDIR].contains(&errno)
}

/// What became of a placeholder.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is gone.
    Removed,
    /// It is there, and this is why.
    Kept(OsError),
}

/// Removes the empty directory or empty regular file `name`; anything else stays. A mount point stays (`EBUSY`).
pub(crate) fn remove(directory: &dyn Directory, name: &OsStr) -> Result<Removal, Error> {
    let error = match directory.remove_dir(name) {
        Ok(()) => return Ok(Removal::Removed),
        Err(error) => error,
    };
    match error.errno() {
        Errno::ENOENT => Ok(gone_in_or_kept(directory, name, error)),
        Errno::ENOTDIR => remove_empty_file(directory, name, error),
        _ => Ok(Removal::Kept(error)),
    }
}

fn remove_empty_file(directory: &dyn Directory, name: &OsStr, no_directory: OsError) -> Result<Removal, Error> {
    let found = directory.metadata(name)?;
    if found.kind != FileKind::Regular || found.size != 0 {
        return Ok(Removal::Kept(no_directory));
    }
    Ok(match directory.remove_file(name) {
        Ok(()) => Removal::Removed,
        Err(error) => gone_in_or_kept(directory, name, error),
    })
}

/// As [`gone_or_kept`], of a name in a directory.
pub(crate) fn gone_in_or_kept(directory: &dyn Directory, name: &OsStr, error: OsError) -> Removal {
    if error.errno() != Errno::ENOENT {
        return Removal::Kept(error);
    }
    match directory.metadata(name) {
        Err(other) if other.errno() == Errno::ENOENT => Removal::Removed,
        _ => Removal::Kept(error),
    }
}

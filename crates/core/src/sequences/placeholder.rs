//! The empty directory or file that a mount was put on.

use std::ffi::OsStr;

use crate::{Directory, Errno, Error, FileKind, OsError};

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
        Errno::ENOENT => Ok(Removal::Removed),
        Errno::ENOTDIR => remove_empty_file(directory, name, error),
        _ => Ok(Removal::Kept(error)),
    }
}

fn remove_empty_file(directory: &dyn Directory, name: &OsStr, no_directory: OsError) -> Result<Removal, Error> {
    match directory.metadata(name) {
        Ok(found) if found.kind == FileKind::Regular && found.size == 0 => {}
        Ok(_) => return Ok(Removal::Kept(no_directory)),
        Err(error) if error.errno() == Errno::ENOENT => return Ok(Removal::Removed),
        Err(error) => return Err(error.into()),
    }
    match directory.remove_file(name) {
        Ok(()) => Ok(Removal::Removed),
        Err(error) if error.errno() == Errno::ENOENT => Ok(Removal::Removed),
        Err(error) => Ok(Removal::Kept(error)),
    }
}

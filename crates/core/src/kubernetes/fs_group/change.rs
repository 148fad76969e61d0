//! Change of the group and mode of one file.

use std::ffi::OsStr;

use crate::error::{Errno, Operation, OsError};
use crate::file::{FileKind, FileMode, Metadata};
use crate::kubernetes::fs_group::FsGroupRequest;
use crate::kubernetes::fs_group::pinned::Pinned;
use crate::path::Crossing;
use crate::ports::{Directory, OpenEntry};

/// The result for one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Its group or mode was changed.
    Yes,
    /// It had the group and the bits already.
    No,
    /// It was changed, and this operation's result did not last: a set-id bit, or its capabilities.
    Without(Operation),
    /// It is on another mount and was not changed.
    OtherMount,
    /// It is a directory, to be opened.
    Directory,
    /// It does not exist any more.
    Vanished,
}

/// The first step at a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// A look-up by name, which is the only call for a file that needs no change.
    Look,
    /// The pin: saves the look-up where the file needs a change.
    Pin,
}

/// The change, for any file of a volume.
#[derive(Clone)]
pub(super) struct GroupChange {
    pub(super) request: FsGroupRequest,
    /// The volume's root.
    pub(super) root: Metadata,
}

/// Set-user-id and set-group-id.
const SET_ID: u16 = 0o6000;
/// Set-group-id.
const SET_GROUP_ID: u16 = 0o2000;
/// Permission to write, for others than the owner.
const OTHERS_WRITE: u16 = 0o022;

impl GroupChange {
    /// Changes an open directory of the volume's mount.
    pub(super) fn of_directory(&self, directory: &dyn Directory, found: &Metadata) -> Result<Changed, OsError> {
        self.of(Pinned::Directory(directory), found)
    }

    /// Changes a file that is no directory. It counts as gone only if two calls report that: a wrong result would skip
    /// the file, and the root would then mark the volume as done.
    pub(super) fn of_name(&self, directory: &dyn Directory, name: &OsStr, first: First) -> Result<Changed, OsError> {
        let is_gone =
            || matches!(directory.open_dir(name, Crossing::Refuse), Err(other) if other.errno() == Errno::ENOENT);
        match self.of_file(directory, name, first) {
            Err(error) if error.errno() == Errno::ENOENT && is_gone() => Ok(Changed::Vanished),
            other => other,
        }
    }

    /// True where a name is on another mount. An error of opening it alone is not enough, as for a name that seems to
    /// be gone.
    pub(super) fn is_on_other_mount(&self, directory: &dyn Directory, name: &OsStr) -> bool {
        let found = directory.open_entry(name).and_then(|file| file.metadata());
        found.is_ok_and(|found| self.is_elsewhere(&found))
    }

    fn of_file(&self, directory: &dyn Directory, name: &OsStr, first: First) -> Result<Changed, OsError> {
        let left = match first {
            First::Look => self.look_by_name(directory, name)?,
            First::Pin => None,
        };
        if let Some(left) = left {
            return Ok(left);
        }
        let file = directory.open_entry(name)?;
        let found = file.metadata()?;
        match self.left_as_it_is(&found) {
            Some(left) => Ok(left),
            None => self.of(Pinned::File(&*file), &found),
        }
    }

    /// A look-up by name only decides that nothing is to be done; before 5.8, where it does not report the mount, not
    /// even that.
    fn look_by_name(&self, directory: &dyn Directory, name: &OsStr) -> Result<Option<Changed>, OsError> {
        let seen = directory.metadata(name)?;
        let says_mount = seen.mount.is_some() || self.root.mount.is_none();
        Ok(self.left_as_it_is(&seen).filter(|_| says_mount))
    }

    fn left_as_it_is(&self, found: &Metadata) -> Option<Changed> {
        if self.is_elsewhere(found) {
            Some(Changed::OtherMount)
        } else if found.is_dir() {
            Some(Changed::Directory)
        } else {
            self.is_done(found).then_some(Changed::No)
        }
    }

    fn of(&self, file: Pinned<'_>, found: &Metadata) -> Result<Changed, OsError> {
        if self.is_done(found) {
            return Ok(Changed::No);
        }
        let wanted = self.wanted(found);
        let has_set_id = wanted.bits() & SET_ID != 0;
        let capabilities = self.capabilities(file, found)?;
        let (group, mode) = if has_set_id || capabilities.is_some() {
            // The kernel clears both with a change of the group.
            let group = self.set_group(file, found).and_then(|()| set_again(file, found, capabilities));
            let is_cleared = !found.is_dir() && found.gid != self.request.group.gid;
            (group, if wanted != found.mode || has_set_id && is_cleared { file.set_mode(wanted) } else { Ok(()) })
        } else {
            let mode = if wanted == found.mode { Ok(()) } else { file.set_mode(wanted) };
            (self.set_group(file, found).map(|()| true), mode)
        };
        // Both are tried, as the kubelet does.
        let keeps_capabilities = group?;
        mode?;
        // Without CAP_FSETID the kernel clears the bit and reports success.
        if wanted.bits() & SET_GROUP_ID != 0 && file.metadata()?.mode.bits() & wanted.bits() != wanted.bits() {
            return Ok(Changed::Without(Operation::SetMode));
        }
        Ok(if keeps_capabilities { Changed::Yes } else { Changed::Without(Operation::SetCapabilities) })
    }

    fn set_group(&self, file: Pinned<'_>, found: &Metadata) -> Result<(), OsError> {
        let gid = self.request.group.gid;
        if found.gid == gid { Ok(()) } else { file.set_group(gid) }
    }

    /// The capabilities that a change of the group would remove. Also read for a file without execute permission: its
    /// capabilities take effect once it gets that permission.
    fn capabilities(&self, file: Pinned<'_>, found: &Metadata) -> Result<Option<Vec<u8>>, OsError> {
        match file {
            Pinned::File(file) if found.kind == FileKind::Regular && found.gid != self.request.group.gid => {
                file.capabilities()
            }
            _ => Ok(None),
        }
    }

    /// True where it is on another mount than the root; decided by device number where the kernel does not report the
    /// mount.
    fn is_elsewhere(&self, found: &Metadata) -> bool {
        match (found.mount, self.root.mount) {
            (Some(mount), Some(of_root)) => mount != of_root,
            _ => found.device != self.root.device,
        }
    }

    pub(super) fn is_done(&self, found: &Metadata) -> bool {
        found.gid == self.request.group.gid && self.wanted(found) == found.mode
    }

    fn wanted(&self, found: &Metadata) -> FileMode {
        FileMode::from_bits(found.mode.bits() | self.request.access.group_bits(found.kind).bits())
    }
}

/// Sets capabilities again. Returns false where they are lost.
///
///
/// They are set only where root alone may write. Any other user with write permission could have replaced the program
/// since it was examined, and the new program would get the capabilities.
fn set_again(file: Pinned<'_>, found: &Metadata, capabilities: Option<Vec<u8>>) -> Result<bool, OsError> {
    match (file, capabilities) {
        (Pinned::File(file), Some(capabilities)) => {
            let is_safe = found.uid == 0 && found.mode.bits() & OTHERS_WRITE == 0;
            if is_safe { file.set_capabilities(&capabilities).map(|()| true) } else { Ok(false) }
        }
        _ => Ok(true),
    }
}

//! Giving one thing its group and bits.

use std::ffi::OsStr;

use crate::{DeviceNumber, Directory, Errno, FileMode, FsGroupRequest, Metadata, Operation, OsError};

/// What became of one thing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Changed {
    /// Its group or mode was changed.
    Yes,
    /// It had both.
    No,
    /// It is on another filesystem and was left alone.
    OtherFilesystem,
    /// It is a directory, to be opened.
    Directory,
    /// It is not there any more.
    Vanished,
}

/// The change, for any one thing of a volume.
#[derive(Clone, Copy)]
pub(super) struct GroupChange {
    pub(super) request: FsGroupRequest,
    /// The volume's filesystem.
    pub(super) device: DeviceNumber,
}

/// Set-user-id and set-group-id.
const SET_ID: u16 = 0o6000;

impl GroupChange {
    /// Changes an open directory itself.
    pub(super) fn of_directory(&self, directory: &dyn Directory, found: &Metadata) -> Result<Changed, OsError> {
        if found.device != self.device {
            return Ok(Changed::OtherFilesystem);
        }
        let regroup = found.gid != self.request.group.gid;
        let owner = if regroup { directory.set_own_owner(None, Some(self.request.group.gid)) } else { Ok(()) };
        // The kernel takes no set-id bit of a directory when its group changes.
        let wanted = self.wanted(found);
        let mode = if wanted == found.mode { Ok(()) } else { directory.set_own_mode(wanted) };
        owner.and(mode)?;
        Ok(changed(regroup || wanted != found.mode))
    }

    /// Changes whatever is no directory. That it is gone is believed only when two calls say so: taken for gone, it would be
    /// passed over, and the root say that all is done.
    pub(super) fn of_name(&self, directory: &dyn Directory, name: &OsStr) -> Result<Changed, OsError> {
        let is_gone =
            || matches!(directory.open_dir(name, crate::Crossing::Enter), Err(other) if other.errno() == Errno::ENOENT);
        match self.of_file(directory, name) {
            Err(error) if error.errno() == Errno::ENOENT && is_gone() => Ok(Changed::Vanished),
            other => other,
        }
    }

    fn of_file(&self, directory: &dyn Directory, name: &OsStr) -> Result<Changed, OsError> {
        let found = directory.metadata(name)?;
        if found.device != self.device {
            return Ok(Changed::OtherFilesystem);
        }
        if found.is_dir() {
            return Ok(Changed::Directory);
        }
        let regroup = found.gid != self.request.group.gid;
        let owner = if regroup { directory.set_owner(name, None, Some(self.request.group.gid)) } else { Ok(()) };
        let mode = self.mode_of_name(directory, name, &found, regroup && owner.is_ok());
        // The kubelet, too, tries the mode where the group was refused.
        owner.and(mode)?;
        Ok(changed(regroup || self.wanted(&found) != found.mode))
    }

    fn mode_of_name(
        &self,
        directory: &dyn Directory,
        name: &OsStr,
        found: &Metadata,
        regrouped: bool,
    ) -> Result<(), OsError> {
        let wanted = self.wanted(found);
        let has_set_id = wanted.bits() & SET_ID != 0;
        // A change of the group has taken the set-id bits, even root's.
        if wanted == found.mode && !(regrouped && has_set_id) {
            return Ok(());
        }
        if has_set_id {
            // Another file that got this name meanwhile must not become set-id.
            let now = directory.metadata(name)?;
            if (now.device, now.inode, now.uid) != (found.device, found.inode, found.uid) {
                return Err(OsError::new(Operation::SetMode, name.as_ref() as &std::path::Path, Errno::ESTALE));
            }
        }
        directory.set_mode(name, wanted)
    }

    fn wanted(&self, found: &Metadata) -> FileMode {
        FileMode::from_bits(found.mode.bits() | self.request.access.group_bits(found.kind).bits())
    }
}

fn changed(changed: bool) -> Changed {
    if changed { Changed::Yes } else { Changed::No }
}

//! Descent into a tree, with few directories open.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::error::{Errno, Operation, OsError};
use crate::file::{DeviceNumber, FileTime, Metadata};
use crate::mount::MountKey;
use crate::path::Crossing;
use crate::ports::Directory;

/// Directories that are kept open besides the root.
pub(super) const OPEN_MAX: usize = 16;

/// The directories from the root of a tree down to the present one, and in each the directories that are still to be
/// entered.
///
/// At most [`OPEN_MAX`] of them, the lowest, are open besides the root, at any depth. A closed one is reached by `..`
/// from below, or by its names from the root where that leads elsewhere. It is used only if it is the directory that
/// was entered before; otherwise it is left, with all that is below it.
pub(super) struct Descent {
    /// The first is the root, which is always open.
    levels: Vec<Level>,
    path: PathBuf,
}

struct Level {
    name: OsString,
    identity: Identity,
    pending: Vec<OsString>,
    directory: Option<Box<dyn Directory>>,
}

/// Identifies a directory, also against a later one with the same inode number.
type Identity = (DeviceNumber, u64, Option<MountKey>, Option<FileTime>);

fn identity(found: &Metadata) -> Identity {
    (found.device, found.inode, found.mount, found.birth)
}

impl Descent {
    /// Starts at the root, whose path is `path` (for messages).
    pub(super) fn new(root: Box<dyn Directory>, metadata: &Metadata, path: PathBuf) -> Self {
        Self { levels: vec![Level::new(OsString::new(), root, metadata)], path }
    }

    /// The next directory to enter, as a name in the present one; returns to an ancestor for it where needed. `None` at
    /// the end.
    ///
    /// # Errors
    ///
    /// `ESTALE` or the errno of the open: a directory cannot be reached any more. It is left.
    pub(super) fn next_name(&mut self) -> Option<Result<OsString, OsError>> {
        let target = self.levels.iter().rposition(|level| !level.pending.is_empty())?;
        if self.levels[target].directory.is_none() {
            match self.climb(target) {
                Some(directory) => self.levels[target].directory = Some(directory),
                None => {
                    if let Err(error) = self.walk(target) {
                        return Some(Err(error));
                    }
                }
            }
        }
        self.levels.truncate(target + 1);
        self.levels[target].pending.pop().map(Ok)
    }

    /// Adds directories of the present one that are to be entered.
    pub(super) fn add_pending(&mut self, names: Vec<OsString>) {
        if let Some(level) = self.levels.last_mut() {
            level.pending.extend(names);
        }
    }

    /// Enters `directory`, which has this `name` in the present one.
    ///
    /// # Errors
    ///
    /// `ESTALE`: it, or an open directory above it, is no longer in its parent. It is left.
    pub(super) fn enter(
        &mut self,
        name: OsString,
        directory: Box<dyn Directory>,
        metadata: &Metadata,
    ) -> Result<(), OsError> {
        self.levels.push(Level::new(name, directory, metadata));
        if let Some(too_far) = (self.levels.len() - 1).checked_sub(OPEN_MAX).filter(|&level| level > 0) {
            self.levels[too_far].directory = None;
        }
        let first_open = self.levels.iter().rposition(|level| level.directory.is_none()).map_or(1, |closed| closed + 1);
        for index in first_open..self.levels.len() {
            match self.is_in_place(index) {
                Ok(true) => {}
                Ok(false) => return Err(self.leave(index, Errno::ESTALE)),
                Err(error) => {
                    self.levels.truncate(index);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The present directory.
    pub(super) fn here(&self) -> Option<&dyn Directory> {
        self.levels.last()?.directory.as_deref()
    }

    /// The root.
    pub(super) fn root(&self) -> Option<&dyn Directory> {
        self.levels.first()?.directory.as_deref()
    }

    /// The path of the root, for messages.
    pub(super) fn path_of_root(&self) -> PathBuf {
        self.path.clone()
    }

    /// The path of a name in the present directory, for messages; of the directory itself where the name is empty.
    pub(super) fn path_of(&self, name: &OsStr) -> PathBuf {
        let mut path = self.path_to(self.levels.len());
        if !name.is_empty() {
            path.push(name);
        }
        path
    }

    fn path_to(&self, levels: usize) -> PathBuf {
        let mut path = self.path.clone();
        path.extend(self.levels[1..levels].iter().map(|level| &level.name));
        path
    }

    /// Reaches a closed directory by `..` from the nearest open one below. `None` where that leads elsewhere.
    fn climb(&self, target: usize) -> Option<Box<dyn Directory>> {
        let open = (target..self.levels.len()).find(|&index| self.levels[index].directory.is_some())?;
        let mut reached = None::<Box<dyn Directory>>;
        for index in (target..open).rev() {
            let below = reached.as_deref().or(self.levels[open].directory.as_deref())?;
            let above = below.open_parent().ok()?;
            if identity(&above.own_metadata().ok()?) != self.levels[index].identity {
                return None;
            }
            reached = Some(above);
        }
        reached
    }

    /// Reaches a closed directory by names from the root.
    fn walk(&mut self, target: usize) -> Result<(), OsError> {
        let mut reached = None::<Box<dyn Directory>>;
        for index in 1..=target {
            let Some(above) = reached.as_deref().or(self.root()) else { break };
            let opened = above.open_dir(&self.levels[index].name, Crossing::Refuse).and_then(|directory| {
                let found = directory.own_metadata()?;
                Ok((directory, identity(&found)))
            });
            let error = match opened {
                Ok((directory, found)) if found == self.levels[index].identity => {
                    reached = Some(directory);
                    continue;
                }
                Ok(_) => self.leave(index, Errno::ESTALE),
                Err(error) => self.leave(index, error.errno()),
            };
            if let (Some(directory), Some(last)) = (reached, self.levels.last_mut()) {
                last.directory = Some(directory);
            }
            return Err(error);
        }
        self.levels[target].directory = reached;
        Ok(())
    }

    /// Leaves this level and those below it: its parent is then the last one.
    fn leave(&mut self, index: usize, errno: Errno) -> OsError {
        let path = self.path_to(index + 1);
        self.levels.truncate(index);
        OsError::new(Operation::OpenDir, path, errno)
    }

    /// True where an open directory is still in its parent.
    fn is_in_place(&mut self, index: usize) -> Result<bool, OsError> {
        let Some(directory) = self.levels[index].directory.as_deref() else { return Ok(false) };
        let found = identity(&directory.parent_metadata()?);
        if found == self.levels[index - 1].identity {
            return Ok(true);
        }
        // A directory on an overlay gets another time of birth when it is copied up.
        let Some(above) = self.levels[index - 1].directory.as_deref() else { return Ok(false) };
        let now = identity(&above.own_metadata()?);
        self.levels[index - 1].identity = now;
        Ok(found == now)
    }
}

impl Level {
    fn new(name: OsString, directory: Box<dyn Directory>, metadata: &Metadata) -> Self {
        Self { name, identity: identity(metadata), pending: Vec::new(), directory: Some(directory) }
    }
}

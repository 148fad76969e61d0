//! A way down into a tree, with few directories open.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::{DeviceNumber, Directory, Errno, Metadata, Operation, OsError};

/// How many directories besides the root are kept open.
pub(super) const OPEN_MAX: usize = 16;

/// The directories from the root of a tree down to one of it, and the directories in each that are still to be gone into.
///
/// At most [`OPEN_MAX`] of them, the lowest, are open besides the root, however deep it goes. One that was closed is opened
/// again by its names from the nearest open one above, and has to be the same then: whatever was put in its place meanwhile
/// is not entered.
pub(super) struct Descent {
    /// The first is the root, and always open.
    levels: Vec<Level>,
    path: PathBuf,
}

struct Level {
    name: OsString,
    identity: (DeviceNumber, u64),
    pending: Vec<OsString>,
    directory: Option<Box<dyn Directory>>,
}

impl Descent {
    /// At the root, which is at `path` (for messages).
    pub(super) fn new(root: Box<dyn Directory>, metadata: &Metadata, path: PathBuf) -> Self {
        let root = Level::new(OsString::new(), root, metadata);
        Self { levels: vec![root], path }
    }

    /// The name in the present directory that is to be gone into next. None where there is none.
    pub(super) fn next_name(&mut self) -> Option<OsString> {
        self.levels.last_mut()?.pending.pop()
    }

    /// Adds names to be gone into from here.
    pub(super) fn add_pending(&mut self, names: Vec<OsString>) {
        if let Some(level) = self.levels.last_mut() {
            level.pending.extend(names);
        }
    }

    /// Goes down into `directory`, which is `name` here.
    pub(super) fn enter(&mut self, name: OsString, directory: Box<dyn Directory>, metadata: &Metadata) {
        self.levels.push(Level::new(name, directory, metadata));
        self.close_one_above(self.levels.len() - 1);
    }

    /// Goes up. False at the root.
    pub(super) fn leave(&mut self) -> bool {
        if self.levels.len() > 1 {
            self.levels.pop();
            return true;
        }
        false
    }

    /// The root.
    pub(super) fn root(&self) -> Option<&dyn Directory> {
        self.levels.first()?.directory.as_deref()
    }

    /// The present directory, opened again where it was closed.
    ///
    /// # Errors
    ///
    /// What opening says; `ESTALE` where another directory is there now.
    pub(super) fn here(&mut self) -> Result<&dyn Directory, OsError> {
        let last = self.levels.len() - 1;
        let open = self.levels.iter().rposition(|level| level.directory.is_some()).unwrap_or(0);
        for index in open + 1..=last {
            self.reopen(index)?;
            self.close_one_above(index);
        }
        self.levels[last].directory.as_deref().ok_or_else(|| self.moved(last))
    }

    fn reopen(&mut self, index: usize) -> Result<(), OsError> {
        let Some(above) = self.levels[index - 1].directory.as_deref() else { return Err(self.moved(index)) };
        let directory = above.open_dir(&self.levels[index].name, crate::Crossing::Enter)?;
        if identity(&directory.own_metadata()?) != self.levels[index].identity {
            return Err(self.moved(index));
        }
        self.levels[index].directory = Some(directory);
        Ok(())
    }

    /// Closes what lies too far above a level that was just opened.
    fn close_one_above(&mut self, index: usize) {
        if let Some(too_far) = index.checked_sub(OPEN_MAX).filter(|&level| level > 0) {
            self.levels[too_far].directory = None;
        }
    }

    fn moved(&self, index: usize) -> OsError {
        let mut path = self.path.clone();
        path.extend(self.levels[1..=index].iter().map(|level| &level.name));
        OsError::new(Operation::OpenDir, path, Errno::ESTALE)
    }
}

impl Level {
    fn new(name: OsString, directory: Box<dyn Directory>, metadata: &Metadata) -> Self {
        Self { name, identity: identity(metadata), pending: Vec::new(), directory: Some(directory) }
    }
}

fn identity(metadata: &Metadata) -> (DeviceNumber, u64) {
    (metadata.device, metadata.inode)
}

//! What a bind has created on the way to its target, to be taken back if it fails.

use std::path::{Path, PathBuf};

use mountwright_core::{Errno, FileMode};

use super::calls::{Calls, Fd};
use super::fault::Step;
use super::metadata::kind;
use crate::Machine;
use crate::abi::{S_IFDIR, STATX_TYPE};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Directory,
    /// Anything that is no directory: its placeholder is an empty regular file.
    File,
}

/// What was created, outermost first, and the machine as it was before.
#[derive(Debug, Default)]
pub(crate) struct Created {
    pub(crate) paths: Vec<PathBuf>,
    before: Option<Machine>,
}

impl Calls<'_> {
    /// A directory or not.
    pub(crate) fn sort_of(&mut self, file: Fd) -> Step<Sort> {
        let stat = self.stat_fd(file, STATX_TYPE)?;
        Ok(if kind(&stat) == S_IFDIR { Sort::Directory } else { Sort::File })
    }

    /// Makes a directory or an empty file in `dir`.
    pub(crate) fn make_for_mount(
        &mut self,
        dir: Fd,
        (name, shown): (&Path, &Path),
        sort: Sort,
        mode: FileMode,
        created: &mut Created,
    ) -> Step<()> {
        if created.before.is_none() {
            created.before = Some(self.machine().clone());
        }
        let result = match sort {
            Sort::Directory => self.new_directory(dir, name, mode),
            Sort::File => self.new_file(dir, name, mode),
        };
        match result {
            // A symlink that leads nowhere: the name is there, and opening it says what is wrong.
            Err(fault) if fault.errno() == Errno::EEXIST => Ok(()),
            Err(fault) => Err(fault),
            Ok(()) => {
                created.paths.push(shown.to_path_buf());
                Ok(())
            }
        }
    }

    /// Makes the machine what it was before the first thing was created. Nobody else has acted since.
    pub(crate) fn take_back(&mut self, created: Created) {
        if let Some(before) = created.before {
            *self.machine() = before;
        }
    }
}

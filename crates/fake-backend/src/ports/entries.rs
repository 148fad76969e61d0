//! The entries of a directory, a buffer at a time.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use mountwright_core::{DirectoryEntry, Operation, OsError, Subject};

use super::calls::{Calls, Fd};
use super::fault::Step;
use super::metadata::entry_kind;
use super::open_directory::OpenFd;
use crate::Dirent;

/// The first buffer is small, as the Linux backend's is: a directory that changes meanwhile shows in the same places.
const FIRST_BUFFER: usize = 1 << 10;
const LAST_BUFFER: usize = 32 << 10;

pub(crate) struct Entries {
    file: Arc<OpenFd>,
    read: vec::IntoIter<Dirent>,
    next_buffer: usize,
    over: bool,
    shown: PathBuf,
}

impl Entries {
    /// Read at once, so that a directory that cannot be listed says so.
    pub(crate) fn first_buffer(calls: &mut Calls<'_>, dir: Fd) -> Step<Vec<Dirent>> {
        calls.getdents64(dir, FIRST_BUFFER)
    }

    pub(crate) fn new(file: Arc<OpenFd>, first: Vec<Dirent>, shown: PathBuf) -> Self {
        Self { file, over: first.is_empty(), read: first.into_iter(), next_buffer: FIRST_BUFFER * 4, shown }
    }

    fn fill(&mut self) -> Result<(), OsError> {
        let OpenFd { backend, fd } = &*self.file;
        let subject = || Subject::Path(self.shown.clone());
        let read = backend.more(Operation::ReadDir, subject, |calls| calls.getdents64(*fd, self.next_buffer))?;
        self.over = read.is_empty();
        self.read = read.into_iter();
        self.next_buffer = (self.next_buffer * 4).min(LAST_BUFFER);
        Ok(())
    }
}

impl Iterator for Entries {
    type Item = Result<DirectoryEntry, OsError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.over {
            let Some(entry) = self.read.next() else {
                if let Err(error) = self.fill() {
                    self.over = true;
                    return Some(Err(error));
                }
                continue;
            };
            if matches!(&entry.name[..], b"." | b"..") {
                continue;
            }
            let (name, kind) = (OsString::from_vec(entry.name), entry_kind(entry.kind));
            return Some(Ok(DirectoryEntry { name, kind, inode: entry.ino }));
        }
        None
    }
}

//! The entries of a directory, a buffer at a time.

use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use mountwright_core::{DirectoryEntry, Errno, Operation, OsError};

use crate::LinuxBackend;
use crate::abi::{AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, STATX_TYPE};
use crate::fault::{Fault, Step};
use crate::kernel::{At, Call, Kernel, RawEntry};
use crate::metadata::{entry_kind, file_kind};

/// The first buffer is small: whoever counts to eight needs no more, and the kernel's cost grows with it.
const FIRST_BUFFER: usize = 1 << 10;
const LAST_BUFFER: usize = 32 << 10;

pub(crate) struct Entries<K: Kernel> {
    backend: LinuxBackend<K>,
    file: Arc<K::Fd>,
    read: vec::IntoIter<RawEntry>,
    next_buffer: usize,
    over: bool,
    shown: PathBuf,
}

impl<K: Kernel> Entries<K> {
    /// Reads the first buffer, so that a directory that cannot be listed says so at once.
    pub(crate) fn start(backend: LinuxBackend<K>, file: Arc<K::Fd>, shown: PathBuf) -> Result<Self, OsError> {
        let read = Vec::new().into_iter();
        let mut entries = Self { backend, file, read, next_buffer: FIRST_BUFFER, over: false, shown };
        match entries.fill() {
            Ok(()) => Ok(entries),
            Err(fault) => Err(fault.of(Operation::ReadDir, entries.shown)),
        }
    }

    fn fill(&mut self) -> Step<()> {
        let read = self.backend.calls.getdents64(&self.file, self.next_buffer)?;
        self.over = read.is_empty();
        self.read = read.into_iter();
        self.next_buffer = (self.next_buffer * 4).min(LAST_BUFFER);
        Ok(())
    }

    /// The entry with its kind; `None` for one that is gone since.
    fn known(&self, entry: RawEntry) -> Step<Option<DirectoryEntry>> {
        let kind = if let Some(kind) = entry_kind(entry.kind) {
            kind
        } else {
            let flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
            match self.backend.calls.statx(At::Fd(&self.file), entry.name.as_ref(), flags, STATX_TYPE) {
                Ok(stat) => file_kind(&stat).ok_or(Fault::new(Call::Statx, Errno::EIO))?,
                Err(fault) if fault.errno() == Errno::ENOENT => return Ok(None),
                Err(fault) => return Err(fault),
            }
        };
        Ok(Some(DirectoryEntry { name: entry.name, kind, inode: entry.inode }))
    }

    fn step(&mut self) -> Step<Option<DirectoryEntry>> {
        while !self.over {
            let Some(entry) = self.read.next() else {
                self.fill()?;
                continue;
            };
            if entry.name == "." || entry.name == ".." {
                continue;
            }
            if let Some(entry) = self.known(entry)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }
}

impl<K: Kernel> Iterator for Entries<K> {
    type Item = Result<DirectoryEntry, OsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step()
            .map_err(|fault| {
                self.over = true;
                fault.of(Operation::ReadDir, self.shown.as_path())
            })
            .transpose()
    }
}

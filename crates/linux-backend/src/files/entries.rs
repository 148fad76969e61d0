//! The entries of a directory, a buffer at a time.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use mountwright_core::file::{EntryRef, FileKind};
use mountwright_core::ports::LendEntries;
use mountwright_core::{Errno, Operation, OsError};

use crate::backend::LinuxBackend;
use crate::files::metadata::{entry_kind, file_kind};
use crate::syscalls::abi::{AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, RawEntries, RawEntry};

/// The first buffer is small: enough for a caller that counts to eight, and the kernel's cost grows with its size.
const FIRST_BUFFER: usize = 1 << 10;
const LAST_BUFFER: usize = 32 << 10;

pub(crate) struct Entries<K: Kernel> {
    backend: LinuxBackend<K>,
    file: Arc<K::Fd>,
    read: RawEntries,
    /// The start of the record in `read` that was returned last, and of the next one.
    last: usize,
    next: usize,
    next_buffer: usize,
    over: bool,
    shown: Arc<PathBuf>,
}

impl<K: Kernel> Entries<K> {
    /// Reads the first buffer, so that a directory that cannot be listed is an error at once.
    pub(crate) fn start(backend: LinuxBackend<K>, file: Arc<K::Fd>, shown: Arc<PathBuf>) -> Result<Self, OsError> {
        let read = RawEntries::default();
        let mut entries = Self { backend, file, read, last: 0, next: 0, next_buffer: FIRST_BUFFER, over: false, shown };
        match entries.fill() {
            Ok(()) => Ok(entries),
            Err(fault) => Err(fault.of(Operation::ReadDir, entries.shown.to_path_buf())),
        }
    }

    fn fill(&mut self) -> Step<()> {
        self.read = loop {
            match self.backend.calls.getdents64(&self.file, self.next_buffer) {
                // The next name does not fit. FUSE has names of up to 4,095 bytes since 6.15.
                Err(fault) if fault.errno() == Errno::EINVAL && self.next_buffer < LAST_BUFFER => {
                    self.next_buffer = (self.next_buffer * 4).min(LAST_BUFFER);
                }
                other => break other?,
            }
        };
        self.next = 0;
        self.over = self.read.is_empty();
        self.next_buffer = (self.next_buffer * 4).min(LAST_BUFFER);
        Ok(())
    }

    /// Returns the kind of an entry; `None` if it was removed in between.
    fn kind(&self, entry: RawEntry<'_>) -> Step<Option<FileKind>> {
        if let Some(kind) = entry_kind(entry.kind) {
            return Ok(Some(kind));
        }
        let flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
        match self.backend.calls.statx(At::Fd(&self.file), entry.name.as_ref(), flags, STATX_TYPE) {
            Ok(stat) => file_kind(&stat).map(Some).ok_or(Fault::new(Call::Statx, Errno::EIO)),
            Err(fault) if fault.errno() == Errno::ENOENT => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Moves to the next entry, then the one at `last`: its kind, its inode number and the length of its name.
    fn step(&mut self) -> Step<Option<(FileKind, u64, usize)>> {
        while !self.over {
            let Some((entry, end)) = self.read.at(self.next) else {
                self.fill()?;
                continue;
            };
            (self.last, self.next) = (self.next, end);
            let name = entry.name.as_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            if let Some(kind) = self.kind(entry)? {
                return Ok(Some((kind, entry.inode, name.len())));
            }
        }
        Ok(None)
    }
}

impl<K: Kernel> LendEntries for Entries<K> {
    fn lend_next(&mut self) -> Option<Result<EntryRef<'_>, OsError>> {
        match self.step() {
            Ok(found) => {
                let (kind, inode, length) = found?;
                Some(Ok(EntryRef { name: self.read.name(self.last, length)?, kind, inode }))
            }
            Err(fault) => {
                self.over = true;
                Some(Err(fault.of(Operation::ReadDir, self.shown.to_path_buf())))
            }
        }
    }
}

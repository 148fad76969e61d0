//! Whole files, read and replaced.

use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::{Errno, FileMode};

use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use super::metadata::kind;
use crate::abi::{
    O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_PATH, O_RDONLY, O_WRONLY, S_IFDIR, S_IFLNK, S_IFREG,
    STATX_SIZE, STATX_TYPE,
};

/// How much of a file is read at a time.
const CHUNK: u64 = 64 << 10;

impl Calls<'_> {
    /// Pins what has this name before it is known what it is, and reads it if it is a regular file.
    pub(crate) fn read_whole(&mut self, dir: Fd, name: &Path, limit: u64) -> Step<Vec<u8>> {
        let pinned = self.openat(dir, name, O_PATH | O_NOFOLLOW, 0)?;
        let stat = self.stat_fd(pinned, STATX_TYPE | STATX_SIZE)?;
        let refused = match kind(&stat) {
            S_IFREG if stat.size > limit => Some(Errno::EFBIG),
            S_IFREG => None,
            S_IFLNK => Some(Errno::ELOOP),
            S_IFDIR => Some(Errno::EISDIR),
            _ => Some(Errno::EINVAL),
        };
        if let Some(errno) = refused {
            return Err(Fault::new("openat", errno));
        }
        let file = self.reopen(pinned, O_RDONLY | O_NONBLOCK | O_NOCTTY)?;
        let mut contents = Vec::new();
        loop {
            // One byte more than allowed, to see whether there is one: files of procfs do not tell their size.
            let room = (limit - contents.len() as u64).saturating_add(1).min(CHUNK);
            let more = self.read(file, usize::try_from(room).unwrap_or(usize::MAX))?;
            if more.is_empty() {
                return Ok(contents);
            }
            contents.extend(more);
            if contents.len() as u64 > limit {
                return Err(Fault::new("read", Errno::EFBIG));
            }
        }
    }

    /// Puts a file in the place of another: written beside it, renamed over it.
    pub(crate) fn replace(&mut self, dir: Fd, name: &Path, contents: &[u8], mode: FileMode) -> Step<()> {
        const BESIDE: &str = ".mountwright-new";
        let flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
        let mut number = 0;
        let (beside, file) = loop {
            let beside = format!("{BESIDE}-{number}");
            match self.openat(dir, beside.as_ref(), flags, 0o600) {
                Err(fault) if fault.errno() == Errno::EEXIST => number += 1,
                opened => break (beside, opened?),
            }
        };
        let exchanged = self
            .write_all(file, contents)
            .and_then(|()| self.fchmod(file, mode.bits().into()))
            .and_then(|()| self.renameat(dir, OsStr::new(&beside), name.as_os_str()));
        match exchanged {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.unlinkat(dir, beside.as_ref(), 0).map_or_else(|second| second, |()| fault)),
        }
    }

    fn write_all(&mut self, file: Fd, mut bytes: &[u8]) -> Step<()> {
        while !bytes.is_empty() {
            let written = self.write(file, bytes)?;
            bytes = bytes.get(written..).unwrap_or_default();
        }
        Ok(())
    }
}

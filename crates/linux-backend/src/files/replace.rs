//! Replacing a file as a whole.

use std::ffi::OsString;
use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::{Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::files::temp_name::{MOST_NAMES, passing_name};
use crate::syscalls::abi::{O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel};

impl<K: Kernel> LinuxBackend<K> {
    pub(crate) fn replace(&self, dir: &K::Fd, name: &Path, contents: &[u8], mode: FileMode, shown: &Path) -> Step<()> {
        let (beside, file) = self.create_beside(dir)?;
        let exchange = || -> Step<()> {
            self.write_all(&file, contents)?;
            // After the last write, which clears set-id bits if the caller lacks the privilege.
            self.calls.fchmod(&file, mode.bits().into())?;
            self.calls.fsync(&file)?;
            self.calls.renameat(dir, &beside, name.as_os_str())
        };
        exchange().map_err(|fault| match self.calls.unlinkat(At::Fd(dir), beside.as_ref(), 0) {
            Ok(()) => fault,
            Err(_) => fault.leaving(Leftover::File(shown.join(&beside))),
        })?;
        // The new name exists; until the directory is on disk too, a crash could restore the old file.
        let flushed = self
            .calls
            .openat(At::Fd(dir), ".".as_ref(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
            .and_then(|open| self.calls.fsync(&open));
        flushed.map_err(|fault| fault.leaving(Leftover::File(shown.join(name))))
    }

    fn create_beside(&self, dir: &K::Fd) -> Step<(OsString, K::Fd)> {
        let flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC;
        let mut refused = Fault::new(Call::Openat, Errno::EEXIST);
        for _ in 0..MOST_NAMES {
            let beside = passing_name("new");
            match self.calls.openat(At::Fd(dir), beside.as_ref(), flags, 0o600) {
                Ok(file) => return Ok((beside, file)),
                Err(fault) if fault.errno() == Errno::EEXIST => refused = fault,
                Err(fault) => return Err(fault),
            }
        }
        Err(refused)
    }

    fn write_all(&self, file: &K::Fd, mut bytes: &[u8]) -> Step<()> {
        while !bytes.is_empty() {
            match self.calls.write(file, bytes)? {
                0 => return Err(Fault::new(Call::Write, Errno::EIO)),
                written => bytes = bytes.get(written..).unwrap_or_default(),
            }
        }
        Ok(())
    }
}

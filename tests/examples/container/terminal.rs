//! The terminal of a container: a pty whose output the command shows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A pty.
pub(crate) struct Terminal {
    master: OwnedFd,
    slave: OwnedFd,
}

impl Terminal {
    pub(crate) fn open() -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { master, slave })
    }

    /// Makes it the terminal of this process, and its standard input, output and error.
    pub(crate) fn become_standard(&self) -> io::Result<()> {
        rustix::process::setsid()?;
        rustix::process::ioctl_tiocsctty(&self.slave)?;
        rustix::stdio::dup2_stdin(&self.slave)?;
        rustix::stdio::dup2_stdout(&self.slave)?;
        rustix::stdio::dup2_stderr(&self.slave)?;
        Ok(())
    }

    /// Shows what is written to it until every process has closed it; standard input is written to it.
    pub(crate) fn show(self) -> io::Result<()> {
        drop(self.slave);
        let (mut from, mut to) = (File::from(self.master.try_clone()?), File::from(self.master));
        // It ends with the command.
        std::thread::spawn(move || io::copy(&mut io::stdin(), &mut to));
        let mut bytes = [0; 4096];
        loop {
            match from.read(&mut bytes) {
                Ok(0) => return Ok(()),
                Ok(count) => io::stdout().write_all(&bytes[..count]).and_then(|()| io::stdout().flush())?,
                // The last process that had it open has closed it.
                Err(error) if error.raw_os_error() == Some(libc::EIO) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

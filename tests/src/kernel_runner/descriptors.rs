//! The descriptors that a scenario has open in one namespace, and the conversion of its places to arguments.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io;

use crate::scenario::Place;

/// Named descriptors of one process.
#[derive(Debug)]
pub(super) struct Descriptors {
    /// `/proc/self/fd` of this process
    magic_links: OwnedFd,
    named: HashMap<String, OwnedFd>,
}

/// A directory to start from, and a path: the first two arguments of an `*at()` call.
pub(super) type At<'a> = (BorrowedFd<'a>, String);

impl Descriptors {
    /// None open yet. `proc` is the machine's /proc, and the process is the caller's.
    pub(super) fn new(proc: BorrowedFd<'_>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let magic_links = rustix::fs::openat(proc, "self/fd", flags, Mode::empty())?;
        Ok(Self { magic_links, named: HashMap::new() })
    }

    /// Returns true if the place's descriptor is open; a plain path needs none.
    pub(super) fn has(&self, place: &Place) -> bool {
        place.fd().is_none_or(|fd| self.named.contains_key(fd))
    }

    /// Gives the descriptor this name, and closes the one that had it; without a name it is closed at once.
    pub(super) fn keep(&mut self, name: Option<&str>, descriptor: OwnedFd) {
        if let Some(name) = name {
            self.named.insert(name.to_owned(), descriptor);
        }
    }

    /// Closes the descriptor.
    pub(super) fn close(&mut self, name: &str) -> io::Result<()> {
        self.named.remove(name).map(drop).ok_or(io::Errno::BADF)
    }

    /// The directory of magic links, from which `N/path` names a place at a descriptor.
    pub(super) fn magic_links(&self) -> BorrowedFd<'_> {
        self.magic_links.as_fd()
    }

    /// For the calls that take a descriptor themselves: the path is empty for the descriptor itself.
    pub(super) fn at<'a>(&'a self, place: &Place) -> io::Result<At<'a>> {
        match place {
            Place::Path(path) => Ok((CWD, path.clone())),
            Place::AtFd { fd, path } => {
                let descriptor = self.named.get(fd).ok_or(io::Errno::BADF)?;
                Ok((descriptor.as_fd(), path.clone()))
            }
        }
    }

    /// For the other calls: through the magic link.
    pub(super) fn by_link<'a>(&'a self, place: &Place) -> io::Result<At<'a>> {
        match place {
            Place::Path(path) => Ok((CWD, path.clone())),
            Place::AtFd { fd, path } => {
                let number = self.named.get(fd).ok_or(io::Errno::BADF)?.as_raw_fd();
                let path = if path.is_empty() { number.to_string() } else { format!("{number}/{path}") };
                Ok((self.magic_links(), path))
            }
        }
    }
}

//! The questions about one path, and their result.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mountwright_core::device::BackingDevice;
use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::path::printable;
use mountwright_core::ports::WithoutWaiting;
use mountwright_core::{Backend, Error, Filesystem, Location};

use super::executor::yield_now;

/// The file at a path, its device and its filesystem.
pub(crate) struct Found {
    kind: FileKind,
    backing: BackingDevice,
}

/// A path, what was found, and how long that took from the moment in which all paths were asked about.
pub(crate) struct Answer {
    pub(crate) path: PathBuf,
    pub(crate) found: Result<Found, Error>,
    pub(crate) after: Duration,
}

impl Answer {
    /// True where a result would have to wait for a server.
    pub(crate) fn would_wait(&self) -> bool {
        self.found.as_ref().is_err_and(Error::would_wait)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path);
        match &self.found {
            Ok(Found { kind, backing }) => {
                let fs_type =
                    backing.mount().map_or_else(String::new, |mount| format!(" on {}", mount.fs_type.display()));
                let device = backing.device().map_or_else(String::new, |device| format!(", device {device}"));
                write!(f, "{path}: {kind:?}{fs_type}{device}")
            }
            Err(error) if error.would_wait() => write!(f, "{path}: would wait"),
            Err(error) => write!(f, "{path}: {error}"),
        }
    }
}

/// Asks about a path, with other tasks between the questions. No question waits for a server.
pub(crate) async fn ask(backend: &dyn Backend, path: PathBuf, since: Instant) -> Answer {
    let found = look(&WithoutWaiting(backend), &path).await;
    Answer { path, found, after: since.elapsed() }
}

async fn look(backend: &WithoutWaiting<&dyn Backend>, path: &std::path::Path) -> Result<Found, Error> {
    let backing = BackingDevice::of(backend, path)?;
    yield_now().await;
    let metadata = backend.metadata(&Location::trusted(path), FinalSymlink::Follow)?;
    Ok(Found { kind: metadata.kind, backing })
}

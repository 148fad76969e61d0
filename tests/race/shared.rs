//! The shared sources, and their names.

use std::fmt;

use camino::Utf8Path;
use mountwright_core::error::Leftover;
use mountwright_core::mount::UnmountMode;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::Removal;
use mountwright_core::{
    BindRequest, ContainerId, Errno, FileMode, Filesystem, Location, MountKey, Mounter, Propagation, UnmountRequest,
};
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::naive::Naive;

/// The kinds of shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shared {
    /// A directory, as a container's root filesystem.
    Rootfs,
    /// A file, as a volume.
    File,
    /// A directory, by the port alone, further below the root.
    Deep,
}

/// The result of an unshare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Off {
    /// It is off.
    Done,
    /// It is still mounted, and the result says so.
    Refused,
    /// Nothing is mounted there, or the name is missing; with the message.
    NothingThere(String),
}

impl Shared {
    /// The names below `/w/shared`.
    pub(crate) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Rootfs => &["box", "rootfs"],
            Self::File => &["box", "config"],
            Self::Deep => &["box", "volumes", "deep", "data"],
        }
    }

    /// The first so many names as one path.
    pub(crate) fn path(self, names: usize) -> String {
        self.names()[..names].join("/")
    }

    /// All names as one path.
    pub(crate) fn whole_path(self) -> String {
        self.path(self.names().len())
    }

    /// Returns the path of the source.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::File => "/w/source/file",
            Self::Rootfs | Self::Deep => "/w/source/tree",
        }
    }

    fn place(self) -> Location {
        Location::beneath("/w/shared", self.whole_path()).expect("the names are relative")
    }

    /// Shares it read-only; `None` where that was refused.
    pub(crate) fn share(self, backend: &LinuxBackend) -> Option<MountKey> {
        let (mounts, id, source) = (Utf8Path::new("/w/shared"), container(), Location::trusted(self.source()));
        let recorded = match self {
            Self::Rootfs => {
                Share::rootfs(mounts, &id, source.clone()).and_then(|share| share.read_only().create(backend))
            }
            Self::File => {
                Share::volume(mounts, &id, "config", source.clone()).and_then(|share| share.read_only().create(backend))
            }
            Self::Deep => {
                let request = BindRequest::new(source, self.place()).read_only().propagation(Propagation::Private);
                let bound = backend.bind(&request.creating_target(FileMode::from_bits(0o755)));
                return no_mount_left(bound.map(|report| report.mount), mountwright_core::OsError::left);
            }
        };
        no_mount_left(recorded.map(|record| record.mount), mountwright_core::Error::left)
    }

    /// Unshares it.
    pub(crate) fn unshare(self, backend: &LinuxBackend, mount: Option<MountKey>) -> Off {
        let (mounts, id) = (Utf8Path::new("/w/shared"), container());
        let outcome = match self {
            Self::Rootfs => ShareName::Rootfs.unshare(backend, mounts, &id),
            Self::File => ShareName::volume("config").unshare(backend, mounts, &id),
            Self::Deep => return self.unmount(backend, mount),
        };
        match outcome {
            Ok(Removal::Unmounted { .. }) => Off::Done,
            Ok(outcome @ (Removal::NotMounted { .. } | Removal::NotFound)) => Off::NothingThere(outcome.to_string()),
            _ => Off::Refused,
        }
    }

    fn unmount(self, backend: &LinuxBackend, mount: Option<MountKey>) -> Off {
        let request = UnmountRequest::new(self.place()).with_mode(UnmountMode::Detach);
        let request = if let Some(mount) = mount { request.only(mount) } else { request };
        let answer = backend.unmount(&request);
        // Removes the rest of the name, if it is this one and no mount point.
        let _ = backend.remove_dir(&self.place());
        match answer.map_err(|error| error.errno()) {
            Ok(()) => Off::Done,
            Err(errno @ (Errno::ENOENT | Errno::EINVAL)) => Off::NothingThere(errno.to_string()),
            Err(_) => Off::Refused,
        }
    }

    /// The same by paths.
    pub(crate) fn naive(self) -> Naive<Linux> {
        let naive = Naive::below(Linux::new(), "/w/shared", self.whole_path(), self.source());
        if self == Self::File { naive.of_a_file() } else { naive }
    }
}

fn container() -> ContainerId {
    ContainerId::new("box").expect("a valid id")
}

/// A placeholder that the attacker has moved can only be reported.
fn no_mount_left<E: fmt::Display>(shared: Result<MountKey, E>, left: impl Fn(&E) -> &[Leftover]) -> Option<MountKey> {
    match shared {
        Ok(mount) => Some(mount),
        Err(error) => {
            let mount = left(&error).iter().find(|left| matches!(left, Leftover::Mount { .. }));
            assert!(mount.is_none(), "left over: {error}");
            None
        }
    }
}

//! Beginnings that lead to states of interest.

use mountwright_tests::scenario::{OpenMode, Operation, Step, operations};
use proptest::prelude::*;

/// The first operations of a history. The rest is drawn; so is what a beginning is likely to be followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    /// Nothing
    Plain,
    /// The root is shared
    SharedRoot,
    /// A shared mount, a slave of it that is shared too, and another slave
    Chain,
    /// A group of two on different directories of one filesystem
    Peers,
    /// An unbindable mount with directories in it
    Unbindable,
    /// A stack
    Stack,
    /// Twenty mounts and more
    Crowd,
    /// A read-only mount with names in it
    ReadOnly,
    /// A mount whose flags forbid devices, programs and symlinks
    Flagged,
    /// A file that is open for writing
    Writer,
    /// A directory that only root may search
    Restricted,
    /// Flags that a user namespace cannot clear
    Locked,
}

pub(crate) fn theme() -> impl Strategy<Value = Theme> {
    prop_oneof![
        4 => Just(Theme::Plain),
        3 => Just(Theme::SharedRoot),
        3 => Just(Theme::Chain),
        2 => Just(Theme::Peers),
        1 => Just(Theme::Unbindable),
        2 => Just(Theme::Stack),
        6 => Just(Theme::Crowd),
        3 => Just(Theme::ReadOnly),
        3 => Just(Theme::Flagged),
        6 => Just(Theme::Writer),
        5 => Just(Theme::Restricted),
        1 => Just(Theme::Locked),
    ]
}

impl Theme {
    /// Its operations. They need only the directories that every layout has; one may fail where a name is there already.
    pub(crate) fn steps(self) -> Vec<Step> {
        let mut operations = operations(match self {
            Self::Plain => "",
            Self::SharedRoot => "shared /",
            Self::Chain => "bind /a /a; shared /a; bind /a /b; slave /b; shared /b; bind /b /c; slave /c",
            Self::Peers => "bind /a /a; shared /a; bind /a /b",
            Self::Unbindable => "tmpfs /a; unbindable /a; mkdir /a/a /a/b",
            Self::Stack => "tmpfs /a; mkdir /a/b; tmpfs /a; mkdir /a/c; rbind /a /a",
            Self::Crowd => "shared /; tmpfs /c; rbind / /a /b; rbind /a /b/c",
            Self::ReadOnly => "create /a/r; bind /a /b; remount ro /b; bind /a /c",
            Self::Flagged => "char /b/n; create /b/x; chmod 0755 /b/x; bind /b /b; remount nodev,noexec,nosymfollow /b",
            Self::Writer => "tmpfs /a; create /a/w",
            Self::Restricted => "mkdir /c/x; create /c/y; tmpfs /c/x; chmod 0700 /c",
            Self::Locked => "tmpfs /a; mkdir /a/b; tmpfs /a/b; remount ro,nosuid,noexec /a",
        });
        if self == Self::Writer {
            let (fd, path) = (Some("w".to_owned()), "/a/w".into());
            operations.push(Operation::Open { fd, path, mode: OpenMode::W, nofollow: false, resolve: None });
        }
        operations.into_iter().map(Step::new).collect()
    }
}

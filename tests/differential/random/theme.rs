//! Beginnings that lead to states of interest.

use mountwright_tests::scenario::{Attribute, IdRanges, OpenMode, Operation, Place, Step, operations};
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
    /// Two mounts that map the owners of one filesystem: root to another user, and another user to root
    Mapped,
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
            Self::Mapped => "tmpfs /a; mkdir /a/b /a/x; create /a/f /a/g; chmod 0777 /a/x",
        });
        if self == Self::Mapped {
            operations.extend(mapped_copies());
        }
        if self == Self::Writer {
            let (fd, path) = (Some("w".to_owned()), "/a/w".into());
            operations.push(Operation::Open { fd, path, mode: OpenMode::W, nofollow: false, resolve: None });
        }
        operations.into_iter().map(Step::new).collect()
    }
}

/// Copies of `/a` on `/b` and `/c`, which map owners, and files of other users in it.
fn mapped_copies() -> Vec<Operation> {
    let owned = [("/a/f", 5, 6), ("/a/g", 1005, 1006), ("/a/x", 1000, 0)];
    let chown = |(path, uid, gid): (&str, u32, u32)| Operation::Chown { path: path.into(), uid, gid };
    let mut operations: Vec<Operation> = owned.into_iter().map(chown).collect();
    for (target, map) in [("/b", vec![(0, 1000, 100), (65534, 65534, 1)]), ("/c", vec![(1000, 0, 100)])] {
        let place = || Place::AtFd { fd: "t".to_owned(), path: String::new() };
        operations.push(Operation::OpenTreeAttr {
            fd: Some("t".to_owned()),
            path: "/a".into(),
            clone: true,
            recursive: false,
            set: vec![Attribute::Idmap],
            clear: Vec::new(),
            id_map: Some(IdRanges(map)),
        });
        operations.push(Operation::MoveMount {
            source: place(),
            target: target.into(),
            beneath: false,
            set_group: false,
            source_follow: false,
            target_follow: false,
        });
    }
    operations
}

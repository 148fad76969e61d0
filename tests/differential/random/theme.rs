//! Beginnings that lead to states of interest.

use mountwright_tests::scenario::{MountFlag, NodeKind, OpenMode, Operation, PropagationBit, Step};
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

fn bind(source: &str, target: &str, recursive: bool) -> Operation {
    Operation::Bind { source: source.into(), target: target.into(), recursive }
}

fn make(target: &str, kind: PropagationBit) -> Operation {
    Operation::Propagation { target: target.into(), kind: kind.into(), recursive: false }
}

fn tmpfs(target: &str) -> Operation {
    Operation::MountTmpfs { target: target.into(), flags: Vec::new() }
}

fn mkdir(path: &str) -> Operation {
    Operation::Mkdir { path: path.into() }
}

fn create(path: &str) -> Operation {
    Operation::Create { path: path.into() }
}

fn remount_bind(target: &str, flags: &[MountFlag]) -> Operation {
    Operation::RemountBind { target: target.into(), flags: flags.to_vec() }
}

impl Theme {
    /// Its operations. They need only the directories that every layout has; one may fail where a name is there already.
    pub(crate) fn steps(self) -> Vec<Step> {
        use PropagationBit::{Shared, Slave};
        let operations = match self {
            Self::Plain => vec![],
            Self::SharedRoot => vec![make("/", Shared)],
            Self::Chain => vec![
                bind("/a", "/a", false),
                make("/a", Shared),
                bind("/a", "/b", false),
                make("/b", Slave),
                make("/b", Shared),
                bind("/b", "/c", false),
                make("/c", Slave),
            ],
            Self::Peers => vec![bind("/a", "/a", false), make("/a", Shared), bind("/a", "/b", false)],
            Self::Unbindable => vec![tmpfs("/a"), make("/a", PropagationBit::Unbindable), mkdir("/a/a"), mkdir("/a/b")],
            Self::Stack => vec![tmpfs("/a"), mkdir("/a/b"), tmpfs("/a"), mkdir("/a/c"), bind("/a", "/a", true)],
            Self::Crowd => vec![
                make("/", Shared),
                tmpfs("/c"),
                bind("/", "/a", true),
                bind("/", "/b", true),
                bind("/a", "/b/c", true),
            ],
            Self::ReadOnly => vec![
                create("/a/r"),
                bind("/a", "/b", false),
                remount_bind("/b", &[MountFlag::Ro]),
                bind("/a", "/c", false),
            ],
            Self::Flagged => vec![
                Operation::Mknod { path: "/b/n".into(), kind: NodeKind::Char },
                create("/b/x"),
                Operation::Chmod { path: "/b/x".into(), mode: "0755".to_owned() },
                bind("/b", "/b", false),
                remount_bind("/b", &[MountFlag::Nodev, MountFlag::Noexec, MountFlag::Nosymfollow]),
            ],
            Self::Writer => vec![
                tmpfs("/a"),
                create("/a/w"),
                Operation::Open {
                    fd: Some("w".to_owned()),
                    path: "/a/w".into(),
                    mode: OpenMode::W,
                    nofollow: false,
                    resolve: None,
                },
            ],
            Self::Restricted => vec![
                mkdir("/c/x"),
                create("/c/y"),
                tmpfs("/c/x"),
                Operation::Chmod { path: "/c".into(), mode: "0700".to_owned() },
            ],
            Self::Locked => vec![
                tmpfs("/a"),
                mkdir("/a/b"),
                tmpfs("/a/b"),
                remount_bind("/a", &[MountFlag::Ro, MountFlag::Nosuid, MountFlag::Noexec]),
            ],
        };
        operations.into_iter().map(Step::new).collect()
    }
}

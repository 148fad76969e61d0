//! The elements of a history at the ports: calls, as a line of a file can hold them.

use serde::{Deserialize, Serialize};

use crate::place::{At, Spot};

/// One call of a port, or an action of another process past the ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Call {
    Metadata {
        at: At,
        follow: bool,
    },
    Canonicalize {
        path: Spot,
    },
    CurrentDir,
    OpenDir {
        at: At,
        slot: usize,
    },
    ReadLink {
        at: At,
    },
    CreateDir {
        at: At,
        mode: u16,
    },
    CreateFile {
        at: At,
        mode: u16,
    },
    RemoveDir {
        at: At,
    },
    RemoveFile {
        at: At,
    },
    /// A call of a directory that was opened before
    In {
        slot: usize,
        call: InDirectory,
    },
    Bind(Bind),
    Mount(NewMount),
    MoveMount {
        from: At,
        to: At,
    },
    ChangeAttributes {
        at: At,
        change: Change,
        recursive: bool,
    },
    SetSuperblockReadOnly {
        at: At,
        read_only: bool,
    },
    SetPropagation {
        at: At,
        propagation: Propagation,
        recursive: bool,
    },
    Unmount {
        at: At,
        mode: Mode,
        only: Option<usize>,
    },
    MountOf {
        at: At,
    },
    FilesystemOf {
        at: At,
    },
    /// One of the mounts that an earlier result named
    FindMount {
        mount: usize,
    },
    Mounts,
    Outside(Outside),
}

/// A call of one open directory, by a name in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum InDirectory {
    OwnMetadata,
    Entries,
    Metadata {
        name: String,
    },
    OpenDir {
        name: String,
        slot: usize,
    },
    ReadLink {
        name: String,
    },
    ReadFile {
        name: String,
        limit: u64,
    },
    CreateDir {
        name: String,
        mode: u16,
    },
    CreateFile {
        name: String,
        mode: u16,
    },
    ReplaceFile {
        name: String,
        contents: String,
        mode: u16,
    },
    RemoveDir {
        name: String,
    },
    RemoveFile {
        name: String,
    },
    SetOwner {
        name: String,
        uid: Option<u32>,
        gid: Option<u32>,
    },
    SetMode {
        name: String,
        mode: u16,
    },
    SetOwnOwner {
        uid: Option<u32>,
        gid: Option<u32>,
    },
    SetOwnMode {
        mode: u16,
    },
    /// The descriptor is closed
    Close,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bind {
    pub(crate) source: At,
    pub(crate) target: At,
    pub(crate) recursive: bool,
    pub(crate) change: Change,
    pub(crate) propagation: Option<Propagation>,
    /// The mode of the target, if it is to be created
    pub(crate) creating: Option<u16>,
    pub(crate) stacking: bool,
    pub(crate) atomic: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMount {
    pub(crate) target: At,
    pub(crate) fs_type: String,
    pub(crate) source: Option<String>,
    /// Words of mountinfo
    pub(crate) flags: Vec<String>,
    pub(crate) atime: Option<Atime>,
    /// `key` or `key=value`
    pub(crate) options: Vec<String>,
    pub(crate) propagation: Option<Propagation>,
}

/// Of attributes; the flags are words of mountinfo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) set: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) clear: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) atime: Option<Atime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Atime {
    Relative,
    Never,
    Strict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Propagation {
    Private,
    Shared,
    Slave,
    Unbindable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    Plain,
    Detach,
    Force,
    ForceDetach,
    Expire,
}

/// The actions of other processes, past the ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Outside {
    Rename {
        from: Spot,
        to: Spot,
    },
    Link {
        existing: Spot,
        path: Spot,
    },
    Symlink {
        target: String,
        path: Spot,
    },
    Fifo {
        path: Spot,
    },
    Tmpfs {
        path: Spot,
    },
    Bind {
        source: Spot,
        target: Spot,
        recursive: bool,
    },
    Propagation {
        path: Spot,
        propagation: Propagation,
        recursive: bool,
    },
    /// Held until [`Release`](Self::Release)
    Hold {
        path: Spot,
        writing: bool,
    },
    Release,
    ChangeDir {
        path: Spot,
    },
}

impl Call {
    /// Returns the name of the port call; `None` for an action past the ports.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            Self::Outside(_) => None,
            Self::In { call, .. } => Some(format!("Directory::{}", first_word(call))),
            call => Some(first_word(call)),
        }
    }
}

/// The name of the variant.
fn first_word(of: &impl std::fmt::Debug) -> String {
    let text = format!("{of:?}");
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

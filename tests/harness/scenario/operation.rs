//! The operations of a history.

use serde::{Deserialize, Serialize};

use super::bits::{AccessMode, Attribute, MountFlag, NodeKind, OpenMode, PropagationBit, ResolveFlag, UnmountFlag};
use super::numbers::{DeviceNumber, IdRanges, Octal};
use super::one_or_many::OneOrMany;
use super::place::Place;

// A field is left out of the written form where it has its default, as the recordings do.
// serde's `skip_serializing_if` hands out a reference, whatever the size.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_false(flag: &bool) -> bool {
    !flag
}

/// One operation: one system call, or one question about a directory tree.
///
/// The variants are the `op` words of the form and the fields are its fields; a word or a field that is not listed here
/// is an error that names it.
// names it. The fields are the arguments of the call that the variant names; they need no documentation of their own.
#[allow(missing_docs)]
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Operation {
    /// mkdir(2), mode 0755 if none is given
    Mkdir {
        path: Place,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Octal>,
    },
    /// rmdir(2)
    Rmdir { path: Place },
    /// unlink(2)
    Unlink { path: Place },
    /// open(2) with `O_CREAT | O_EXCL`, mode 0644 if none is given, closed at once
    Create {
        path: Place,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Octal>,
    },
    /// symlink(2)
    Symlink { target: String, path: Place },
    /// mknod(2), mode 0644 and the device of the kind if none is given
    Mknod {
        path: Place,
        kind: NodeKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceNumber>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<Octal>,
    },
    /// chmod(2); the mode in octal
    Chmod { path: Place, mode: String },
    /// link(2)
    Link { from: Place, to: Place },
    /// renameat2(2) without flags
    Rename { from: Place, to: Place },
    /// renameat2(2) with `RENAME_EXCHANGE`
    RenameExchange { from: Place, to: Place },
    /// statx(2)
    Stat {
        path: Place,
        #[serde(default, skip_serializing_if = "is_false")]
        nofollow: bool,
    },
    /// The names in a directory, sorted
    Readdir { path: Place },
    /// Everything below a directory, across mounts, sorted
    Tree { path: Place },
    /// open(2) with `O_WRONLY | O_APPEND`, then write(2) of one byte
    Write { path: Place },
    /// access(2)
    Access { path: Place, mode: AccessMode },
    /// readlink(2)
    Readlink { path: Place },
    /// open(2) with `O_RDONLY | O_NONBLOCK`, then read(2) to the end
    Read { path: Place },
    /// statx(2): kind, mode, owner, group and the device of a node
    Attributes {
        path: Place,
        #[serde(default, skip_serializing_if = "is_false")]
        nofollow: bool,
    },
    /// statfs(2): magic number and flags
    Statfs { path: Place },
    /// fchownat(2), of a symlink itself
    Chown { path: Place, uid: u32, gid: u32 },
    /// umask(2); the mask before is the value
    Umask { mask: Octal },
    /// open(2), or openat2(2) where `resolve` is there; without a name the descriptor is closed at once
    Open {
        fd: Option<String>,
        path: Place,
        #[serde(default)]
        mode: OpenMode,
        #[serde(default, skip_serializing_if = "is_false")]
        nofollow: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolve: Option<Vec<ResolveFlag>>,
    },
    /// close(2)
    Close { fd: String },
    /// chdir(2)
    Chdir { path: Place },
    /// mount(2) of a new tmpfs
    MountTmpfs {
        target: Place,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<MountFlag>,
    },
    /// mount(2) of a new filesystem of any type
    MountNew {
        target: Place,
        #[serde(rename = "type")]
        kind: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<MountFlag>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        data: String,
    },
    /// fsopen(2), fsconfig(2) for each option, fsmount(2): a detached mount of a new filesystem
    Fsmount {
        fd: Option<String>,
        #[serde(rename = "type")]
        kind: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        set: Vec<Attribute>,
    },
    /// mount(2) with `MS_BIND`, recursively with `MS_REC`
    Bind {
        source: Place,
        target: Place,
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
    },
    /// mount(2) with `MS_MOVE`
    Move { source: Place, target: Place },
    /// mount(2) with `MS_SHARED` and its like
    Propagation {
        target: Place,
        #[serde(rename = "type")]
        kind: OneOrMany<PropagationBit>,
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
    },
    /// mount(2) with `MS_REMOUNT | MS_BIND`
    RemountBind { target: Place, flags: Vec<MountFlag> },
    /// mount(2) with `MS_REMOUNT`: the superblock
    Remount { target: Place, flags: Vec<MountFlag> },
    /// `mount_setattr(2)`
    Setattr {
        target: Place,
        #[serde(default)]
        set: Vec<Attribute>,
        #[serde(default)]
        clear: Vec<Attribute>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        propagation: Option<OneOrMany<PropagationBit>>,
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        nofollow: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id_map: Option<IdRanges>,
    },
    /// umount2(2)
    Umount {
        target: Place,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flags: Vec<UnmountFlag>,
    },
    /// `open_tree(2)`; without a name the descriptor is closed at once
    OpenTree {
        fd: Option<String>,
        path: Place,
        #[serde(default)]
        clone: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        nofollow: bool,
    },
    /// `open_tree_attr(2)`; without a name the descriptor is closed at once
    OpenTreeAttr {
        fd: Option<String>,
        path: Place,
        #[serde(default)]
        clone: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        recursive: bool,
        #[serde(default)]
        set: Vec<Attribute>,
        #[serde(default)]
        clear: Vec<Attribute>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id_map: Option<IdRanges>,
    },
    /// `move_mount(2)`
    MoveMount {
        source: Place,
        target: Place,
        #[serde(default, skip_serializing_if = "is_false")]
        beneath: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        set_group: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        source_follow: bool,
        #[serde(default, skip_serializing_if = "is_false")]
        target_follow: bool,
    },
    /// `pivot_root(2)`
    PivotRoot { new_root: Place, put_old: Place },
    /// chroot(2)
    Chroot { path: Place },
    /// unshare(2) in a child: the present namespace is copied as the next number and not entered
    CloneNs {
        /// In a user namespace of its own, which maps 0 to 0 and 65534 to 65534
        #[serde(default, skip_serializing_if = "is_false")]
        user: bool,
    },
    /// The operations that follow happen in this namespace
    SwitchNs { ns: u32 },
    /// The last process of the namespace ends
    DestroyNs { ns: u32 },
}

/// The places of an operation, borrowed as the operation is.
macro_rules! places {
    ($operation:expr) => {
        match $operation {
            Self::Mkdir { path, .. }
            | Self::Rmdir { path }
            | Self::Unlink { path }
            | Self::Create { path, .. }
            | Self::Symlink { path, .. }
            | Self::Mknod { path, .. }
            | Self::Chmod { path, .. }
            | Self::Stat { path, .. }
            | Self::Readdir { path }
            | Self::Tree { path }
            | Self::Write { path }
            | Self::Access { path, .. }
            | Self::Readlink { path }
            | Self::Read { path }
            | Self::Attributes { path, .. }
            | Self::Statfs { path }
            | Self::Chown { path, .. }
            | Self::Chroot { path }
            | Self::OpenTreeAttr { path, .. }
            | Self::Open { path, .. }
            | Self::Chdir { path }
            | Self::OpenTree { path, .. } => vec![path],
            Self::MountTmpfs { target, .. }
            | Self::MountNew { target, .. }
            | Self::Propagation { target, .. }
            | Self::RemountBind { target, .. }
            | Self::Remount { target, .. }
            | Self::Setattr { target, .. }
            | Self::Umount { target, .. } => vec![target],
            Self::PivotRoot { new_root: source, put_old: target }
            | Self::Link { from: source, to: target }
            | Self::Rename { from: source, to: target }
            | Self::RenameExchange { from: source, to: target }
            | Self::Bind { source, target, .. }
            | Self::Move { source, target }
            | Self::MoveMount { source, target, .. } => vec![source, target],
            Self::Umask { .. }
            | Self::Fsmount { .. }
            | Self::Close { .. }
            | Self::CloneNs { .. }
            | Self::SwitchNs { .. }
            | Self::DestroyNs { .. } => vec![],
        }
    };
}

impl Operation {
    /// The `op` word.
    pub fn name(&self) -> String {
        let fields = serde_json::to_value(self).unwrap_or_default();
        fields["op"].as_str().unwrap_or_default().to_owned()
    }

    /// Returns true for an operation whose success numbers another filesystem.
    pub fn mounts_a_new_filesystem(&self) -> bool {
        matches!(self, Self::MountTmpfs { .. } | Self::MountNew { .. } | Self::Fsmount { .. })
    }

    /// Returns true for the mount of a filesystem that a network, ipc or cgroup namespace has.
    pub fn mounts_of_another_namespace(&self) -> bool {
        let theirs = |kind: &str| kind == "sysfs" || kind == "mqueue" || kind.starts_with("cgroup");
        matches!(self, Self::MountNew { kind, .. } | Self::Fsmount { kind, .. } if theirs(kind))
    }

    /// The places that the operation takes, in the order of the call's arguments.
    pub fn places(&self) -> Vec<&Place> {
        places!(self)
    }

    /// The same places, to be changed.
    pub fn places_mut(&mut self) -> Vec<&mut Place> {
        places!(self)
    }
}

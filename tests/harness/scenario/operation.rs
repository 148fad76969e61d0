//! The operations of a history.

use serde::{Deserialize, Serialize};

use super::bits::{AccessMode, Attribute, MountFlag, NodeKind, OpenMode, PropagationBit, ResolveFlag, UnmountFlag};
use super::numbers::{DeviceNumber, IdRanges, Octal};
use super::one_or_many::OneOrMany;
use super::place::Place;

/// Serves fields that are left out of the written form where they have their default.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Makes the enum of operations. Each has the names of its places, in the order of the call's arguments, and its fields.
/// Fields after a semicolon are left out of the written form where they have their default, as the recordings do.
macro_rules! operations {
    ($($(#[$call:meta])* $operation:ident($($place:ident),*) {
        $($(#[$attribute:meta])* $field:ident: $type:ty),* $(; $($option:ident: $kind:ty),*)?
    })*) => {
        /// One operation: one system call, or one question about a directory tree.
        ///
        /// The variants are the `op` words of the form and the fields are its fields; a word or a field that is not listed
        /// here is an error that names it. The fields are the arguments of the call that the variant names.
        #[allow(missing_docs)]
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
        pub enum Operation { $(
            $(#[$call])* $operation {
                $($(#[$attribute])* $field: $type,)*
                $($(#[serde(default, skip_serializing_if = "is_default")] $option: $kind,)*)?
            },
        )* }

        impl Operation {
            /// The places that the operation takes, in the order of the call's arguments.
            pub fn places(&self) -> Vec<&Place> {
                match self { $(Self::$operation { $($place,)* .. } => vec![$($place),*],)* }
            }

            /// The same places, to be changed.
            pub fn places_mut(&mut self) -> Vec<&mut Place> {
                match self { $(Self::$operation { $($place,)* .. } => vec![$($place),*],)* }
            }
        }
    };
}

operations! {
    /// mkdir(2), mode 0755 if none is given
    Mkdir(path) { path: Place; mode: Option<Octal> }
    /// rmdir(2)
    Rmdir(path) { path: Place }
    /// unlink(2)
    Unlink(path) { path: Place }
    /// open(2) with `O_CREAT | O_EXCL`, mode 0644 if none is given, closed at once
    Create(path) { path: Place; mode: Option<Octal> }
    /// symlink(2)
    Symlink(path) { target: String, path: Place }
    /// mknod(2), mode 0644 and the device of the kind if none is given
    Mknod(path) { path: Place, kind: NodeKind; device: Option<DeviceNumber>, mode: Option<Octal> }
    /// chmod(2); the mode in octal
    Chmod(path) { path: Place, mode: String }
    /// link(2)
    Link(from, to) { from: Place, to: Place }
    /// renameat2(2) without flags
    Rename(from, to) { from: Place, to: Place }
    /// renameat2(2) with `RENAME_EXCHANGE`
    RenameExchange(from, to) { from: Place, to: Place }
    /// statx(2)
    Stat(path) { path: Place; nofollow: bool }
    /// The names in a directory, sorted
    Readdir(path) { path: Place }
    /// Everything below a directory, across mounts, sorted
    Tree(path) { path: Place }
    /// open(2) with `O_WRONLY | O_APPEND`, then write(2) of one byte
    Write(path) { path: Place }
    /// access(2)
    Access(path) { path: Place, mode: AccessMode }
    /// readlink(2)
    Readlink(path) { path: Place }
    /// open(2) with `O_RDONLY | O_NONBLOCK`, then read(2) to the end
    Read(path) { path: Place }
    /// statx(2): kind, mode, owner, group and the device of a node
    Attributes(path) { path: Place; nofollow: bool }
    /// statfs(2): magic number and flags
    Statfs(path) { path: Place }
    /// fchownat(2), of a symlink itself
    Chown(path) { path: Place, uid: u32, gid: u32 }
    /// umask(2); the mask before is the value
    Umask() { mask: Octal }
    /// open(2), or openat2(2) where `resolve` is there; without a name the descriptor is closed at once
    Open(path) {
        fd: Option<String>, path: Place, #[serde(default)] mode: OpenMode; nofollow: bool, resolve: Option<Vec<ResolveFlag>>
    }
    /// close(2)
    Close() { fd: String }
    /// chdir(2)
    Chdir(path) { path: Place }
    /// mount(2) of a new tmpfs
    MountTmpfs(target) { target: Place; flags: Vec<MountFlag> }
    /// mount(2) of a new filesystem of any type
    MountNew(target) { target: Place, #[serde(rename = "type")] kind: String; flags: Vec<MountFlag>, data: String }
    /// fsopen(2), fsconfig(2) for each option, fsmount(2): a detached mount of a new filesystem
    Fsmount() {
        fd: Option<String>, #[serde(rename = "type")] kind: String; options: Vec<String>, set: Vec<Attribute>
    }
    /// mount(2) with `MS_BIND`, recursively with `MS_REC`
    Bind(source, target) { source: Place, target: Place; recursive: bool }
    /// mount(2) with `MS_MOVE`
    Move(source, target) { source: Place, target: Place }
    /// mount(2) with `MS_SHARED` and its like
    Propagation(target) {
        target: Place, #[serde(rename = "type")] kind: OneOrMany<PropagationBit>; recursive: bool
    }
    /// mount(2) with `MS_REMOUNT | MS_BIND`
    RemountBind(target) { target: Place, flags: Vec<MountFlag> }
    /// mount(2) with `MS_REMOUNT`: the superblock
    Remount(target) { target: Place, flags: Vec<MountFlag> }
    /// `mount_setattr(2)`
    Setattr(target) {
        target: Place, #[serde(default)] set: Vec<Attribute>, #[serde(default)] clear: Vec<Attribute>;
        propagation: Option<OneOrMany<PropagationBit>>, recursive: bool, nofollow: bool, id_map: Option<IdRanges>
    }
    /// umount2(2)
    Umount(target) { target: Place; flags: Vec<UnmountFlag> }
    /// `open_tree(2)`; without a name the descriptor is closed at once
    OpenTree(path) { fd: Option<String>, path: Place, #[serde(default)] clone: bool; recursive: bool, nofollow: bool }
    /// `open_tree_attr(2)`; without a name the descriptor is closed at once
    OpenTreeAttr(path) {
        fd: Option<String>, path: Place, #[serde(default)] clone: bool,
        #[serde(default)] set: Vec<Attribute>, #[serde(default)] clear: Vec<Attribute>;
        recursive: bool, id_map: Option<IdRanges>
    }
    /// `move_mount(2)`
    MoveMount(source, target) {
        source: Place, target: Place; beneath: bool, set_group: bool, source_follow: bool, target_follow: bool
    }
    /// `pivot_root(2)`
    PivotRoot(new_root, put_old) { new_root: Place, put_old: Place }
    /// chroot(2)
    Chroot(path) { path: Place }
    /// unshare(2) in a child: the present namespace is copied as the next number and not entered. `user`: in a user
    /// namespace of its own, which maps 0 to 0 and 65534 to 65534
    CloneNs() { ; user: bool }
    /// The operations that follow happen in this namespace
    SwitchNs() { ns: u32 }
    /// The last process of the namespace ends
    DestroyNs() { ns: u32 }
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
}

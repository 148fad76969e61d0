//! Port operations, by name.

use std::fmt;

/// The port call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Operation {
    /// `metadata` of all ports to files, `Directory::own_metadata` and `parent_metadata`.
    Metadata,
    /// `Filesystem::canonicalize`.
    Canonicalize,
    /// `Filesystem::current_dir`.
    CurrentDir,
    /// `open_dir` of both ports, `Directory::open_parent`.
    OpenDir,
    /// `Directory::entries` and its iterator.
    ReadDir,
    /// `read_link` of both ports.
    ReadLink,
    /// `Directory::read_file`.
    ReadFile,
    /// `create_dir` of both ports.
    CreateDir,
    /// `create_file` of both ports.
    CreateFile,
    /// `create_symlink` of both ports.
    CreateSymlink,
    /// `create_node` of both ports.
    CreateNode,
    /// `Directory::replace_file`.
    ReplaceFile,
    /// `remove_dir` of both ports.
    RemoveDir,
    /// `remove_file` of both ports.
    RemoveFile,
    /// `Directory::open_entry`.
    OpenEntry,
    /// `Directory::set_owner`, `set_own_owner` and `OpenEntry::set_owner`.
    SetOwner,
    /// `Directory::set_mode`, `set_own_mode` and `OpenEntry::set_mode`.
    SetMode,
    /// `OpenEntry::capabilities`.
    Capabilities,
    /// `OpenEntry::set_capabilities`.
    SetCapabilities,
    /// `bind` of `Mounter` and `DetachedTree`.
    Bind,
    /// `mount` of `Mounter` and `DetachedTree`.
    Mount,
    /// `Mounter::detached_tree`.
    DetachedTree,
    /// `DetachedTree::commit`.
    Commit,
    /// `DetachedTree::discard`.
    Discard,
    /// `Mounter::move_mount`.
    MoveMount,
    /// `change_attributes` of `Mounter` and `DetachedTree`.
    ChangeAttributes,
    /// `Mounter::set_superblock` and `Mounter::reconfigure`.
    SetSuperblock,
    /// `ProcessRoot::pin_namespace`.
    PinNamespace,
    /// `ProcessRoot::enter_root`.
    EnterRoot,
    /// `Mounter::set_propagation`, `ProcessRoot::set_root_propagation`.
    SetPropagation,
    /// `Mounter::unmount`.
    Unmount,
    /// `Mounter::mount_of`.
    MountOf,
    /// `Mounter::filesystem_of`.
    FilesystemOf,
    /// `Mounter::find_mount`.
    FindMount,
    /// `Mounter::mounts`.
    Mounts,
    /// `Mounter::origin`.
    Origin,
}

impl fmt::Display for Operation {
    /// The attempted operation, as the words after "could not".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Metadata => "read the metadata of",
            Self::Canonicalize => "resolve",
            Self::CurrentDir => "find the current directory of",
            Self::OpenDir => "open the directory",
            Self::ReadDir => "list",
            Self::ReadLink => "read the symlink",
            Self::ReadFile => "read the file",
            Self::CreateDir => "create the directory",
            Self::CreateFile => "create the file",
            Self::CreateSymlink => "create the symlink",
            Self::CreateNode => "create the node",
            Self::ReplaceFile => "replace the file",
            Self::RemoveDir => "remove the directory",
            Self::RemoveFile => "remove the file",
            Self::OpenEntry => "open",
            Self::SetOwner => "set the owner of",
            Self::SetMode => "set the mode of",
            Self::Capabilities => "read the capabilities of",
            Self::SetCapabilities => "set the capabilities of",
            Self::Bind => "bind",
            Self::Mount => "mount on",
            Self::DetachedTree => "begin a tree of mounts of",
            Self::Commit => "attach the tree of mounts",
            Self::Discard => "discard the tree of mounts",
            Self::MoveMount => "move the mount",
            Self::ChangeAttributes => "change the attributes of the mount",
            Self::SetSuperblock => "change the superblock of the mount",
            Self::PinNamespace => "pin",
            Self::EnterRoot => "enter the root",
            Self::SetPropagation => "set the propagation of the mount",
            Self::Unmount => "unmount",
            Self::MountOf => "find the mount of",
            Self::FilesystemOf => "find the filesystem of",
            Self::FindMount => "find",
            Self::Mounts => "read the mounts of",
            Self::Origin => "find the origin of",
        })
    }
}

//! The port to a tree of mounts that is built before it is visible.

use std::path::Path;

use crate::error::OsError;
use crate::file::{FileMode, FinalSymlink, Metadata};
use crate::mount::{AttributeChange, BindReport, BindRequest, MountRequest, Recursion, TreeForm};
use crate::ports::Directory;

/// A copy of a directory's mount, in which further mounts are made before one call makes the whole visible:
/// [`Mounter::detached_tree`](crate::ports::Mounter::detached_tree) begins it.
///
/// # Contract, for those who call
///
/// * Paths are resolved as [`Location::InRoot`](crate::path::Location::InRoot) with the tree as the root: symlinks are
///   followed inside it, mounts of the tree are crossed, a magic link is `ELOOP`. In requests such a place is
///   [`Location::in_tree`](crate::path::Location::in_tree); another target is `EINVAL`. The source of a bind may be either: a
///   place in the tree, or any location outside it.
/// * Binds and mounts of several threads are made one after the other: of two to one empty target, one succeeds.
/// * Nothing is visible, and nothing propagates, before [`commit`](Self::commit). Other processes can still rename and remove
///   the files that the tree shows. Files and directories that are created in it are files of the filesystems that it shows.
/// * A mount that was attached in it, its member, cannot be unmounted, moved or changed again: each request says all of it. Of the whole tree, or
///   its root alone, [`change_attributes`](Self::change_attributes) changes the attributes.
/// * A member is private where its request names no propagation; words without an `r` leave the mounts below the top of a
///   recursive bind as shared as their sources are. Nothing can be mounted on a shared member (`EINVAL`): the kernel
///   would propagate it to the peers at once.
/// * Dropping the tree discards it: its mounts are gone, and the empty directories and files that its requests have created as
///   targets are removed. What a caller created through [`open_dir`](Self::open_dir) stays.
/// * A killed process leaves at most such created directories and files, and of a tree that is
///   [`TreeForm::Staged`] a staging directory, which the next backend removes.
///
/// # Contract, for those who implement
///
/// * Attributes and propagation are set on each member before it is attached.
/// * The name of every target that another process could have changed is resolved again after the last attach and once more
///   after the commit.
/// * No provided methods: a mock that met one would panic.
///
/// Every rule is a case of the contract suite, which each backend passes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait DetachedTree: Send + Sync {
    /// The form in which the kernel lets the tree be built.
    fn form(&self) -> TreeForm;

    /// The metadata of a file in the tree. May block.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::metadata`](crate::ports::Filesystem::metadata) in a root.
    fn metadata(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, OsError>;

    /// Opens a directory in the tree, in which to look, and to create files, directories, symlinks and nodes. With a mode,
    /// missing directories are created, all of this mode, those of a dangling symlink's text too; a `..` after a missing
    /// component is `ENOENT`. They stay when the tree is dropped.
    ///
    /// [`Directory::unmount`] of a member is `EINVAL`.
    ///
    /// # Errors
    ///
    /// As [`Filesystem::open_dir`](crate::ports::Filesystem::open_dir) and
    /// [`create_dir`](crate::ports::Filesystem::create_dir) in a root.
    fn open_dir(&self, path: &Path, missing: Option<FileMode>) -> Result<Box<dyn Directory>, OsError>;

    /// Binds a place of the tree or of the host onto a place in the tree: see
    /// [`Mounter::bind`](crate::ports::Mounter::bind). The report's mount can be found
    /// ([`Mounter::find_mount`](crate::ports::Mounter::find_mount)) once the tree is committed. What was created for it is
    /// named below the directory that the tree is a copy of.
    ///
    /// # Errors
    ///
    /// As [`Mounter::bind`](crate::ports::Mounter::bind). `EINVAL`: the target is no place in the tree, or on a shared member; or
    /// the request stacks on a mount by its identity. `EBUSY`: the target is the tree's root too.
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError>;

    /// Mounts a new filesystem on a place in the tree: see [`Mounter::mount`](crate::ports::Mounter::mount).
    ///
    /// # Errors
    ///
    /// As [`Mounter::mount`](crate::ports::Mounter::mount). `EINVAL`: the target is no place in the tree, or on a shared member.
    /// `EBUSY`: it is the tree's root. `EOPNOTSUPP`: in a detached tree, an option that only mount(2) takes.
    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError>;

    /// Changes attributes of the tree's root, or of every mount of the tree; on failure of none.
    ///
    /// # Errors
    ///
    /// `EPERM`: no privilege, or a locked flag would be cleared. `EOPNOTSUPP`: the tree cannot be changed as a whole on this
    /// kernel (before 5.12).
    fn change_attributes(&self, change: AttributeChange, recursion: Recursion) -> Result<(), OsError>;

    /// Attaches the whole tree to the target of the request that began it, by one call of the kernel. On failure the tree is
    /// discarded.
    ///
    /// # Errors
    ///
    /// As [`Mounter::bind`](crate::ports::Mounter::bind). `ESTALE`: another process has changed the name of a member's target,
    /// which the error's detail names, or that of the tree's own target; the build may begin anew. `EINVAL`: the target lies on a
    /// shared mount, where every member would become shared.
    #[doc(alias = "move_mount")]
    fn commit(self: Box<Self>) -> Result<BindReport, OsError>;

    /// Discards the tree, as dropping it does, and returns what could not be removed. A mount that the error of a member has named
    /// at a relative path was in the tree, and is gone with it.
    ///
    /// # Errors
    ///
    /// The errno of the first failure; [`OsError::left`] lists what stays.
    fn discard(self: Box<Self>) -> Result<(), OsError>;
}

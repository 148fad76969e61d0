//! The port to mounts.

use crate::error::OsError;
use crate::mount::{
    AttributesRequest, BindReport, BindRequest, FilesystemOf, FilesystemOption, Guarantee, MountInfo, MountKey,
    MountRequest, Origin, PathMount, Propagation, Recursion, SuperblockAccess, UnmountRequest,
};
use crate::mount_table::MountTable;
use crate::path::Location;
use crate::ports::DetachedTree;

/// Mounts: look-ups and changes.
///
/// # Contract, for those who call
///
/// * Calls are atomic: after an error nothing is changed, unless [`OsError::left`] lists what could not be rolled back.
/// * A [`Location`] is resolved once. `Trusted` follows symlinks, except that [`unmount`](Self::unmount) and
///   [`move_mount`](Self::move_mount) do not follow the last component. `Beneath` follows none (`ELOOP`) and refuses a
///   mount point before the last component (`EXDEV`); the last component may be a mount point. `InRoot` follows symlinks
///   inside the root, the last component too but for the same two methods, and crosses mounts; a magic link is `ELOOP`.
/// * Look-ups ([`mount_of`](Self::mount_of), [`filesystem_of`](Self::filesystem_of), [`find_mount`](Self::find_mount))
///   never send a request to the filesystem at the end of the path: a dead server at a mount's root cannot block them.
///   A component *below* such a root has to be looked up there, and that may block; the `…_cached` forms use the kernel's
///   caches alone and return `EAGAIN` there.
/// * No call but [`mounts`](Self::mounts) reads the mount table where the kernel offers anything better.
///
/// # Contract, for those who implement
///
/// * Source and target are pinned once, by descriptor, and used only through it.
/// * No attribute is removed unless the caller asked for it.
/// * Nothing is unmounted except the call's own mounts and the mount that the caller named.
/// * A call that a signal interrupts is repeated. `EINTR`, and `EAGAIN` of a look-up below or in a root, are returned only
///   where a filesystem's server returns it at each of 128 attempts.
/// * No call changes the current directory, the umask or other state of the process.
/// * No provided methods: a mock that met one would panic.
///
/// Every rule is a case of the contract suite, which each backend passes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Mounter: Send + Sync {
    /// Binds one place onto another, with attributes and propagation, or changes nothing.
    ///
    /// * The copy has the attributes of the source's mount, changed by the request, before it is visible; so have the
    ///   copies that propagation creates ([`Guarantee::Atomic`](crate::mount::Guarantee)). The report shows where the
    ///   kernel could do it only with a window.
    /// * The requested propagation holds for the new mount also where a shared parent would have made it shared. A
    ///   private, unbindable or slave mount is never a peer of its source, and neither are the copies at the peers of a
    ///   shared parent. A slave has the peer group of its source as its master or, where the source is no peer, the
    ///   master of the source, also below a shared parent; it is private where the source has neither, and the report says so
    ///   ([`BindReport::propagation`]).
    /// * The source may be a directory or any other file; the target must be a directory if and only if the source is
    ///   one. A `Trusted` source follows a symlink at its end.
    /// * A recursive bind leaves out unbindable mounts, as the kernel does.
    ///
    /// # Errors
    ///
    /// `ENOENT`: source or target does not exist. `ENOTDIR`: one is a directory and the other is not. `EBUSY`: the
    /// target is a mount point and [`OccupiedTarget::Refuse`](crate::mount::OccupiedTarget) holds. `EINVAL`: the source
    /// is on an unbindable mount, or has locked mounts below it and the bind is not recursive. `ELOOP`, `EXDEV`:
    /// refused below a root. `EPERM`: no privilege, or a locked flag would be cleared. `ENOSPC`: the namespace has too
    /// many mounts. `EOPNOTSUPP`: the required guarantee cannot be given; or the kernel cannot make the mount a slave
    /// of its source below a shared mount that has peers (before 5.15). `EAGAIN`: below a shared parent another mount
    /// was propagated into the new one before the new one had left the peer group of the copies at the parent's peers;
    /// both were unmounted again. `ESTALE`: below or in a root, the target's name led elsewhere once the mount was
    /// attached; it was unmounted again.
    ///
    /// Of [`map_owners`](BindRequest::map_owners): `EINVAL`: the ranges are no map, or a filesystem maps no owners. `ESRCH`: no
    /// such process. `EPERM`: no privilege over the filesystem, or the source has a map and this kernel replaces none.
    /// `EOPNOTSUPP`: this kernel maps none. The detail says which.
    #[doc(alias = "MS_BIND")]
    #[doc(alias = "open_tree")]
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError>;

    /// Mounts a new filesystem. A mount that is on the target already is covered, unless the request refuses that.
    ///
    /// The target is looked up, and created where the request says so, before the filesystem is created; on an error what was
    /// created is removed again. The report's guarantee is [`Guarantee::Window`](crate::mount::Guarantee) where the mount was
    /// writable on its target before it became read-only (before 5.2, without a staging directory).
    ///
    /// # Errors
    ///
    /// `ENODEV`: no such type. `ENOENT`: the target or the place of an option does not exist. `ENOTDIR`: the target is no
    /// directory. `EBUSY`: it is a mount point, and the request refuses that. `EINVAL`: the filesystem refused an option or the
    /// source; the detail is what the kernel has logged of it ([`OsError::detail`](crate::error::OsError::detail)). `E2BIG`:
    /// options or source of more than 4095 bytes, where the kernel takes them as one text. `EOPNOTSUPP`: this kernel cannot
    /// mount with `nosymfollow`, or has neither an option by descriptor nor a procfs at `/proc`. `EAGAIN`, `ESTALE`: as
    /// [`bind`](Self::bind). `EPERM`: no privilege. `ELOOP`, `EXDEV`: refused below a root. Of a map of owners: as of a bind.
    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError>;

    /// Begins a bind that further mounts are made in before it is visible: a copy of the source with its attributes and its
    /// propagation, which [`DetachedTree::commit`] attaches to the target. The source is resolved here, the target by the
    /// commit.
    ///
    /// The copy is private where the request names no propagation.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind), of the source. `ENOTDIR`: the source is no directory. `EINVAL`: the request is for a shared mount
    /// ([`set_propagation`](Self::set_propagation) makes it one after the commit), leaves mounts below the top as shared as
    /// their sources are (words without an `r`), or stacks on a mount by its identity.
    /// `EOPNOTSUPP`: before 6.15 without a staging directory.
    #[doc(alias = "OPEN_TREE_CLONE")]
    fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError>;

    /// Moves the mount whose root is at `from`, with all mounts below it, to `to`. A mount that is there already is
    /// covered.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root at `from`; it lies below a shared mount; it or something below it is unbindable and
    /// `to` is on a shared mount; or one is a directory and the other is not. `ELOOP`: `to` lies within it, or a symlink was
    /// refused. `ESTALE`: in a root, `to` led elsewhere once the mount was there; it was moved back. `ENOENT`, `EPERM`,
    /// `EXDEV` as everywhere.
    #[doc(alias = "MS_MOVE")]
    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError>;

    /// Changes attributes of the mount whose root is at the location, or of all mounts of its tree; on failure of none.
    /// Returns the guarantee that was given.
    ///
    /// The superblock is not changed: other mounts of the same filesystem stay as they are.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EBUSY`: it cannot become read-only while a file is open for writing through
    /// it. `EPERM`: no privilege, or a locked flag would be cleared. `EOPNOTSUPP`: the tree cannot be changed as a whole on
    /// this kernel. `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "MS_REMOUNT")]
    #[doc(alias = "mount_setattr")]
    fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError>;

    /// Makes the superblock behind the mount whose root is at `at` read-only, or writable again, for every mount of that
    /// filesystem, everywhere. The mount's own attributes stay as they are.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EBUSY`: a file is open for writing on it. `EROFS`, `EACCES`: its device
    /// cannot be written. `EPERM`, `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "fspick")]
    fn set_superblock(&self, at: &Location, access: SuperblockAccess) -> Result<(), OsError>;

    /// Changes options of the filesystem behind the mount whose root is at `at`, for every mount of that filesystem,
    /// everywhere: `size=` of a tmpfs, `ro` and `rw`. Flags of the superblock (`ro`, `sync`, `dirsync`, `lazytime`, `mand`) and
    /// the mount's own attributes stay where no option names them. Whether an option of the filesystem's own stays is the
    /// filesystem's rule: tmpfs keeps each, devpts sets all that are not named to their defaults.
    ///
    /// fspick(2) and fsconfig(2); before 5.2, and for a text of more than 255 bytes, a remount by mount(2), through a mount of
    /// the staging directory where there is one. The kernel changes all options or none; an option that it does not know is
    /// refused before any is changed.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there, or the filesystem refused an option, which the detail names in the words of the
    /// kernel. `EBUSY`: a file is open for writing on it, and it cannot become read-only. `E2BIG`: more than 4095 bytes.
    /// `EROFS`, `EACCES`, `EPERM`, `ENOENT`, `ELOOP`, `EXDEV` as [`set_superblock`](Self::set_superblock).
    #[doc(alias = "fspick")]
    #[doc(alias = "remount")]
    fn reconfigure(&self, at: &Location, options: &[FilesystemOption]) -> Result<(), OsError>;

    /// Sets the propagation of the mount whose root is at `at`, or of its whole tree.
    ///
    /// [`Propagation::Slave`] on a mount without peers and without a master succeeds and gives a private mount, as the
    /// kernel does: call [`mount_of`](Self::mount_of) afterwards where that matters.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EPERM`, `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "MS_SHARED")]
    #[doc(alias = "MS_PRIVATE")]
    #[doc(alias = "MS_SLAVE")]
    #[doc(alias = "MS_UNBINDABLE")]
    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError>;

    /// Sets the propagation of this mount and no other, where it is the topmost whose root is at `at`.
    ///
    /// # Errors
    ///
    /// As [`set_propagation`](Self::set_propagation). `ESTALE`: another mount is topmost; nothing is changed.
    fn set_propagation_of(&self, at: &Location, mount: MountKey, propagation: Propagation) -> Result<(), OsError>;

    /// Unmounts exactly one mount: the topmost of those whose root is at the location. With
    /// [`Detach`](crate::mount::UnmountMode::Detach) the mounts below it are unmounted too.
    ///
    /// A symlink at the end of the path is never followed, not even with a slash behind it. To unmount a whole stack,
    /// repeat the call. In a root `""` and `/` are the root's own mount; a path that ends in `.` or `..` is unmounted lazily
    /// only (`EBUSY`).
    ///
    /// # Errors
    ///
    /// `EINVAL`: nothing is mounted there, even if the caller named a mount; or the mount is locked. `ELOOP`: the last
    /// component is a symlink. `ESTALE`: the topmost mount is not the one that the caller named. `EBUSY`: in use.
    /// `EAGAIN`: marked as expiring. `ENOENT`, `EPERM`, `EXDEV` as everywhere.
    #[doc(alias = "umount2")]
    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError>;

    /// The mount that holds a path, the topmost of a stack, and whether the path is its root. Follows a symlink at the end.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`, `EXDEV`: the path does not lead anywhere.
    #[doc(alias = "statmount")]
    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError>;

    /// The filesystem that holds a path: a cheaper [`mount_of`](Self::mount_of) without the texts.
    ///
    /// # Errors
    ///
    /// As [`mount_of`](Self::mount_of).
    #[doc(alias = "statfs")]
    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError>;

    /// [`mount_of`](Self::mount_of) from the kernel's caches: it never waits for a server.
    ///
    /// # Errors
    ///
    /// As [`mount_of`](Self::mount_of). `EAGAIN`: the caches do not hold the name, and a look-up may wait. `EOPNOTSUPP`: the
    /// kernel cannot look at its caches alone (before Linux 5.12, or openat2 is denied).
    fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError>;

    /// [`filesystem_of`](Self::filesystem_of) from the kernel's caches: it never waits for a server.
    ///
    /// # Errors
    ///
    /// As [`mount_of_cached`](Self::mount_of_cached).
    fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError>;

    /// A mount by its identity, wherever in this namespace it is now. A [`MountKey::Reused`] may find another mount:
    /// the kernel reuses the id once its mount is gone.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such mount in this namespace. `EOPNOTSUPP`: a unique id on a kernel that knows none; it came from
    /// elsewhere.
    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError>;

    /// All mounts that this process sees: the only call whose cost grows with their number. Not atomic: the kernel
    /// writes the table a page at a time.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: procfs is not mounted, or another filesystem is in its place. `EMFILE`, `ENFILE`, `ENOMEM`,
    /// `EACCES`: it cannot be read now.
    #[doc(alias = "mountinfo")]
    fn mounts(&self) -> Result<MountTable, OsError>;

    /// Boot and mount namespace in which this backend's mount ids hold. Asks the kernel once for each backend.
    ///
    /// A field is `None` where no trustworthy source exists: without a procfs, or where something is mounted over the
    /// file of the boot id.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`: no descriptor or memory for the query. A missing kernel feature is never an error.
    #[doc(alias = "boot_id")]
    #[doc(alias = "NS_GET_MNTNS_ID")]
    fn origin(&self) -> Result<Origin, OsError>;

    /// Lets other callers run between two looks at a mount that one of them is about to change. `attempt` counts them: a
    /// call that has looked often waits, up to a few milliseconds, because the other caller may be held up on another
    /// processor. Sixty-four attempts take about a tenth of a second. A model need not wait.
    fn let_others_run(&self, attempt: u32);
}

//! The port to mounts.

use crate::error::OsError;
use crate::mount::{
    AttributesReport, AttributesRequest, BindReport, BindRequest, FilesystemOf, MountInfo, MountKey, MountReport,
    MountRequest, Origin, PathMount, Propagation, Recursion, UnmountRequest,
};
use crate::mount_table::MountTable;
use crate::path::Location;

/// Mounts: looking at them, and changing them.
///
/// # Contract, for those who call
///
/// * One call is one thing that either happened or did not. After an error nothing is changed, unless
///   [`OsError::left`] names what could not be taken back.
/// * A [`Location`] is resolved once. `Trusted` follows symlinks, except that [`unmount`](Self::unmount) and
///   [`move_mount`](Self::move_mount) do not follow the last component. `Beneath` follows none (`ELOOP`) and refuses a
///   mount point before the last component (`EXDEV`); the last component may be a mount point.
/// * Questions ([`mount_of`](Self::mount_of), [`filesystem_of`](Self::filesystem_of), [`find_mount`](Self::find_mount))
///   never ask the filesystem at the end of the path: a dead server at a mount's root cannot hang them. A component
///   *below* such a root has to be looked up there, and that may block.
/// * No call but [`mounts`](Self::mounts) reads the mount table where the kernel offers anything better.
///
/// # Contract, for those who implement
///
/// * Source and target are pinned once, by descriptor, and acted on by it.
/// * Nothing removes an attribute that it was not told to remove.
/// * Nothing unmounts what it did not mount itself or was not told to unmount.
/// * A call that a signal interrupts is made again. `EINTR`, and `EAGAIN` of a look-up below a root, are returned only where
///   a filesystem's server answers so at each of 128 attempts.
/// * No call changes the current directory, the umask or other state of the process.
/// * No provided methods: a mock that met one would panic.
///
/// Every rule is a case of the contract suite, which each backend passes.
#[cfg_attr(any(test, feature = "mock"), mockall::automock)]
pub trait Mounter: Send + Sync {
    /// Binds one place onto another: attributes, propagation and all, or not at all.
    ///
    /// * The copy has the attributes of the source's mount, changed by the request, and has them before anybody can see it,
    ///   in the copies that propagation makes too ([`Guarantee::Atomic`](crate::mount::Guarantee)); the report says where the
    ///   kernel could only do it with a window.
    /// * The propagation asked for holds for the new mount also where a shared parent would have made it shared. A private,
    ///   unbindable or slave mount is never a peer of its source, and neither are the copies at the peers of a shared parent.
    ///   A slave has the peer group of its source as its master, or the master of that where it is no peer, also below a
    ///   shared parent; it is private where the source has neither.
    /// * The source may be a directory or anything else; the target must be of the same sort. A `Trusted` source follows a
    ///   symlink at its end.
    /// * A recursive bind leaves out unbindable mounts, as the kernel does.
    ///
    /// # Errors
    ///
    /// `ENOENT`: source or target is not there. `ENOTDIR`: one is a directory and the other is not. `EBUSY`: the target is
    /// a mount point and [`OccupiedTarget::Refuse`](crate::mount::OccupiedTarget) holds. `EINVAL`: the source is on an unbindable
    /// mount, or has locked mounts below it and the bind is not recursive. `ELOOP`, `EXDEV`: refused below a root.
    /// `EPERM`: no privilege, or a locked flag would be cleared. `ENOSPC`: the namespace has too many mounts.
    /// `EOPNOTSUPP`: the required guarantee cannot be given; or the kernel cannot make the mount a slave of its source below a
    /// shared mount that has peers (before 5.15). `EAGAIN`: below a shared mount another mount came into the new one before it
    /// had left the copies at the parent's peers; it was unmounted again, with that mount. `ESTALE`: below a root, the target's name led elsewhere by the
    /// time the mount was there; it was taken off again.
    #[doc(alias = "MS_BIND")]
    #[doc(alias = "open_tree")]
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError>;

    /// Mounts a new filesystem. Where something is mounted on the target, it is covered.
    ///
    /// # Errors
    ///
    /// `ENODEV`: no such type. `ENOENT`: the target is not there. `ENOTDIR`: it is no directory. `EINVAL`: the filesystem
    /// refused an option or the source. `E2BIG`: options or source of more than 4095 bytes. `EOPNOTSUPP`: this kernel cannot
    /// mount with `nosymfollow`. `EAGAIN`: as [`bind`](Self::bind). `EPERM`: no privilege. `ELOOP`, `EXDEV`: refused below a root.
    fn mount(&self, request: &MountRequest) -> Result<MountReport, OsError>;

    /// Moves the mount whose root is at `from`, with all that is mounted on it, to `to`. Where something is mounted there, it
    /// is covered.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root at `from`; it lies below a shared mount; it or something below it is unbindable and
    /// `to` is on a shared mount; or one is a directory and the other is not. `ELOOP`: `to` lies within it, or a symlink was
    /// refused. `ENOENT`, `EPERM`, `EXDEV` as everywhere.
    #[doc(alias = "MS_MOVE")]
    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError>;

    /// Changes attributes of the mount whose root is at the location, or of its tree: all of it, or nothing.
    ///
    /// The superblock is not touched: other mounts of the same filesystem stay as they are.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EBUSY`: it cannot become read-only while a file is open for writing through
    /// it. `EPERM`: no privilege, or a locked flag would be cleared. `EOPNOTSUPP`: the tree cannot be changed as a whole on
    /// this kernel. `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "MS_REMOUNT")]
    #[doc(alias = "mount_setattr")]
    fn change_attributes(&self, request: &AttributesRequest) -> Result<AttributesReport, OsError>;

    /// Makes the superblock behind the mount whose root is at `at` read-only, or writable again: for every mount of that
    /// filesystem, everywhere. The mount's own attributes stay as they are.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EBUSY`: a file is open for writing on it. `EROFS`, `EACCES`: its device
    /// cannot be written. `EPERM`, `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "fspick")]
    fn set_superblock_read_only(&self, at: &Location, read_only: bool) -> Result<(), OsError>;

    /// Sets the propagation of the mount whose root is at `at`, or of its whole tree.
    ///
    /// [`Propagation::Slave`] on a mount that is not shared succeeds and means private: ask [`mount_of`](Self::mount_of)
    /// first where that matters.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no mount has its root there. `EPERM`, `ENOENT`, `ELOOP`, `EXDEV` as everywhere.
    #[doc(alias = "MS_SHARED")]
    #[doc(alias = "MS_PRIVATE")]
    #[doc(alias = "MS_SLAVE")]
    #[doc(alias = "MS_UNBINDABLE")]
    fn set_propagation(&self, at: &Location, propagation: Propagation, recursion: Recursion) -> Result<(), OsError>;

    /// Takes off exactly one mount: the topmost of those whose root is at the location. With
    /// [`Detach`](crate::mount::UnmountMode::Detach) what is mounted on it goes too.
    ///
    /// A symlink at the end of the path is never followed, not even with a slash behind it. Where the location is a stack,
    /// call again for the next layer.
    ///
    /// # Errors
    ///
    /// `EINVAL`: nothing is mounted there (whichever mount was asked for), or it is locked. `ELOOP`: the last component is a
    /// symlink. `ESTALE`: another mount than the one asked for is topmost. `EBUSY`: in use. `EAGAIN`: marked as expiring. `ENOENT`, `EPERM`, `EXDEV`
    /// as everywhere.
    #[doc(alias = "umount2")]
    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError>;

    /// The mount that holds a path, the topmost of a stack, and whether the path is its root. Follows a symlink at the end.
    ///
    /// # Errors
    ///
    /// `ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`, `EXDEV`: the path does not lead anywhere.
    #[doc(alias = "statmount")]
    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError>;

    /// The filesystem that holds a path: as [`mount_of`](Self::mount_of), without what costs most of it.
    ///
    /// # Errors
    ///
    /// As [`mount_of`](Self::mount_of).
    #[doc(alias = "statfs")]
    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError>;

    /// A mount by its identity, wherever in this namespace it is now. With [`MountKey::Reused`] it may be another mount
    /// than the one that had the id when it was noted.
    ///
    /// # Errors
    ///
    /// `ENOENT`: no such mount in this namespace. `EOPNOTSUPP`: a unique id on a kernel that knows none; it came from
    /// elsewhere.
    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError>;

    /// All mounts that this process sees: the only call whose cost grows with their number. Not atomic: the kernel hands
    /// the table out a page at a time.
    ///
    /// # Errors
    ///
    /// `EOPNOTSUPP`: there is no procfs to read it from, or only a false one. `EMFILE`, `ENFILE`, `ENOMEM`, `EACCES`: it
    /// cannot be read now.
    #[doc(alias = "mountinfo")]
    fn mounts(&self) -> Result<MountTable, OsError>;

    /// Boot and mount namespace in which this backend's mount ids hold. Asks the kernel once for each backend.
    ///
    /// A field is `None` where nothing trustworthy says it: without a procfs, or where something is mounted over the file of
    /// the boot id.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`, `ENOMEM`: no descriptor or memory to ask with. Never an error for what the kernel lacks.
    #[doc(alias = "boot_id")]
    #[doc(alias = "NS_GET_MNTNS_ID")]
    fn origin(&self) -> Result<Origin, OsError>;
}

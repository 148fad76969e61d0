//! The root of a real procfs: a detached one, or the one at `/proc`.

use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::{Component, Path};

use linux_raw_sys::general::{PROC_SUPER_MAGIC, STATX_MNT_ID_UNIQUE};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, Statx, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags};

use crate::system::files::{magic, read_all};

/// The inode number of the root of every procfs (`PROC_ROOT_INO` of the kernel).
const ROOT_INODE: u64 = 1;

/// Device and inode number of a file, and its mount where the kernel names it (5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    device: (u32, u32),
    inode: u64,
    /// The id and its bit in statx's mask.
    mount: Option<(u64, u32)>,
}

/// The fields of statx that show an identity.
pub(super) const IDENTITY: StatxFlags =
    StatxFlags::from_bits_retain(StatxFlags::INO.bits() | StatxFlags::MNT_ID.bits() | STATX_MNT_ID_UNIQUE);

impl Identity {
    fn of(found: &Statx) -> Self {
        // A kernel with unique ids (6.8) reports the unique id alone.
        let unique = found.stx_mask & STATX_MNT_ID_UNIQUE;
        let bit = if unique == 0 { found.stx_mask & StatxFlags::MNT_ID.bits() } else { unique };
        let mount = (bit != 0).then_some((found.stx_mnt_id, bit));
        Self { device: (found.stx_dev_major, found.stx_dev_minor), inode: found.stx_ino, mount }
    }

    /// True where the kernel names mounts.
    pub(super) fn names_its_mount(self) -> bool {
        self.mount.is_some()
    }

    /// Returns true if the result is of a file on the same mount.
    pub(super) fn is_on_the_mount_of(self, found: &Statx) -> bool {
        let found = Self::of(found);
        (self.device, self.mount) == (found.device, found.mount)
    }
}

/// The identity of an open file.
pub(super) fn identity_of(file: &OwnedFd) -> Result<Identity, Errno> {
    rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, IDENTITY).map(|found| Identity::of(&found))
}

/// The root of a real procfs.
#[derive(Debug)]
pub(super) struct Root {
    /// Close-on-exec. `None` only while it is dropped.
    file: Option<OwnedFd>,
    own: bool,
    /// Other code may have closed the descriptor since.
    kept: bool,
    identity: Identity,
}

impl Root {
    /// A procfs that is mounted nowhere. `None`: the kernel (before 5.2) or the privilege allows none.
    pub(super) fn own() -> Result<Option<Self>, Errno> {
        let made = || -> Result<OwnedFd, Errno> {
            let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
            rustix::mount::fsconfig_create(&context)?;
            let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID
                | MountAttrFlags::MOUNT_ATTR_NODEV
                | MountAttrFlags::MOUNT_ATTR_NOEXEC;
            rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
        };
        match made() {
            Ok(file) => Self::checked(file, true).map(Some),
            Err(errno) if is_passing(errno) => Err(errno),
            Err(_) => Ok(None),
        }
    }

    /// Opens the one at `/proc`; `EOPNOTSUPP` if that is no procfs.
    pub(super) fn at_proc() -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(CWD, "/proc", flags, Mode::empty()).map_err(|errno| match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Errno::OPNOTSUPP,
            other => other,
        })?;
        Self::checked(file, false)
    }

    fn checked(file: OwnedFd, own: bool) -> Result<Self, Errno> {
        let identity = identity_of(&file)?;
        if identity.inode != ROOT_INODE || magic(&rustix::fs::fstatfs(&file)?) != PROC_SUPER_MAGIC {
            return Err(Errno::OPNOTSUPP);
        }
        Ok(Self { file: Some(file), own, kept: false, identity })
    }

    /// Keeps the root for later calls, whose first step is to check it.
    pub(super) fn keeping(mut self) -> Self {
        self.kept = true;
        self
    }

    pub(super) fn is_own(&self) -> bool {
        self.own
    }

    pub(super) fn file(&self) -> Result<&OwnedFd, Errno> {
        self.file.as_ref().ok_or(Errno::BADF)
    }

    /// Returns true if the descriptor is still that of this root. Before 6.8 the kernel reuses device numbers and mount
    /// ids, so the filesystem's type is checked too.
    pub(super) fn is_still_there(&self) -> bool {
        let Some(file) = &self.file else { return false };
        let unique = self.identity.mount.is_some_and(|(_, bit)| bit == STATX_MNT_ID_UNIQUE);
        let is_procfs = || rustix::fs::fstatfs(file).is_ok_and(|found| magic(&found) == PROC_SUPER_MAGIC);
        identity_of(file).is_ok_and(|found| found == self.identity) && (unique || is_procfs())
    }

    /// Opens a file whose every component is on this very mount; `EOPNOTSUPP` if one is covered or missing.
    pub(super) fn open_inside(&self, path: impl AsRef<Path>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let (path, flags) = (path.as_ref(), flags | OFlags::CLOEXEC);
        let opened = if self.own {
            rustix::fs::openat(self.file()?, path, flags, Mode::empty())
        } else {
            let inside = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
            match rustix::fs::openat2(self.file()?, path, flags, Mode::empty(), inside) {
                // Before 5.6, or a filter forbids it.
                Err(Errno::NOSYS | Errno::PERM) => self.walk(path, flags),
                other => other,
            }
        };
        opened.map_err(|errno| match errno {
            Errno::XDEV | Errno::NOENT | Errno::NOTDIR | Errno::LOOP => Errno::OPNOTSUPP,
            other => other,
        })
    }

    /// Checks that nothing is mounted over a descriptor's link, before it is followed.
    pub(super) fn check_link(&self, file: BorrowedFd<'_>) -> Result<(), Errno> {
        if self.own {
            return Ok(());
        }
        let link = format!("thread-self/fd/{}", file.as_raw_fd());
        self.open_inside(link, OFlags::PATH | OFlags::NOFOLLOW).map(drop)
    }

    /// [`Self::open_inside`] by one component after the other.
    fn walk(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let pin = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut at = rustix::io::fcntl_dupfd_cloexec(self.file()?, 0)?;
        let mut components = path.components().peekable();
        while let Some(Component::Normal(name)) = components.next() {
            let next = rustix::fs::openat(&at, name, pin, Mode::empty())?;
            self.check_mount_of(&next)?;
            if components.peek().is_none() {
                // The link itself, or the file that was checked: the name of a mount point cannot be exchanged in
                // procfs.
                let opened = rustix::fs::openat(&at, name, flags | OFlags::NOFOLLOW, Mode::empty())?;
                return self.check_mount_of(&opened).map(|()| opened);
            }
            at = if name == "thread-self" {
                // A symlink to `PID/task/TID`.
                let target = rustix::fs::readlinkat(&next, "", Vec::new())?;
                self.walk(Path::new(target.to_str().map_err(|_| Errno::NOENT)?), pin | OFlags::DIRECTORY)?
            } else {
                next
            };
        }
        Err(Errno::NOENT)
    }

    fn check_mount_of(&self, file: &OwnedFd) -> Result<(), Errno> {
        let (found, root) = (identity_of(file)?, self.identity);
        let same = found.device == root.device
            && match (found.mount, root.mount) {
                (Some(found), Some(root)) => found == root,
                // Before 5.8 a descriptor's fdinfo alone names its mount.
                _ => self.mount_in_fdinfo(file)? == self.mount_in_fdinfo(self.file()?)?,
            };
        if same { Ok(()) } else { Err(Errno::XDEV) }
    }

    fn mount_in_fdinfo(&self, file: &OwnedFd) -> Result<Vec<u8>, Errno> {
        let path = format!("thread-self/fdinfo/{}", file.as_raw_fd());
        let info = rustix::fs::openat(self.file()?, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let text = read_all(&info, 256)?;
        let line = text.split(|&byte| byte == b'\n').find(|line| line.starts_with(b"mnt_id:"));
        line.map(<[u8]>::to_vec).ok_or(Errno::OPNOTSUPP)
    }
}

impl Drop for Root {
    /// Closes the descriptor, unless its number names another file by now, which is not this library's to close.
    fn drop(&mut self) {
        if self.kept
            && !self.is_still_there()
            && let Some(file) = self.file.take()
        {
            let _ = file.into_raw_fd();
        }
    }
}

/// Returns true for an errno that says nothing about the kernel or the privilege.
fn is_passing(errno: Errno) -> bool {
    matches!(errno, Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::NOSPC | Errno::IO | Errno::INTR | Errno::AGAIN)
}

//! Building hosts.

use std::path::PathBuf;

use mountwright_core::{DeviceNumber, Errno, FileMode};

use crate::fake_backend::FakeBackend;
use crate::host::build_machine::assemble;
use crate::host::host_error::HostError;
use crate::host::mount_row::Row;
use crate::host::planted_file::Plant;
use crate::host::validate;
use crate::model::machine::Machine;
use crate::model::objects::kernel_version::KernelVersion;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

use std::os::unix::ffi::OsStrExt;

/// The description of a host for tests, before it is built.
///
/// # From a captured mountinfo
///
/// ```
/// use mountwright_core::{Location, Mounter};
/// use mountwright_fake::HostBuilder;
///
/// let captured = "\
/// 28 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw
/// 26 28 0:24 / /run rw,nosuid,nodev shared:5 - tmpfs tmpfs rw,size=2470988k
/// 95 28 0:45 / /mnt/team\\040share rw,relatime - nfs4 nas:/export rw,vers=4.2
/// ";
/// let host = HostBuilder::from_mountinfo(captured)?.file("/run/nydus/config.json", "{}").build()?;
/// assert_eq!(host.mounts()?.text(), captured.as_bytes());
/// assert_eq!(host.mount_of(&Location::trusted("/mnt/team share"))?.mount.fs_type, "nfs4");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// * Ids, parents, devices, roots, attributes, types, sources, options, peer groups and masters come from the text, and
///   so does the order: the built host prints the same lines. Unique mount ids are the model's own.
/// * A filesystem has planted files, and the roots and mount points of its mounts, and no others. Roots and mount
///   points are directories, except a root that was planted as another kind of file.
/// * A parent that is missing in the text (a table seen from a chroot, or cut) is only a number: the mount is on the
///   mount that its path leads to. A missing master is a mount in another namespace.
/// * A root that ends in `//deleted` is a removed file or directory.
///
/// # From a short text
///
/// One line each; `#` begins a comment. Words are separated by blanks; `\040` and its like stand for bytes as in mountinfo.
///
/// ```
/// use mountwright_core::{Filesystem, Location, Mounter};
/// use mountwright_core::file::FinalSymlink;
/// use mountwright_fake::HostBuilder;
///
/// let host = HostBuilder::from_text(
///     "
///     ## PATH TYPE SOURCE; then a device, attributes, propagation, options of the superblock
///     mount  /             ext4   /dev/vda1  dev=254:1 shared:1 options=discard
///     mount  /proc         proc   proc       nosuid,nodev,noexec
///     mount  /srv          tmpfs  tmpfs      ro shared:2
///     ## SOURCE TARGET; then attributes, propagation
///     bind   /var/data/db  /srv/db           nodev
///     dir    /etc/kubernetes
///     file   /etc/hostname node-1
///     link   /bin          usr/bin
///     block  /dev/vda1     254:1
///     char   /dev/null     1:3
///     fifo   /run/pipe
///     socket /run/docker.sock
///     mode   /etc/hostname 0600
///     owner  /etc/hostname 100:100
///     ",
/// )?
/// .build()?;
/// let db = host.mount_of(&Location::trusted("/srv/db"))?.mount;
/// assert_eq!((db.root.to_str(), db.device.to_string().as_str()), (Some("/var/data/db"), "254:1"));
/// assert_eq!(host.metadata(&Location::trusted("/etc/hostname"), FinalSymlink::Follow)?.size, 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// * Without a `mount /` the root is an empty tmpfs. Without `dev=` a filesystem has a device number of its own.
/// * A propagation is a word of mountinfo's, `shared:1`, `master:1`, `unbindable`; without one the mount is private.
/// * A bind has the attributes of the mount that it is of, unless it says others.
/// * Mounts come in the order of the lines; files are planted after all of them, whatever their place in the text.
///
/// # Planting
///
/// Planted files exist when the host is built, read-only mounts included. Missing parent directories are created.
/// [`Machine::plant`] plants more later.
#[derive(Clone, Debug, Default)]
pub struct HostBuilder {
    rows: Vec<Row>,
    planted: Vec<(PathBuf, Plant)>,
    adjusted: Vec<(PathBuf, Adjustment)>,
    hanging: Vec<PathBuf>,
    kernel: KernelVersion,
}

/// The default of [`LinuxBackend::with_staging`](mountwright_linux::LinuxBackend::with_staging).
const STAGING: &[u8] = b"/run";

/// A change of a planted file's metadata.
#[derive(Clone, Copy, Debug)]
enum Adjustment {
    Mode(FileMode),
    Owner(u32, u32),
}

impl HostBuilder {
    /// An empty host: a private tmpfs at `/`.
    pub fn new() -> Self {
        Self::default()
    }

    /// A host whose `/proc/self/mountinfo` is this text.
    ///
    /// # Errors
    /// The line that cannot be read, or has something that is not modelled; or the two lines that contradict each other.
    pub fn from_mountinfo(text: impl AsRef<[u8]>) -> Result<Self, HostError> {
        Self::with_rows(Row::all(text.as_ref())?)
    }

    pub(super) fn with_rows(rows: Vec<Row>) -> Result<Self, HostError> {
        validate::check(&rows)?;
        Ok(Self { rows, ..Self::default() })
    }

    /// Plants anything.
    pub fn plant(mut self, path: impl Into<PathBuf>, what: Plant) -> Self {
        self.planted.push((path.into(), what));
        self
    }

    /// Plants a directory.
    pub fn dir(self, path: impl Into<PathBuf>) -> Self {
        self.plant(path, Plant::Directory)
    }

    /// Plants a regular file with these bytes.
    pub fn file(self, path: impl Into<PathBuf>, contents: impl Into<Vec<u8>>) -> Self {
        self.plant(path, Plant::File(contents.into()))
    }

    /// Plants a symlink.
    pub fn symlink(self, path: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        self.plant(path, Plant::Symlink(target.into()))
    }

    /// Plants a block device node.
    pub fn block_device(self, path: impl Into<PathBuf>, number: DeviceNumber) -> Self {
        self.plant(path, Plant::BlockDevice(number))
    }

    /// Plants a character device node.
    pub fn character_device(self, path: impl Into<PathBuf>, number: DeviceNumber) -> Self {
        self.plant(path, Plant::CharacterDevice(number))
    }

    /// Plants a named pipe.
    pub fn fifo(self, path: impl Into<PathBuf>) -> Self {
        self.plant(path, Plant::Fifo)
    }

    /// Plants a socket.
    pub fn socket(self, path: impl Into<PathBuf>) -> Self {
        self.plant(path, Plant::Socket)
    }

    /// Sets the mode of the file at the path, once everything is planted. Symlinks are followed.
    pub fn mode(mut self, path: impl Into<PathBuf>, mode: FileMode) -> Self {
        self.adjusted.push((path.into(), Adjustment::Mode(mode)));
        self
    }

    /// Sets the owner and the group of the file at the path, once everything is planted. Symlinks are followed.
    pub fn owner(mut self, path: impl Into<PathBuf>, uid: u32, gid: u32) -> Self {
        self.adjusted.push((path.into(), Adjustment::Owner(uid, gid)));
        self
    }

    /// Lets the filesystem that holds the path hang from the start (see [`Machine::hang`]).
    pub fn hanging(mut self, path: impl Into<PathBuf>) -> Self {
        self.hanging.push(path.into());
        self
    }

    /// Gives the host the system calls, fields and flags of an older kernel.
    ///
    /// Before [`KernelVersion::V6_1`] the backend needs a staging directory (`/run`): it is created if the host has
    /// none.
    ///
    /// ```
    /// use mountwright_core::{BindRequest, Location, MountKey, Mounter};
    /// use mountwright_fake::{HostBuilder, KernelVersion};
    ///
    /// let host = HostBuilder::new().dir("/src").dir("/dst").kernel(KernelVersion::V5_10).build()?;
    /// let request = BindRequest::new(Location::trusted("/src"), Location::trusted("/dst")).read_only();
    /// assert!(matches!(host.bind(&request)?.mount, MountKey::Reused(_)), "unique mount ids came with 6.8");
    /// assert!(host.mount_of(&Location::trusted("/dst"))?.mount.attributes.is_read_only());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn kernel(mut self, version: KernelVersion) -> Self {
        self.kernel = version;
        self
    }

    /// Builds a backend for the first process of a new machine.
    ///
    /// # Errors
    /// A file that cannot be planted, or a root or mount point with a component that is not a directory.
    pub fn build(self) -> Result<FakeBackend, HostError> {
        self.machine().map(FakeBackend::from)
    }

    /// Builds the machine alone.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn machine(self) -> Result<Machine, HostError> {
        let mut machine = if self.rows.is_empty() { Machine::new() } else { assemble(&self.rows, &self.planted)? };
        let error = |path, errno| HostError::Plant { path, errno };
        for (path, what) in self.planted {
            machine.plant(&path, &what).map_err(|errno| error(path, errno))?;
        }
        for (path, adjustment) in self.adjusted {
            adjust(&mut machine, &path, adjustment).map_err(|errno| error(path, errno))?;
        }
        for path in self.hanging {
            machine.hang(&path).map_err(|errno| error(path, errno))?;
        }
        if self.kernel < KernelVersion::V6_1
            && machine.walk(Machine::INIT, At::Cwd, STAGING, WalkFlags::FOLLOW).is_err()
        {
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(STAGING));
            machine.plant(&path, &Plant::Directory).map_err(|errno| error(path, errno))?;
        }
        machine.set_kernel_version(self.kernel);
        Ok(machine)
    }
}

/// Read-only mounts are ignored here too.
fn adjust(machine: &mut Machine, path: &std::path::Path, adjustment: Adjustment) -> Result<(), Errno> {
    let inode = machine.inode_at(Machine::INIT, At::Cwd, path.as_os_str().as_bytes())?;
    let inode = &mut machine.inodes[inode];
    match adjustment {
        Adjustment::Mode(mode) => inode.mode = mode.bits(),
        Adjustment::Owner(uid, gid) => (inode.uid, inode.gid) = (uid, gid),
    }
    Ok(())
}

//! A procfs that is known to be real before anything is believed that it says.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use linux_raw_sys::general::PROC_SUPER_MAGIC;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// The inode number of the root of every procfs (`PROC_ROOT_INO` of the kernel).
const ROOT_INODE: u64 = 1;

/// The procfs at `/proc`, checked when it is first needed.
///
/// A container image can bring a directory `/proc` of its own, and somebody can mount over parts of a real one. Believed
/// is only what is a procfs, at its root, with nothing mounted over this thread's `fd`. Through `thread-self`, never
/// `self`: a thread may have a mount namespace and a descriptor table of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Procfs {
    /// Set once the check has succeeded; a failed check is made again.
    real: Arc<OnceLock<OwnedFd>>,
}

impl Procfs {
    /// The root of a real procfs.
    fn root(&self) -> Result<&OwnedFd, Errno> {
        if let Some(root) = self.real.get() {
            return Ok(root);
        }
        let root = checked()?;
        Ok(self.real.get_or_init(|| root))
    }

    /// The path of a descriptor's magic link, or of a name behind it, for calls that take nothing but a path.
    pub(super) fn link_of(&self, file: BorrowedFd<'_>, name: Option<&OsStr>) -> Result<PathBuf, Errno> {
        const LONGEST_NUMBER: usize = 10;
        self.root()?;
        let links = "/proc/thread-self/fd/";
        let room = links.len() + LONGEST_NUMBER + 1 + name.map_or(0, OsStr::len);
        let mut path = String::with_capacity(room);
        path.push_str(links);
        // Nothing is written to but memory.
        let _ = write!(path, "{}", file.as_raw_fd());
        let mut path = PathBuf::from(path);
        if let Some(name) = name {
            path.push(name);
        }
        Ok(path)
    }

    /// Opens a descriptor's file once more.
    pub(super) fn reopen(&self, file: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let link = format!("thread-self/fd/{}", file.as_raw_fd());
        rustix::fs::openat(self.root()?, link, flags, Mode::empty())
    }

    /// Where a descriptor's magic link says that it leads.
    pub(super) fn read_link(&self, file: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
        use std::os::unix::ffi::OsStringExt as _;
        let link = format!("thread-self/fd/{}", file.as_raw_fd());
        let target = rustix::fs::readlinkat(self.root()?, link, Vec::new())?;
        Ok(PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes())))
    }

    /// The boot id; `EOPNOTSUPP` where something is mounted over the file, as containers have it.
    pub(super) fn boot_id(&self) -> Result<Vec<u8>, Errno> {
        let inside = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_SYMLINKS;
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        match rustix::fs::openat2(self.root()?, "sys/kernel/random/boot_id", flags, Mode::empty(), inside) {
            Ok(file) => read_all(&file, 64),
            Err(Errno::XDEV | Errno::LOOP | Errno::NOENT | Errno::NOTDIR | Errno::NOSYS | Errno::PERM) => {
                Err(Errno::OPNOTSUPP)
            }
            Err(errno) => Err(errno),
        }
    }

    /// The file of this thread's mount namespace.
    pub(super) fn mount_namespace(&self) -> Result<OwnedFd, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        rustix::fs::openat(self.root()?, "thread-self/ns/mnt", flags, Mode::empty())
    }

    /// The whole of a file below `thread-self`.
    pub(super) fn read(&self, name: &str, room: usize) -> Result<Vec<u8>, Errno> {
        let path = Path::new("thread-self").join(name);
        let file = rustix::fs::openat(self.root()?, &path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        read_all(&file, room)
    }
}

/// The whole of an open file.
fn read_all(file: &OwnedFd, room: usize) -> Result<Vec<u8>, Errno> {
    let mut text = Vec::with_capacity(room);
    loop {
        if text.capacity() - text.len() < 4096 {
            text.reserve(text.capacity().max(4096));
        }
        match rustix::io::read(file, rustix::buffer::spare_capacity(&mut text)) {
            Ok(0) => return Ok(text),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

/// Opens `/proc` and looks whether it is what it should be; `EOPNOTSUPP` where it is not.
fn checked() -> Result<OwnedFd, Errno> {
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root =
        rustix::fs::openat(CWD, "/proc", directory | OFlags::NOFOLLOW, Mode::empty()).map_err(|_| Errno::OPNOTSUPP)?;
    if !is_procfs(&root)? || rustix::fs::fstat(&root)?.st_ino != ROOT_INODE {
        return Err(Errno::OPNOTSUPP);
    }
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_XDEV | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(&root, "thread-self/fd", directory, Mode::empty(), inside) {
        Ok(_) => Ok(root),
        // Without openat2 a mount of something else there still shows; another procfs mounted there would not.
        Err(Errno::NOSYS | Errno::PERM) => {
            let links = rustix::fs::openat(&root, "thread-self/fd", directory, Mode::empty())?;
            if is_procfs(&links)? { Ok(root) } else { Err(Errno::OPNOTSUPP) }
        }
        Err(_) => Err(Errno::OPNOTSUPP),
    }
}

fn is_procfs(file: &OwnedFd) -> Result<bool, Errno> {
    Ok(super::magic(&rustix::fs::fstatfs(file)?) == PROC_SUPER_MAGIC)
}

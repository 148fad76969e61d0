//! A procfs that is verified before its contents are used.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use linux_raw_sys::general::NSFS_MAGIC;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use crate::system::files::{magic, read_all};
use crate::system::procfs_root::{IDENTITY, Identity, Root, identity_of};
use crate::system::raw;

/// The procfs that this library reads.
///
/// * A detached procfs of its own, if the kernel and the privilege permit one: nothing can be mounted over its files,
///   and it does not depend on `/proc`.
/// * Otherwise the procfs at `/proc`, where each component on the way to a file is on that very mount.
///
/// mount(2) and umount2(2) take a path and no descriptor: for them `/proc` is used where it is real, else a short-lived
/// thread whose current directory is the library's own procfs.
///
/// Paths use `thread-self`, never `self`: a thread may have a mount namespace and a descriptor table of its own.
/// Without a real procfs the errno is `EOPNOTSUPP`; errors that only prevent a check are returned as themselves.
#[derive(Clone, Debug, Default)]
pub(super) struct Procfs {
    kept: Arc<Mutex<Kept>>,
    /// Uses the procfs at `/proc` alone.
    at_proc_only: bool,
}

/// Results of earlier checks.
#[derive(Debug, Default)]
struct Kept {
    root: Option<Arc<Root>>,
    /// Identity of `/proc/thread-self/fd` once all components on the way to it were found real.
    links: Option<Identity>,
}

/// A relative path of a descriptor's magic link, or of a name behind it.
fn link_below(start: &str, file: BorrowedFd<'_>, name: Option<&OsStr>) -> PathBuf {
    const LONGEST_NUMBER: usize = 10;
    let room = start.len() + "thread-self/fd/".len() + LONGEST_NUMBER + 1 + name.map_or(0, OsStr::len);
    let mut path = String::with_capacity(room);
    // Writing to memory cannot fail.
    let _ = write!(path, "{start}thread-self/fd/{}", file.as_raw_fd());
    let mut path = PathBuf::from(path);
    if let Some(name) = name {
        path.push(name);
    }
    path
}

/// The start of the paths of links, for the calls that take nothing but a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links(&'static str);

impl Links {
    /// The path of a descriptor's magic link, or of a name behind it.
    pub(super) fn path(self, file: BorrowedFd<'_>, name: Option<&OsStr>) -> PathBuf {
        link_below(self.0, file, name)
    }
}

/// The file of a namespace, behind the magic link `name` of `directory`.
fn namespace_in(root: &Root, directory: &str, name: &str) -> Result<OwnedFd, Errno> {
    let namespaces = root.open_inside(directory, OFlags::PATH | OFlags::DIRECTORY)?;
    let file = rustix::fs::openat(namespaces, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let is_namespace = magic(&rustix::fs::fstatfs(&file)?) == NSFS_MAGIC;
    if is_namespace { Ok(file) } else { Err(Errno::OPNOTSUPP) }
}

impl Procfs {
    /// The procfs at `/proc` alone.
    pub(super) fn at_proc() -> Self {
        Self { at_proc_only: true, ..Self::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // The kept values are checked at each use.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the descriptor of the root and forgets the checks.
    pub(super) fn close(&self) {
        let Kept { root, .. } = std::mem::take(&mut *self.kept());
        drop(root);
    }

    /// Returns the root of a real procfs. Its descriptor is checked: a process that closes all its descriptors may have
    /// reused the number for another file.
    fn root(&self) -> Result<Arc<Root>, Errno> {
        let known = self.kept().root.clone();
        if let Some(root) = known.filter(|root| root.is_still_there()) {
            return Ok(root);
        }
        let own = if self.at_proc_only { None } else { Root::own()? };
        let root = match own {
            Some(own) => own,
            None => Root::at_proc()?,
        };
        let root = Arc::new(root.keeping());
        self.kept().root = Some(Arc::clone(&root));
        Ok(root)
    }

    /// Checks that files can be reached by path through a descriptor's link: at `/proc`, or from the library's own
    /// procfs.
    pub(super) fn is_there(&self) -> Result<(), Errno> {
        let known = self.kept().root.clone();
        if known.is_some_and(|root| root.is_own() && root.is_still_there()) {
            return Ok(());
        }
        match self.proc_is_real() {
            Err(Errno::OPNOTSUPP) => self.own_root().map(drop),
            other => other,
        }
    }

    fn own_root(&self) -> Result<Arc<Root>, Errno> {
        let root = self.root()?;
        if root.is_own() { Ok(root) } else { Err(Errno::OPNOTSUPP) }
    }

    /// Makes a call that takes paths, some of which are links of descriptors.
    pub(super) fn by_path<T: Send>(&self, call: impl Fn(Links) -> Result<T, Errno> + Send + Sync) -> Result<T, Errno> {
        match self.proc_is_real() {
            Ok(()) => call(Links("/proc/")),
            Err(Errno::OPNOTSUPP) => {
                let root = self.own_root()?;
                let inside = || {
                    raw::unshare_current_dir()?;
                    rustix::process::fchdir(root.file()?)?;
                    call(Links(""))
                };
                std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, inside) {
                    Ok(thread) => thread.join().unwrap_or(Err(Errno::IO)),
                    Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::AGAIN)),
                })
            }
            Err(errno) => Err(errno),
        }
    }

    /// Checks that `/proc/thread-self/fd` leads to this thread's descriptors. The first check is complete; later ones
    /// check with one call that the path leads to the same mount.
    fn proc_is_real(&self) -> Result<(), Errno> {
        let known = self.kept().links;
        if let Some(known) = known.filter(|known| known.names_its_mount()) {
            let now = rustix::fs::statx(CWD, "/proc/thread-self/fd", AtFlags::NO_AUTOMOUNT, IDENTITY);
            if now.is_ok_and(|now| known.is_on_the_mount_of(&now)) {
                return Ok(());
            }
        }
        self.kept().links = None;
        let links = Root::at_proc()?.open_inside("thread-self/fd", OFlags::PATH | OFlags::DIRECTORY)?;
        self.kept().links = Some(identity_of(&links)?);
        Ok(())
    }

    /// Opens a descriptor's file once more.
    pub(super) fn reopen(&self, file: BorrowedFd<'_>, flags: OFlags) -> Result<OwnedFd, Errno> {
        let root = self.root()?;
        root.check_link(file)?;
        rustix::fs::openat(root.file()?, link_below("", file, None), flags, Mode::empty())
    }

    /// The path that a descriptor's magic link shows.
    pub(super) fn read_link(&self, file: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
        use std::os::unix::ffi::OsStringExt as _;
        let root = self.root()?;
        root.check_link(file)?;
        let target = rustix::fs::readlinkat(root.file()?, link_below("", file, None), Vec::new())?;
        Ok(PathBuf::from(std::ffi::OsString::from_vec(target.into_bytes())))
    }

    /// The path of a descriptor's magic link at `/proc`.
    pub(super) fn link(&self, file: BorrowedFd<'_>) -> Result<PathBuf, Errno> {
        self.proc_is_real().map(|()| Links("/proc/").path(file, None))
    }

    /// Sets the mode of a descriptor's file.
    pub(super) fn chmod(&self, file: BorrowedFd<'_>, name: Option<&OsStr>, mode: Mode) -> Result<(), Errno> {
        let root = self.root()?;
        root.check_link(file)?;
        rustix::fs::chmodat(root.file()?, link_below("", file, name), mode, AtFlags::empty())
    }

    /// Returns the boot id; `EOPNOTSUPP` if something is mounted over the file, as in containers.
    pub(super) fn boot_id(&self) -> Result<Vec<u8>, Errno> {
        read_all(&self.root()?.open_inside("sys/kernel/random/boot_id", OFlags::RDONLY)?, 64)
    }

    /// The file of this thread's mount namespace.
    pub(super) fn mount_namespace(&self) -> Result<OwnedFd, Errno> {
        let root = self.root()?;
        if root.is_own() {
            // Nothing is mounted over the link.
            return root.open_inside("thread-self/ns/mnt", OFlags::RDONLY);
        }
        namespace_in(&root, "thread-self/ns", "mnt")
    }

    /// A file of this procfs.
    pub(super) fn open_of(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        self.root()?.open_inside(path, flags)
    }

    /// The file of a process's user namespace. `ESRCH`: no such process.
    pub(super) fn user_namespace(&self, process: u32) -> Result<OwnedFd, Errno> {
        let root = self.root()?;
        // A missing name is EOPNOTSUPP below.
        rustix::fs::statat(root.file()?, process.to_string(), AtFlags::SYMLINK_NOFOLLOW)
            .map_err(|errno| if errno == Errno::NOENT { Errno::SRCH } else { errno })?;
        namespace_in(&root, &format!("{process}/ns"), "user")
    }

    /// The whole of a file below `thread-self`.
    pub(super) fn read(&self, name: &str, room: usize) -> Result<Vec<u8>, Errno> {
        let path = Path::new("thread-self").join(name);
        read_all(&self.root()?.open_inside(&path, OFlags::RDONLY)?, room)
    }
}

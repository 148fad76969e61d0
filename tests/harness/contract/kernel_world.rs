//! The Linux backend on the kernel that runs the test.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::{AtimeMode, MountAttributes};
use mountwright_core::{Backend, DeviceNumber, Errno, FileMode, MountFlags, Propagation, Recursion};
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io;
use rustix::mount::{MountFlags as RawFlags, MountPropagationFlags, UnmountFlags};
use rustix::process::{Gid, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::case::Case;
use super::world::{Held, Hold, NodeKind, Serving, World};
use crate::fuse_server::{self, FuseServer};
use crate::namespace::{NoNamespace, enter_on_this_thread};

/// A mount namespace of this thread's own, whose root is a fresh tmpfs. Raw system calls set it up and inspect it.
pub struct KernelWorld<B> {
    backend: B,
    changes_trees: bool,
}

/// Plays a case on a thread and in a namespace of its own, with the backend that `make` makes there. `make` also
/// returns true if that backend may change whole trees at once.
///
/// The process must have been taken into a namespace by [`namespace::enter`](crate::namespace::enter).
///
/// # Errors
///
/// [`NoNamespace`] where the kernel refuses the thread its own.
///
/// # Panics
///
/// If the case does.
pub fn play_on_kernel<B: Backend + 'static>(
    case: Case,
    make: impl FnOnce() -> (B, bool) + Send + 'static,
) -> Result<(), NoNamespace> {
    on_a_thread(case.rule(), move || KernelWorld::enter(make).map(|world| case.run(&world)))
}

/// Runs `play` on a thread of its own, in a fresh namespace and root as a [`KernelWorld`] has them.
///
/// The process must have been taken into a namespace by [`namespace::enter`](crate::namespace::enter).
///
/// # Errors
///
/// [`NoNamespace`] where the kernel refuses the thread its own.
///
/// # Panics
///
/// If `play` does.
pub fn in_fresh_root<T: Send + 'static>(
    name: &str,
    play: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoNamespace> {
    on_a_thread(name, move || enter_root().map(|()| play()))
}

/// Checks that cases can be played here.
///
/// # Errors
///
/// [`NoNamespace`] says why not.
pub fn can_play_on_kernel() -> Result<(), NoNamespace> {
    on_a_thread("trying a namespace", enter_root)
}

fn on_a_thread<T: Send + 'static>(name: &str, play: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(play).expect("a thread can be started");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Directories of which every machine has one: the new root is mounted there, and then no file of the old one can be
/// reached.
const STAGES: [&str; 5] = ["/tmp", "/mnt", "/var", "/etc", "/usr"];

impl<B: Backend> KernelWorld<B> {
    /// Takes this thread, for good, into a fresh world with the backend that `make` makes in it.
    fn enter(make: impl FnOnce() -> (B, bool)) -> Result<Self, NoNamespace> {
        enter_root()?;
        let (backend, changes_trees) = make();
        Ok(Self { backend, changes_trees })
    }
}

/// Takes this thread, for good, into a namespace and a root directory of its own.
fn enter_root() -> Result<(), NoNamespace> {
    enter_on_this_thread()?;
    let at = |step, result: io::Result<()>| result.map_err(|errno| NoNamespace::at(step, errno));
    let mode = raw_mode(0o755);
    rustix::process::umask(raw_mode(0o022));
    let stage = STAGES.into_iter().find(|stage| Path::new(stage).is_dir()).unwrap_or("/");
    at("mount(/)", mount_tmpfs(stage.as_ref(), "root".as_ref()))?;
    at("chdir", rustix::process::chdir(stage))?;
    at("mkdir(proc)", rustix::fs::mkdir("proc", mode))?;
    at("mount(proc)", rustix::mount::mount_bind_recursive("/proc", "proc"))?;
    at("chroot", rustix::process::chroot("."))?;
    at("mkdir(/run)", rustix::fs::mkdir("/run", mode))?;
    at("mkdir(/w)", rustix::fs::mkdir("/w", mode))?;
    at("mount(/w)", mount_tmpfs("/w".as_ref(), "w".as_ref()))
}

impl<B: Backend> World for KernelWorld<B> {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn changes_trees(&self) -> bool {
        self.changes_trees
    }

    fn make_dir(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        answer(rustix::fs::mkdir(path, raw_mode(mode)))?;
        self.set_mode(path, mode)
    }

    fn make_file(&self, path: &Path, contents: &[u8], mode: u16) -> Result<(), Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
        let file = answer(rustix::fs::open(path, flags, raw_mode(mode)))?;
        let mut rest = contents;
        while !rest.is_empty() {
            let written = answer(rustix::io::write(&file, rest))?;
            rest = &rest[written..];
        }
        answer(rustix::fs::fchmod(&file, raw_mode(mode)))
    }

    fn make_symlink(&self, target: &Path, path: &Path) -> Result<(), Errno> {
        answer(rustix::fs::symlink(target, path))
    }

    fn make_link(&self, existing: &Path, path: &Path) -> Result<(), Errno> {
        answer(rustix::fs::link(existing, path))
    }

    fn make_node(&self, path: &Path, kind: NodeKind) -> Result<(), Errno> {
        let (kind, device) = match kind {
            NodeKind::Fifo => (rustix::fs::FileType::Fifo, 0),
            NodeKind::Socket => (rustix::fs::FileType::Socket, 0),
            NodeKind::CharacterDevice(device) => (rustix::fs::FileType::CharacterDevice, device.to_raw()),
            NodeKind::BlockDevice(device) => (rustix::fs::FileType::BlockDevice, device.to_raw()),
        };
        answer(rustix::fs::mknodat(CWD, path, kind, raw_mode(0o644), device))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        answer(rustix::fs::rename(from, to))
    }

    fn remove_dir(&self, path: &Path) -> Result<(), Errno> {
        answer(rustix::fs::rmdir(path))
    }

    fn remove_file(&self, path: &Path) -> Result<(), Errno> {
        answer(rustix::fs::unlink(path))
    }

    fn set_mode(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        answer(rustix::fs::chmod(path, raw_mode(mode)))
    }

    fn set_owner(&self, path: &Path, uid: u32, gid: u32) -> Result<(), Errno> {
        let (uid, gid) = (Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid)));
        answer(rustix::fs::chownat(CWD, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
    }

    fn mount_tmpfs(&self, path: &Path, source: &OsStr) -> Result<(), Errno> {
        answer(mount_tmpfs(path, source))
    }

    fn bind(&self, source: &Path, target: &Path, recursion: Recursion) -> Result<(), Errno> {
        answer(match recursion {
            Recursion::This => rustix::mount::mount_bind(source, target),
            Recursion::Tree => rustix::mount::mount_bind_recursive(source, target),
        })
    }

    fn set_attributes(&self, path: &Path, attributes: MountAttributes) -> Result<(), Errno> {
        let atime = match attributes.atime {
            AtimeMode::Relative => RawFlags::RELATIME,
            AtimeMode::Never => RawFlags::NOATIME,
            AtimeMode::Strict => RawFlags::STRICTATIME,
        };
        let flags = attributes.flags.words().fold(RawFlags::BIND | atime, |flags, (flag, _)| flags | raw_flag(flag));
        answer(rustix::mount::mount_remount(path, flags, c""))
    }

    fn set_propagation(&self, path: &Path, propagation: Propagation, recursion: Recursion) -> Result<(), Errno> {
        let kind = match propagation {
            Propagation::Private => MountPropagationFlags::PRIVATE,
            Propagation::Shared => MountPropagationFlags::SHARED,
            Propagation::Slave => MountPropagationFlags::DOWNSTREAM,
            Propagation::Unbindable => MountPropagationFlags::UNBINDABLE,
        };
        let tree = match recursion {
            Recursion::This => MountPropagationFlags::empty(),
            Recursion::Tree => MountPropagationFlags::REC,
        };
        answer(rustix::mount::mount_change(path, kind | tree))
    }

    fn detach(&self, path: &Path) -> Result<(), Errno> {
        answer(rustix::mount::unmount(path, UnmountFlags::DETACH))
    }

    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno> {
        let mounted = match server {
            Serving::AnotherUser => FuseServer::of_user(path, 1000),
            Serving::FailsLookUps(errno) => FuseServer::replying(path, move |request, node, _| match request {
                fuse_server::GETATTR => Ok(fuse_server::attributes_of(node, 0o40755)),
                fuse_server::LOOKUP => Err(errno.raw()),
                _ => Err(Errno::ENOSYS.raw()),
            }),
        };
        mounted.map(Held::new).map_err(|error| answer_of(&error))
    }

    fn hold(&self, path: &Path, how: Hold) -> Result<Held, Errno> {
        let access = match how {
            Hold::Read => OFlags::RDONLY,
            Hold::Write => OFlags::WRONLY,
        };
        answer(rustix::fs::open(path, access | OFlags::CLOEXEC, Mode::empty())).map(Held::new)
    }

    fn change_dir(&self, path: &Path) -> Result<(), Errno> {
        answer(rustix::process::chdir(path))
    }

    fn current_dir(&self) -> Result<PathBuf, Errno> {
        answer(rustix::process::getcwd(Vec::new())).map(|path| PathBuf::from(OsString::from_vec(path.into_bytes())))
    }

    fn set_umask(&self, mask: u16) -> u16 {
        permission_bits(rustix::process::umask(raw_mode(mask)).as_raw_mode()).bits()
    }

    fn drop_capabilities(&self) -> Result<(), Errno> {
        let none = CapabilitySet::empty();
        answer(rustix::thread::set_capabilities(
            None,
            CapabilitySets { effective: none, permitted: none, inheritable: none },
        ))
    }

    fn stat(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, Errno> {
        let found = answer(match link {
            FinalSymlink::Follow => rustix::fs::stat(path),
            FinalSymlink::Itself => rustix::fs::lstat(path),
        })?;
        let kind = file_kind(found.st_mode);
        let mut metadata = Metadata::new(kind, DeviceNumber::from_raw(found.st_dev), found.st_ino);
        if matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice) {
            metadata.represents = Some(DeviceNumber::from_raw(found.st_rdev));
        }
        metadata.mode = permission_bits(found.st_mode);
        metadata.uid = found.st_uid;
        metadata.gid = found.st_gid;
        metadata.size = u64::try_from(found.st_size).unwrap_or_default();
        // The width of st_nlink is the architecture's.
        #[allow(clippy::useless_conversion)]
        let links = u64::from(found.st_nlink);
        metadata.links = links;
        Ok(metadata)
    }

    fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = answer(rustix::fs::open(path, flags, Mode::empty()))?;
        let mut names = Vec::new();
        for entry in answer(rustix::fs::Dir::read_from(&directory))? {
            let name = answer(entry)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        names.sort();
        Ok(names)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, Errno> {
        let target = answer(rustix::fs::readlink(path, Vec::new()))?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let mut bytes = Vec::new();
        let mut file = File::from(answer(rustix::fs::open(path, flags, Mode::empty()))?);
        file.read_to_end(&mut bytes).map_err(|error| answer_of(&error))?;
        Ok(bytes)
    }

    fn mountinfo(&self) -> Vec<u8> {
        self.read(Path::new("/proc/thread-self/mountinfo")).expect("the world has a procfs")
    }

    fn open_descriptors(&self) -> usize {
        self.names(Path::new("/proc/thread-self/fd")).expect("the world has a procfs").len()
    }
}

fn mount_tmpfs(path: &Path, source: &OsStr) -> io::Result<()> {
    let source = CString::new(source.as_bytes()).map_err(|_| io::Errno::INVAL)?;
    rustix::mount::mount(source.as_c_str(), path, c"tmpfs", RawFlags::empty(), Some(c"mode=755"))
}

fn raw_mode(mode: u16) -> Mode {
    Mode::from_raw_mode(mode.into())
}

fn permission_bits(mode: u32) -> FileMode {
    FileMode::from_bits(u16::try_from(mode & 0o7777).unwrap_or_default())
}

fn raw_flag(flag: MountFlags) -> RawFlags {
    match flag {
        MountFlags::READ_ONLY => RawFlags::RDONLY,
        MountFlags::NO_SUID => RawFlags::NOSUID,
        MountFlags::NO_DEV => RawFlags::NODEV,
        MountFlags::NO_EXEC => RawFlags::NOEXEC,
        MountFlags::NO_SYMLINK_FOLLOW => RawFlags::NOSYMFOLLOW,
        MountFlags::NO_DIR_ATIME => RawFlags::NODIRATIME,
        other => panic!("no such flag: {other}"),
    }
}

fn file_kind(mode: u32) -> FileKind {
    match rustix::fs::FileType::from_raw_mode(mode) {
        rustix::fs::FileType::Directory => FileKind::Directory,
        rustix::fs::FileType::Symlink => FileKind::Symlink,
        rustix::fs::FileType::BlockDevice => FileKind::BlockDevice,
        rustix::fs::FileType::CharacterDevice => FileKind::CharacterDevice,
        rustix::fs::FileType::Fifo => FileKind::Fifo,
        rustix::fs::FileType::Socket => FileKind::Socket,
        _ => FileKind::Regular,
    }
}

fn answer<T>(result: io::Result<T>) -> Result<T, Errno> {
    result.map_err(|errno| Errno::from_raw(errno.raw_os_error()).expect("the kernel's errno is one"))
}

fn answer_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().and_then(Errno::from_raw).unwrap_or(Errno::EIO)
}

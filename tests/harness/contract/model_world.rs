//! A backend on the fake's model. The model's syscall face sets it up and inspects it.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::{AtimeMode, MountAttributes};
use mountwright_core::{Backend, DeviceNumber, Errno, FileMode, MountFlags, Propagation, Recursion};
use mountwright_fake::{At, Credentials, Machine, Pid, Server, SharedMachine, abi};

use super::case::Case;
use super::world::{Held, Hold, NodeKind, Serving, World};

/// A fresh machine, its first process, and a backend for that process.
pub struct ModelWorld<B> {
    backend: B,
    changes_trees: bool,
    machine: SharedMachine,
    /// The model has no umask: what is created there has the requested mode.
    umask: Cell<u16>,
}

/// Plays a case on a fresh machine, with the backend that `make` makes for its first process. `make` also returns true
/// if that backend may change whole trees at once.
///
/// # Panics
///
/// If the case does.
pub fn play_on_model<B: Backend>(case: Case, make: impl FnOnce(&SharedMachine, Pid) -> (B, bool)) {
    let machine = SharedMachine::new(Machine::new());
    let (backend, changes_trees) = make(&machine, ME);
    let world = ModelWorld { backend, changes_trees, machine, umask: Cell::new(0o022) };
    world.furnish().expect("a fresh machine has room for two mounts");
    case.run(&world);
}

const ME: Pid = Machine::INIT;
const HERE: At = At::Cwd;

impl<B> ModelWorld<B> {
    fn call<T>(&self, call: impl FnOnce(&mut Machine) -> T) -> T {
        call(&mut self.machine.lock())
    }

    /// `/run`, a procfs on `/proc` and a tmpfs on `/w`.
    fn furnish(&self) -> Result<(), Errno> {
        self.call(|machine| {
            for directory in [&b"/run"[..], b"/proc", b"/w"] {
                machine.mkdirat(ME, HERE, directory, 0o755)?;
            }
            machine.mount(ME, Some((HERE, b"proc")), (HERE, b"/proc"), Some(b"proc"), 0, None)?;
            mount_tmpfs(machine, b"w", b"/w")
        })
    }
}

impl<B: Backend> World for ModelWorld<B> {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn changes_trees(&self) -> bool {
        self.changes_trees
    }

    fn make_dir(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        self.call(|machine| machine.mkdirat(ME, HERE, bytes(path), mode.into()))
    }

    fn make_file(&self, path: &Path, contents: &[u8], mode: u16) -> Result<(), Errno> {
        self.call(|machine| {
            let flags = abi::O_WRONLY | abi::O_CREAT | abi::O_TRUNC;
            let fd = machine.openat(ME, HERE, bytes(path), flags, mode.into())?;
            let mut rest = contents;
            while !rest.is_empty() {
                rest = &rest[machine.write(ME, fd, rest)?..];
            }
            machine.close(ME, fd)?;
            machine.fchmodat(ME, HERE, bytes(path), mode.into(), 0)
        })
    }

    fn make_symlink(&self, target: &Path, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.symlinkat(ME, bytes(target), HERE, bytes(path)))
    }

    fn make_link(&self, existing: &Path, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.linkat(ME, HERE, bytes(existing), HERE, bytes(path), 0))
    }

    fn make_node(&self, path: &Path, kind: NodeKind) -> Result<(), Errno> {
        let (kind, device) = match kind {
            NodeKind::Fifo => (abi::S_IFIFO, 0),
            NodeKind::Socket => (abi::S_IFSOCK, 0),
            NodeKind::CharacterDevice(device) => (abi::S_IFCHR, device.to_raw()),
            NodeKind::BlockDevice(device) => (abi::S_IFBLK, device.to_raw()),
        };
        self.call(|machine| machine.mknodat(ME, HERE, bytes(path), kind | 0o644, device))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.renameat2(ME, HERE, bytes(from), HERE, bytes(to), 0))
    }

    fn remove_dir(&self, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.unlinkat(ME, HERE, bytes(path), abi::AT_REMOVEDIR))
    }

    fn remove_file(&self, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.unlinkat(ME, HERE, bytes(path), 0))
    }

    fn set_mode(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        self.call(|machine| machine.fchmodat(ME, HERE, bytes(path), mode.into(), 0))
    }

    fn set_owner(&self, path: &Path, uid: u32, gid: u32) -> Result<(), Errno> {
        self.call(|machine| machine.fchownat(ME, HERE, bytes(path), uid, gid, abi::AT_SYMLINK_NOFOLLOW))
    }

    fn mount_tmpfs(&self, path: &Path, source: &OsStr) -> Result<(), Errno> {
        self.call(|machine| mount_tmpfs(machine, source.as_bytes(), bytes(path)))
    }

    fn bind(&self, source: &Path, target: &Path, recursion: Recursion) -> Result<(), Errno> {
        let flags = abi::MS_BIND | recursive(recursion);
        let (source, target) = ((HERE, bytes(source)), (HERE, bytes(target)));
        self.call(|machine| machine.mount(ME, Some(source), target, None, flags, None))
    }

    fn set_attributes(&self, path: &Path, attributes: MountAttributes) -> Result<(), Errno> {
        let atime = match attributes.atime {
            AtimeMode::Relative => abi::MS_RELATIME,
            AtimeMode::Never => abi::MS_NOATIME,
            AtimeMode::Strict => abi::MS_STRICTATIME,
        };
        let flags = attributes.flags.words().fold(atime, |flags, (flag, _)| flags | raw_flag(flag));
        let flags = flags | abi::MS_REMOUNT | abi::MS_BIND;
        self.call(|machine| machine.mount(ME, None, (HERE, bytes(path)), None, flags, None))
    }

    fn set_propagation(&self, path: &Path, propagation: Propagation, recursion: Recursion) -> Result<(), Errno> {
        let kind = match propagation {
            Propagation::Private => abi::MS_PRIVATE,
            Propagation::Shared => abi::MS_SHARED,
            Propagation::Slave => abi::MS_SLAVE,
            Propagation::Unbindable => abi::MS_UNBINDABLE,
        };
        let flags = kind | recursive(recursion);
        self.call(|machine| machine.mount(ME, None, (HERE, bytes(path)), None, flags, None))
    }

    fn detach(&self, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.umount2(ME, HERE, bytes(path), abi::MNT_DETACH))
    }

    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno> {
        let server = match server {
            Serving::AnotherUser => Server::Serves(1000),
            Serving::FailsLookUps(errno) => Server::FailsLookUps(errno),
        };
        self.call(|machine| {
            mount_tmpfs(machine, b"served", bytes(path))?;
            machine.set_server(path, server).map(Held::new)
        })
    }

    fn hold(&self, path: &Path, how: Hold) -> Result<Held, Errno> {
        let access = match how {
            Hold::Read => abi::O_RDONLY,
            Hold::Write => abi::O_WRONLY,
        };
        let fd = self.call(|machine| machine.openat(ME, HERE, bytes(path), access, 0))?;
        Ok(Held::new(OpenFile { machine: self.machine.clone(), fd }))
    }

    fn change_dir(&self, path: &Path) -> Result<(), Errno> {
        self.call(|machine| machine.chdir(ME, HERE, bytes(path)))
    }

    fn current_dir(&self) -> Result<PathBuf, Errno> {
        self.call(|machine| machine.getcwd(ME)).map(path_of)
    }

    fn set_umask(&self, mask: u16) -> u16 {
        self.umask.replace(mask)
    }

    fn drop_capabilities(&self) -> Result<(), Errno> {
        self.call(|machine| {
            let present = machine.credentials(ME)?;
            machine.set_credentials(ME, Credentials { capabilities: 0, ..present })
        })
    }

    fn stat(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, Errno> {
        let flags = match link {
            FinalSymlink::Follow => 0,
            FinalSymlink::Itself => abi::AT_SYMLINK_NOFOLLOW,
        };
        let found = self.call(|machine| machine.statx(ME, HERE, bytes(path), flags, abi::STATX_BASIC_STATS))?;
        let kind = file_kind(found.mode.into());
        let mut metadata = Metadata::new(kind, DeviceNumber::new(found.dev_major, found.dev_minor), found.ino);
        if matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice) {
            metadata.represents = Some(DeviceNumber::new(found.rdev_major, found.rdev_minor));
        }
        metadata.mode = FileMode::from_bits(found.mode);
        metadata.uid = found.uid;
        metadata.gid = found.gid;
        metadata.size = found.size;
        metadata.links = found.nlink.into();
        Ok(metadata)
    }

    fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        self.call(|machine| {
            let fd = machine.openat(ME, HERE, bytes(path), abi::O_RDONLY | abi::O_DIRECTORY, 0)?;
            let mut names = Vec::new();
            let listed = loop {
                match machine.getdents64(ME, fd, 4096) {
                    Ok(entries) if entries.is_empty() => break Ok(()),
                    Ok(entries) => names.extend(entries.into_iter().map(|entry| OsString::from_vec(entry.name))),
                    Err(errno) => break Err(errno),
                }
            };
            machine.close(ME, fd)?;
            names.retain(|name| name != "." && name != "..");
            names.sort();
            listed.map(|()| names)
        })
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, Errno> {
        self.call(|machine| machine.readlinkat(ME, HERE, bytes(path))).map(path_of)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        self.call(|machine| {
            let fd = machine.openat(ME, HERE, bytes(path), abi::O_RDONLY, 0)?;
            let mut contents = Vec::new();
            let result = loop {
                match machine.read(ME, fd, 1 << 16) {
                    Ok(bytes) if bytes.is_empty() => break Ok(()),
                    Ok(bytes) => contents.extend(bytes),
                    Err(errno) => break Err(errno),
                }
            };
            machine.close(ME, fd)?;
            result.map(|()| contents)
        })
    }

    fn mountinfo(&self) -> Vec<u8> {
        self.call(|machine| machine.mountinfo(ME)).expect("the first process is there")
    }

    fn open_descriptors(&self) -> usize {
        self.call(|machine| machine.descriptors(ME)).expect("the first process is there").len()
    }
}

/// A descriptor that closes when it is dropped.
struct OpenFile {
    machine: SharedMachine,
    fd: i32,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.machine.lock().close(ME, self.fd).expect("nobody else closes it");
    }
}

fn mount_tmpfs(machine: &mut Machine, source: &[u8], path: &[u8]) -> Result<(), Errno> {
    machine.mount(ME, Some((HERE, source)), (HERE, path), Some(b"tmpfs"), 0, Some(b"mode=755"))
}

fn recursive(recursion: Recursion) -> u64 {
    match recursion {
        Recursion::This => 0,
        Recursion::Tree => abi::MS_REC,
    }
}

fn raw_flag(flag: MountFlags) -> u64 {
    match flag {
        MountFlags::READ_ONLY => abi::MS_RDONLY,
        MountFlags::NO_SUID => abi::MS_NOSUID,
        MountFlags::NO_DEV => abi::MS_NODEV,
        MountFlags::NO_EXEC => abi::MS_NOEXEC,
        MountFlags::NO_SYMLINK_FOLLOW => abi::MS_NOSYMFOLLOW,
        MountFlags::NO_DIR_ATIME => abi::MS_NODIRATIME,
        other => panic!("no such flag: {other}"),
    }
}

fn file_kind(mode: u32) -> FileKind {
    match mode & abi::S_IFMT {
        abi::S_IFDIR => FileKind::Directory,
        abi::S_IFLNK => FileKind::Symlink,
        abi::S_IFBLK => FileKind::BlockDevice,
        abi::S_IFCHR => FileKind::CharacterDevice,
        abi::S_IFIFO => FileKind::Fifo,
        abi::S_IFSOCK => FileKind::Socket,
        _ => FileKind::Regular,
    }
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

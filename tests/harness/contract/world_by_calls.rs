//! A world whose machine is set up and looked at by system calls, past the backend.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mountwright_core::file::{FileKind, FinalSymlink, Metadata};
use mountwright_core::mount::{AtimeMode, MountAttributes};
use mountwright_core::{Backend, DeviceNumber, Errno, FileMode, MountFlags, Propagation, Recursion};
use mountwright_fake::{At, abi};

use super::world::{Held, Hold, NodeKind, Serving, World};
use crate::scenario_runner::calls::{AtPath, ProcessCalls};

/// The own ways of the kernel and of the model.
pub(super) trait OwnWays {
    fn own_backend(&self) -> &dyn Backend;
    fn has_call_for_trees(&self) -> bool;
    /// Makes system calls as the process of the backend.
    fn with_calls(&self, act: &mut dyn FnMut(&mut dyn ProcessCalls));
    /// Closes the descriptor when the value is dropped.
    fn held(&self, fd: i32) -> Held;
    fn serve(&self, path: &Path, server: Serving) -> Result<Held, Errno>;
    fn umask(&self, mask: u16) -> u16;
    fn without_capabilities(&self) -> Result<(), Errno>;
    fn table(&self) -> Vec<u8>;
    fn descriptors(&self) -> usize;
}

fn call<T>(world: &impl OwnWays, act: impl FnOnce(&mut dyn ProcessCalls) -> T) -> T {
    let (mut act, mut result) = (Some(act), None);
    world.with_calls(&mut |calls| result = act.take().map(|act| act(calls)));
    result.expect("the calls were made")
}

fn here(path: &Path) -> AtPath<'_> {
    (At::Cwd, path.as_os_str().as_bytes())
}

fn path_of(bytes: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes))
}

/// Opens a path, and closes it after the act.
fn opened<T>(
    world: &impl OwnWays,
    path: &Path,
    flags: u32,
    act: impl FnOnce(&mut dyn ProcessCalls, i32) -> Result<T, Errno>,
) -> Result<T, Errno> {
    call(world, |calls| {
        let fd = calls.openat(here(path), flags | abi::O_CLOEXEC, 0)?;
        let result = act(calls, fd);
        calls.close(fd)?;
        result
    })
}

impl<W: OwnWays> World for W {
    fn backend(&self) -> &dyn Backend {
        self.own_backend()
    }

    fn changes_trees(&self) -> bool {
        self.has_call_for_trees()
    }

    fn make_dir(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        call(self, |calls| calls.mkdirat(here(path), mode.into()))?;
        self.set_mode(path, mode)
    }

    fn make_file(&self, path: &Path, contents: &[u8], mode: u16) -> Result<(), Errno> {
        call(self, |calls| {
            let flags = abi::O_WRONLY | abi::O_CREAT | abi::O_TRUNC | abi::O_CLOEXEC;
            let fd = calls.openat(here(path), flags, mode.into())?;
            let mut rest = contents;
            while !rest.is_empty() {
                rest = &rest[calls.write(fd, rest)?..];
            }
            calls.close(fd)?;
            calls.fchmodat(here(path), mode.into())
        })
    }

    fn make_symlink(&self, target: &Path, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.symlinkat(target.as_os_str().as_bytes(), here(path)))
    }

    fn make_link(&self, existing: &Path, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.linkat(here(existing), here(path)))
    }

    fn make_node(&self, path: &Path, kind: NodeKind) -> Result<(), Errno> {
        let (kind, device) = match kind {
            NodeKind::Fifo => (abi::S_IFIFO, 0),
            NodeKind::Socket => (abi::S_IFSOCK, 0),
            NodeKind::CharacterDevice(device) => (abi::S_IFCHR, device.to_raw()),
            NodeKind::BlockDevice(device) => (abi::S_IFBLK, device.to_raw()),
        };
        call(self, |calls| calls.mknodat(here(path), kind | 0o644, device))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.renameat2(here(from), here(to), 0))
    }

    fn remove_dir(&self, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.unlinkat(here(path), abi::AT_REMOVEDIR))
    }

    fn remove_file(&self, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.unlinkat(here(path), 0))
    }

    fn set_mode(&self, path: &Path, mode: u16) -> Result<(), Errno> {
        call(self, |calls| calls.fchmodat(here(path), mode.into()))
    }

    fn set_owner(&self, path: &Path, uid: u32, gid: u32) -> Result<(), Errno> {
        call(self, |calls| calls.fchownat(here(path), uid, gid))
    }

    fn mount_tmpfs(&self, path: &Path, source: &OsStr) -> Result<(), Errno> {
        let source = Some(here(Path::new(source)));
        call(self, |calls| calls.mount(source, here(path), Some(b"tmpfs"), 0, Some(b"mode=755")))
    }

    fn bind(&self, source: &Path, target: &Path, recursion: Recursion) -> Result<(), Errno> {
        let flags = abi::MS_BIND | recursive(recursion);
        call(self, |calls| calls.mount(Some(here(source)), here(target), None, flags, None))
    }

    fn set_attributes(&self, path: &Path, attributes: MountAttributes) -> Result<(), Errno> {
        let atime = match attributes.atime {
            AtimeMode::Relative => abi::MS_RELATIME,
            AtimeMode::Never => abi::MS_NOATIME,
            AtimeMode::Strict => abi::MS_STRICTATIME,
        };
        let flags = attributes.flags.words().fold(atime, |flags, (flag, _)| flags | raw_flag(flag));
        let flags = flags | abi::MS_REMOUNT | abi::MS_BIND;
        call(self, |calls| calls.mount(None, here(path), None, flags, None))
    }

    fn set_propagation(&self, path: &Path, propagation: Propagation, recursion: Recursion) -> Result<(), Errno> {
        let kind = match propagation {
            Propagation::Private => abi::MS_PRIVATE,
            Propagation::Shared => abi::MS_SHARED,
            Propagation::Slave => abi::MS_SLAVE,
            Propagation::Unbindable => abi::MS_UNBINDABLE,
        };
        call(self, |calls| calls.mount(None, here(path), None, kind | recursive(recursion), None))
    }

    fn detach(&self, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.umount2(here(path), abi::MNT_DETACH))
    }

    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno> {
        self.serve(path, server)
    }

    fn hold(&self, path: &Path, how: Hold) -> Result<Held, Errno> {
        let access = match how {
            Hold::Read => abi::O_RDONLY,
            Hold::Write => abi::O_WRONLY,
        };
        call(self, |calls| calls.openat(here(path), access | abi::O_CLOEXEC, 0)).map(|fd| self.held(fd))
    }

    fn change_dir(&self, path: &Path) -> Result<(), Errno> {
        call(self, |calls| calls.chdir(here(path)))
    }

    fn current_dir(&self) -> Result<PathBuf, Errno> {
        call(self, |calls| calls.getcwd()).map(path_of)
    }

    fn set_umask(&self, mask: u16) -> u16 {
        self.umask(mask)
    }

    fn drop_capabilities(&self) -> Result<(), Errno> {
        self.without_capabilities()
    }

    fn stat(&self, path: &Path, link: FinalSymlink) -> Result<Metadata, Errno> {
        let flags = match link {
            FinalSymlink::Follow => 0,
            FinalSymlink::Itself => abi::AT_SYMLINK_NOFOLLOW,
        };
        let found = call(self, |calls| calls.statx(here(path), flags))?;
        let device = |(major, minor)| DeviceNumber::new(major, minor);
        let kind = file_kind(found.mode.into());
        let mut metadata = Metadata::new(kind, device(found.device), found.inode);
        if matches!(kind, FileKind::BlockDevice | FileKind::CharacterDevice) {
            metadata.represents = Some(device(found.represents));
        }
        metadata.mode = FileMode::from_bits(found.mode & 0o7777);
        (metadata.uid, metadata.gid) = found.owner;
        metadata.size = found.size;
        metadata.links = found.links.into();
        Ok(metadata)
    }

    fn names(&self, path: &Path) -> Result<Vec<OsString>, Errno> {
        let mut names = opened(self, path, abi::O_RDONLY | abi::O_DIRECTORY, |calls, fd| calls.names(fd))?;
        names.sort();
        Ok(names)
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, Errno> {
        call(self, |calls| calls.readlinkat(here(path))).map(path_of)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Errno> {
        opened(self, path, abi::O_RDONLY, |calls, fd| calls.read(fd))
    }

    fn mountinfo(&self) -> Vec<u8> {
        self.table()
    }

    fn open_descriptors(&self) -> usize {
        self.descriptors()
    }
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

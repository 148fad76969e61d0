//! Each method of the trait as one call of the fake's syscall face.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use mountwright_core::{Errno, MountNamespaceId};
use mountwright_fake::abi::{
    AT_EMPTY_PATH, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE, FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, O_PATH,
    STATMOUNT_SUPPORTED_MASK, STATX_BASIC_STATS,
};
use mountwright_fake::{At as ModelAt, Dirent, OpenHow, Statmount, Statx};
use mountwright_linux::abi::{LOCK_EX, LOCK_NB};
use mountwright_linux::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};

use super::open_flags::open_flags;
use super::process::{place, reach, text};
use super::{ModelFd, ModelKernel};

type Answered<T> = Result<T, Errno>;

/// Fields of statmount that Linux 6.18 knows.
const STATMOUNT_KNOWN: u64 = 0x7fff;

impl ModelKernel {
    /// That a descriptor is open, and for more than its place.
    fn check_open(&self, file: &ModelFd) -> Answered<()> {
        let flags = self.machine.lock().status_flags(self.process, file.number())?;
        if flags & O_PATH == 0 { Ok(()) } else { Err(Errno::EBADF) }
    }
}

impl Kernel for ModelKernel {
    type Fd = ModelFd;

    /// All are on the fake's syscall face.
    fn probe(&self, _call: Call) -> Answered<()> {
        Ok(())
    }

    fn openat(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, mode: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        let opened = self.machine.lock().openat(self.process, at, path, open_flags(flags), mode);
        self.fd(opened)
    }

    fn openat2(&self, dir: &ModelFd, path: &Path, flags: u32, resolve: u32) -> Answered<ModelFd> {
        let (at, path) = place(At::Fd(dir), path)?;
        let how = OpenHow { flags: open_flags(flags).into(), mode: 0, resolve: resolve.into() };
        let opened = self.machine.lock().openat2(self.process, at, path, how);
        self.fd(opened)
    }

    fn reopen(&self, file: &ModelFd, flags: u32) -> Answered<ModelFd> {
        let opened = self.machine.lock().openat(self.process, ModelAt::Link(file.number()), b"", open_flags(flags), 0);
        self.fd(opened)
    }

    fn statx(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, mask: u32) -> Answered<Stat> {
        let (at, path) = place(dir, path)?;
        self.machine.lock().statx(self.process, at, path, flags, mask).map(|answer| stat(&answer))
    }

    fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Answered<MountStat> {
        let answer = self.machine.lock().statmount(self.process, unique_id, None, mask, 0)?;
        let strings =
            [&answer.fs_type, &answer.mnt_root, &answer.mnt_point, &answer.mnt_opts, &answer.sb_source].map(Vec::len);
        if strings.into_iter().filter(|&length| length > 0).map(|length| length + 1).sum::<usize>() > room {
            return Err(Errno::EOVERFLOW);
        }
        Ok(mount_stat(answer, mask))
    }

    fn fstatfs(&self, file: &ModelFd) -> Answered<u32> {
        let answer = self.machine.lock().statfs(self.process, ModelAt::Fd(file.number()), b"")?;
        u32::try_from(answer.f_type).map_err(|_| Errno::EOVERFLOW)
    }

    fn fd_path(&self, file: &ModelFd) -> Answered<PathBuf> {
        let link = format!("/proc/thread-self/fd/{}", file.number());
        let target = self.machine.lock().readlinkat(self.process, ModelAt::Cwd, link.as_bytes());
        match target {
            Ok(target) => Ok(path_buf(target)),
            Err(Errno::ENOENT | Errno::EINVAL | Errno::ENOTDIR) => Err(Errno::EOPNOTSUPP),
            Err(errno) => Err(errno),
        }
    }

    fn fdinfo(&self, file: &ModelFd) -> Answered<Vec<u8>> {
        self.machine.lock().fdinfo(self.process, file.number())
    }

    fn mountinfo(&self) -> Answered<Vec<u8>> {
        self.machine.lock().mountinfo(self.process)
    }

    fn boot_id(&self) -> Answered<Vec<u8>> {
        Ok(format!("{}\n", self.machine.lock().boot_id()).into_bytes())
    }

    fn mount_namespace(&self) -> Answered<MountNamespaceId> {
        self.machine.lock().mount_namespace(self.process).map(MountNamespaceId::Unique)
    }

    fn getcwd(&self) -> Answered<PathBuf> {
        self.machine.lock().getcwd(self.process).map(path_buf)
    }

    fn getdents64(&self, dir: &ModelFd, room: usize) -> Answered<RawEntries> {
        let entries = self.machine.lock().getdents64(self.process, dir.number(), room)?;
        let mut raw = RawEntries::default();
        for Dirent { ino, kind, name, .. } in entries {
            raw.push(ino, kind, &name);
        }
        Ok(raw)
    }

    fn readlinkat(&self, dir: At<'_, ModelFd>, path: &Path) -> Answered<PathBuf> {
        let (at, path) = place(dir, path)?;
        self.machine.lock().readlinkat(self.process, at, path).map(path_buf)
    }

    fn read(&self, file: &ModelFd, limit: usize) -> Answered<Vec<u8>> {
        self.machine.lock().read(self.process, file.number(), limit)
    }

    fn write(&self, file: &ModelFd, bytes: &[u8]) -> Answered<usize> {
        self.machine.lock().write(self.process, file.number(), bytes)
    }

    fn fsync(&self, file: &ModelFd) -> Answered<()> {
        // The model has no disk that could lag behind.
        self.check_open(file)
    }

    fn flock(&self, file: &ModelFd, operation: u32) -> Answered<()> {
        if operation != LOCK_EX | LOCK_NB {
            return Err(Errno::EINVAL);
        }
        self.check_open(file)?;
        let answer = self.machine.lock().statx(self.process, file.number(), b"", AT_EMPTY_PATH, STATX_BASIC_STATS)?;
        let id = (answer.dev_major, answer.dev_minor, answer.ino);
        self.machine.take_lock(id, (self.process, file.number()))
    }

    fn mkdirat(&self, dir: At<'_, ModelFd>, path: &Path, mode: u32) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.machine.lock().mkdirat(self.process, at, path, mode)
    }

    fn unlinkat(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.machine.lock().unlinkat(self.process, at, path, flags)
    }

    fn renameat(&self, dir: &ModelFd, from: &OsStr, to: &OsStr) -> Answered<()> {
        let at = ModelAt::Fd(dir.number());
        self.machine.lock().renameat2(self.process, at, text(from)?, at, text(to)?, 0)
    }

    fn fchmod(&self, file: &ModelFd, mode: u32) -> Answered<()> {
        self.check_open(file)?;
        self.machine.lock().fchmodat(self.process, ModelAt::Fd(file.number()), b"", mode, AT_EMPTY_PATH)
    }

    fn chmod(&self, place: Reach<'_, ModelFd>, mode: u32) -> Answered<()> {
        let (at, path) = reach(place)?;
        self.machine.lock().fchmodat(self.process, at, path, mode, 0)
    }

    fn fchownat(
        &self,
        dir: At<'_, ModelFd>,
        path: &Path,
        (uid, gid): (Option<u32>, Option<u32>),
        flags: u32,
    ) -> Answered<()> {
        // All ones means "leave it" to the kernel: nobody can be given that id.
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Errno::EINVAL);
        }
        let (at, path) = place(dir, path)?;
        let (uid, gid) = (uid.unwrap_or(u32::MAX), gid.unwrap_or(u32::MAX));
        self.machine.lock().fchownat(self.process, at, path, uid, gid, flags)
    }

    fn open_tree(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        let opened = self.machine.lock().open_tree(self.process, at, path, flags);
        self.fd(opened)
    }

    fn open_tree_attr(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        let opened = self.machine.lock().open_tree_attr(self.process, at, path, flags, mount_attr(attr));
        self.fd(opened)
    }

    fn mount_setattr(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.machine.lock().mount_setattr(self.process, at, path, flags, mount_attr(attr))
    }

    fn move_mount(&self, from: &ModelFd, to: &ModelFd, flags: u32) -> Answered<()> {
        let (from, to) = (ModelAt::Fd(from.number()), ModelAt::Fd(to.number()));
        self.machine.lock().move_mount(self.process, from, b"", to, b"", flags)
    }

    fn fsopen(&self, fs_type: &OsStr, flags: u32) -> Answered<ModelFd> {
        let opened = self.machine.lock().fsopen(self.process, text(fs_type)?, flags);
        self.fd(opened)
    }

    fn fsconfig(&self, context: &ModelFd, command: Config<'_>) -> Answered<()> {
        let (command, key, value) = match command {
            Config::Flag(key) => (FSCONFIG_SET_FLAG, Some(text(key)?), None),
            Config::Text(key, value) => (FSCONFIG_SET_STRING, Some(text(key)?), Some(text(value)?)),
            Config::Create => (FSCONFIG_CMD_CREATE, None, None),
            Config::Reconfigure => (FSCONFIG_CMD_RECONFIGURE, None, None),
        };
        self.machine.lock().fsconfig(self.process, context.number(), command, key, value, 0)
    }

    fn fsmount(&self, context: &ModelFd, flags: u32, attributes: u32) -> Answered<ModelFd> {
        let opened = self.machine.lock().fsmount(self.process, context.number(), flags, attributes.into());
        self.fd(opened)
    }

    fn fspick(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        let opened = self.machine.lock().fspick(self.process, at, path, flags);
        self.fd(opened)
    }

    fn mount(
        &self,
        source: Reach<'_, ModelFd>,
        target: Reach<'_, ModelFd>,
        fs_type: &OsStr,
        flags: u32,
        data: &OsStr,
    ) -> Answered<()> {
        let (source, target) = (reach(source)?, reach(target)?);
        let (fs_type, data) = (text(fs_type)?, text(data)?);
        let flags = flags.into();
        self.machine.lock().mount(self.process, Some(source), target, Some(fs_type), flags, Some(data))
    }

    fn umount2(&self, target: Reach<'_, ModelFd>, flags: u32) -> Answered<()> {
        let (at, path) = reach(target)?;
        self.machine.lock().umount2(self.process, at, path, flags)
    }
}

fn path_buf(text: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(text))
}

fn mount_attr(attr: MountAttr) -> mountwright_fake::MountAttr {
    let MountAttr { set, clear, propagation } = attr;
    mountwright_fake::MountAttr { attr_set: set, attr_clr: clear, propagation, userns_fd: 0 }
}

fn stat(answer: &Statx) -> Stat {
    Stat {
        mask: answer.mask,
        attributes: answer.attributes,
        attributes_mask: answer.attributes_mask,
        mode: answer.mode,
        links: answer.nlink,
        uid: answer.uid,
        gid: answer.gid,
        inode: answer.ino,
        size: answer.size,
        represents: (answer.rdev_major, answer.rdev_minor),
        device: (answer.dev_major, answer.dev_minor),
        mount_id: answer.mnt_id,
    }
}

fn mount_stat(answer: Statmount, asked: u64) -> MountStat {
    let supported = asked & STATMOUNT_SUPPORTED_MASK;
    MountStat {
        mask: answer.mask | supported,
        supported: if supported == 0 { 0 } else { STATMOUNT_KNOWN },
        device: (answer.sb_dev_major, answer.sb_dev_minor),
        magic: answer.sb_magic,
        sb_flags: answer.sb_flags,
        id: answer.mnt_id,
        old_id: answer.mnt_id_old,
        parent: answer.mnt_parent_id,
        old_parent: answer.mnt_parent_id_old,
        attributes: answer.mnt_attr,
        propagation: answer.mnt_propagation,
        peer_group: answer.mnt_peer_group,
        master: answer.mnt_master,
        propagate_from: answer.propagate_from,
        root: OsString::from_vec(answer.mnt_root),
        mount_point: OsString::from_vec(answer.mnt_point),
        fs_type: OsString::from_vec(answer.fs_type),
        subtype: OsString::new(),
        source: OsString::from_vec(answer.sb_source),
        options: OsString::from_vec(answer.mnt_opts),
    }
}

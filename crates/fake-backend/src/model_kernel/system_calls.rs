//! Each method of the trait as one call of the syscall face.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::{IdRange, MountNamespaceId};
use mountwright_linux::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};

use crate::abi::{
    AT_SYMLINK_NOFOLLOW, FSCONFIG_CMD_CREATE, FSCONFIG_CMD_RECONFIGURE, FSCONFIG_SET_FD, FSCONFIG_SET_FLAG,
    FSCONFIG_SET_STRING, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_T_EMPTY_PATH,
};
use crate::model::machine::Machine;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At as ModelAt;
use crate::model_kernel::model_fd::ModelFd;
use crate::model_kernel::open_flags::open_flags;
use crate::model_kernel::process_calls::{ModelKernel, place, reach, text};
use crate::model_kernel::stat_fields::{id_map, mount_attr, mount_stat, owners, stat};
use crate::syscalls::getdents64::Dirent;
use crate::syscalls::open::OpenHow;

type Answered<T> = Result<T, Errno>;

impl Kernel for ModelKernel {
    type Fd = ModelFd;

    fn probe(&self, call: Call) -> Answered<()> {
        self.call(|machine, _| machine.check_has(call))
    }

    fn openat(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, mode: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        self.open(|machine, process| machine.openat(process, at, path, open_flags(flags), mode))
    }

    fn openat2(&self, dir: &ModelFd, path: &Path, flags: u32, resolve: u32) -> Answered<ModelFd> {
        let (at, path) = place(At::Fd(dir), path)?;
        let how = OpenHow { flags: open_flags(flags).into(), mode: 0, resolve: resolve.into() };
        self.open(|machine, process| machine.openat2(process, at, path, how))
    }

    fn reopen(&self, file: &ModelFd, flags: u32) -> Answered<ModelFd> {
        self.open(|machine, process| machine.openat(process, ModelAt::Link(file.number()), b"", open_flags(flags), 0))
    }

    fn statx(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, mask: u32) -> Answered<Stat> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.statx(process, at, path, flags, mask)).map(|answer| stat(&answer))
    }

    fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Answered<MountStat> {
        let answer = self.call(|machine, process| machine.statmount(process, unique_id, None, mask, 0))?;
        let strings =
            [&answer.fs_type, &answer.mnt_root, &answer.mnt_point, &answer.mnt_opts, &answer.sb_source].map(Vec::len);
        if strings.into_iter().filter(|&length| length > 0).map(|length| length + 1).sum::<usize>() > room {
            return Err(Errno::EOVERFLOW);
        }
        Ok(mount_stat(answer))
    }

    fn listmount(&self, unique_id: u64, after: u64, most: usize) -> Answered<Vec<u64>> {
        self.call(|machine, process| machine.listmount(process, unique_id, None, after, most, 0))
    }

    fn fstatfs(&self, file: &ModelFd) -> Answered<(u32, u32)> {
        let answer = self.call(|machine, process| machine.statfs(process, ModelAt::Fd(file.number()), b""))?;
        let half = |number| u32::try_from(number).map_err(|_| Errno::EOVERFLOW);
        Ok((half(answer.f_type)?, half(answer.f_flags)?))
    }

    /// No procfs is needed in the model.
    fn fd_path(&self, file: &ModelFd) -> Answered<PathBuf> {
        self.call(|machine, process| machine.fd_path(process, file.number())).map(path_buf)
    }

    fn fd_link(&self, file: &ModelFd) -> Answered<PathBuf> {
        self.procfs().map(|()| PathBuf::from(format!("/proc/thread-self/fd/{}", file.number())))
    }

    fn fdinfo(&self, file: &ModelFd) -> Answered<Vec<u8>> {
        self.call(|machine, process| machine.fdinfo(process, file.number()))
    }

    fn mountinfo(&self) -> Answered<Vec<u8>> {
        self.call(|machine, process| machine.mountinfo(process))
    }

    fn procfs(&self) -> Answered<()> {
        Ok(())
    }

    fn boot_id(&self) -> Answered<Vec<u8>> {
        self.call(|machine, _| Ok(format!("{}\n", machine.boot_id()).into_bytes()))
    }

    fn mount_namespace(&self) -> Answered<MountNamespaceId> {
        self.call(|machine, process| machine.mount_namespace_id(process))
    }

    fn mount_namespace_file(&self) -> Answered<ModelFd> {
        self.open(Machine::open_mount_namespace)
    }

    fn user_namespace_of(&self, process: u32) -> Answered<ModelFd> {
        self.open(|machine, caller| machine.pidfd_get_user_namespace(caller, Pid(process)))
    }

    fn new_user_namespace(&self, maps: [&[IdRange]; 2]) -> Answered<ModelFd> {
        let maps = maps.map(id_map);
        self.open(|machine, process| machine.new_user_namespace(process, [&maps[0], &maps[1]]))
    }

    /// The model keeps none.
    fn close_procfs(&self) -> Answered<()> {
        Ok(())
    }

    fn chdir(&self, path: &Path) -> Answered<()> {
        let (at, path) = place(At::Cwd, path)?;
        self.call(|machine, process| machine.chdir(process, at, path))
    }

    fn fchdir(&self, dir: &ModelFd) -> Answered<()> {
        self.call(|machine, process| machine.fchdir(process, dir.number()))
    }

    fn chroot(&self, path: &Path) -> Answered<()> {
        let (at, path) = place(At::Cwd, path)?;
        self.call(|machine, process| machine.chroot(process, at, path))
    }

    fn pivot_root(&self, new_root: &Path, put_old: &Path) -> Answered<()> {
        let (new_root, put_old) = (place(At::Cwd, new_root)?, place(At::Cwd, put_old)?);
        self.call(|machine, process| machine.pivot_root(process, new_root, put_old))
    }

    fn getcwd(&self) -> Answered<PathBuf> {
        self.call(|machine, process| machine.getcwd(process)).map(path_buf)
    }

    fn getdents64(&self, dir: &ModelFd, room: usize) -> Answered<RawEntries> {
        let entries = self.call(|machine, process| machine.getdents64(process, dir.number(), room))?;
        let mut raw = RawEntries::default();
        for Dirent { ino, kind, name, .. } in entries {
            raw.push(ino, kind, &name);
        }
        Ok(raw)
    }

    fn readlinkat(&self, dir: At<'_, ModelFd>, path: &Path) -> Answered<PathBuf> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.readlinkat(process, at, path)).map(path_buf)
    }

    fn read(&self, file: &ModelFd, limit: usize) -> Answered<Vec<u8>> {
        self.call(|machine, process| machine.read(process, file.number(), limit))
    }

    fn write(&self, file: &ModelFd, bytes: &[u8]) -> Answered<usize> {
        self.call(|machine, process| machine.write(process, file.number(), bytes))
    }

    fn fsync(&self, file: &ModelFd) -> Answered<()> {
        self.call(|machine, process| machine.fsync(process, file.number()))
    }

    fn flock(&self, file: &ModelFd, operation: u32) -> Answered<()> {
        self.call(|machine, process| machine.flock(process, file.number(), operation))
    }

    fn mkdirat(&self, dir: At<'_, ModelFd>, path: &Path, mode: u32) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.mkdirat(process, at, path, mode))
    }

    fn symlinkat(&self, target: &Path, dir: At<'_, ModelFd>, path: &Path) -> Answered<()> {
        let (target, (at, path)) = (text(target.as_os_str())?, place(dir, path)?);
        self.call(|machine, process| machine.symlinkat(process, target, at, path))
    }

    fn mknodat(&self, dir: At<'_, ModelFd>, path: &Path, mode: u32, device: u64) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.mknodat(process, at, path, mode, device))
    }

    fn linkat(&self, from_dir: &ModelFd, from: &Path, dir: &ModelFd, path: &Path) -> Answered<()> {
        let (from_at, from) = place(At::Fd(from_dir), from)?;
        let (to_at, to) = place(At::Fd(dir), path)?;
        self.call(|machine, process| machine.linkat(process, from_at, from, to_at, to, 0))
    }

    fn unlinkat(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.unlinkat(process, at, path, flags))
    }

    fn renameat(&self, dir: &ModelFd, from: &OsStr, to: &OsStr) -> Answered<()> {
        let (from, to) = (text(from)?, text(to)?);
        let at = ModelAt::Fd(dir.number());
        self.call(|machine, process| machine.renameat2(process, at, from, at, to, 0))
    }

    fn fchmod(&self, file: &ModelFd, mode: u32) -> Answered<()> {
        self.call(|machine, process| machine.fchmod(process, file.number(), mode))
    }

    fn chmod(&self, place: Reach<'_, ModelFd>, mode: u32) -> Answered<()> {
        let (at, path) = reach(place)?;
        self.call(|machine, process| machine.fchmodat(process, at, path, mode, 0))
    }

    fn fchmodat2(&self, dir: At<'_, ModelFd>, path: &Path, mode: u32, flags: u32) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| {
            machine.check_has(Call::Fchmodat2)?;
            machine.fchmodat(process, at, path, mode, flags)
        })
    }

    fn getxattr(&self, place: Reach<'_, ModelFd>, name: &OsStr, room: usize) -> Answered<Vec<u8>> {
        let (at, path) = reach(place)?;
        let name = text(name)?;
        value_of(self.call(|machine, process| machine.getxattr(process, at, path, name)), room)
    }

    fn getxattrat(&self, dir: &ModelFd, file: &Path, name: &OsStr, room: usize) -> Answered<Vec<u8>> {
        let (at, path) = place(At::Fd(dir), file)?;
        let name = text(name)?;
        let found = self.call(|machine, process| {
            machine.check_has(Call::Getxattrat)?;
            machine.getxattrat(process, at, path, AT_SYMLINK_NOFOLLOW, name)
        });
        value_of(found, room)
    }

    fn listxattr(&self, place: Reach<'_, ModelFd>, room: usize) -> Answered<Vec<u8>> {
        let (at, path) = reach(place)?;
        value_of(self.call(|machine, process| machine.listxattr(process, at, path)), room)
    }

    fn setxattr(&self, place: Reach<'_, ModelFd>, name: &OsStr, value: &[u8]) -> Answered<()> {
        let (at, path) = reach(place)?;
        let name = text(name)?;
        self.call(|machine, process| machine.setxattr(process, at, path, name, value))
    }

    fn fchownat(
        &self,
        dir: At<'_, ModelFd>,
        path: &Path,
        (uid, gid): (Option<u32>, Option<u32>),
        flags: u32,
    ) -> Answered<()> {
        // All ones means "leave it" to the kernel: it is no valid id.
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Errno::EINVAL);
        }
        let (at, path) = place(dir, path)?;
        let (uid, gid) = (uid.unwrap_or(u32::MAX), gid.unwrap_or(u32::MAX));
        self.call(|machine, process| machine.fchownat(process, at, path, uid, gid, flags))
    }

    fn open_tree(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        self.open(|machine, process| machine.open_tree(process, at, path, flags))
    }

    fn open_tree_attr(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        self.open(|machine, process| machine.open_tree_attr(process, at, path, flags, mount_attr(attr)))
    }

    fn mount_setattr(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<()> {
        let (at, path) = place(dir, path)?;
        self.call(|machine, process| machine.mount_setattr(process, at, path, flags, mount_attr(attr)))
    }

    fn map_owners(&self, tree: &ModelFd, flags: u32, namespace: &ModelFd) -> Answered<()> {
        let (at, attr) = (ModelAt::Fd(tree.number()), owners(false, Some(namespace)));
        self.call(|machine, process| machine.mount_setattr(process, at, b"", flags, attr))
    }

    fn remap_owners(&self, tree: &ModelFd, flags: u32, namespace: Option<&ModelFd>) -> Answered<ModelFd> {
        let (at, attr) = (ModelAt::Fd(tree.number()), owners(true, namespace));
        self.open(|machine, process| machine.open_tree_attr(process, at, b"", flags, attr))
    }

    fn move_mount(&self, from: &ModelFd, to: &ModelFd, path: &Path, flags: u32) -> Answered<()> {
        let (from, to) = (ModelAt::Fd(from.number()), ModelAt::Fd(to.number()));
        self.call(|machine, process| machine.move_mount(process, from, b"", to, text(path.as_os_str())?, flags))
    }

    fn set_group(&self, from: &ModelFd, to: &ModelFd) -> Answered<()> {
        self.move_mount(
            from,
            to,
            Path::new(""),
            MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH,
        )
    }

    fn fsopen(&self, fs_type: &OsStr, flags: u32) -> Answered<ModelFd> {
        self.open(|machine, process| machine.fsopen(process, text(fs_type)?, flags))
    }

    fn fsconfig(&self, context: &ModelFd, command: Config<'_>) -> Answered<()> {
        let (command, key, value) = match command {
            Config::Flag(key) => (FSCONFIG_SET_FLAG, Some(text(key)?), None),
            Config::Text(key, value) => (FSCONFIG_SET_STRING, Some(text(key)?), Some(text(value)?)),
            Config::Create => (FSCONFIG_CMD_CREATE, None, None),
            Config::Reconfigure => (FSCONFIG_CMD_RECONFIGURE, None, None),
        };
        self.call(|machine, process| machine.fsconfig(process, context.number(), command, key, value, 0))
    }

    fn set_fd(&self, context: &ModelFd, key: &OsStr, file: &ModelFd) -> Answered<()> {
        let (command, key, aux) = (FSCONFIG_SET_FD, Some(text(key)?), file.number());
        self.call(|machine, process| machine.fsconfig(process, context.number(), command, key, None, aux))
    }

    fn fsmount(&self, context: &ModelFd, flags: u32, attributes: u32) -> Answered<ModelFd> {
        self.open(|machine, process| machine.fsmount(process, context.number(), flags, attributes.into()))
    }

    fn fspick(&self, dir: At<'_, ModelFd>, path: &Path, flags: u32) -> Answered<ModelFd> {
        let (at, path) = place(dir, path)?;
        self.open(|machine, process| machine.fspick(process, at, path, flags))
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
        self.call(|machine, process| machine.mount(process, Some(source), target, Some(fs_type), flags, Some(data)))
    }

    fn umount2(&self, target: Reach<'_, ModelFd>, flags: u32) -> Answered<()> {
        let (at, path) = reach(target)?;
        self.call(|machine, process| machine.umount2(process, at, path, flags))
    }
}

/// The value of an extended attribute, as the trait reports it.
fn value_of(found: Answered<Vec<u8>>, room: usize) -> Answered<Vec<u8>> {
    match found {
        Ok(value) if value.len() > room => Err(Errno::ERANGE),
        Err(Errno::EOPNOTSUPP) => Err(Errno::ENODATA),
        other => other,
    }
}

fn path_buf(text: Vec<u8>) -> PathBuf {
    PathBuf::from(OsString::from_vec(text))
}

//! Each method of the trait as one system call.

use std::borrow::Cow;
use std::ffi::{CString, OsStr, OsString};
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use linux_raw_sys::general::{
    LOCK_EX, LOCK_NB, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_T_EMPTY_PATH,
};
use mountwright_core::mount::{IdRange, MountNamespaceId};
use mountwright_core::{DeviceNumber, Errno};
use rustix::fs::{AtFlags, CWD, FileType, FlockOperation, Gid, Mode, OFlags, ResolveFlags, StatxFlags, Uid};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, FsPickFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::path::Arg;

use super::{Linux, raw};
use crate::syscalls::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};
use crate::system::errno::from_kernel;
use crate::system::files::{flags, magic};
use crate::system::procfs::Links;
use crate::system::statmount::{Answer, STRINGS};
use crate::system::user_namespace;

type Answered<T> = Result<T, Errno>;

impl<'a> At<'a, OwnedFd> {
    fn as_fd(self) -> BorrowedFd<'a> {
        match self {
            At::Cwd => CWD,
            At::Fd(fd) => AsFd::as_fd(fd),
        }
    }
}

fn oflags(flags: u32) -> OFlags {
    OFlags::from_bits_retain(flags)
}

fn at_flags(flags: u32) -> AtFlags {
    AtFlags::from_bits_retain(flags)
}

#[allow(clippy::useless_conversion)] // rustix has 64 bits here with its libc backend.
fn mount_flags(flags: u32) -> MountFlags {
    MountFlags::from_bits_retain(flags.into())
}

fn path_buf(text: CString) -> PathBuf {
    PathBuf::from(OsString::from_vec(text.into_bytes()))
}

impl Linux {
    /// Makes a call that takes a path for this place.
    fn by_path<T: Send>(
        &self,
        place: Reach<'_, OwnedFd>,
        call: impl Fn(&Path) -> rustix::io::Result<T> + Send + Sync,
    ) -> Answered<T> {
        let made = match place {
            Reach::Path(path) => call(path),
            _ => self.procfs.by_path(|links| call(&path_of(place, links))),
        };
        made.map_err(from_kernel)
    }
}

fn path_of(place: Reach<'_, OwnedFd>, links: Links) -> Cow<'_, Path> {
    match place {
        Reach::Path(path) => Cow::Borrowed(path),
        Reach::Descriptor(fd) => Cow::Owned(links.path(fd.as_fd(), None)),
        Reach::Below(fd, name) => Cow::Owned(links.path(fd.as_fd(), Some(name))),
    }
}

/// The looks after which a caller waits: the other one is held up on another processor then.
const LOOKS_AT_ONCE: u32 = 32;
/// The wait after a look is that many times this, up to [`LONGEST_WAIT`].
const WAIT: Duration = Duration::from_micros(50);
const LONGEST_WAIT: Duration = Duration::from_micros(3_200);

impl Kernel for Linux {
    type Fd = OwnedFd;

    fn probe(&self, call: Call) -> Answered<()> {
        match raw::refused(call).map_err(from_kernel) {
            Err(absent @ (Errno::ENOSYS | Errno::EPERM)) => Err(absent),
            // A flag that this kernel does not know.
            Err(Errno::EINVAL) if call == Call::SetGroup => Err(Errno::ENOSYS),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn openat(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32, mode: u32) -> Answered<OwnedFd> {
        rustix::fs::openat(dir.as_fd(), path, oflags(flags), Mode::from_raw_mode(mode)).map_err(from_kernel)
    }

    fn openat2(&self, dir: &OwnedFd, path: &Path, flags: u32, resolve: u32) -> Answered<OwnedFd> {
        let resolve = ResolveFlags::from_bits_retain(resolve.into());
        rustix::fs::openat2(dir, path, oflags(flags), Mode::empty(), resolve).map_err(from_kernel)
    }

    fn reopen(&self, file: &OwnedFd, flags: u32) -> Answered<OwnedFd> {
        self.procfs.reopen(file.as_fd(), oflags(flags)).map_err(from_kernel)
    }

    fn statx(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32, mask: u32) -> Answered<Stat> {
        let mask = StatxFlags::from_bits_retain(mask);
        let found = rustix::fs::statx(dir.as_fd(), path, at_flags(flags), mask).map_err(from_kernel)?;
        Ok(Stat {
            mask: found.stx_mask,
            attributes: found.stx_attributes.bits(),
            attributes_mask: found.stx_attributes_mask.bits(),
            mode: found.stx_mode,
            links: found.stx_nlink,
            uid: found.stx_uid,
            gid: found.stx_gid,
            inode: found.stx_ino,
            size: found.stx_size,
            represents: (found.stx_rdev_major, found.stx_rdev_minor),
            device: (found.stx_dev_major, found.stx_dev_minor),
            mount_id: found.stx_mnt_id,
            birth: (found.stx_btime.tv_sec, found.stx_btime.tv_nsec),
        })
    }

    fn statmount(&self, unique_id: u64, mask: u64, room: usize) -> Answered<MountStat> {
        // The buffer is zeroed, so it is no larger than asked for.
        match room {
            0 => statmount_into(&mut [0; STRINGS], unique_id, mask),
            1..=FEW_STRINGS => statmount_into(&mut [0; STRINGS + FEW_STRINGS][..STRINGS + room], unique_id, mask),
            _ => statmount_into(&mut vec![0; STRINGS + room], unique_id, mask),
        }
    }

    fn listmount(&self, unique_id: u64, after: u64, most: usize) -> Answered<Vec<u64>> {
        let mut ids = vec![0; most];
        let found = raw::listmount(unique_id, after, &mut ids).map_err(from_kernel)?;
        ids.truncate(found);
        Ok(ids)
    }

    fn fstatfs(&self, file: &OwnedFd) -> Answered<(u32, u32)> {
        rustix::fs::fstatfs(file).map(|found| (magic(&found), flags(&found))).map_err(from_kernel)
    }

    fn fd_path(&self, file: &OwnedFd) -> Answered<PathBuf> {
        self.procfs.read_link(file.as_fd()).map_err(from_kernel)
    }

    fn fd_link(&self, file: &OwnedFd) -> Answered<PathBuf> {
        self.procfs.link(file.as_fd()).map_err(from_kernel)
    }

    fn fdinfo(&self, file: &OwnedFd) -> Answered<Vec<u8>> {
        self.procfs.read(&format!("fdinfo/{}", file.as_raw_fd()), 256).map_err(from_kernel)
    }

    fn mountinfo(&self) -> Answered<Vec<u8>> {
        self.procfs.read("mountinfo", 32 << 10).map_err(from_kernel)
    }

    fn procfs(&self) -> Answered<()> {
        self.procfs.is_there().map_err(from_kernel)
    }

    fn boot_id(&self) -> Answered<Vec<u8>> {
        self.procfs.boot_id().map_err(from_kernel)
    }

    fn mount_namespace(&self) -> Answered<MountNamespaceId> {
        let file = self.procfs.mount_namespace().map_err(from_kernel)?;
        match raw::mount_namespace_id(file.as_fd()) {
            Ok(id) => Ok(MountNamespaceId::Unique(id)),
            // Before 6.11.
            Err(rustix::io::Errno::NOTTY | rustix::io::Errno::INVAL) => {
                let found = rustix::fs::statx(&file, "", AtFlags::EMPTY_PATH, StatxFlags::INO).map_err(from_kernel)?;
                let device = DeviceNumber::new(found.stx_dev_major, found.stx_dev_minor);
                Ok(MountNamespaceId::Inode { device, inode: found.stx_ino })
            }
            Err(errno) => Err(from_kernel(errno)),
        }
    }

    fn mount_namespace_file(&self) -> Answered<OwnedFd> {
        self.procfs.mount_namespace().map_err(from_kernel)
    }

    fn user_namespace_of(&self, process: u32) -> Answered<OwnedFd> {
        self.procfs.user_namespace(process).map_err(from_kernel)
    }

    fn new_user_namespace(&self, maps: [&[IdRange]; 2]) -> Answered<OwnedFd> {
        user_namespace::new(&self.procfs, maps).map_err(from_kernel)
    }

    fn close_procfs(&self) -> Answered<()> {
        self.procfs.close();
        Ok(())
    }

    fn chdir(&self, path: &Path) -> Answered<()> {
        rustix::process::chdir(path).map_err(from_kernel)
    }

    fn fchdir(&self, dir: &OwnedFd) -> Answered<()> {
        rustix::process::fchdir(dir).map_err(from_kernel)
    }

    fn chroot(&self, path: &Path) -> Answered<()> {
        rustix::process::chroot(path).map_err(from_kernel)
    }

    fn pivot_root(&self, new_root: &Path, put_old: &Path) -> Answered<()> {
        rustix::process::pivot_root(new_root, put_old).map_err(from_kernel)
    }

    fn getcwd(&self) -> Answered<PathBuf> {
        rustix::process::getcwd(Vec::new()).map(path_buf).map_err(from_kernel)
    }

    fn getdents64(&self, dir: &OwnedFd, room: usize) -> Answered<RawEntries> {
        raw::getdents64(dir.as_fd(), room).map(RawEntries::new).map_err(from_kernel)
    }

    fn readlinkat(&self, dir: At<'_, OwnedFd>, path: &Path) -> Answered<PathBuf> {
        rustix::fs::readlinkat(dir.as_fd(), path, Vec::new()).map(path_buf).map_err(from_kernel)
    }

    fn read(&self, file: &OwnedFd, limit: usize) -> Answered<Vec<u8>> {
        let mut bytes = Vec::with_capacity(limit);
        rustix::io::read(file, rustix::buffer::spare_capacity(&mut bytes)).map_err(from_kernel)?;
        Ok(bytes)
    }

    fn write(&self, file: &OwnedFd, bytes: &[u8]) -> Answered<usize> {
        rustix::io::writev(file, &[IoSlice::new(bytes)]).map_err(from_kernel)
    }

    fn fsync(&self, file: &OwnedFd) -> Answered<()> {
        rustix::fs::fsync(file).map_err(from_kernel)
    }

    fn flock(&self, file: &OwnedFd, operation: u32) -> Answered<()> {
        let operation = match operation {
            operation if operation == LOCK_EX | LOCK_NB => FlockOperation::NonBlockingLockExclusive,
            _ => return Err(Errno::EINVAL),
        };
        rustix::fs::flock(file, operation).map_err(from_kernel)
    }

    fn let_others_run(&self, looks: u32) {
        if looks < LOOKS_AT_ONCE {
            std::thread::yield_now();
        } else {
            std::thread::sleep(LONGEST_WAIT.min(WAIT * looks));
        }
    }

    fn mkdirat(&self, dir: At<'_, OwnedFd>, path: &Path, mode: u32) -> Answered<()> {
        rustix::fs::mkdirat(dir.as_fd(), path, Mode::from_raw_mode(mode)).map_err(from_kernel)
    }

    fn symlinkat(&self, target: &Path, dir: At<'_, OwnedFd>, path: &Path) -> Answered<()> {
        rustix::fs::symlinkat(target, dir.as_fd(), path).map_err(from_kernel)
    }

    fn mknodat(&self, dir: At<'_, OwnedFd>, path: &Path, mode: u32, device: u64) -> Answered<()> {
        let (kind, mode) = (FileType::from_raw_mode(mode), Mode::from_raw_mode(mode));
        rustix::fs::mknodat(dir.as_fd(), path, kind, mode, device).map_err(from_kernel)
    }

    fn linkat(&self, from_dir: &OwnedFd, from: &Path, dir: &OwnedFd, path: &Path) -> Answered<()> {
        rustix::fs::linkat(from_dir, from, dir, path, AtFlags::empty()).map_err(from_kernel)
    }

    fn unlinkat(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32) -> Answered<()> {
        rustix::fs::unlinkat(dir.as_fd(), path, at_flags(flags)).map_err(from_kernel)
    }

    fn renameat(&self, dir: &OwnedFd, from: &OsStr, to: &OsStr) -> Answered<()> {
        rustix::fs::renameat(dir, from, dir, to).map_err(from_kernel)
    }

    fn fchmod(&self, file: &OwnedFd, mode: u32) -> Answered<()> {
        rustix::fs::fchmod(file, Mode::from_raw_mode(mode)).map_err(from_kernel)
    }

    fn chmod(&self, place: Reach<'_, OwnedFd>, mode: u32) -> Answered<()> {
        let mode = Mode::from_raw_mode(mode);
        let changed = match place {
            Reach::Path(path) => rustix::fs::chmodat(CWD, path, mode, AtFlags::empty()),
            Reach::Descriptor(fd) => self.procfs.chmod(fd.as_fd(), None, mode),
            Reach::Below(fd, name) => self.procfs.chmod(fd.as_fd(), Some(name), mode),
        };
        changed.map_err(from_kernel)
    }

    fn fchmodat2(&self, dir: At<'_, OwnedFd>, path: &Path, mode: u32, flags: u32) -> Answered<()> {
        path.into_with_c_str(|path| raw::fchmodat2(dir.as_fd(), path, mode, flags)).map_err(from_kernel)
    }

    fn getxattr(&self, place: Reach<'_, OwnedFd>, name: &OsStr, room: usize) -> Answered<Vec<u8>> {
        self.by_path(place, |path| {
            let mut value = Vec::with_capacity(room);
            match rustix::fs::getxattr(path, name, rustix::buffer::spare_capacity(&mut value)) {
                Ok(_) => Ok(value),
                Err(rustix::io::Errno::OPNOTSUPP) => Err(rustix::io::Errno::NODATA),
                Err(errno) => Err(errno),
            }
        })
    }

    fn getxattrat(&self, dir: &OwnedFd, file: &Path, name: &OsStr, room: usize) -> Answered<Vec<u8>> {
        let mut value = vec![0; room];
        let found = file
            .into_with_c_str(|file| name.into_with_c_str(|name| raw::getxattrat(dir.as_fd(), file, name, &mut value)));
        match found {
            Ok(length) => value.truncate(length),
            Err(rustix::io::Errno::OPNOTSUPP) => return Err(Errno::ENODATA),
            Err(errno) => return Err(from_kernel(errno)),
        }
        Ok(value)
    }

    fn listxattr(&self, place: Reach<'_, OwnedFd>, room: usize) -> Answered<Vec<u8>> {
        self.by_path(place, |path| {
            let mut names = Vec::with_capacity(room);
            match rustix::fs::listxattr(path, rustix::buffer::spare_capacity(&mut names)) {
                Ok(_) => Ok(names),
                Err(rustix::io::Errno::OPNOTSUPP) => Ok(Vec::new()),
                Err(errno) => Err(errno),
            }
        })
    }

    fn setxattr(&self, place: Reach<'_, OwnedFd>, name: &OsStr, value: &[u8]) -> Answered<()> {
        self.by_path(place, |path| rustix::fs::setxattr(path, name, value, rustix::fs::XattrFlags::empty()))
    }

    fn fchownat(
        &self,
        dir: At<'_, OwnedFd>,
        path: &Path,
        (uid, gid): (Option<u32>, Option<u32>),
        flags: u32,
    ) -> Answered<()> {
        // All ones means "leave it" to the kernel: it is no valid id.
        if uid == Some(u32::MAX) || gid == Some(u32::MAX) {
            return Err(Errno::EINVAL);
        }
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        rustix::fs::chownat(dir.as_fd(), path, uid, gid, at_flags(flags)).map_err(from_kernel)
    }

    fn open_tree(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32) -> Answered<OwnedFd> {
        rustix::mount::open_tree(dir.as_fd(), path, OpenTreeFlags::from_bits_retain(flags)).map_err(from_kernel)
    }

    fn open_tree_attr(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<OwnedFd> {
        path.into_with_c_str(|path| raw::open_tree_attr(dir.as_fd(), path, flags, attr)).map_err(from_kernel)
    }

    fn mount_setattr(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32, attr: MountAttr) -> Answered<()> {
        path.into_with_c_str(|path| raw::mount_setattr(dir.as_fd(), path, flags, attr)).map_err(from_kernel)
    }

    fn map_owners(&self, tree: &OwnedFd, flags: u32, namespace: &OwnedFd) -> Answered<()> {
        raw::map_owners(tree.as_fd(), flags, namespace.as_fd()).map_err(from_kernel)
    }

    fn remap_owners(&self, tree: &OwnedFd, flags: u32, namespace: Option<&OwnedFd>) -> Answered<OwnedFd> {
        raw::remap_owners(tree.as_fd(), flags, namespace.map(AsFd::as_fd)).map_err(from_kernel)
    }

    fn move_mount(&self, from: &OwnedFd, to: &OwnedFd, path: &Path, flags: u32) -> Answered<()> {
        rustix::mount::move_mount(from, c"", to, path, MoveMountFlags::from_bits_retain(flags)).map_err(from_kernel)
    }

    fn set_group(&self, from: &OwnedFd, to: &OwnedFd) -> Answered<()> {
        let by_descriptor = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
        let flags = MoveMountFlags::from_bits_retain(MOVE_MOUNT_SET_GROUP | by_descriptor);
        rustix::mount::move_mount(from, c"", to, c"", flags).map_err(from_kernel)
    }

    fn fsopen(&self, fs_type: &OsStr, flags: u32) -> Answered<OwnedFd> {
        rustix::mount::fsopen(fs_type, FsOpenFlags::from_bits_retain(flags)).map_err(from_kernel)
    }

    fn fsconfig(&self, context: &OwnedFd, command: Config<'_>) -> Answered<()> {
        match command {
            Config::Flag(key) => rustix::mount::fsconfig_set_flag(context, key),
            Config::Text(key, value) => rustix::mount::fsconfig_set_string(context, key, value),
            Config::Create => rustix::mount::fsconfig_create(context),
            Config::Reconfigure => rustix::mount::fsconfig_reconfigure(context),
        }
        .map_err(from_kernel)
    }

    fn set_fd(&self, context: &OwnedFd, key: &OsStr, file: &OwnedFd) -> Answered<()> {
        rustix::mount::fsconfig_set_fd(context, key, file.as_fd()).map_err(from_kernel)
    }

    fn fsmount(&self, context: &OwnedFd, flags: u32, attributes: u32) -> Answered<OwnedFd> {
        let attributes = MountAttrFlags::from_bits_retain(attributes);
        rustix::mount::fsmount(context, FsMountFlags::from_bits_retain(flags), attributes).map_err(from_kernel)
    }

    fn fspick(&self, dir: At<'_, OwnedFd>, path: &Path, flags: u32) -> Answered<OwnedFd> {
        rustix::mount::fspick(dir.as_fd(), path, FsPickFlags::from_bits_retain(flags)).map_err(from_kernel)
    }

    fn mount(
        &self,
        source: Reach<'_, OwnedFd>,
        target: Reach<'_, OwnedFd>,
        fs_type: &OsStr,
        flags: u32,
        data: &OsStr,
    ) -> Answered<()> {
        let data = CString::new(data.as_bytes()).map_err(|_| Errno::EINVAL)?;
        let call = |source: &Path, target: &Path| {
            rustix::mount::mount(source, target, fs_type, mount_flags(flags), data.as_c_str())
        };
        match (source, target) {
            (Reach::Path(source), target) => self.by_path(target, |target| call(source, target)),
            (source, target) => {
                let made = self.procfs.by_path(|links| call(&path_of(source, links), &path_of(target, links)));
                made.map_err(from_kernel)
            }
        }
    }

    fn umount2(&self, target: Reach<'_, OwnedFd>, flags: u32) -> Answered<()> {
        self.by_path(target, |target| rustix::mount::unmount(target, UnmountFlags::from_bits_retain(flags)))
    }
}

/// The size of the strings' buffer on the stack.
const FEW_STRINGS: usize = 1024;

fn statmount_into(buffer: &mut [u8], unique_id: u64, mask: u64) -> Answered<MountStat> {
    raw::statmount(unique_id, mask, buffer).map_err(from_kernel)?;
    Answer::of(buffer).map(|answer| answer.read()).ok_or(Errno::EINVAL)
}

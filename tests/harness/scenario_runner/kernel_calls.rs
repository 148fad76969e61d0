//! The system calls of the calling process, on the kernel.

use std::collections::HashMap;
use std::ffi::{CString, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use mountwright_core::Errno;
use mountwright_fake::{At, IdRange, MountAttr};
use rustix::fs::{
    Access, AtFlags, CWD, Dir, FileType, Mode, OFlags, RenameFlags, ResolveFlags, StatxAttributes, StatxFlags,
};
use rustix::io;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::process::{Gid, Uid, fchdir};

use super::calls::{Answered, AtPath, ProcessCalls, Statted};
use super::credentials::as_somebody;
use super::raw_calls::{mount_setattr, open_tree_attr};
use super::user_namespace::user_namespace_with;
use crate::scenario::{CannotRun, Credentials};

/// The calling process, and the descriptors that it opened here.
#[derive(Debug, Default)]
pub(crate) struct KernelCalls {
    /// `/proc/self/fd` of this process; without it no place is at a magic link
    magic_links: Option<OwnedFd>,
    open: HashMap<i32, OwnedFd>,
    credentials: Credentials,
}

/// A directory and the path from there, for one call.
type DirPath<'a> = (BorrowedFd<'a>, Vec<u8>);

impl KernelCalls {
    /// `proc` is the machine's /proc, and the process is the caller's.
    pub(crate) fn new(proc: BorrowedFd<'_>) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let magic_links = rustix::fs::openat(proc, "self/fd", flags, Mode::empty())?;
        Ok(Self { magic_links: Some(magic_links), ..Self::default() })
    }

    fn fd(&self, fd: i32) -> io::Result<BorrowedFd<'_>> {
        self.open.get(&fd).map(AsFd::as_fd).ok_or(io::Errno::BADF)
    }

    fn at(&self, place: AtPath<'_>) -> io::Result<DirPath<'_>> {
        let dir = match place.0 {
            At::Cwd => CWD,
            At::Fd(fd) => self.fd(fd)?,
            At::Link(_) => self.magic_links.as_ref().ok_or(io::Errno::BADF)?.as_fd(),
        };
        Ok((dir, path_alone(place)))
    }

    /// Makes a call with the present credentials.
    fn call<T>(&self, call: impl FnOnce() -> io::Result<T>) -> Answered<T> {
        let answer = as_somebody(self.credentials, call).expect("the credentials can be switched");
        answer.map_err(|errno| Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EINVAL))
    }

    fn call_at<T>(&self, place: AtPath<'_>, call: impl FnOnce(DirPath<'_>) -> io::Result<T>) -> Answered<T> {
        self.call(|| call(self.at(place)?))
    }

    fn open(&mut self, place: AtPath<'_>, call: impl FnOnce(DirPath<'_>) -> io::Result<OwnedFd>) -> Answered<i32> {
        let opened = self.call_at(place, call)?;
        Ok(self.keep(opened))
    }

    fn keep(&mut self, opened: OwnedFd) -> i32 {
        let fd = opened.as_raw_fd();
        self.open.insert(fd, opened);
        fd
    }

    /// Makes a call that takes paths alone: the magic links are the working directory where a place is at a descriptor.
    fn call_by_path(&self, places: &[AtPath<'_>], call: impl FnOnce() -> io::Result<()>) -> Answered<()> {
        if places.iter().all(|(at, _)| *at == At::Cwd) {
            return self.call(call);
        }
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let here = rustix::fs::open(".", flags, Mode::empty()).expect("root can open its working directory");
        fchdir(self.magic_links.as_ref().expect("they are open")).expect("root can change to the magic links");
        let answer = self.call(call);
        fchdir(here).expect("root can change back");
        answer
    }
}

fn path_alone((at, path): AtPath<'_>) -> Vec<u8> {
    match at {
        At::Link(fd) if path.is_empty() => fd.to_string().into_bytes(),
        At::Link(fd) => [fd.to_string().as_bytes(), b"/", path].concat(),
        At::Cwd | At::Fd(_) => path.to_vec(),
    }
}

fn permissions(mode: u32) -> Mode {
    Mode::from_raw_mode(mode)
}

impl ProcessCalls for KernelCalls {
    fn with_credentials<T>(
        &mut self,
        credentials: Credentials,
        act: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, CannotRun> {
        self.credentials = credentials;
        let answer = act(self);
        self.credentials = Credentials::Root;
        Ok(answer)
    }

    fn openat(&mut self, place: AtPath<'_>, flags: u32, mode: u32) -> Answered<i32> {
        let flags = OFlags::from_bits_retain(flags);
        self.open(place, |(dir, path)| rustix::fs::openat(dir, path, flags, permissions(mode)))
    }

    fn openat2(&mut self, place: AtPath<'_>, flags: u32, resolve: u64) -> Answered<i32> {
        let (flags, resolve) = (OFlags::from_bits_retain(flags), ResolveFlags::from_bits_retain(resolve));
        self.open(place, |(dir, path)| rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve))
    }

    fn open_tree(&mut self, place: AtPath<'_>, flags: u32) -> Answered<i32> {
        let flags = OpenTreeFlags::from_bits_retain(flags);
        self.open(place, |(dir, path)| rustix::mount::open_tree(dir, path, flags))
    }

    fn close(&mut self, fd: i32) -> Answered<()> {
        self.open.remove(&fd).map(drop).ok_or(Errno::EBADF)
    }

    fn write(&mut self, fd: i32, bytes: &[u8]) -> Answered<usize> {
        self.call(|| rustix::io::write(self.fd(fd)?, bytes))
    }

    fn read(&mut self, fd: i32) -> Answered<Vec<u8>> {
        self.call(|| {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 1 << 14]);
            loop {
                match rustix::io::read(self.fd(fd)?, &mut buffer)? {
                    0 => return Ok(bytes),
                    more => bytes.extend_from_slice(&buffer[..more]),
                }
            }
        })
    }

    fn statx(&mut self, place: AtPath<'_>, flags: u32) -> Answered<Statted> {
        let (flags, mask) = (AtFlags::from_bits_retain(flags), StatxFlags::BASIC_STATS | StatxFlags::MNT_ID);
        let statx = self.call_at(place, |(dir, path)| rustix::fs::statx(dir, path, flags, mask))?;
        Ok(Statted {
            mode: statx.stx_mode,
            owner: (statx.stx_uid, statx.stx_gid),
            size: statx.stx_size,
            links: statx.stx_nlink,
            represents: (statx.stx_rdev_major, statx.stx_rdev_minor),
            device: (statx.stx_dev_major, statx.stx_dev_minor),
            inode: statx.stx_ino,
            mount: statx.stx_mnt_id,
            mount_root: statx.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        })
    }

    fn names(&mut self, directory: i32) -> Answered<Vec<OsString>> {
        self.call(|| {
            // Not `read_from`: it opens `.`, and a directory may be readable and not searchable.
            let names = Dir::new(rustix::io::dup(self.fd(directory)?)?)?
                .map(|entry| entry.map(|entry| OsString::from_vec(entry.file_name().to_bytes().to_vec())));
            names.filter(|name| !name.as_ref().is_ok_and(|name| name == "." || name == "..")).collect()
        })
    }

    fn readlinkat(&mut self, place: AtPath<'_>) -> Answered<Vec<u8>> {
        self.call_at(place, |(dir, path)| rustix::fs::readlinkat(dir, path, Vec::new()).map(CString::into_bytes))
    }

    fn faccessat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()> {
        // Without the flag the call gives a process whose real uid is 0 its capabilities back.
        let flags = if self.credentials == Credentials::Root { AtFlags::empty() } else { AtFlags::EACCESS };
        self.call_at(place, |(dir, path)| rustix::fs::accessat(dir, path, Access::from_bits_retain(mode), flags))
    }

    fn mkdirat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()> {
        self.call_at(place, |(dir, path)| rustix::fs::mkdirat(dir, path, permissions(mode)))
    }

    fn unlinkat(&mut self, place: AtPath<'_>, flags: u32) -> Answered<()> {
        self.call_at(place, |(dir, path)| rustix::fs::unlinkat(dir, path, AtFlags::from_bits_retain(flags)))
    }

    fn symlinkat(&mut self, target: &[u8], place: AtPath<'_>) -> Answered<()> {
        self.call_at(place, |(dir, path)| rustix::fs::symlinkat(target, dir, path))
    }

    fn mknodat(&mut self, place: AtPath<'_>, mode: u32, device: u64) -> Answered<()> {
        let (kind, mode) = (FileType::from_raw_mode(mode), permissions(mode & 0o7777));
        self.call_at(place, |(dir, path)| rustix::fs::mknodat(dir, path, kind, mode, device))
    }

    fn fchmodat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()> {
        self.call_at(place, |(dir, path)| rustix::fs::chmodat(dir, path, permissions(mode), AtFlags::empty()))
    }

    fn fchownat(&mut self, place: AtPath<'_>, uid: u32, gid: u32) -> Answered<()> {
        // The highest number leaves one as it is.
        let changed = |id: u32| (id != u32::MAX).then_some(id);
        let (uid, gid) = (changed(uid).map(Uid::from_raw), changed(gid).map(Gid::from_raw));
        self.call_at(place, |(dir, path)| rustix::fs::chownat(dir, path, uid, gid, AtFlags::SYMLINK_NOFOLLOW))
    }

    fn linkat(&mut self, from: AtPath<'_>, to: AtPath<'_>) -> Answered<()> {
        self.call(|| {
            let ((from, from_path), (to, to_path)) = (self.at(from)?, self.at(to)?);
            rustix::fs::linkat(from, from_path, to, to_path, AtFlags::empty())
        })
    }

    fn renameat2(&mut self, from: AtPath<'_>, to: AtPath<'_>, flags: u32) -> Answered<()> {
        self.call(|| {
            let ((from, from_path), (to, to_path)) = (self.at(from)?, self.at(to)?);
            rustix::fs::renameat_with(from, from_path, to, to_path, RenameFlags::from_bits_retain(flags))
        })
    }

    fn chdir(&mut self, place: AtPath<'_>) -> Answered<()> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match place.0 {
            At::Cwd => self.call(|| rustix::process::chdir(place.1)),
            At::Fd(_) | At::Link(_) => {
                self.call_at(place, |(dir, path)| fchdir(rustix::fs::openat(dir, path, flags, Mode::empty())?))
            }
        }
    }

    fn getcwd(&mut self) -> Answered<Vec<u8>> {
        self.call(|| rustix::process::getcwd(Vec::new()).map(CString::into_bytes))
    }

    fn mount(
        &mut self,
        source: Option<AtPath<'_>>,
        target: AtPath<'_>,
        fs_type: Option<&[u8]>,
        flags: u64,
        data: Option<&[u8]>,
    ) -> Answered<()> {
        let data = data.map(|data| CString::new(data).expect("no test has a NUL in it"));
        let flags = MountFlags::from_bits_retain(u32::try_from(flags).expect("the flags of mount(2) have 32 bits"));
        let places: Vec<_> = source.into_iter().chain([target]).collect();
        self.call_by_path(&places, || {
            let source = source.map(path_alone).unwrap_or_default();
            rustix::mount::mount(source, path_alone(target), fs_type.unwrap_or_default(), flags, data.as_deref())
        })
    }

    fn umount2(&mut self, target: AtPath<'_>, flags: u32) -> Answered<()> {
        let flags = UnmountFlags::from_bits_retain(flags);
        self.call_by_path(&[target], || rustix::mount::unmount(path_alone(target), flags))
    }

    fn mount_setattr(&mut self, place: AtPath<'_>, flags: u32, attr: MountAttr) -> Answered<()> {
        self.call_at(place, |(dir, path)| mount_setattr(dir, path, flags, attr))
    }

    fn move_mount(&mut self, from: AtPath<'_>, to: AtPath<'_>, flags: u32) -> Answered<()> {
        let flags = MoveMountFlags::from_bits_retain(flags);
        self.call(|| {
            let ((from, from_path), (to, to_path)) = (self.at(from)?, self.at(to)?);
            rustix::mount::move_mount(from, from_path, to, to_path, flags)
        })
    }

    fn open_tree_attr(&mut self, place: AtPath<'_>, flags: u32, attr: MountAttr) -> Answered<i32> {
        self.open(place, |(dir, path)| open_tree_attr(dir, path, flags, attr))
    }

    fn fsopen(&mut self, fs_type: &[u8]) -> Answered<i32> {
        self.open((At::Cwd, b""), |_| rustix::mount::fsopen(fs_type, FsOpenFlags::FSOPEN_CLOEXEC))
    }

    fn fsconfig_set(&mut self, context: i32, key: &[u8], value: Option<&[u8]>) -> Answered<()> {
        self.call(|| match value {
            Some(value) => rustix::mount::fsconfig_set_string(self.fd(context)?, key, value),
            None => rustix::mount::fsconfig_set_flag(self.fd(context)?, key),
        })
    }

    fn fsconfig_create(&mut self, context: i32) -> Answered<()> {
        self.call(|| rustix::mount::fsconfig_create(self.fd(context)?))
    }

    fn fsmount(&mut self, context: i32, attributes: u64) -> Answered<i32> {
        let attributes = u32::try_from(attributes).expect("the attributes of fsmount(2) have 32 bits");
        let attributes = MountAttrFlags::from_bits_retain(attributes);
        let mounted =
            self.call(|| rustix::mount::fsmount(self.fd(context)?, FsMountFlags::FSMOUNT_CLOEXEC, attributes))?;
        Ok(self.keep(mounted))
    }

    fn statfs(&mut self, (at, path): AtPath<'_>) -> Answered<(u64, u64)> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let status = self.call_at((at, path), |(dir, path)| {
            rustix::fs::fstatfs(rustix::fs::openat(dir, path, flags, Mode::empty())?)
        })?;
        Ok((status.f_type.cast_unsigned(), status.f_flags.cast_unsigned()))
    }

    fn umask(&mut self, mask: u32) -> Answered<u32> {
        Ok(rustix::process::umask(permissions(mask)).bits())
    }

    fn pivot_root(&mut self, new_root: AtPath<'_>, put_old: AtPath<'_>) -> Answered<()> {
        self.call_by_path(&[new_root, put_old], || {
            rustix::process::pivot_root(path_alone(new_root), path_alone(put_old))
        })
    }

    fn chroot(&mut self, place: AtPath<'_>) -> Answered<()> {
        self.call_by_path(&[place], || rustix::process::chroot(path_alone(place)))
    }

    fn user_namespace(&mut self, map: &[IdRange]) -> Answered<i32> {
        let proc = self.magic_links.as_ref().ok_or(Errno::EBADF)?;
        let opened = user_namespace_with(proc.as_fd(), map);
        let opened = opened.map_err(|errno| Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EINVAL))?;
        Ok(self.keep(opened))
    }
}

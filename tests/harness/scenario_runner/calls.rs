//! The system calls of one process, with the numbers of the kernel's headers: on the kernel or on the model.

use std::ffi::OsString;

use mountwright_core::Errno;
use mountwright_fake::{At, IdRange, MountAttr, abi};

use crate::scenario::returned::Returned;
use crate::scenario::{AttributesValue, CannotRun, Credentials, DeviceNumber, Octal};

/// A start directory and a path: the first two arguments of an `*at()` call. [`At::Link`] is the magic link of a descriptor.
pub type AtPath<'a> = (At, &'a [u8]);

/// The result of a system call.
pub type Answered<T> = Result<T, Errno>;

/// The fields of statx(2) that tests look at.
#[allow(missing_docs)] // Each is the field of its name.
#[derive(Debug)]
pub struct Statted {
    pub mode: u16,
    pub owner: (u32, u32),
    pub size: u64,
    pub links: u32,
    pub device: (u32, u32),
    pub inode: u64,
    /// Of a device node.
    pub represents: (u32, u32),
    pub mount: u64,
    pub mount_root: bool,
}

/// The system calls of one process.
#[allow(missing_docs)] // Each is the call of its name.
pub trait ProcessCalls {
    /// Performs these calls with other credentials, and restores the process's own.
    fn with_credentials<T>(
        &mut self,
        credentials: Credentials,
        act: impl FnOnce(&mut Self) -> T,
    ) -> Result<T, CannotRun>
    where
        Self: Sized;

    fn openat(&mut self, place: AtPath<'_>, flags: u32, mode: u32) -> Answered<i32>;
    fn openat2(&mut self, place: AtPath<'_>, flags: u32, resolve: u64) -> Answered<i32>;
    fn open_tree(&mut self, place: AtPath<'_>, flags: u32) -> Answered<i32>;
    fn close(&mut self, fd: i32) -> Answered<()>;
    fn write(&mut self, fd: i32, bytes: &[u8]) -> Answered<usize>;
    /// read(2) to the end.
    fn read(&mut self, fd: i32) -> Answered<Vec<u8>>;
    fn statx(&mut self, place: AtPath<'_>, flags: u32) -> Answered<Statted>;
    /// getdents64(2) to the end, without `.` and `..`. A directory that was removed has no names.
    fn names(&mut self, directory: i32) -> Answered<Vec<OsString>>;
    fn readlinkat(&mut self, place: AtPath<'_>) -> Answered<Vec<u8>>;
    fn faccessat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()>;
    fn mkdirat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()>;
    fn unlinkat(&mut self, place: AtPath<'_>, flags: u32) -> Answered<()>;
    fn symlinkat(&mut self, target: &[u8], place: AtPath<'_>) -> Answered<()>;
    fn mknodat(&mut self, place: AtPath<'_>, mode: u32, device: u64) -> Answered<()>;
    fn fchmodat(&mut self, place: AtPath<'_>, mode: u32) -> Answered<()>;
    /// fchownat(2), of a symlink itself.
    fn fchownat(&mut self, place: AtPath<'_>, uid: u32, gid: u32) -> Answered<()>;
    fn linkat(&mut self, from: AtPath<'_>, to: AtPath<'_>) -> Answered<()>;
    fn renameat2(&mut self, from: AtPath<'_>, to: AtPath<'_>, flags: u32) -> Answered<()>;
    fn chdir(&mut self, place: AtPath<'_>) -> Answered<()>;
    fn getcwd(&mut self) -> Answered<Vec<u8>>;
    fn mount(
        &mut self,
        source: Option<AtPath<'_>>,
        target: AtPath<'_>,
        fs_type: Option<&[u8]>,
        flags: u64,
        data: Option<&[u8]>,
    ) -> Answered<()>;
    fn umount2(&mut self, target: AtPath<'_>, flags: u32) -> Answered<()>;
    fn mount_setattr(&mut self, place: AtPath<'_>, flags: u32, attr: MountAttr) -> Answered<()>;
    fn move_mount(&mut self, from: AtPath<'_>, to: AtPath<'_>, flags: u32) -> Answered<()>;
    fn open_tree_attr(&mut self, place: AtPath<'_>, flags: u32, attr: MountAttr) -> Answered<i32>;
    fn fsopen(&mut self, fs_type: &[u8]) -> Answered<i32>;
    /// fsconfig(2): a flag, or a string where there is a value.
    fn fsconfig_set(&mut self, context: i32, key: &[u8], value: Option<&[u8]>) -> Answered<()>;
    fn fsconfig_create(&mut self, context: i32) -> Answered<()>;
    fn fsmount(&mut self, context: i32, attributes: u64) -> Answered<i32>;
    /// statfs(2): magic number and flags.
    fn statfs(&mut self, place: AtPath<'_>) -> Answered<(u64, u64)>;
    fn umask(&mut self, mask: u32) -> Answered<u32>;
    fn pivot_root(&mut self, new_root: AtPath<'_>, put_old: AtPath<'_>) -> Answered<()>;
    fn chroot(&mut self, place: AtPath<'_>) -> Answered<()>;
    /// A descriptor of a user namespace that a child makes, with this map.
    fn user_namespace(&mut self, map: &[IdRange]) -> Answered<i32>;
}

impl Statted {
    pub(crate) fn kind(&self) -> &'static str {
        match u32::from(self.mode) & abi::S_IFMT {
            abi::S_IFREG => "file",
            abi::S_IFDIR => "dir",
            abi::S_IFLNK => "symlink",
            abi::S_IFIFO => "fifo",
            abi::S_IFSOCK => "socket",
            abi::S_IFCHR => "char",
            abi::S_IFBLK => "block",
            _ => "unknown",
        }
    }
}

impl Statted {
    pub(crate) fn attributes(&self) -> AttributesValue {
        let kind = self.kind();
        AttributesValue {
            kind: kind.to_owned(),
            mode: Octal(u32::from(self.mode) & 0o7777),
            uid: self.owner.0,
            gid: self.owner.1,
            device: ["char", "block"].contains(&kind).then_some(DeviceNumber(self.represents.0, self.represents.1)),
        }
    }
}

impl From<Statted> for Returned {
    fn from(statted: Statted) -> Self {
        let kind = statted.kind().to_owned();
        let Statted { device, inode, mount, mount_root, .. } = statted;
        Self::Stat { kind, device, inode, mount, mount_root }
    }
}

const READING: u32 = abi::O_RDONLY | abi::O_DIRECTORY | abi::O_CLOEXEC;

/// The names in a directory, sorted.
pub(crate) fn names<C: ProcessCalls>(calls: &mut C, place: AtPath<'_>) -> Answered<Vec<String>> {
    let directory = calls.openat(place, READING, 0)?;
    let names = names_in(calls, directory);
    calls.close(directory)?;
    names
}

pub(crate) fn names_in<C: ProcessCalls>(calls: &mut C, directory: i32) -> Answered<Vec<String>> {
    let names = calls.names(directory)?;
    let mut names: Vec<_> = names.into_iter().map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// Everything below a directory, across mounts, sorted: `x/` for a directory, `x` for a file, `x@kind` for the rest.
pub(crate) fn tree<C: ProcessCalls>(calls: &mut C, place: AtPath<'_>) -> Answered<Vec<String>> {
    let directory = calls.openat(place, READING, 0)?;
    let mut found = Vec::new();
    let walked = walk(calls, directory, "", &mut found);
    calls.close(directory)?;
    found.sort();
    walked.map(|()| found)
}

fn walk<C: ProcessCalls>(calls: &mut C, directory: i32, prefix: &str, found: &mut Vec<String>) -> Answered<()> {
    for name in names_in(calls, directory)? {
        let place = (At::Fd(directory), name.as_bytes());
        match calls.statx(place, abi::AT_SYMLINK_NOFOLLOW)?.kind() {
            "dir" => {
                let path = format!("{prefix}{name}/");
                let below = calls.openat(place, READING | abi::O_NOFOLLOW, 0)?;
                found.push(path.clone());
                let walked = walk(calls, below, &path, found);
                calls.close(below)?;
                walked?;
            }
            "file" => found.push(format!("{prefix}{name}")),
            kind => found.push(format!("{prefix}{name}@{kind}")),
        }
    }
    Ok(())
}

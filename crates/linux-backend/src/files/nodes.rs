//! Creates symlinks and nodes: device files, named pipes and sockets, none of which is opened.

use std::path::Path;

use mountwright_core::error::Leftover;
use mountwright_core::file::{FileIdentity, FileKind, Metadata};
use mountwright_core::{DeviceNumber, Errno, FileMode};

use crate::backend::LinuxBackend;
use crate::files::create::{FRESH, may_be_fresh};
use crate::files::metadata::{file_identity, metadata};
use crate::resolve::beneath::Crossing;
use crate::resolve::identity::{QUIETLY, kind};
use crate::syscalls::abi::{
    AT_SYMLINK_NOFOLLOW, O_NOFOLLOW, O_PATH, S_IFBLK, S_IFCHR, S_IFIFO, S_IFLNK, S_IFSOCK, STATX_NLINK,
};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{At, Call, Kernel, Stat};

/// The largest numbers that mknod(2) takes: it has 32 bits for both.
const MAJOR_MAX: u32 = 0xfff;
const MINOR_MAX: u32 = 0xf_ffff;

const NO_PRIVILEGE: &str = "a device needs CAP_MKNOD in the initial user namespace, a device cgroup that permits it and a \
                            filesystem that stores devices";
const NOT_STORED: &str = "the filesystem stores no such file, or the directory is immutable";

/// A node that is to be created.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewNode {
    /// One of `S_IF…`.
    kind: u32,
    device: Option<DeviceNumber>,
    mode: FileMode,
}

impl NewNode {
    pub(crate) fn of(kind: FileKind, device: Option<DeviceNumber>, mode: FileMode) -> Step<Self> {
        let refused = |why: String| Err(Fault::new(Call::Mknodat, Errno::EINVAL).because(Some(why)));
        let kind = match (kind, device) {
            (FileKind::Regular | FileKind::Directory | FileKind::Symlink, _) => {
                return refused(format!("a {kind} is no node"));
            }
            (FileKind::CharacterDevice | FileKind::BlockDevice, None) => {
                return refused(format!("a {kind} needs a device number"));
            }
            (FileKind::Fifo | FileKind::Socket, Some(_)) => return refused(format!("a {kind} has no device number")),
            (_, Some(device)) if device.major() > MAJOR_MAX || device.minor() > MINOR_MAX => {
                return refused(format!("mknod takes no device number as large as {device}"));
            }
            (FileKind::CharacterDevice, _) => S_IFCHR,
            (FileKind::BlockDevice, _) => S_IFBLK,
            (FileKind::Fifo, _) => S_IFIFO,
            (FileKind::Socket, _) => S_IFSOCK,
        };
        Ok(Self { kind, device, mode })
    }

    /// Returns true if a file can be this node, just created: it has one name and no permission that was not requested.
    fn may_be(self, stat: &Stat) -> bool {
        let same_device = self.device.is_none_or(|device| stat.represents == (device.major(), device.minor()));
        kind(stat) == self.kind && same_device && stat.links <= 1 && may_be_fresh(stat, self.mode)
    }
}

impl<K: Kernel> LinuxBackend<K> {
    /// Creates a node and returns its metadata. If its mode differs from the requested one (umask, default ACL), it is
    /// corrected by a descriptor that does not open it; if that fails, the node is removed.
    ///
    /// If its name leads to another file by then, that one is left as it is: `ESTALE`. If another caller has mounted on it in
    /// between, it is left to that caller: `EEXIST`.
    pub(crate) fn new_node(&self, dir: At<'_, K::Fd>, name: &Path, node: NewNode, shown: &Path) -> Step<Metadata> {
        let (mode, device) = (u32::from(node.mode.bits()), node.device.map_or(0, DeviceNumber::to_raw));
        self.calls.mknodat(dir, name, node.kind | mode, device).map_err(|fault| {
            let refused = if node.device.is_some() { NO_PRIVILEGE } else { NOT_STORED };
            self.explained_creation(fault, Call::Mknodat, refused)
        })?;
        let At::Fd(parent) = dir else {
            // The path ends in no name or in a slash, so the kernel has refused it.
            return Err(Fault::new(Call::Mknodat, Errno::EEXIST));
        };
        let (fresh, stat) = self.open_fresh_node(parent, name, node).map_err(|fault| match fault.errno() {
            // Another caller has removed or exchanged it: the name is another file's by now.
            Errno::ENOENT | Errno::ESTALE => fault,
            Errno::EXDEV => self.without_name(dir, name, |stat| node.may_be(stat), fault.saying(Errno::EEXIST), shown),
            _ => self.without_name(dir, name, |stat| node.may_be(stat), fault, shown),
        })?;
        if FileMode::from_bits(stat.mode) != node.mode {
            let same = |found: &Stat| (found.device, found.inode) == (stat.device, stat.inode);
            let changed = self.chmod_pinned(&fresh, mode);
            changed.map_err(|fault| self.without_name(dir, name, same, fault, shown))?;
        }
        let mut found = metadata(&stat)?;
        found.mode = node.mode;
        Ok(found)
    }

    /// Pins a node that this call has just created in `parent`. No mount is crossed, and a file that cannot be that node is
    /// `ESTALE`: another process has exchanged the name.
    fn open_fresh_node(&self, parent: &K::Fd, name: &Path, node: NewNode) -> Step<(K::Fd, Stat)> {
        let fresh = self.beneath(parent, name, O_PATH | O_NOFOLLOW, Crossing::Refuse)?;
        let stat = self.stat_fd(&fresh, FRESH | self.metadata_mask())?;
        if node.may_be(&stat) { Ok((fresh, stat)) } else { Err(Fault::new(Call::Openat, Errno::ESTALE)) }
    }

    /// Creates a symlink and returns its identity. If its name leads to what is no symlink by then, that is left as it is:
    /// `ESTALE`.
    pub(crate) fn new_symlink(
        &self,
        dir: At<'_, K::Fd>,
        name: &Path,
        target: &Path,
        shown: &Path,
    ) -> Step<FileIdentity> {
        let made = self.calls.symlinkat(target, dir, name);
        made.map_err(|fault| self.explained_creation(fault, Call::Symlinkat, NOT_STORED))?;
        let is_ours = |stat: &Stat| kind(stat) == S_IFLNK;
        match self.calls.statx(dir, name, QUIETLY | AT_SYMLINK_NOFOLLOW, FRESH) {
            Ok(stat) if is_ours(&stat) => file_identity(&stat),
            Ok(_) => Err(Fault::new(Call::Statx, Errno::ESTALE)),
            Err(fault) if fault.errno() == Errno::ENOENT => Err(fault),
            Err(fault) => Err(self.without_name(dir, name, is_ours, fault, shown)),
        }
    }

    /// Removes the name of what this call has created, unless it is another file's by now. The failure names what stays.
    fn without_name(
        &self,
        dir: At<'_, K::Fd>,
        name: &Path,
        is_ours: impl FnOnce(&Stat) -> bool,
        fault: Fault,
        shown: &Path,
    ) -> Fault {
        let found = self.calls.statx(dir, name, QUIETLY | AT_SYMLINK_NOFOLLOW, FRESH | STATX_NLINK);
        let removed = match found {
            Ok(stat) if is_ours(&stat) => self.calls.unlinkat(dir, name, 0),
            Ok(_) => return fault,
            Err(failed) => Err(failed),
        };
        match removed {
            Ok(()) => fault,
            Err(gone) if gone.errno() == Errno::ENOENT => fault,
            // It stays below the mount of another caller, as if that one had created it.
            Err(busy) if busy.errno() == Errno::EBUSY && fault.errno() == Errno::EEXIST => fault,
            Err(_) => fault.leaving(Leftover::File(shown.to_path_buf())),
        }
    }
}

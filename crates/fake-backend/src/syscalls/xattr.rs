//! `getxattr`, `getxattrat`, `listxattr`, `setxattr`: capabilities of files, and no other attribute.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{AT_SYMLINK_NOFOLLOW, CAP_SETFCAP};
use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

const CAPABILITIES: &[u8] = b"security.capability";
/// `struct vfs_cap_data` with its version: the low byte of the first word holds flags, the high one the version.
const SIZES: [(u8, usize); 2] = [(2, 20), (3, 24)];

impl Machine {
    /// `getxattr` of `security.capability`, the only attribute that is modelled.
    ///
    /// # Errors
    /// Those of the walk; `ENODATA`: the file has no attribute of this name; `EOPNOTSUPP`: its filesystem stores none.
    pub fn getxattr(&mut self, pid: Pid, at: impl Into<At>, path: &[u8], name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.getxattrat(pid, at, path, 0, name)
    }

    /// `getxattrat` (6.13), with `AT_SYMLINK_NOFOLLOW` or no flag.
    ///
    /// # Errors
    /// As [`getxattr`](Self::getxattr); `EINVAL`: any other flag.
    pub fn getxattrat(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        flags: u32,
        name: &[u8],
    ) -> Result<Vec<u8>, Errno> {
        if flags & !AT_SYMLINK_NOFOLLOW != 0 {
            return Err(Errno::EINVAL);
        }
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(flags))?;
        self.ask_server_of(pid, place)?;
        let inode = &self.inodes[self.dentries[place.dentry].inode];
        if matches!(inode.content, Content::Proc(_)) {
            return Err(Errno::EOPNOTSUPP);
        }
        let found = inode.capabilities.as_ref().filter(|_| name == CAPABILITIES);
        found.map(|value| value.to_vec()).ok_or(Errno::ENODATA)
    }

    /// `listxattr`: the name of `security.capability` where the file has it, with a NUL after it.
    ///
    /// # Errors
    /// Those of the walk.
    pub fn listxattr(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(0))?;
        self.ask_server_of(pid, place)?;
        let has = self.inodes[self.dentries[place.dentry].inode].capabilities.is_some();
        Ok(if has { [CAPABILITIES, b"\0"].concat() } else { Vec::new() })
    }

    /// `setxattr` of `security.capability`, with no flags.
    ///
    /// # Errors
    /// Those of the walk; `EROFS`; `EPERM`: no `CAP_SETFCAP`; `EINVAL`: not in a form that the kernel reads; `EOPNOTSUPP`:
    /// any other attribute, and where the filesystem stores none.
    pub fn setxattr(
        &mut self,
        pid: Pid,
        at: impl Into<At>,
        path: &[u8],
        name: &[u8],
        value: &[u8],
    ) -> Result<(), Errno> {
        let place = self.walk(pid, at.into(), path, WalkFlags::from_at(0))?;
        if name != CAPABILITIES {
            return Err(Errno::EOPNOTSUPP);
        }
        if !SIZES.iter().any(|&(version, size)| value.len() == size && value[3] == version) {
            return Err(Errno::EINVAL);
        }
        let key = self.dentries[place.dentry].inode;
        if !self.capable_over(pid, place.mount, &self.inodes[key], CAP_SETFCAP) {
            return Err(Errno::EPERM);
        }
        self.want_write(place)?;
        self.ask_server_of(pid, place)?;
        if matches!(self.inodes[key].content, Content::Proc(_)) {
            return Err(Errno::EOPNOTSUPP);
        }
        let tick = self.next_tick();
        let inode = &mut self.inodes[key];
        inode.capabilities = Some(Arc::from(value));
        inode.times.changed = tick;
        Ok(())
    }
}

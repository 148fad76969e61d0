//! `readlinkat`.

use mountwright_core::Errno;

use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

impl Machine {
    /// `readlinkat`: the text of a symlink; with an empty path and a descriptor of a symlink, of that.
    ///
    /// # Errors
    /// Those of the walk; `EINVAL`: not a symlink; `ENOENT` where the path is empty.
    pub fn readlinkat(&mut self, pid: Pid, at: impl Into<At>, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let at = at.into();
        let empty = path.is_empty() && !matches!(at, At::Link(_));
        let place = self.walk(pid, at, path, WalkFlags { empty: true, ..WalkFlags::default() })?;
        self.ask_server_of(pid, place)?;
        match &self.inodes[self.dentries[place.dentry].inode].content {
            Content::Symlink(text) => Ok(text.to_vec()),
            Content::Proc(node) => self.proc_link_text(pid, node.what),
            // An empty path that names no symlink is an empty path.
            _ => Err(if empty { Errno::ENOENT } else { Errno::EINVAL }),
        }
    }
}

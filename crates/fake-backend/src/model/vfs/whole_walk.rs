//! Walks of whole paths, and the look-up of one name.

use mountwright_core::Errno;

use crate::abi::NAME_MAX;
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::inode::Content;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::server::Server;
use crate::model::vfs::at::At;
use crate::model::vfs::path_text::LastKind;
use crate::model::vfs::path_walk::Walk;
use crate::model::vfs::walk_flags::WalkFlags;

/// A walk up to, and without, its last component.
#[derive(Debug)]
pub(crate) struct ParentWalk {
    pub(crate) directory: Place,
    pub(crate) last: Vec<u8>,
    pub(crate) kind: LastKind,
    /// Slashes follow the last component.
    pub(crate) slash: bool,
}

impl Machine {
    /// Records a use of a mount: it is no longer marked as expiring.
    pub(crate) fn note_use(&mut self, place: Place) {
        if self.mounts[place.mount].expire_mark {
            self.mounts[place.mount].expire_mark = false;
        }
    }

    /// Walks the whole path.
    pub(crate) fn walk(&mut self, pid: Pid, at: At, path: &[u8], flags: WalkFlags) -> Result<Place, Errno> {
        let mut walk = Walk::begin(self, pid, at, path, flags)?;
        loop {
            walk.reach_last(self)?;
            if !walk.take_last(self, flags.follow)? {
                break;
            }
        }
        if flags.unmount {
            let top = self.onto_mounts(walk.at);
            walk.at = top;
        }
        walk.finish(self)?;
        if !flags.unmount {
            self.note_use(walk.at);
        }
        if (flags.directory || walk.slash_seen) && !self.is_directory(walk.at) {
            return Err(Errno::ENOTDIR);
        }
        Ok(walk.at)
    }

    /// Walks all but the last component.
    pub(crate) fn walk_to_parent(&mut self, pid: Pid, at: At, path: &[u8]) -> Result<ParentWalk, Errno> {
        let mut walk = Walk::begin(self, pid, at, path, WalkFlags { follow: true, ..WalkFlags::default() })?;
        walk.reach_last(self)?;
        self.note_use(walk.at);
        let (kind, slash, last) = (walk.last_kind(), walk.last_has_slash(), walk.last_name().to_vec());
        Ok(ParentWalk { directory: walk.at, last, kind, slash })
    }

    /// Looks `name` up in a directory.
    ///
    /// # Errors
    /// `ENOENT`: the directory was removed. `ENAMETOOLONG`.
    pub(crate) fn find_name(
        &mut self,
        directory: DentryKey,
        name: &[u8],
        pid: Pid,
    ) -> Result<Option<DentryKey>, Errno> {
        let inode = &self.inodes[self.dentries[directory].inode];
        self.ask_server(pid, inode.superblock)?;
        if let Server::FailsLookUps(errno) = self.superblocks[inode.superblock].server {
            return Err(errno);
        }
        match &inode.content {
            Content::Directory(names) => match names.get(name) {
                Some(&dentry) => Ok(Some(dentry)),
                None if inode.dead => Err(Errno::ENOENT),
                None if name.len() > NAME_MAX => Err(Errno::ENAMETOOLONG),
                None => Ok(None),
            },
            Content::Proc(_) => self.find_in_proc(directory, name),
            _ => Err(Errno::ENOTDIR),
        }
    }
}

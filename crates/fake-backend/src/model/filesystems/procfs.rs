//! procfs: files that are generated from the machine's state at each look-up.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::inode::Content;
use crate::model::objects::pid::Pid;
use crate::model::objects::proc_node::{LinkEnd, ProcFile, ProcNode};
use crate::model::objects::superblock::NewInode;

fn number<T: std::str::FromStr + ToString>(name: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(name).ok()?;
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

impl Machine {
    /// Looks `name` up in a directory of procfs.
    pub(crate) fn find_in_proc(
        &mut self,
        directory: DentryKey,
        name: &[u8],
        asker: Pid,
    ) -> Result<Option<DentryKey>, Errno> {
        let inode = &self.inodes[self.dentries[directory].inode];
        let Content::Proc(node) = &inode.content else { return Err(Errno::ENOTDIR) };
        let superblock = inode.superblock;
        let Some(what) = self.meaning(node.what, name) else {
            // Files that a host was built with (`/proc/sys`, say) exist although procfs does not generate them here.
            let built = node.names.get(name).copied();
            return Ok(built.filter(|&known| !matches!(self.content(known), Content::Proc(_))));
        };
        if let Some(&known) = node.names.get(name) {
            return Ok(Some(known));
        }
        let (uid, gid) = self.task(asker).map_or((0, 0), |task| (task.credentials.uid, task.credentials.gid));
        let new = NewInode { content: Content::Proc(ProcNode::new(what)), mode: ProcNode::mode(what), uid, gid };
        let inode = self.new_inode(superblock, new);
        Ok(Some(self.link_name(directory, Name::new(name), inode)))
    }

    pub(crate) fn content(&self, dentry: DentryKey) -> &Content {
        &self.inodes[self.dentries[dentry].inode].content
    }

    fn meaning(&self, directory: ProcFile, name: &[u8]) -> Option<ProcFile> {
        let process = |name| number(name).map(Pid).filter(|pid| self.tasks.contains_key(pid));
        let open = |pid, name| number::<i32>(name).filter(|&fd| self.file_key(pid, fd).is_ok());
        match (directory, name) {
            (ProcFile::Root, b"self") => Some(ProcFile::SelfLink),
            (ProcFile::Root, b"thread-self") => Some(ProcFile::ThreadSelfLink),
            (ProcFile::Root, _) => process(name).map(ProcFile::Process),
            (ProcFile::Process(pid), b"fd") => Some(ProcFile::Descriptors(pid)),
            (ProcFile::Process(pid), b"fdinfo") => Some(ProcFile::DescriptorInfos(pid)),
            (ProcFile::Process(pid), b"mountinfo") => Some(ProcFile::MountInfo(pid)),
            (ProcFile::Process(pid), b"task") => Some(ProcFile::Tasks(pid)),
            (ProcFile::Tasks(pid), _) => process(name).filter(|&task| task == pid).map(ProcFile::Process),
            (ProcFile::Descriptors(pid), _) => open(pid, name).map(|fd| ProcFile::Descriptor(pid, fd)),
            (ProcFile::DescriptorInfos(pid), _) => open(pid, name).map(|fd| ProcFile::DescriptorInfo(pid, fd)),
            _ => None,
        }
    }

    /// Returns the target of a procfs symlink when `asker` follows it.
    pub(crate) fn follow_proc_link(&self, asker: Pid, node: &ProcNode) -> Result<LinkEnd, Errno> {
        match node.what {
            ProcFile::Descriptor(pid, fd) => {
                self.file(pid, fd).map(|file| LinkEnd::Jump(file.place)).map_err(|_| Errno::ENOENT)
            }
            what => Ok(LinkEnd::Text(Arc::from(self.proc_link_text(asker, what)?))),
        }
    }

    /// Returns the text that `readlink` gives for a procfs symlink.
    pub(crate) fn proc_link_text(&self, asker: Pid, what: ProcFile) -> Result<Vec<u8>, Errno> {
        match what {
            ProcFile::SelfLink => Ok(asker.0.to_string().into_bytes()),
            ProcFile::ThreadSelfLink => Ok(format!("{0}/task/{0}", asker.0).into_bytes()),
            ProcFile::Descriptor(pid, fd) => {
                let place = self.file(pid, fd).map_err(|_| Errno::ENOENT)?.place;
                Ok(self.path_for_link(place, self.task(asker)?.root))
            }
            _ => Err(Errno::EINVAL),
        }
    }

    /// The names that a directory of procfs has now, with their kinds.
    pub(crate) fn proc_names(&self, what: ProcFile) -> Vec<Vec<u8>> {
        let fixed = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect::<Vec<_>>();
        match what {
            ProcFile::Root => {
                let mut names = fixed(&[b"self", b"thread-self"]);
                names.extend(self.tasks.keys().map(|pid| pid.0.to_string().into_bytes()));
                names
            }
            ProcFile::Process(_) => fixed(&[b"fd", b"fdinfo", b"mountinfo", b"task"]),
            ProcFile::Tasks(pid) => vec![pid.0.to_string().into_bytes()],
            ProcFile::Descriptors(pid) | ProcFile::DescriptorInfos(pid) => {
                self.descriptors(pid).unwrap_or_default().iter().map(|fd| fd.to_string().into_bytes()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The bytes of a file of procfs.
    pub(crate) fn proc_text(&self, what: ProcFile) -> Result<Vec<u8>, Errno> {
        match what {
            ProcFile::MountInfo(pid) => self.mountinfo(pid),
            ProcFile::DescriptorInfo(pid, fd) => self.fdinfo(pid, fd),
            _ => Err(Errno::EINVAL),
        }
    }
}

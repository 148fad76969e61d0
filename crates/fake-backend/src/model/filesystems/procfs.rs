//! procfs: files that are generated from the machine's state at each look-up.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::inode::Content;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::proc_node::{LinkEnd, ProcFile, ProcNode};
use crate::model::objects::superblock::NewInode;
use crate::model::objects::user_namespace::OVERFLOW_ID;

fn number<T: std::str::FromStr + ToString>(name: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(name).ok()?;
    text.parse().ok().filter(|number: &T| number.to_string() == text)
}

impl Machine {
    /// Looks `name` up in a directory of procfs.
    pub(crate) fn find_in_proc(&mut self, directory: DentryKey, name: &[u8]) -> Result<Option<DentryKey>, Errno> {
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
        let owner = what.process().and_then(|pid| self.task(pid).ok()).map(|task| &task.credentials);
        let (uid, gid) = owner.map_or((0, 0), |owner| (owner.uid, owner.gid));
        let new = NewInode { content: Content::Proc(ProcNode::new(what)), mode: what.mode(), uid, gid };
        let inode = self.new_inode(superblock, new);
        let found = self.link_name(directory, Name::new(name), inode);
        self.dentries[found].cannot_mount = what.is_ephemeral();
        Ok(Some(found))
    }

    pub(crate) fn content(&self, dentry: DentryKey) -> &Content {
        &self.inodes[self.dentries[dentry].inode].content
    }

    fn meaning(&self, directory: ProcFile, name: &[u8]) -> Option<ProcFile> {
        let process = |name| number(name).map(Pid).filter(|pid| self.tasks.contains_key(pid));
        let open = |pid, name| number::<i32>(name).filter(|&fd| self.file_key(pid, fd).is_ok());
        match (directory, name) {
            (ProcFile::Root { .. }, b"self") => Some(ProcFile::SelfLink),
            (ProcFile::Root { .. }, b"thread-self") => Some(ProcFile::ThreadSelfLink),
            (ProcFile::Root { .. }, [b'0'..=b'9', ..]) => process(name).map(ProcFile::Process),
            (ProcFile::Process(pid), b"cwd") => Some(ProcFile::DirectoryOf(pid)),
            (ProcFile::Process(pid), b"exe") => Some(ProcFile::ProgramOf(pid)),
            (ProcFile::Process(pid), b"fd") => Some(ProcFile::Descriptors(pid)),
            (ProcFile::Process(pid), b"fdinfo") => Some(ProcFile::DescriptorInfos(pid)),
            (ProcFile::Process(pid), b"mountinfo") => Some(ProcFile::MountInfo(pid)),
            (ProcFile::Process(pid), b"ns") => Some(ProcFile::Namespaces(pid)),
            (ProcFile::Process(pid), b"root") => Some(ProcFile::RootOf(pid)),
            (ProcFile::Process(pid), b"task") => Some(ProcFile::Tasks(pid)),
            (ProcFile::Tasks(pid), _) => process(name).filter(|&task| task == pid).map(ProcFile::Process),
            (ProcFile::Descriptors(pid), _) => open(pid, name).map(|fd| ProcFile::Descriptor(pid, fd)),
            (ProcFile::DescriptorInfos(pid), _) => open(pid, name).map(|fd| ProcFile::DescriptorInfo(pid, fd)),
            _ => directory.fixed_names().into_iter().find(|(known, _)| known.as_bytes() == name).map(|(_, what)| what),
        }
    }

    /// Returns the target of a procfs symlink when `asker` follows it.
    ///
    /// # Errors
    /// `ENOENT`: the process or descriptor has ended, or has none. `EACCES`: [`Machine::may_inspect`].
    pub(crate) fn follow_proc_link(&mut self, asker: Pid, what: ProcFile) -> Result<LinkEnd, Errno> {
        match what {
            ProcFile::Descriptor(pid, fd) => {
                self.file(pid, fd).map(|file| LinkEnd::Jump(file.place)).map_err(|_| Errno::ENOENT)
            }
            ProcFile::RootOf(pid) | ProcFile::DirectoryOf(pid) => {
                self.may_inspect(asker, pid)?;
                Ok(LinkEnd::Jump(self.place_of_process(what, pid)?))
            }
            ProcFile::Namespace(pid, kind) => {
                self.may_inspect(asker, pid)?;
                Ok(LinkEnd::Jump(self.namespace_file(pid, kind)?))
            }
            what => Ok(LinkEnd::Text(Arc::from(self.proc_link_text(asker, what)?))),
        }
    }

    /// Returns the text that `readlink` gives for a procfs symlink.
    pub(crate) fn proc_link_text(&self, asker: Pid, what: ProcFile) -> Result<Vec<u8>, Errno> {
        match what {
            ProcFile::SelfLink => Ok(asker.0.to_string().into_bytes()),
            ProcFile::ThreadSelfLink => Ok(format!("{0}/task/{0}", asker.0).into_bytes()),
            ProcFile::LinkToOwn(target) => Ok(target.as_bytes().to_vec()),
            ProcFile::Descriptor(pid, fd) => {
                let place = self.file(pid, fd).map_err(|_| Errno::ENOENT)?.place;
                Ok(self.path_for_link(place, self.task(asker)?.root))
            }
            ProcFile::RootOf(pid) | ProcFile::DirectoryOf(pid) => {
                self.may_inspect(asker, pid)?;
                Ok(self.path_for_link(self.place_of_process(what, pid)?, self.task(asker)?.root))
            }
            ProcFile::Namespace(pid, kind) => {
                self.may_inspect(asker, pid)?;
                self.namespace_name(pid, kind)
            }
            ProcFile::ProgramOf(_) => Err(Errno::ENOENT),
            _ => Err(Errno::EINVAL),
        }
    }

    /// The names that a directory of procfs has now, with their kinds.
    pub(crate) fn proc_names(&self, what: ProcFile) -> Vec<Vec<u8>> {
        let fixed = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect::<Vec<_>>();
        let never_change = what.fixed_names().into_iter().map(|(name, _)| name.as_bytes().to_vec());
        match what {
            ProcFile::Root { .. } => {
                let mut names = fixed(&[b"self", b"thread-self"]);
                names.extend(never_change);
                names.extend(self.tasks.keys().map(|pid| pid.0.to_string().into_bytes()));
                names
            }
            ProcFile::Process(_) => {
                let mut names = fixed(&[b"cwd", b"exe", b"fd", b"fdinfo", b"mountinfo", b"ns", b"root", b"task"]);
                names.extend(never_change);
                names
            }
            ProcFile::Tasks(pid) => vec![pid.0.to_string().into_bytes()],
            ProcFile::Descriptors(pid) | ProcFile::DescriptorInfos(pid) => {
                self.descriptors(pid).unwrap_or_default().iter().map(|fd| fd.to_string().into_bytes()).collect()
            }
            _ => never_change.collect(),
        }
    }

    /// The root or the working directory of a process.
    fn place_of_process(&self, what: ProcFile, pid: Pid) -> Result<Place, Errno> {
        let task = self.task(pid).map_err(|_| Errno::ENOENT)?;
        Ok(if what == ProcFile::RootOf(pid) { task.root } else { task.current_dir })
    }

    /// The bytes of a file of procfs.
    pub(crate) fn proc_text(&self, what: ProcFile) -> Result<Vec<u8>, Errno> {
        match what {
            ProcFile::MountInfo(pid) => self.mountinfo(pid),
            ProcFile::DescriptorInfo(pid, fd) => self.fdinfo(pid, fd),
            ProcFile::Fixed(name) => match name.path {
                "sys/fs/mount-max" => Ok(format!("{}\n", self.mount_max).into_bytes()),
                "sys/kernel/overflowuid" => Ok(format!("{OVERFLOW_ID}\n").into_bytes()),
                "sys/kernel/random/boot_id" => Ok(format!("{}\n", self.boot_id).into_bytes()),
                _ => Err(Errno::EOPNOTSUPP),
            },
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}

//! New superblocks whose names the kernel makes: procfs, sysfs, cgroup2, devpts, mqueue.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::model::filesystems::filesystem_type::{Backing, FilesystemType};
use crate::model::filesystems::fixed_names::FixedName;
use crate::model::filesystems::options::SuperblockOptions;
use crate::model::keys::{DentryKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::ids::Ids;
use crate::model::objects::inode::Content;
use crate::model::objects::pid::Pid;
use crate::model::objects::proc_node::{ProcFile, ProcNode};
use crate::model::objects::superblock::{NamesRule, NewInode, NewSuperblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

/// The device of `ptmx`, which opens a new terminal.
const PTMX: Device = Device { major: 5, minor: 2 };

impl Machine {
    /// The superblock of a type that the machine has one of, if there is one now.
    pub(crate) fn superblock_of_machine(&self, kind: FilesystemType) -> Option<SuperKey> {
        self.superblocks.iter().find(|(_, object)| *object.type_name == *kind.name).map(|(key, _)| key)
    }

    /// A procfs with its own options: each mount has one.
    pub(crate) fn proc_superblock(&mut self, kind: FilesystemType, options: &SuperblockOptions) -> SuperKey {
        let content = Content::Proc(ProcNode::new(ProcFile::Root { processes_alone: options.processes_alone }));
        self.superblock_with(kind, options, content)
    }

    /// A tree of names that processes cannot change.
    pub(crate) fn kernel_superblock(
        &mut self,
        kind: FilesystemType,
        options: &SuperblockOptions,
        names: &[FixedName],
    ) -> SuperKey {
        let superblock = self.superblock_with(kind, options, Content::Directory(SortedMap::default()));
        let control_groups = kind.name == b"cgroup2";
        self.superblocks[superblock].names = if control_groups { NamesRule::ControlGroups } else { NamesRule::Fixed };
        let mut made: Vec<(&str, DentryKey)> = vec![("", self.superblocks[superblock].root)];
        for fixed in names {
            let (parent, name) = fixed.path.rsplit_once('/').unwrap_or(("", fixed.path));
            let Some(&(_, parent)) = made.iter().find(|(path, _)| *path == parent) else { continue };
            let content = if fixed.is_directory { Content::Directory(SortedMap::default()) } else { Content::Opaque };
            let inode = self.new_inode(superblock, NewInode { content, mode: fixed.mode, uid: 0, gid: 0 });
            let dentry = self.link_name(parent, Name::new(name.as_bytes()), inode);
            made.push((fixed.path, dentry));
        }
        superblock
    }

    /// Message queues: they stay when the filesystem is unmounted.
    pub(crate) fn queues_superblock(&mut self, kind: FilesystemType) -> SuperKey {
        let content = Content::Directory(SortedMap::default());
        let superblock = self.superblock_with(kind, &SuperblockOptions::default(), content);
        let object = &mut self.superblocks[superblock];
        object.names = NamesRule::Queues;
        object.stays = true;
        superblock
    }

    /// Terminals of its own, and `ptmx`, which belongs to the mounting user namespace's root.
    ///
    /// # Errors
    /// `EINVAL`: that user namespace has no root.
    pub(crate) fn devpts_superblock(
        &mut self,
        pid: Pid,
        kind: FilesystemType,
        options: &SuperblockOptions,
    ) -> Result<SuperKey, Errno> {
        let user_ns = self.task(pid)?.user_ns;
        let root = |ids| self.user_namespaces.to_initial(user_ns, ids, 0).ok_or(Errno::EINVAL);
        let (uid, gid) = (root(Ids::Users)?, root(Ids::Groups)?);
        let superblock = self.superblock_with(kind, options, Content::Directory(SortedMap::default()));
        let object = &mut self.superblocks[superblock];
        object.names = NamesRule::Fixed;
        object.user_ns = user_ns;
        let mode = options.ptmx_mode.unwrap_or_default();
        let ptmx = NewInode { content: Content::Character(PTMX), mode, uid, gid };
        let (root, inode) = (object.root, self.new_inode(superblock, ptmx));
        self.link_name(root, Name::new(b"ptmx"), inode);
        Ok(superblock)
    }

    /// The options of a remount of devpts, which replace all that it had; none for another type.
    ///
    /// # Errors
    /// As [`SuperblockOptions::set_all`]. `EOPNOTSUPP`: options of another type, whose change is not modelled.
    pub(crate) fn parsed_terminals(
        &self,
        pid: Pid,
        superblock: SuperKey,
        data: &[u8],
    ) -> Result<Option<SuperblockOptions>, Errno> {
        let kind = FilesystemType::named(&self.superblocks[superblock].type_name).unwrap_or(FilesystemType::UNKNOWN);
        let terminals = kind.backing == Backing::Terminals;
        if data.is_empty() && !terminals {
            return Ok(None);
        }
        let mut options = SuperblockOptions::default();
        let user_ns = self.task(pid)?.user_ns;
        options.set_all(kind, data, |ids, id| self.user_namespaces.to_initial(user_ns, ids, id))?;
        if terminals { Ok(Some(options)) } else { Err(Errno::EOPNOTSUPP) }
    }

    /// Gives a devpts the options of a remount.
    pub(crate) fn set_terminals(&mut self, superblock: SuperKey, options: &SuperblockOptions) {
        let Some(kind) = FilesystemType::named(&self.superblocks[superblock].type_name) else { return };
        let object = &mut self.superblocks[superblock];
        object.options = Arc::from(options.text(kind));
        let root = object.root;
        let ptmx = self.inodes[self.dentries[root].inode].names().and_then(|names| names.get(&b"ptmx"[..]).copied());
        if let Some(ptmx) = ptmx {
            let inode = self.dentries[ptmx].inode;
            self.inodes[inode].mode = options.ptmx_mode.unwrap_or_default();
        }
    }

    fn superblock_with(&mut self, kind: FilesystemType, options: &SuperblockOptions, content: Content) -> SuperKey {
        self.new_superblock(NewSuperblock {
            type_name: Arc::from(kind.name),
            magic: kind.magic,
            device: None,
            options: Arc::from(options.text(kind)),
            user_ns: UserNs::INITIAL,
            root: NewInode { content, mode: kind.root_mode(), uid: 0, gid: 0 },
        })
    }
}

//! Filesystems: a device and a tree of names.

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::keys::{DentryKey, InodeKey, SuperKey};
use crate::model::machine::Machine;
use crate::model::objects::dentry::{Dentry, Name};
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::{Content, Inode, Times};
use crate::model::objects::server::Server;
use crate::model::objects::superblock::{NamesRule, NewInode, NewSuperblock, Superblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::vfs::nfs::{is_nfs, split_export};

impl Machine {
    /// Returns the options that mountinfo prints after `rw` or `ro`, with a leading comma: those of the nearest root at
    /// or above the mount's root that has its own.
    pub(crate) fn shown_options(&self, mount: crate::model::keys::MountKey) -> &[u8] {
        let mount = &self.mounts[mount];
        self.options_of_root(mount.superblock, mount.root)
    }

    /// Those of a mount of `root`.
    pub(crate) fn options_of_root(&self, superblock: SuperKey, root: DentryKey) -> &[u8] {
        let superblock = &self.superblocks[superblock];
        let own = superblock.root_options.iter().filter(|(top, _)| self.is_below(root, *top));
        own.max_by_key(|(top, _)| self.depth(*top)).map_or(&superblock.options, |(_, options)| options)
    }

    /// The root of the mount inside its filesystem, as mountinfo prints it.
    pub(crate) fn shown_root(&self, mount: crate::model::keys::MountKey) -> Vec<u8> {
        let mount = &self.mounts[mount];
        let type_name = &*self.superblocks[mount.superblock].type_name;
        if is_nfs(type_name) {
            return b"/".to_vec();
        }
        let mut path = self.path_in_filesystem(mount.root);
        if type_name == b"nsfs" && path.len() > 1 {
            // Namespaces have names, not paths: `net:[4026531840]`.
            path.remove(0);
        }
        path
    }

    /// The source of the mount, as mountinfo prints it.
    pub(crate) fn shown_source(&self, mount: crate::model::keys::MountKey) -> Cow<'_, [u8]> {
        let mount = &self.mounts[mount];
        let source = mount.source.as_deref().unwrap_or(b"none");
        match split_export(source) {
            (server, export) if is_nfs(&self.superblocks[mount.superblock].type_name) && !export.is_empty() => {
                [server, &self.path_in_filesystem(mount.root)].concat().into()
            }
            _ => source.into(),
        }
    }

    pub(crate) fn new_superblock(&mut self, new: NewSuperblock) -> SuperKey {
        let device = new.device.unwrap_or_else(|| Device { major: 0, minor: self.anonymous_devices.take() });
        let (inodes, dentries, tick) = (&mut self.inodes, &mut self.dentries, self.tick);
        self.superblocks.insert_with(|superblock| {
            let inode = inodes.insert(Inode {
                superblock,
                number: 1,
                content: new.root.content,
                mode: new.root.mode,
                uid: new.root.uid,
                gid: new.root.gid,
                links: 2,
                dentries: 1,
                dead: false,
                times: Times { made: tick, modified: tick, changed: tick },
                device: None,
                capabilities: None,
            });
            let root = dentries.insert_with(|root| Dentry {
                parent: root,
                name: Name::new(b"/"),
                inode,
                linked: false,
                cannot_mount: false,
                mounted: Vec::new(),
                holders: 1,
            });
            Superblock {
                type_name: new.type_name,
                magic: new.magic,
                device,
                root,
                read_only: false,
                options: new.options,
                root_options: Arc::default(),
                user_ns: new.user_ns,
                no_devices: new.user_ns != UserNs::INITIAL,
                mounts: 0,
                stays: false,
                names: NamesRule::Free,
                server: Server::Answers,
                last_inode: 1,
                removed_in_use: 0,
            }
        })
    }

    pub(crate) fn new_inode(&mut self, superblock: SuperKey, new: NewInode) -> InodeKey {
        let object = &mut self.superblocks[superblock];
        object.last_inode += 1;
        let number = object.last_inode;
        let links = if matches!(new.content, Content::Directory(_)) { 2 } else { 1 };
        let tick = self.next_tick();
        self.inodes.insert(Inode {
            superblock,
            number,
            content: new.content,
            mode: new.mode,
            uid: new.uid,
            gid: new.gid,
            links,
            dentries: 0,
            dead: false,
            times: Times { made: tick, modified: tick, changed: tick },
            device: None,
            capabilities: None,
        })
    }

    /// Links the inode to a free name in a directory.
    pub(crate) fn link_name(&mut self, directory: DentryKey, name: Name, inode: InodeKey) -> DentryKey {
        let dentry = self.dentries.insert(Dentry {
            parent: directory,
            name: name.clone(),
            inode,
            linked: true,
            cannot_mount: false,
            mounted: Vec::new(),
            holders: 1,
        });
        self.inodes[inode].dentries += 1;
        self.hold_dentry(directory);
        let is_directory = self.inodes[inode].is_directory();
        let parent = self.directory_changed(directory);
        let parent = &mut self.inodes[parent];
        if let Some(names) = parent.names_mut() {
            names.insert(name, dentry);
        }
        if is_directory {
            parent.links += 1;
        }
        dentry
    }

    /// Unlinks the name from its directory; references keep the dentry.
    pub(crate) fn unlink_name(&mut self, dentry: DentryKey) {
        let object = &mut self.dentries[dentry];
        object.linked = false;
        let (directory, name, inode) = (object.parent, object.name.clone(), object.inode);
        let tick = self.next_tick();
        let removed = &mut self.inodes[inode];
        let is_directory = removed.is_directory();
        removed.times.changed = tick;
        removed.links = if is_directory { 0 } else { removed.links - 1 };
        removed.dead = is_directory;
        if removed.links == 0 {
            let superblock = removed.superblock;
            self.superblocks[superblock].removed_in_use += 1;
        }
        let parent = self.directory_changed(directory);
        let parent = &mut self.inodes[parent];
        if let Some(names) = parent.names_mut() {
            names.remove(name.bytes());
        }
        if is_directory {
            parent.links -= 1;
        }
        self.drop_dentry(dentry);
    }

    /// Records a change of the names of a directory.
    pub(crate) fn directory_changed(&mut self, directory: DentryKey) -> InodeKey {
        let key = self.dentries[directory].inode;
        let tick = self.next_tick();
        let times = &mut self.inodes[key].times;
        times.modified = tick;
        times.changed = tick;
        key
    }

    /// Adds a reference to a superblock without a mount.
    pub(crate) fn hold_superblock(&mut self, superblock: SuperKey) {
        self.superblocks[superblock].mounts += 1;
    }

    /// Removes that reference.
    pub(crate) fn release_superblock(&mut self, superblock: SuperKey) {
        self.superblocks[superblock].mounts -= 1;
        self.free_superblock_if_unused(superblock);
    }
}

//! Files that a test plants.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use std::os::unix::ffi::OsStrExt;

use mountwright_core::{DeviceNumber, Errno};

use crate::host::mount_row::names;
use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::superblock::NewInode;
use crate::model::store::sorted_map::SortedMap;
use crate::model::vfs::at::At;
use crate::model::vfs::walk_flags::WalkFlags;

/// The kind and content of a planted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plant {
    /// A directory, mode 0755; one that is there stays.
    Directory,
    /// A regular file with these bytes, mode 0644.
    File(Vec<u8>),
    /// A symlink.
    Symlink(PathBuf),
    /// A block device node, mode 0660.
    BlockDevice(DeviceNumber),
    /// A character device node, mode 0666.
    CharacterDevice(DeviceNumber),
    /// A named pipe, mode 0644.
    Fifo,
    /// A socket, mode 0755.
    Socket,
}

impl Plant {
    /// Returns true for everything but directories and symlinks: it has no entries, and only a non-directory can be its
    /// mount target.
    pub(crate) const fn is_file(&self) -> bool {
        !matches!(self, Self::Directory | Self::Symlink(_))
    }

    fn content(&self) -> Content {
        let device = |number: DeviceNumber| Device { major: number.major(), minor: number.minor() };
        match self {
            Self::Directory => Content::Directory(SortedMap::default()),
            Self::File(bytes) => Content::File(Arc::new(bytes.clone())),
            Self::Symlink(target) => Content::Symlink(Arc::from(target.as_os_str().as_bytes())),
            Self::BlockDevice(number) => Content::Block(device(*number)),
            Self::CharacterDevice(number) => Content::Character(device(*number)),
            Self::Fifo => Content::Fifo,
            Self::Socket => Content::Socket,
        }
    }

    const fn mode(&self) -> u16 {
        match self {
            Self::Directory | Self::Socket => 0o755,
            Self::File(_) | Self::Fifo => 0o644,
            Self::Symlink(_) => 0o777,
            Self::BlockDevice(_) => 0o660,
            Self::CharacterDevice(_) => 0o666,
        }
    }
}

impl Machine {
    /// Plants a file at an absolute path, as the first process sees it, and creates missing parent directories.
    /// Symlinks on the way are followed; read-only mounts and permissions are ignored. An existing file is replaced by
    /// the planted one.
    ///
    /// # Errors
    /// `ENOENT`: not an absolute path, or a dangling symlink on the way. `ENOTDIR`: a file on the way. `EEXIST`: a
    /// directory or a symlink is there, or another file where a directory or a symlink is to be. Parent directories may
    /// have been created.
    pub fn plant(&mut self, path: &Path, what: &Plant) -> Result<(), Errno> {
        let bytes = path.as_os_str().as_bytes();
        if bytes.first() != Some(&b'/') {
            return Err(Errno::ENOENT);
        }
        let mut names = names(bytes);
        let Some(last) = names.pop() else {
            return if *what == Plant::Directory { Ok(()) } else { Err(Errno::EEXIST) };
        };
        let mut parent = Vec::new();
        for name in names {
            parent.push(b'/');
            parent.extend_from_slice(name);
            match self.walk(Self::INIT, At::Cwd, &parent, WalkFlags { directory: true, ..WalkFlags::FOLLOW }) {
                Err(Errno::ENOENT) => {
                    let above = &parent[..parent.len() - name.len() - 1];
                    self.plant_in(above, name, &Plant::Directory)?;
                }
                other => drop(other?),
            }
        }
        self.plant_in(&parent, last, what)
    }

    fn plant_in(&mut self, directory: &[u8], name: &[u8], what: &Plant) -> Result<(), Errno> {
        let directory: &[u8] = if directory.is_empty() { b"/" } else { directory };
        let place = self.walk(Self::INIT, At::Cwd, directory, WalkFlags { directory: true, ..WalkFlags::FOLLOW })?;
        let Some(known) = self.find_name(place.dentry, name, Self::INIT)? else {
            self.make_name(place.dentry, name, what.content(), what.mode());
            return Ok(());
        };
        // What is mounted on it is what is there.
        let known = self.onto_mounts(crate::model::objects::path::Place { mount: place.mount, dentry: known }).dentry;
        let tick = self.next_tick();
        let key = self.dentries[known].inode;
        let inode = &mut self.inodes[key];
        match what {
            Plant::Directory if inode.is_directory() => Ok(()),
            _ if what.is_file() && !inode.is_directory() && !inode.is_symlink() => {
                inode.content = what.content();
                inode.mode = what.mode();
                inode.times.changed = tick;
                Ok(())
            }
            _ => Err(Errno::EEXIST),
        }
    }

    /// Creates a name, owned by root, without any check; it must be free.
    pub(crate) fn make_name(&mut self, directory: DentryKey, name: &[u8], content: Content, mode: u16) -> DentryKey {
        let superblock = self.inodes[self.dentries[directory].inode].superblock;
        let inode = self.new_inode(superblock, NewInode { content, mode, uid: 0, gid: 0 });
        self.link_name(directory, Name::new(name), inode)
    }
}

//! nsfs: files that stand for namespaces.

use std::sync::Arc;

use mountwright_core::Errno;

use crate::abi::{CAP_SETGID, CAP_SETUID, CLONE_NEWUSER, O_RDONLY};
use crate::model::keys::MountKey;
use crate::model::machine::Machine;
use crate::model::objects::credentials::IdRange;
use crate::model::objects::dentry::Name;
use crate::model::objects::device_number::Device;
use crate::model::objects::inode::Content;
use crate::model::objects::mount_flags::MountFlags;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::objects::proc_node::NAMESPACES;
use crate::model::objects::superblock::{NewInode, NewSuperblock};
use crate::model::objects::user_namespace::UserNs;
use crate::model::store::sorted_map::SortedMap;

/// The number of the initial user namespace on Linux; no other has a meaning.
const FIRST: u64 = 0xefff_fffd;

/// A number outside the pool: the numbers of other filesystems do not depend on this one.
const DEVICE: Device = Device { major: 0, minor: (1 << 20) - 1 };

impl Machine {
    /// `ioctl(PIDFD_GET_USER_NAMESPACE)`: a descriptor of the user namespace of another process.
    ///
    /// # Errors
    /// `ESRCH`.
    pub fn pidfd_get_user_namespace(&mut self, pid: Pid, other: Pid) -> Result<i32, Errno> {
        let place = self.namespace_file(other, "user")?;
        self.install(pid, place, O_RDONLY, false)
    }

    /// A descriptor of a new user namespace with these maps of users and groups, as a child process makes one that is killed
    /// then (clone(2) with `CLONE_NEWUSER`, its `uid_map` and `gid_map`).
    ///
    /// # Errors
    /// As [`Machine::unshare`] and [`Machine::set_id_map`]; `EPERM`: no privilege to map these ids.
    pub(crate) fn new_user_namespace(&mut self, pid: Pid, maps: [&[IdRange]; 2]) -> Result<i32, Errno> {
        let task = self.task(pid)?;
        let own = task.user_ns;
        if !self.capable(pid, own, CAP_SETUID | CAP_SETGID) {
            return Err(Errno::EPERM);
        }
        let child = self.fork(pid)?;
        let made = self.unshare(child, CLONE_NEWUSER).and_then(|()| {
            let new = self.task(child)?.user_ns;
            self.user_namespaces.set_maps(new, maps)?;
            self.pidfd_get_user_namespace(pid, child)
        });
        self.exit(child)?;
        made
    }

    /// The file of the process's own mount namespace, as open(2) of `/proc/self/ns/mnt` returns it.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(crate) fn open_mount_namespace(&mut self, pid: Pid) -> Result<i32, Errno> {
        let place = self.namespace_file(pid, "mnt")?;
        self.install(pid, place, O_RDONLY, false)
    }

    /// The name of a namespace of a process: its kind and its number. Of the kinds that are not modelled there is one each.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(crate) fn namespace_name(&self, pid: Pid, kind: &'static str) -> Result<Vec<u8>, Errno> {
        let task = self.task(pid)?;
        let number = match kind {
            "mnt" => FIRST + 1_000 + self.namespaces[task.namespace].id,
            "user" => FIRST + task.user_ns.number(),
            _ => FIRST - NAMESPACES.iter().position(|known| *known == kind).map_or(0, |at| 1 + at as u64),
        };
        let kind = kind.strip_suffix("_for_children").unwrap_or(kind);
        Ok(format!("{kind}:[{number}]").into_bytes())
    }

    /// The file of a namespace of a process: one inode for each namespace.
    ///
    /// # Errors
    /// `ESRCH`.
    pub(crate) fn namespace_file(&mut self, pid: Pid, kind: &'static str) -> Result<Place, Errno> {
        let name = self.namespace_name(pid, kind)?;
        let content = if kind == "user" { Content::UserNamespace(self.task(pid)?.user_ns) } else { Content::Opaque };
        let mount = match self.nsfs_mount {
            Some(mount) => mount,
            None => self.make_nsfs_mount(),
        };
        let root = self.mounts[mount].root;
        let names = self.inodes[self.dentries[root].inode].names();
        let known = names.and_then(|names| names.get(&name[..]).copied());
        let dentry = known.unwrap_or_else(|| {
            let inode =
                self.new_inode(self.mounts[mount].superblock, NewInode { content, mode: 0o444, uid: 0, gid: 0 });
            self.link_name(root, Name::new(&name), inode)
        });
        Ok(Place { mount, dentry })
    }

    fn make_nsfs_mount(&mut self) -> MountKey {
        let superblock = self.new_superblock(NewSuperblock {
            type_name: Arc::from(&b"nsfs"[..]),
            magic: 0x6e73_6673,
            device: Some(DEVICE),
            options: Arc::from(&b""[..]),
            user_ns: UserNs::INITIAL,
            root: NewInode { content: Content::Directory(SortedMap::default()), mode: 0o555, uid: 0, gid: 0 },
        });
        let mount = self.new_kernel_mount(superblock, MountFlags::default());
        self.nsfs_mount = Some(mount);
        mount
    }
}

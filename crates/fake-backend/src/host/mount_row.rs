//! One mount of a host to be built.

use std::os::unix::ffi::OsStrExt;

use mountwright_core::MountInfo;

use crate::host::host_error::{HostError, HostLine};
use crate::model::vfs::nfs::{is_nfs, split_export};

/// The suffix of a removed root in mountinfo.
const DELETED: &[u8] = b"//deleted";
/// Linux has twelve bits for the major number and twenty for the minor one.
const LAST_MAJOR: u32 = 0xfff;
const LAST_MINOR: u32 = 0xf_ffff;

/// A line and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: HostLine,
    /// The line as it was captured; none in a short text.
    pub(crate) captured: Option<Box<[u8]>>,
    pub(crate) mount: MountInfo,
}

impl Row {
    /// Reads every line of a mountinfo; empty lines are left out.
    ///
    /// # Errors
    /// A line that cannot be read.
    pub(crate) fn all(text: &[u8]) -> Result<Vec<Self>, HostError> {
        let lines = (1..).zip(text.split(|&byte| byte == b'\n'));
        lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| Self::captured(number, line)).collect()
    }

    fn captured(number: usize, bytes: &[u8]) -> Result<Self, HostError> {
        let line = HostLine::new(number, bytes);
        let mount = match MountInfo::from_line(bytes) {
            Ok(mount) => mount,
            Err(odd) => return Err(HostError::BadLine { line, reason: odd.reason }),
        };
        Ok(Self { captured: Some(bytes.into()), ..Self::new(line, mount)? })
    }

    pub(crate) fn new(line: HostLine, mount: MountInfo) -> Result<Self, HostError> {
        let row = Self { line, captured: None, mount };
        let bad = |reason| Err(HostError::BadLine { line: row.line.clone(), reason });
        let state = row.mount.propagation;
        let device = row.mount.device;
        if !matches!(row.options().split(|&byte| byte == b',').next(), Some(b"rw" | b"ro")) {
            return bad("the superblock's options begin with neither rw nor ro");
        }
        if device.major() > LAST_MAJOR || device.minor() > LAST_MINOR {
            return bad("there is no such device number");
        }
        if state.unbindable && !state.is_private() {
            return bad("an unbindable mount neither shares nor receives");
        }
        if state.master.is_some() && state.master == state.peers {
            return bad("a mount is not the slave of its own peers");
        }
        if state.propagate_from.is_some() && (state.master.is_none() || state.master == state.propagate_from) {
            return bad("propagate_from stands only beside another master");
        }
        if row.is_own_parent() && row.mount_point() != b"/" {
            return bad("only the mount at / can be its own parent");
        }
        Ok(row)
    }

    pub(crate) fn root(&self) -> &[u8] {
        self.mount.root.as_os_str().as_bytes()
    }

    /// The names that lead to the root in its filesystem, and whether the last of them was removed.
    pub(crate) fn root_names(&self) -> (Vec<&[u8]>, bool) {
        let export = names(export_of(&self.mount));
        match self.root().strip_suffix(DELETED) {
            Some(path) if !path.is_empty() => ([export, names(path)].concat(), true),
            _ => ([export, names(self.root())].concat(), false),
        }
    }

    /// The same as a path.
    pub(crate) fn path_in_filesystem(&self) -> Vec<u8> {
        path_in_filesystem(&self.mount)
    }

    pub(crate) fn mount_point(&self) -> &[u8] {
        self.mount.mount_point.as_os_str().as_bytes()
    }

    /// The names that lead from the parent's mount point to this one; `None` where it is not below that.
    pub(crate) fn names_below<'a>(&'a self, parent: &Self) -> Option<Vec<&'a [u8]>> {
        let rest = match parent.mount_point() {
            b"/" => self.mount_point(),
            above => self.mount_point().strip_prefix(above)?,
        };
        (rest.is_empty() || rest[0] == b'/').then(|| names(rest))
    }

    pub(crate) fn options(&self) -> &[u8] {
        self.mount.options.as_bytes()
    }

    /// The superblock's options without `rw` or `ro`, with the comma before them.
    pub(crate) fn own_options(&self) -> &[u8] {
        &self.options()[2..]
    }

    pub(crate) fn is_superblock_read_only(&self) -> bool {
        self.options().starts_with(b"ro")
    }

    pub(crate) fn fs_type(&self) -> &[u8] {
        self.mount.fs_type.as_bytes()
    }

    /// A namespace that is kept by a mount: its root is a name, not a path.
    pub(crate) fn is_namespace(&self) -> bool {
        self.fs_type() == b"nsfs"
    }

    pub(crate) fn is_own_parent(&self) -> bool {
        self.mount.id == self.mount.parent
    }
}

/// The path of a mount's root in its filesystem.
pub(crate) fn path_in_filesystem(mount: &MountInfo) -> Vec<u8> {
    let path = [export_of(mount), b"/", mount.root.as_os_str().as_bytes()].concat();
    let names = names(&path);
    if names.is_empty() { b"/".to_vec() } else { names.iter().flat_map(|name| [b"/", *name].concat()).collect() }
}

/// The directory of the server that a mount's source names: of NFS, mounts of several exports can share a superblock, and
/// all show `/` as their root.
fn export_of(mount: &MountInfo) -> &[u8] {
    if is_nfs(mount.fs_type.as_bytes()) { split_export(mount.source.as_bytes()).1 } else { b"" }
}

/// The names of a path.
pub(crate) fn names(path: &[u8]) -> Vec<&[u8]> {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).collect()
}

//! Mounts that the source of a new slave received, and the slave did not.
//!
//! The kernel gives a master only to a private mount: between two system calls the new mount receives nothing, and the
//! copies at its parent's peers do. A mount that is made in this moment is unmounted from the copies. The slave is then as
//! if it had been attached after that mount was made.

use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::PathBuf;

use mountwright_core::MountKey;
use mountwright_core::mount::UniqueMountId;

use crate::backend::LinuxBackend;
use crate::mounting::attach::Attached;
use crate::resolve::beneath::Crossing;
use crate::syscalls::abi::{
    MNT_DETACH, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH, O_PATH, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_POINT,
    STATMOUNT_MNT_ROOT,
};
use crate::syscalls::failure::{Step, unless_gone};
use crate::syscalls::{Call, Kernel, MountStat, Reach};
use mountwright_core::{Errno, Recursion};

/// The number of ids that one call returns at most.
const AT_ONCE: usize = 512;

/// The mounts below a source while its slave receives what is made there.
pub(crate) struct Received {
    source: UniqueMountId,
    below: BTreeSet<u64>,
}

impl<K: Kernel> LinuxBackend<K> {
    /// Returns what is mounted below the mount of `source`. `None`: this kernel does not list it.
    pub(crate) fn received(&self, source: &K::Fd) -> Step<Option<Received>> {
        match self.mount_of_fd(source)? {
            MountKey::Unique(source) if self.uses(Call::Listmount) => {
                Ok(Some(Received { source, below: self.all_below(source)? }))
            }
            _ => Ok(None),
        }
    }

    fn all_below(&self, mount: UniqueMountId) -> Step<BTreeSet<u64>> {
        let mut all = BTreeSet::new();
        loop {
            let more = self.calls.listmount(mount.0.get(), all.last().copied().unwrap_or(0), AT_ONCE)?;
            let is_last = more.len() < AT_ONCE;
            all.extend(more);
            if is_last {
                return Ok(all);
            }
        }
    }

    /// Returns the directories and files in a slave on which its source received a mount since, and the slave did not.
    pub(crate) fn missed(&self, slave: &Attached<'_, K::Fd>, received: Option<&mut Received>) -> Step<Vec<K::Fd>> {
        let (Some(received), MountKey::Unique(mount)) = (received, slave.mount) else { return Ok(Vec::new()) };
        let now = self.all_below(received.source)?;
        let before = std::mem::take(&mut received.below);
        let mut missed = Vec::new();
        for &id in now.difference(&before) {
            let Some(path) = unless_gone(self.path_in_slave(id, received.source, mount))?.flatten() else { continue };
            match self.beneath(slave.tree, &path, O_PATH, Crossing::Refuse) {
                Ok(place) => missed.push(place),
                // The slave has received it.
                Err(fault) if fault.errno() == Errno::EXDEV => {}
                // It was unmounted since, and its mount point was removed.
                Err(fault) if matches!(fault.errno(), Errno::ENOENT | Errno::ENOTDIR) => {}
                Err(fault) => return Err(fault),
            }
        }
        received.below = now;
        Ok(missed)
    }

    /// The place in a slave of a mount on its source; `None` where the slave does not show that place, or the mount is on
    /// another mount.
    fn path_in_slave(&self, id: u64, source: UniqueMountId, slave: UniqueMountId) -> Step<Option<PathBuf>> {
        let Some(id) = NonZeroU64::new(id).map(UniqueMountId) else { return Ok(None) };
        let found = self.ask_for_place(id)?;
        if found.parent != source.0.get() {
            return Ok(None);
        }
        let (source, slave) = (self.ask_for_place(source)?, self.ask_for_place(slave)?);
        let Ok(below) = PathBuf::from(found.mount_point).strip_prefix(&source.mount_point).map(PathBuf::from) else {
            return Ok(None);
        };
        let in_filesystem = PathBuf::from(source.root).join(below);
        let path = in_filesystem.strip_prefix(&slave.root).ok().filter(|path| !path.as_os_str().is_empty());
        Ok(path.map(PathBuf::from))
    }

    fn ask_for_place(&self, id: UniqueMountId) -> Step<MountStat> {
        let fields = STATMOUNT_MNT_BASIC | STATMOUNT_MNT_POINT | STATMOUNT_MNT_ROOT;
        self.ask(id, fields.into(), crate::query::lookup::ROOM)
    }

    /// Covers places of a private mount or a slave. As long as a cover is a mount of this mount alone, its unmount takes
    /// what the peers have in its place.
    pub(crate) fn cover(&self, places: &[K::Fd]) -> Step<Vec<K::Fd>> {
        let cover = |place: &K::Fd| {
            let cover = self.peer_of(place, Recursion::This)?;
            self.calls.move_mount(&cover, place, "".as_ref(), MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)?;
            Ok(cover)
        };
        places.iter().map(cover).collect()
    }

    /// Unmounts covers, and what the peers have in their place.
    pub(crate) fn uncover(&self, covers: &[K::Fd]) {
        for cover in covers {
            // An error: the missed mount was unmounted, and the cover with it.
            let _ = self.calls.umount2(Reach::Descriptor(cover), MNT_DETACH);
        }
    }
}

//! Unmount of the one mount that a record identifies.

use camino::Utf8Path;

use crate::error::Error;
use crate::file::{FileKind, FinalSymlink};
use crate::mount::{MountInfo, MountKey, MountSubtree, UnmountMode, UnmountRequest};
use crate::path::Location;
use crate::ports::{Backend, Filesystem, Mounter};
use crate::share::ShareRecord;
use crate::share::layout::share_location;
use crate::share::unshare::{warn_kept, warn_symlink};
use crate::unmount::exact::{Identified, may_have_moved, proven_below, unmount_found};
use crate::unmount::placeholder;
use crate::unmount::record_state::stale_origin;
use crate::unmount::stack::Stop;
use crate::unmount::{NameAfter, RecordState, Removal, StaleReason};

impl ShareRecord {
    /// Unmounts the recorded mount, wherever it is now, and no other. Then removes the files that were created for it
    /// ([`made`](Self::made)): the same files, one level each, and only while they are empty.
    ///
    /// * The mount must be the recorded one: boot, mount namespace, id, device and root are compared first
    ///   ([`state`](Self::state)). Where the record proves nothing, nothing is unmounted: [`Removal::Stale`].
    /// * Where another mount covers it, nothing is changed: [`Removal::Covered`].
    /// * Where the name was swapped or moved, the mount is found by its id and unmounted at its present place, however
    ///   long its path is. With [`Proof::Likely`](crate::unmount::Proof::Likely) this is limited to places below the mounts directory.
    /// * A mount that is gone already is no error: another caller has unmounted it.
    ///
    /// # Errors
    ///
    /// As [`ShareName::unshare`](crate::share::ShareName::unshare). A mount that cannot be looked up does not count as
    /// gone: that is an error too.
    pub fn unshare(&self, backend: &dyn Backend, mounts_dir: &Utf8Path) -> Result<Removal, Error> {
        unshare_recorded(backend.filesystem(), backend.mounter(), mounts_dir, self)
    }
}

pub(crate) fn unshare_recorded(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    record: &ShareRecord,
) -> Result<Removal, Error> {
    let span = tracing::debug_span!(target: "mountwright", "unshare_recorded", subsystem = "mount",
        "shared-dir" = %mounts_dir, "container-id" = %record.container, name = record.name);
    span.in_scope(|| {
        let at = share_location(mounts_dir, &record.container, &record.name)?;
        let removal = Unshare { fs, mounter, mounts_dir, record, at: &at }.run().or_else(Stop::removal)?;
        if removal == Removal::Symlink {
            warn_symlink(&record.container);
        }
        Ok(removal)
    })
}

struct Unshare<'a> {
    fs: &'a dyn Filesystem,
    mounter: &'a dyn Mounter,
    mounts_dir: &'a Utf8Path,
    record: &'a ShareRecord,
    at: &'a Location,
}

impl Unshare<'_> {
    fn run(&self) -> Result<Removal, Stop> {
        if let Some(reason) = stale_origin(self.mounter, self.record.origin, self.record.mount)? {
            return Ok(self.stale(reason));
        }
        // A unique id is compared with device and root where it is unmounted; a classic one has to be looked up first.
        if matches!(self.record.mount, MountKey::Reused(_)) {
            self.there()?;
        }
        let shows = MountSubtree { device: self.record.device, root: self.record.subpath.clone() };
        let request = UnmountRequest::new(self.at.clone()).only(self.record.mount).showing(shows.clone());
        match self.mounter.unmount(&request.with_mode(UnmountMode::Detach)) {
            Ok(()) => return Ok(self.unmounted()),
            Err(error) if may_have_moved(&error) => {}
            Err(error) => return Ok(Removal::of_unmount(error)?),
        }
        self.unmount_elsewhere(&shows)
    }

    /// Unmounts the mount where it is now: its name led to another mount, or to none.
    fn unmount_elsewhere(&self, shows: &MountSubtree) -> Result<Removal, Stop> {
        let mount = self.there()?;
        let below = proven_below(self.fs, self.mounts_dir.as_std_path(), self.record.mount)?;
        if below.as_ref().is_some_and(|below| !mount.mount_point.starts_with(below)) {
            return Ok(self.stale(StaleReason::AnotherMount));
        }
        let expected = (Some(shows), below.as_deref());
        match unmount_found(self.mounter, self.record.mount, expected, UnmountMode::Detach.into())? {
            Identified::Unmounted(path) if path == self.at.for_display() => Ok(self.unmounted()),
            Identified::Unmounted(_) => Ok(Removal::of_layers(1, NameAfter::Kept)),
            Identified::Gone | Identified::AnotherMount => Ok(self.already_gone()?),
            Identified::Not(removal) => Ok(removal),
        }
    }

    /// The recorded mount. Fails with the outcome where it does not exist, or is not proven.
    fn there(&self) -> Result<Box<MountInfo>, Stop> {
        match self.record.state(self.mounter)? {
            RecordState::There { mount, .. } => Ok(mount),
            RecordState::Gone => Err(Stop::Not(self.already_gone()?)),
            RecordState::Stale(reason) => Err(Stop::Not(self.stale(reason))),
        }
    }

    /// The state of the name of a mount that is gone. Removes nothing, because another caller may be about to.
    fn already_gone(&self) -> Result<Removal, Error> {
        match self.fs.metadata(self.at, FinalSymlink::Itself) {
            Ok(found) if found.kind == FileKind::Symlink => Ok(Removal::Symlink),
            Ok(_) => Ok(Removal::NotMounted { target: NameAfter::Kept }),
            Err(error) => Removal::of_look(error),
        }
    }

    fn unmounted(&self) -> Removal {
        Removal::of_layers(1, self.remove_names(false))
    }

    fn stale(&self, reason: StaleReason) -> Removal {
        tracing::warn!(target: "mountwright", subsystem = "mount", container = %self.record.container, %reason,
            "record of a share is stale, nothing is unmounted");
        let target = if reason.may_remove_names() { self.remove_names(true) } else { NameAfter::Kept };
        Removal::Stale { reason, target }
    }

    /// Removes what was created for the share. The container's directory stays while another share is in it.
    fn remove_names(&self, is_stale: bool) -> NameAfter {
        let done = placeholder::remove_all_made(self.fs, self.record.made.iter(), Some(self.at), is_stale);
        for error in &done.kept {
            warn_kept(&self.at.for_display(), error);
        }
        done.target(self.at)
    }
}

#[cfg(test)]
mod tests;

//! Masked and read-only paths.

use camino::Utf8Path;

use crate::error::{Errno, OsError};
use crate::file::{DeviceNumber, FileIdentity, FinalSymlink};
use crate::mount::{AttributeChange, BindRequest, FilesystemOption, MountFlags, MountRequest, Propagation, SourceIs};
use crate::path::Location;
use crate::rootfs::perform::Performer;
use crate::rootfs::step::LABEL;

/// The device that covers a file.
const NULL: (&str, DeviceNumber) = ("/dev/null", DeviceNumber::new(1, 3));

impl Performer<'_> {
    /// Covers a path, where it is there: a directory by a read-only tmpfs that all masks share, anything else by `/dev/null`.
    pub(crate) fn mask(&mut self, at: &Utf8Path, label: Option<&str>) -> Result<(), OsError> {
        match self.place.look(at)? {
            None => Ok(()),
            Some(found) if found.is_dir() => self.mask_directory(at, label),
            Some(_) => self.mask_file(at),
        }
    }

    fn mask_directory(&mut self, at: &Utf8Path, label: Option<&str>) -> Result<(), OsError> {
        let Some((first, mask)) = &self.masked else {
            let flags = MountFlags::READ_ONLY | MountFlags::NO_SUID | MountFlags::NO_DEV | MountFlags::NO_EXEC;
            let request =
                MountRequest::new("tmpfs", self.place.at(at)).source("tmpfs").propagation(Propagation::Private);
            let mut request = request.attributes(AttributeChange::setting(flags));
            request.options.extend(label.map(|label| FilesystemOption::with_value(LABEL, label)));
            self.place.mount(&request)?;
            let shown = self.place.metadata(at, FinalSymlink::Follow)?;
            self.masked = Some((at.to_owned(), FileIdentity::from(&shown)));
            return Ok(());
        };
        let request = BindRequest::new(self.place.at(first), self.place.at(at)).propagation(Propagation::Private);
        self.place.bind(&request.only_if(SourceIs::File(*mask)).stacking())
    }

    /// The host's node covers it: one in the container may be another file (CVE-2025-31133). What covers it is looked at before,
    /// by the descriptor that is attached, and the place where it is shown with those of all other mounts, before and after the
    /// commit.
    fn mask_file(&mut self, at: &Utf8Path) -> Result<(), OsError> {
        let flags = MountFlags::READ_ONLY | MountFlags::NO_SUID | MountFlags::NO_EXEC;
        let request =
            BindRequest::new(Location::trusted(NULL.0), self.place.at(at)).only_if(SourceIs::CharacterDevice(NULL.1));
        let request = request.attributes(AttributeChange::setting(flags)).propagation(Propagation::Private);
        self.place.bind(&request.stacking())
    }

    /// Binds a path onto itself, read-only with all below it.
    pub(crate) fn make_path_read_only(&mut self, at: &Utf8Path) -> Result<(), OsError> {
        let request = BindRequest::new(self.place.at(at), self.place.at(at)).recursive().read_only();
        match self.place.bind(&request.propagation(Propagation::Private).stacking()) {
            // It is its own source: the path is missing.
            Err(error) if error.errno() == Errno::ENOENT && error.left().is_empty() => Ok(()),
            done => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{FileKind, Metadata};
    use crate::mount::{BindReport, Guarantee, MountId, MountKey};
    use crate::ports::{MockFilesystem, MockMounter, Ports};
    use crate::rootfs::cases::plan_of;
    use crate::rootfs::place::Place;

    #[test]
    fn second_masked_directory_shows_the_root_of_the_filesystem_of_the_first_alone() {
        let (mut fs, mut mounter) = (MockFilesystem::new(), MockMounter::new());
        let first = Metadata::new(FileKind::Directory, DeviceNumber::new(0, 50), 2);
        let only = SourceIs::File(FileIdentity::from(&first));
        fs.expect_metadata().returning(move |_, _| Ok(first.clone()));
        let report = || BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic);
        mounter.expect_mount().times(1).returning(move |_| Ok(report()));
        let is_mask = move |request: &BindRequest| request.required_source() == Some(only);
        mounter.expect_bind().withf(is_mask).times(1).returning(move |_| Ok(report()));
        let (ports, plan) = (Ports { filesystem: fs, mounter }, plan_of(Vec::new()));
        let mut performer = Performer::new(Place::Root(&ports), &ports, None, &plan);
        performer.mask("/proc/first".into(), None).unwrap();
        performer.mask("/proc/second".into(), None).unwrap();
    }
}

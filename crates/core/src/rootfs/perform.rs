//! Steps of a plan, performed.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::{Errno, Operation, OsError};
use crate::file::{FileIdentity, FileKind, FileMode, FilesystemMagic, FinalSymlink};
use crate::mount::{
    AttributeChange, AttributesRequest, BindRequest, FilesystemOption, MountFlags, MountRequest, Propagation,
};
use crate::path::Location;
use crate::ports::{Backend, Directory};
use crate::rootfs::RootfsPlan;
use crate::rootfs::invalid::invalid;
use crate::rootfs::owner_map::Owners;
use crate::rootfs::place::Place;
use crate::rootfs::places::{cleaned, must_be_ordinary};
use crate::rootfs::step::{NewFilesystem, Step};
use crate::spec::{MountOptions, UnservedOptions};

/// The steps of one plan, performed one after the other.
pub(crate) struct Performer<'a> {
    pub(crate) place: Place<'a>,
    pub(crate) backend: &'a dyn Backend,
    pub(crate) plan: &'a RootfsPlan,
    terminal: Option<&'a Location>,
    /// The directory that the last name was created in.
    open: Option<(Utf8PathBuf, Box<dyn Directory>)>,
    /// The first directory that is masked, and the root of the tmpfs that all show.
    pub(crate) masked: Option<(Utf8PathBuf, FileIdentity)>,
}

impl<'a> Performer<'a> {
    pub(crate) fn new(
        place: Place<'a>,
        backend: &'a dyn Backend,
        terminal: Option<&'a Location>,
        plan: &'a RootfsPlan,
    ) -> Self {
        Self { place, backend, plan, terminal, open: None, masked: None }
    }

    pub(crate) fn perform(&mut self, step: &Step) -> Result<(), OsError> {
        match step {
            // The tree begins as the root.
            Step::Root { .. } => Ok(()),
            Step::Propagation(word) => {
                self.backend.set_propagation(&Location::trusted("/"), word.propagation, word.recursion)
            }
            Step::Filesystem(new) => self.mount(new),
            Step::Bind { at, source, options, owners } => self.bind(at, source, options, owners),
            Step::Cgroups { at, options } => self.mount_cgroups(at, options),
            Step::Device(device) => self.make_device(device),
            Step::Link { at, target } => self.make_link(at, target),
            Step::Console { at } => self.bind_terminal(at),
            Step::Mask { at, label } => self.mask(at, label.as_deref()),
            Step::ReadOnlyPath { at } => self.make_path_read_only(at),
            Step::ReadOnlyRoot => self.place.change_root(AttributeChange::READ_ONLY),
            Step::ReadOnlyMount { at } => {
                let request = AttributesRequest::new(self.place.at(at), AttributeChange::READ_ONLY);
                self.backend.change_attributes(&request).map(drop)
            }
        }
    }

    /// Opens a directory in which names are created, once for names one after the other.
    pub(crate) fn directory(&mut self, path: &Utf8Path) -> Result<&dyn Directory, OsError> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            self.open = Some((path.to_owned(), self.place.directory(path)?));
        }
        self.open.as_ref().map(|(_, open)| &**open).ok_or_else(|| invalid(path, "the directory is not open"))
    }

    fn mount(&mut self, new: &NewFilesystem) -> Result<(), OsError> {
        let at = &new.at;
        let request = MountRequest::from_options(&new.fs_type, self.place.at(at), &new.options);
        let mut request = request.map_err(|unserved| unserved_at(at, &unserved))?;
        request.source = new.source.as_ref().map(Into::into);
        if new.fs_type == "tmpfs" {
            // It becomes read-only once it is filled.
            request.attributes.flags = request.attributes.flags.without(MountFlags::READ_ONLY);
            self.keep_mode(&mut request, at)?;
        }
        let mounted = self.place.mount(&request.creating_target(FileMode::MOUNT_TARGET));
        self.must_be_ordinary(at).and(mounted)
    }

    /// A tmpfs without a mode has the mode of the directory that it covers, as runc has it.
    fn keep_mode(&self, request: &mut MountRequest, at: &Utf8Path) -> Result<(), OsError> {
        if request.options.iter().any(|option| option.key == "mode") {
            return Ok(());
        }
        if let Some(covered) = self.place.look(at)? {
            request.options.push(FilesystemOption::with_value("mode", covered.mode.to_string()));
        }
        Ok(())
    }

    /// Refuses a symlink in the place of `/proc` or `/sys`: looked at after the mount, which leads nowhere while the tree is not
    /// visible, at the name that leads to it.
    fn must_be_ordinary(&self, at: &Utf8Path) -> Result<(), OsError> {
        if !must_be_ordinary(at) {
            return Ok(());
        }
        match self.place.metadata(at, FinalSymlink::Itself) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(found) => {
                let error = OsError::new(Operation::Mount, at.as_std_path(), Errno::ENOTDIR);
                Err(error.with_detail(format!("it is a {}, and has to be an ordinary directory", found.kind)))
            }
            Err(error) if error.errno() == Errno::ENOENT => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn bind(
        &mut self,
        at: &Utf8Path,
        source: &Utf8Path,
        options: &MountOptions,
        owners: &Owners,
    ) -> Result<(), OsError> {
        let from = Location::trusted(source.as_std_path());
        if cleaned(at) == "/proc" && self.backend.filesystem_of(&from)?.magic != FilesystemMagic::PROC {
            return Err(invalid(source, "only a procfs is bound on /proc"));
        }
        let request = BindRequest::from_options(from, self.place.at(at), options);
        let request = request.map_err(|unserved| unserved_at(at, &unserved))?;
        let bound = self.bind_part(match owners.clone() {
            Some((map, reach)) => request.map_owners(map, reach),
            None => request,
        });
        self.must_be_ordinary(at).and(bound)
    }

    /// Binds, on a target that is created where it is missing. Without another word the bind follows its source, as every
    /// mount of a prepared namespace does.
    pub(crate) fn bind_part(&self, request: BindRequest) -> Result<(), OsError> {
        let request =
            if request.propagation_words().is_empty() { request.propagation(Propagation::Slave) } else { request };
        self.place.bind(&request.creating_target(FileMode::MOUNT_TARGET).stacking())
    }

    fn bind_terminal(&mut self, at: &Utf8Path) -> Result<(), OsError> {
        let Some(terminal) = self.terminal else { return Err(invalid(at, "no terminal is given")) };
        self.bind_part(BindRequest::new(terminal.clone(), self.place.at(at)))?;
        match self.place.metadata(at, FinalSymlink::Follow)?.kind {
            FileKind::CharacterDevice => Ok(()),
            other => Err(invalid(at, format!("the terminal is a {other}"))),
        }
    }
}

fn unserved_at(at: &Utf8Path, unserved: &UnservedOptions) -> OsError {
    invalid(at, unserved.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::{DeviceNumber, Metadata};
    use crate::mount::{BindReport, Guarantee, MountId, MountKey};
    use crate::ports::{MockFilesystem, MockMounter, Ports};
    use crate::rootfs::cases::plan_of;
    use std::sync::{Arc, Mutex};

    /// The options of the tmpfs that is mounted at `at`, on a directory with this result of a look.
    fn mounted(at: &str, words: &[&str], look: Result<(), Errno>) -> Result<Vec<String>, Errno> {
        let (mut fs, mut mounter) = (MockFilesystem::new(), MockMounter::new());
        fs.expect_metadata().returning(move |at, _| {
            let found = Metadata::new(FileKind::Directory, DeviceNumber::new(0, 5), 2);
            let found = Metadata { mode: FileMode::from_bits(0o1777), ..found };
            look.map(|()| found).map_err(|errno| OsError::new(Operation::Metadata, at.for_display(), errno))
        });
        let options = Arc::new(Mutex::new(Vec::new()));
        let sink = options.clone();
        mounter.expect_mount().returning(move |request| {
            sink.lock().unwrap().extend(request.options.iter().map(|option| format!("{option:?}")));
            Ok(BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic))
        });
        let (ports, plan) = (Ports { filesystem: fs, mounter }, plan_of(Vec::new()));
        let options_read = MountOptions::parse(words.iter().copied()).unwrap();
        let new = NewFilesystem { at: at.into(), fs_type: "tmpfs".into(), source: None, options: options_read };
        let done = Performer::new(Place::Root(&ports), &ports, None, &plan).perform(&Step::Filesystem(new));
        let options = options.lock().unwrap().clone();
        done.map(|()| options).map_err(|error| error.errno())
    }

    #[test]
    fn tmpfs_without_a_mode_has_the_one_of_the_directory_that_it_covers() {
        let mode = |mode: &str| vec![format!("{:?}", FilesystemOption::with_value("mode", mode))];
        assert_eq!(mounted("/tmp", &[], Ok(())), Ok(mode("1777")));
        assert_eq!(mounted("/tmp", &["mode=700"], Ok(())), Ok(mode("700")));
        assert_eq!(mounted("/tmp", &[], Err(Errno::ENOENT)), Ok(Vec::new()));
    }

    #[test]
    fn place_of_procfs_that_cannot_be_looked_at_is_an_error_and_a_missing_one_is_not() {
        assert_eq!(mounted("/proc", &["mode=700"], Err(Errno::ENOENT)).map(drop), Ok(()));
        assert_eq!(mounted("/proc", &["mode=700"], Err(Errno::EIO)), Err(Errno::EIO));
    }
}

//! Devices and links, created.

use camino::Utf8Path;

use crate::error::{Errno, OsError};
use crate::file::{DeviceNumber, FileKind, FileMode, FinalSymlink, Metadata};
use crate::mount::{BindRequest, SourceIs};
use crate::path::Location;
use crate::ports::Directory;
use crate::rootfs::invalid::invalid;
use crate::rootfs::perform::Performer;
use crate::rootfs::step::{Device, DeviceBy};

impl Performer<'_> {
    pub(crate) fn make_device(&mut self, device: &Device) -> Result<(), OsError> {
        match device.by {
            DeviceBy::Node => {
                let (parent, name) = split(&device.at)?;
                make_node(self.directory(parent)?, name, device)
            }
            DeviceBy::Bind => self.bind_device(device),
        }
    }

    /// Binds the node that the host has under the same path, and looks at the one that is there then.
    fn bind_device(&mut self, device: &Device) -> Result<(), OsError> {
        let at = device.at.as_path();
        let source = Location::trusted(at.as_std_path());
        must_be(device, at, &self.backend.metadata(&source, FinalSymlink::Follow)?)?;
        let only = device.number.map(|number| match device.kind {
            FileKind::BlockDevice => SourceIs::BlockDevice(number),
            _ => SourceIs::CharacterDevice(number),
        });
        let request = BindRequest::new(source, self.place.at(at));
        self.bind_part(only.map_or(request.clone(), |only| request.only_if(only)))?;
        must_be(device, at, &self.place.metadata(at, FinalSymlink::Follow)?)
    }

    pub(crate) fn make_link(&mut self, at: &Utf8Path, target: &Utf8Path) -> Result<(), OsError> {
        let (parent, name) = split(at)?;
        let directory = self.directory(parent)?;
        match directory.create_symlink(name.as_ref(), target.as_std_path()) {
            Err(error) if error.errno() == Errno::EEXIST => {
                let is_it = directory.read_link(name.as_ref()).is_ok_and(|found| found == target.as_std_path());
                if is_it { Ok(()) } else { Err(error) }
            }
            made => made.map(drop),
        }
    }
}

fn split(at: &Utf8Path) -> Result<(&Utf8Path, &str), OsError> {
    at.parent().zip(at.file_name()).ok_or_else(|| invalid(at, "the path ends in no name"))
}

/// Creates a node, or accepts the one that is there if it is what the specification states: nothing of that one is changed, it
/// may be a node of the host.
fn make_node(directory: &dyn Directory, name: &str, device: &Device) -> Result<(), OsError> {
    let mode = device.mode.unwrap_or(FileMode::from_bits(0o666));
    match directory.create_node(name.as_ref(), device.kind, device.number, mode) {
        Ok(found) => {
            let (uid, gid) = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
            if (found.uid, found.gid) == (uid, gid) {
                return Ok(());
            }
            let entry = directory.open_entry(name.as_ref())?;
            must_be(device, &device.at, &Metadata { uid, gid, ..entry.metadata()? })?;
            entry.set_owner(Some(uid), Some(gid))
        }
        Err(error) if error.errno() == Errno::EEXIST => {
            must_be(device, &device.at, &directory.metadata(name.as_ref())?)
        }
        Err(error) => Err(error),
    }
}

/// Refuses a node that is not what the specification states.
fn must_be(device: &Device, at: &Utf8Path, found: &Metadata) -> Result<(), OsError> {
    let number = |number: Option<DeviceNumber>| number.map_or_else(String::new, |number| format!(" {number}"));
    let differs = |what: &str, is: String| Err(invalid(at, format!("the {what} of the node that is there is {is}")));
    if (found.kind, found.represents) != (device.kind, device.number) {
        return differs("kind", format!("{}{}", found.kind, number(found.represents)));
    }
    match (device.mode, device.uid, device.gid) {
        (Some(mode), ..) if mode != found.mode => differs("mode", found.mode.to_string()),
        (_, Some(uid), _) if uid != found.uid => differs("uid", found.uid.to_string()),
        (.., Some(gid)) if gid != found.gid => differs("gid", found.gid.to_string()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::mount::{BindReport, Guarantee, MountId, MountKey};
    use crate::ports::{MockDirectory, MockFilesystem, MockMounter, MockOpenEntry, Ports};
    use crate::rootfs::cases::plan_of;
    use crate::rootfs::place::Place;

    const NUMBER: DeviceNumber = DeviceNumber::new(1, 3);

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::CreateNode, "/dev/null", errno)
    }

    fn device(kind: FileKind) -> Device {
        let (mode, uid, gid) = (Some(FileMode::from_bits(0o666)), Some(0), Some(5));
        Device { at: "/dev/null".into(), kind, number: Some(NUMBER), mode, uid, gid, by: DeviceBy::Node }
    }

    /// A node as [`device`] states it.
    fn node(kind: FileKind) -> Metadata {
        let (represents, mode) = (Some(NUMBER), FileMode::from_bits(0o666));
        Metadata { represents, mode, gid: 5, ..Metadata::new(kind, DeviceNumber::new(0, 5), 2) }
    }

    #[test]
    fn node_that_is_there_has_to_be_what_the_specification_states() {
        let kind = FileKind::CharacterDevice;
        let refused = |found: Metadata| {
            let error = must_be(&device(kind), "/dev/null".into(), &found).err()?;
            error.detail().map(|detail| detail.replace(" of the node that is there is", ""))
        };
        assert_eq!(refused(node(kind)), None);
        let another = Metadata { represents: Some(DeviceNumber::new(1, 5)), ..node(kind) };
        assert_eq!(refused(another).as_deref(), Some("the kind character device 1:5"));
        assert_eq!(refused(node(FileKind::BlockDevice)).as_deref(), Some("the kind block device 1:3"));
        let mode = FileMode::from_bits(0o600);
        assert_eq!(refused(Metadata { mode, ..node(kind) }).as_deref(), Some("the mode 0600"));
        assert_eq!(refused(Metadata { uid: 1, ..node(kind) }).as_deref(), Some("the uid 1"));
        assert_eq!(refused(Metadata { gid: 0, ..node(kind) }).as_deref(), Some("the gid 0"));
        let unstated = Device { mode: None, uid: None, gid: None, ..device(kind) };
        assert!(must_be(&unstated, "/dev/null".into(), &Metadata { mode, uid: 1, gid: 0, ..node(kind) }).is_ok());
    }

    #[test]
    fn node_is_created_with_its_owner_or_accepted_where_it_is_there() {
        let kind = FileKind::CharacterDevice;
        for (created, gid, owners, result) in [
            (None, 5, 0, Ok(())),
            (None, 0, 1, Ok(())),
            (Some(Errno::EEXIST), 5, 0, Ok(())),
            (Some(Errno::EEXIST), 0, 0, Err(Errno::EINVAL)),
            (Some(Errno::EROFS), 5, 0, Err(Errno::EROFS)),
        ] {
            let mut directory = MockDirectory::new();
            directory.expect_create_node().returning(move |_, _, _, _| {
                created.map_or_else(|| Ok(Metadata { gid, ..node(kind) }), |errno| Err(os(errno)))
            });
            directory.expect_metadata().returning(move |_| Ok(Metadata { gid, ..node(kind) }));
            directory.expect_open_entry().returning(move |_| {
                let mut entry = MockOpenEntry::new();
                entry.expect_metadata().returning(move || Ok(Metadata { gid, ..node(kind) }));
                entry.expect_set_owner().times(owners).returning(|_, _| Ok(()));
                Ok(Box::new(entry))
            });
            let made = make_node(&directory, "null", &device(kind)).map_err(|error| error.errno());
            assert_eq!(made, result, "{created:?} {gid}");
        }
    }

    #[test]
    fn link_that_is_there_is_accepted_where_it_has_the_same_target() {
        for (created, found, result) in [
            (Errno::EEXIST, "pts/ptmx", Ok(())),
            (Errno::EEXIST, "/other", Err(Errno::EEXIST)),
            (Errno::EROFS, "pts/ptmx", Err(Errno::EROFS)),
        ] {
            let mut fs = MockFilesystem::new();
            for parent in ["/dev", "/etc"] {
                fs.expect_open_dir().withf(move |at| *at == Location::in_root("/", parent)).times(1).returning(
                    move |_| {
                        let mut directory = MockDirectory::new();
                        directory.expect_create_symlink().returning(move |_, _| Err(os(created)));
                        directory.expect_read_link().returning(move |_| Ok(found.into()));
                        Ok(Box::new(directory))
                    },
                );
            }
            let (ports, plan) = (Ports { filesystem: fs, mounter: MockMounter::new() }, plan_of(Vec::new()));
            let mut performer = Performer::new(Place::Root(&ports), &ports, None, &plan);
            for at in ["/dev/ptmx", "/dev/again", "/etc/ptmx"] {
                let made = performer.make_link(at.into(), "pts/ptmx".into()).map_err(|error| error.errno());
                assert_eq!(made, result, "{at} {created} {found}");
            }
        }
    }

    #[test]
    fn node_of_the_host_is_bound_only_as_the_device_that_it_is() {
        for (kind, only) in [
            (FileKind::BlockDevice, SourceIs::BlockDevice(NUMBER)),
            (FileKind::CharacterDevice, SourceIs::CharacterDevice(NUMBER)),
        ] {
            let (mut fs, mut mounter) = (MockFilesystem::new(), MockMounter::new());
            fs.expect_metadata().returning(move |_, _| Ok(node(kind)));
            mounter
                .expect_bind()
                .withf(move |request| request.required_source() == Some(only))
                .times(1)
                .returning(|_| Ok(BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic)));
            let (ports, plan) = (Ports { filesystem: fs, mounter }, plan_of(Vec::new()));
            let mut performer = Performer::new(Place::Root(&ports), &ports, None, &plan);
            let bound = performer.make_device(&Device { by: DeviceBy::Bind, ..device(kind) });
            assert!(bound.is_ok(), "{bound:?}");
        }
    }
}

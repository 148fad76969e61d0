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
        Ok(_) => {
            let (uid, gid) = (device.uid.unwrap_or(0), device.gid.unwrap_or(0));
            let entry = directory.open_entry(name.as_ref())?;
            let found = entry.metadata()?;
            if (found.uid, found.gid) == (uid, gid) { Ok(()) } else { entry.set_owner(Some(uid), Some(gid)) }
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

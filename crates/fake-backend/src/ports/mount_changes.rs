//! Changing mounts that are there: attributes, superblock, propagation, place.

use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::{
    AttributesReport, AttributesRequest, Errno, FinalLink, Guarantee, Location, Propagation, Recursion,
};

use super::attribute_bits::{attr_of, propagation_bit, recursive};
use super::calls::{Calls, Fd};
use super::fault::{Fault, Step};
use super::identity::{IDENTITY, is_mount_root};
use super::metadata::kind;
use crate::abi::{
    AT_EMPTY_PATH, AT_RECURSIVE, FSCONFIG_CMD_RECONFIGURE, FSPICK_EMPTY_PATH, MS_REC, S_IFLNK, STATX_TYPE,
};
use crate::{At, MountAttr};

/// The descriptor itself.
const ITSELF: &str = "";

impl Calls<'_> {
    pub(crate) fn change_attributes(&mut self, request: &AttributesRequest) -> Step<AttributesReport> {
        let done = AttributesReport::new(Guarantee::Atomic);
        if request.change().is_nothing() {
            // The kernel would not even look at the path.
            let mount = self.pin(request.at(), FinalLink::Follow, 0)?;
            let is_root = is_mount_root(&self.stat_fd(mount, IDENTITY)?);
            return if is_root { Ok(done) } else { Err(Fault::new("mount_setattr", Errno::EINVAL)) };
        }
        let (attr, flags) = (attr_of(request.change()), recursive(request.recursion(), AT_RECURSIVE));
        match request.at() {
            Location::Trusted(path) => self.mount_setattr(At::Cwd, path, flags, attr)?,
            at @ Location::Beneath { .. } => {
                let mount = self.pin(at, FinalLink::Follow, 0)?;
                self.mount_setattr(mount, ITSELF.as_ref(), flags | AT_EMPTY_PATH, attr)?;
            }
        }
        Ok(done)
    }

    pub(crate) fn set_superblock_read_only(&mut self, at: &Location, read_only: bool) -> Step<()> {
        let context = match at {
            Location::Trusted(path) => self.fspick(At::Cwd, path, 0)?,
            Location::Beneath { .. } => {
                let mount = self.pin(at, FinalLink::Follow, 0)?;
                self.fspick(mount, ITSELF.as_ref(), FSPICK_EMPTY_PATH)?
            }
        };
        self.configure(context, OsStr::new(if read_only { "ro" } else { "rw" }), None)?;
        self.command(context, FSCONFIG_CMD_RECONFIGURE)
    }

    pub(crate) fn set_propagation(
        &mut self,
        at: &Location,
        propagation: Propagation,
        recursion: Recursion,
    ) -> Step<()> {
        match at {
            Location::Trusted(path) => {
                let deep = match recursion {
                    Recursion::This => 0,
                    Recursion::Tree => MS_REC,
                };
                self.mount_by_flags(path, propagation_bit(propagation) | deep)
            }
            Location::Beneath { .. } => {
                let mount = self.pin(at, FinalLink::Follow, 0)?;
                self.propagate(mount, propagation, recursion)
            }
        }
    }

    /// Sets the propagation of the mount whose root is pinned.
    pub(crate) fn propagate(&mut self, mount: Fd, propagation: Propagation, recursion: Recursion) -> Step<()> {
        let attr = MountAttr { propagation: propagation_bit(propagation), ..MountAttr::default() };
        let flags = AT_EMPTY_PATH | recursive(recursion, AT_RECURSIVE);
        self.mount_setattr(mount, Path::new(ITSELF), flags, attr)
    }

    pub(crate) fn move_to(&mut self, from: &Location, to: &Location) -> Step<()> {
        let source = self.pin(from, FinalLink::Itself, 0)?;
        let target = self.pin(to, FinalLink::Itself, 0)?;
        let Err(fault) = self.move_mount(source, target) else { return Ok(()) };
        let mut is_link = |file| self.stat_fd(file, STATX_TYPE).is_ok_and(|stat| kind(&stat) == S_IFLNK);
        // The kernel says of a symlink that it is no mount, or of the wrong sort.
        if fault.errno() == Errno::EINVAL && (is_link(source) || is_link(target)) {
            return Err(fault.saying(Errno::ELOOP));
        }
        Err(fault)
    }
}

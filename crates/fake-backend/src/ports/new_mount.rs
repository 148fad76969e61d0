//! Mounting new filesystems.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::{Errno, FinalLink, MountKey, MountReport, MountRequest, Recursion};

use super::attribute_bits::bits_of;
use super::calls::{Calls, Fd};
use super::fault::Step;
use super::target::Target;
use crate::abi::{FSCONFIG_CMD_CREATE, O_DIRECTORY};
use crate::kernel::filesystem_type::is_known_but_not_modelled;

/// What an error says of a type that Linux has and the model has not.
const NOT_MODELLED: &str = "fsopen: the fake does not model this type (docs/fake.md)";
/// The same of a value of an option.
const OPTION_NOT_MODELLED: &str = "fsconfig: the fake does not model this value (docs/fake.md)";

impl Calls<'_> {
    pub(crate) fn mount(&mut self, request: &MountRequest) -> Step<MountReport> {
        let file = self.pin(&request.target, FinalLink::Follow, O_DIRECTORY)?;
        let target = Target { file, alone: false };
        let tree = self.detached_filesystem(request)?;
        let mount = self.attach(tree, &target, request.propagation, Recursion::This)?;
        Ok(MountReport::new(MountKey::Unique(mount)))
    }

    /// A mount of the filesystem that nobody sees yet.
    fn detached_filesystem(&mut self, request: &MountRequest) -> Step<Fd> {
        let context = self.fsopen(&request.fs_type).map_err(|fault| match fault.errno() {
            Errno::ENODEV if is_known_but_not_modelled(request.fs_type.as_bytes()) => fault.at_step(NOT_MODELLED),
            _ => fault,
        })?;
        if let Some(source) = &request.source {
            self.configure(context, OsStr::new("source"), Some(source))?;
        }
        for option in &request.options {
            let taken = self.configure(context, &option.key, option.value.as_deref());
            taken.map_err(|fault| match fault.errno() {
                Errno::EOPNOTSUPP => fault.at_step(OPTION_NOT_MODELLED),
                _ => fault,
            })?;
        }
        self.command(context, FSCONFIG_CMD_CREATE)?;
        self.fsmount(context, bits_of(request.attributes))
    }
}

//! The check of what is bound, through the descriptor that is bound.

use mountwright_core::mount::SourceIs;
use mountwright_core::{BindRequest, DeviceNumber, Errno};

use crate::backend::LinuxBackend;
use crate::files::metadata::file_identity;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{S_IFBLK, S_IFCHR, STATX_INO, STATX_TYPE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Stat};

impl<K: Kernel> LinuxBackend<K> {
    /// `ESTALE`, and in the detail what the file is, where the request binds something else only.
    pub(crate) fn expect_source(&self, request: &BindRequest, file: &K::Fd) -> Step<()> {
        let Some(only) = request.required_source() else { return Ok(()) };
        let found = is(&self.stat_fd(file, STATX_TYPE | STATX_INO)?, only)?;
        if found == only {
            return Ok(());
        }
        Err(Fault::new(Call::Statx, Errno::ESTALE).because(Some(format!("the source is {found}, and not {only}"))))
    }
}

/// The file, in the terms in which it is asked for.
fn is(stat: &Stat, only: SourceIs) -> Step<SourceIs> {
    let device = DeviceNumber::new(stat.represents.0, stat.represents.1);
    Ok(match (kind(stat), only) {
        (S_IFCHR, SourceIs::CharacterDevice(_) | SourceIs::BlockDevice(_)) => SourceIs::CharacterDevice(device),
        (S_IFBLK, SourceIs::CharacterDevice(_) | SourceIs::BlockDevice(_)) => SourceIs::BlockDevice(device),
        _ => SourceIs::File(file_identity(stat)?),
    })
}

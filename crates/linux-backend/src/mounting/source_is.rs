//! The check of what is bound, through the descriptor that is bound.

use mountwright_core::mount::SourceIs;
use mountwright_core::{BindRequest, DeviceNumber, Errno};

use crate::backend::LinuxBackend;
use crate::files::metadata::file_identity;
use crate::resolve::identity::kind;
use crate::syscalls::abi::{S_IFBLK, S_IFCHR, STATX_INO};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::{Call, Kernel, Stat};

impl<K: Kernel> LinuxBackend<K> {
    /// `ESTALE`, and in the detail what the file is, where the request binds something else only.
    pub(crate) fn expect_source(&self, request: &BindRequest, file: &K::Fd) -> Step<()> {
        if request.required_source().is_some() { self.stat_of_source(request, file).map(drop) } else { Ok(()) }
    }

    /// The same, and the kind of the file and its mount by the same look.
    pub(crate) fn stat_of_source(&self, request: &BindRequest, file: &K::Fd) -> Step<Stat> {
        let Some(only) = request.required_source() else { return self.stat_fd(file, self.identity_mask()) };
        let stat = self.stat_fd(file, self.identity_mask() | STATX_INO)?;
        let found = is(&stat, only)?;
        if found == only {
            return Ok(stat);
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

//! Boot and mount namespace of the backend.

use mountwright_core::Errno;
use mountwright_core::mount::{BootId, Origin};

use crate::backend::LinuxBackend;
use crate::syscalls::Kernel;
use crate::syscalls::failure::Step;

impl<K: Kernel> LinuxBackend<K> {
    /// Queries the kernel until both are known.
    pub(crate) fn own_origin(&self) -> Step<Origin> {
        if let Some(&known) = self.found().origin.get() {
            return Ok(known);
        }
        let boot =
            where_said(self.calls.boot_id())?.and_then(|text| BootId::parse(std::str::from_utf8(&text).ok()?.trim()));
        let origin = Origin { boot, namespace: where_said(self.calls.mount_namespace())? };
        if origin.is_known() {
            // Another thread may have stored the same value first.
            let _ = self.found().origin.set(origin);
        }
        Ok(origin)
    }
}

/// `None` if the kernel reports none.
fn where_said<T>(said: Step<T>) -> Step<Option<T>> {
    match said {
        Ok(said) => Ok(Some(said)),
        Err(fault) if matches!(fault.errno(), Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(None),
        Err(fault) => Err(fault),
    }
}

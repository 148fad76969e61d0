//! The port to the root directory of a process.

use std::path::Path;

use mountwright_core::error::Subject;
use mountwright_core::mount::{NamespaceGuard, PinnedNamespace, RootRequest};
use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Operation, OsError, Propagation, Recursion};

use crate::backend::LinuxBackend;
use crate::syscalls::Kernel;

impl<K: Kernel> ProcessRoot for LinuxBackend<K> {
    fn pin_namespace(&self) -> Result<PinnedNamespace, OsError> {
        let pinned = self.calls.mount_namespace_file().and_then(|file| {
            let id = self.calls.mount_namespace()?;
            Ok(PinnedNamespace::new(id, file))
        });
        pinned.map_err(|fault| fault.of(Operation::PinNamespace, Subject::Namespace))
    }

    fn enter_root(&self, request: RootRequest) -> Result<(), OsError> {
        let entered = self.enter(&request);
        entered.map_err(|fault| fault.of(Operation::EnterRoot, request.new_root().for_display()))
    }

    fn set_root_propagation(
        &self,
        propagation: Propagation,
        recursion: Recursion,
        guard: &NamespaceGuard,
    ) -> Result<(), OsError> {
        let set = self.refuse_by_guard(guard).and_then(|()| self.propagate_root(propagation, recursion));
        set.map_err(|fault| fault.of(Operation::SetPropagation, Path::new("/")))
    }
}

//! The system calls of one process of a modelled machine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::Errno;
use mountwright_linux::{At, Reach};

use crate::model::machine::Machine;
use crate::model::objects::pid::Pid;
use crate::model::vfs::at::At as ModelAt;
use crate::model_kernel::model_fd::ModelFd;
use crate::model_kernel::shared_machine::SharedMachine;

/// The system calls of one process of a modelled machine, for [`LinuxBackend`](mountwright_linux::LinuxBackend).
///
/// Calls through a descriptor's magic link work without a procfs in the model.
///
/// ```
/// use mountwright_core::{Location, Mounter};
/// use mountwright_fake::{Machine, ModelKernel, SharedMachine};
/// use mountwright_linux::LinuxBackend;
///
/// let kernel = ModelKernel::new(SharedMachine::new(Machine::new()), Machine::INIT);
/// assert!(LinuxBackend::over(kernel).mount_of(&Location::trusted("/"))?.is_root);
/// # Ok::<(), mountwright_core::OsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ModelKernel {
    machine: SharedMachine,
    process: Pid,
}

/// A path argument of the syscall face: the start directory and the bytes.
pub(super) type Place<'a> = (ModelAt, &'a [u8]);

impl ModelKernel {
    /// The calls of this process.
    pub fn new(machine: SharedMachine, process: Pid) -> Self {
        Self { machine, process }
    }

    /// The machine.
    pub fn machine(&self) -> &SharedMachine {
        &self.machine
    }

    /// The process.
    pub fn process(&self) -> Pid {
        self.process
    }

    /// Makes one system call.
    pub(super) fn call<T>(&self, call: impl FnOnce(&mut Machine, Pid) -> T) -> T {
        call(&mut self.machine.lock(), self.process)
    }

    /// Makes one system call that opens a descriptor.
    pub(super) fn open(&self, call: impl FnOnce(&mut Machine, Pid) -> Result<i32, Errno>) -> Result<ModelFd, Errno> {
        let (number, token) = self.call(|machine, process| {
            let number = call(machine, process)?;
            machine.open_at_port(process, number).map(|token| (number, token))
        })?;
        Ok(ModelFd::new(self.machine.clone(), self.process, number, token))
    }
}

/// Returns a text in the kernel's form; one with a NUL is `EINVAL`.
pub(super) fn text(text: &OsStr) -> Result<&[u8], Errno> {
    let bytes = text.as_bytes();
    if bytes.contains(&0) { Err(Errno::EINVAL) } else { Ok(bytes) }
}

pub(super) fn place<'a>(dir: At<'_, ModelFd>, path: &'a Path) -> Result<Place<'a>, Errno> {
    let at = match dir {
        At::Cwd => ModelAt::Cwd,
        At::Fd(fd) => ModelAt::Fd(fd.number()),
    };
    Ok((at, text(path.as_os_str())?))
}

pub(super) fn reach(place: Reach<'_, ModelFd>) -> Result<Place<'_>, Errno> {
    Ok(match place {
        Reach::Path(path) => (ModelAt::Cwd, text(path.as_os_str())?),
        Reach::Descriptor(fd) => (ModelAt::Link(fd.number()), b""),
        Reach::Below(fd, name) => (ModelAt::Link(fd.number()), text(name)?),
    })
}

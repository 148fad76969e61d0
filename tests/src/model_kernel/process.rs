//! A process of a modelled machine.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mountwright_core::Errno;
use mountwright_fake::{At as ModelAt, Machine, Pid};
use mountwright_linux::{At, Reach};

use super::ModelFd;

/// A machine that several hold: the backend under test, and whoever plays the rest of the world.
#[derive(Clone, Debug)]
pub struct SharedMachine {
    machine: Arc<Mutex<Machine>>,
    /// Which descriptor of which process holds the lock (flock(2)) of a file; the model has no locks of its own. Those of a
    /// process that has ended count no longer.
    locks: Arc<Mutex<BTreeMap<FileId, (Pid, i32)>>>,
}

/// Device and inode number.
pub(super) type FileId = (u32, u32, u64);

impl SharedMachine {
    /// Shares this machine.
    pub fn new(machine: Machine) -> Self {
        Self { machine: Arc::new(Mutex::new(machine)), locks: Arc::default() }
    }

    /// The machine, for another holder.
    pub fn shared(&self) -> Arc<Mutex<Machine>> {
        Arc::clone(&self.machine)
    }

    /// The machine, for as long as nobody else shall change it.
    pub fn lock(&self) -> MutexGuard<'_, Machine> {
        // A panic while it was held is reported by the test that panicked.
        self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks a file for a descriptor, unless another holds the lock.
    pub(super) fn take_lock(&self, file: FileId, by: (Pid, i32)) -> Result<(), Errno> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_open = |(pid, fd): (Pid, i32)| self.lock().descriptors(pid).is_ok_and(|open| open.contains(&fd));
        match locks.get(&file) {
            Some(&holder) if holder != by && is_open(holder) => Err(Errno::EAGAIN),
            _ => {
                locks.insert(file, by);
                Ok(())
            }
        }
    }

    /// Before a descriptor is closed.
    pub(super) fn drop_locks(&self, of: (Pid, i32)) {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, holder| *holder != of);
    }
}

/// The system calls of one process of a modelled machine.
///
/// `fd_path`, like the kernel's, needs a procfs at `/proc` in the model; everything else that goes through a descriptor's
/// magic link works without one.
#[derive(Clone, Debug)]
pub struct ModelKernel {
    pub(super) machine: SharedMachine,
    pub(super) process: Pid,
}

/// What the fake's syscall face takes: where a path starts, and its bytes.
pub(super) type Place<'a> = (ModelAt, &'a [u8]);

impl ModelKernel {
    /// The calls of this process of it.
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

    pub(super) fn fd(&self, opened: Result<i32, Errno>) -> Result<ModelFd, Errno> {
        opened.map(|number| ModelFd::new(self.machine.clone(), self.process, number))
    }
}

/// A text as the kernel takes it: one that could not be handed over is `EINVAL`.
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

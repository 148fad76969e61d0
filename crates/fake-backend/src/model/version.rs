//! Kernels older than the model: the system calls, fields and flags that they lack.

use mountwright_core::mount::MountNamespaceId;
use mountwright_core::{DeviceNumber, Errno};
use mountwright_linux::Call;

use crate::model::machine::Machine;
use crate::model::objects::kernel_version::KernelVersion;
use crate::model::objects::pid::Pid;

/// The device of nsfs, which no mount of a modelled machine is of, and its first inode number.
const NSFS_DEVICE: DeviceNumber = DeviceNumber::new(0, 4);

const NSFS_FIRST_INODE: u64 = 0xf000_0000;

impl Machine {
    /// Gives the machine the system calls, fields and flags of an older kernel, from now on.
    pub fn set_kernel_version(&mut self, version: KernelVersion) {
        self.kernel_version = version;
    }

    /// Returns the kernel that the machine imitates.
    pub fn kernel_version(&self) -> KernelVersion {
        self.kernel_version
    }

    /// The mount namespace of a process as its file in procfs names it: by the ioctl `NS_GET_MNTNS_ID` (6.11), else by
    /// device and inode number.
    ///
    /// # Errors
    /// `ESRCH`: no such process.
    pub(crate) fn mount_namespace_id(&self, pid: Pid) -> Result<MountNamespaceId, Errno> {
        let id = self.mount_namespace(pid)?;
        if self.kernel_version >= KernelVersion::V6_12 {
            return Ok(MountNamespaceId::Unique(id));
        }
        Ok(MountNamespaceId::Inode { device: NSFS_DEVICE, inode: NSFS_FIRST_INODE + id })
    }

    /// # Errors
    /// `ENOSYS`: this kernel lacks the call.
    pub(crate) fn check_has(&self, call: Call) -> Result<(), Errno> {
        if self.kernel_version.has(call) { Ok(()) } else { Err(Errno::ENOSYS) }
    }
}

//! The [`mountwright_core`] ports on Linux.
//!
//! [`LinuxBackend`] implements [`Filesystem`](mountwright_core::Filesystem) and [`Mounter`](mountwright_core::Mounter):
//! by descriptors, so that no path is resolved twice; all or nothing, so that no mount is ever half made; without reading
//! the mount table where the kernel offers anything better.
//!
#![cfg_attr(all(feature = "system", target_os = "linux"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "system", target_os = "linux")), doc = "```ignore")]
//! use mountwright_core::{BindRequest, FileMode, Location, Mounter, Propagation};
//! use mountwright_linux::LinuxBackend;
//!
//! let target = Location::beneath("/run/kata/shared", "box/rootfs")?;
//! let bind = BindRequest::new(Location::trusted("/var/lib/rootfs"), target)
//!     .read_only()
//!     .propagation(Propagation::Private)
//!     .creating_target(FileMode::from_bits(0o755));
//! let report = LinuxBackend::new().bind(&bind)?;
//! println!("{}, {}", report.mount, report.guarantee);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # System calls
//!
//! The backend is generic over [`Kernel`], a trait of exactly the system calls it makes. `Linux` is the kernel that this
//! process runs on. `mountwright-fake` implements the trait on a model of Linux mounts and runs the same backend over it.
//! Another implementation can make calls fail.
//!
//! # Features
//!
//! * `system` (default): `Linux`, the system calls of the kernel that this process runs on, through rustix and libc. It
//!   adds nothing where the target is not Linux. Without it the crate compiles on any Unix, has no unsafe code, and needs
//!   another implementation of [`Kernel`].
//! * `test-namespace`: `test_namespace`, a mount namespace of its own for a test, without root where the kernel allows it.
//!
//! # Kernels
//!
//! Linux 4.18 and later. Newer calls are used where they exist ([`SyscallSet`]); a call that a seccomp filter denies with
//! `ENOSYS` or `EPERM` counts as absent.

#![cfg_attr(not(all(feature = "system", target_os = "linux")), forbid(unsafe_code))]

mod backend;
mod change;
mod files;
mod mounting;
mod ports;
mod query;
mod resolve;
mod staging;
mod syscalls;
#[cfg(all(feature = "system", target_os = "linux"))]
mod system;
#[cfg(all(feature = "test-namespace", target_os = "linux"))]
pub mod test_namespace;
mod trees;

pub use backend::LinuxBackend;
pub use syscalls::syscall_set::SyscallSet;
pub use syscalls::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, RawEntry, Reach, Stat, abi};
#[cfg(all(feature = "system", target_os = "linux"))]
pub use system::Linux;

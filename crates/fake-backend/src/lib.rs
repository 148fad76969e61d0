//! The mountwright ports on an in-memory model of Linux mounts: the Linux backend's own code, over modelled system calls.
//!
//! [`Machine`] is a plain value: superblocks with inode trees, mounts with parents, peer groups and masters, mount
//! namespaces, and processes with descriptors and credentials. Its *syscall face* (the methods of [`Machine`] that are
//! named as the system calls are) takes raw ABI integers ([`abi`]) and returns the errno of Linux 6.18, in the kernel's
//! order of checks.
//!
//! * **A value.** `clone` is cheap (persistent arrays behind `Arc`): a clone is a snapshot, later changes to either copy do
//!   not show in the other.
//! * **Deterministic.** Same calls, same ids, same order, same output. No clock, no randomness, no global state.
//! * **No I/O**, no `unsafe`; `Send + Sync`.
//!
//! # Entry points
//!
//! * [`FakeBackend`]: the ports. [`HostBuilder`] builds the host behind them, from a captured mountinfo or a short text,
//!   with planted files.
//! * [`Failure`], [`FakeBackend::between`], [`FakeBackend::crash_after`], [`Machine::hang`]: faults as they occur on
//!   nodes.
//! * [`FakeBackend::journal`], its `Display`, [`FakeBackend::snapshot`] and [`FakeBackend::difference`]: the calls and
//!   their effects.
//! * [`test_kit`]: every fault, every death, every exchange of names, every order of two callers; a guard against mounts
//!   that a test leaves.
//! * [`Machine`]: the system calls. [`ModelKernel`] is the same for
//!   [`LinuxBackend`](mountwright_linux::LinuxBackend).
//!
//! The table in `docs/fake.md` lists the modelled features and the limits of the model.
//!
//! # Features
//!
//! * `proptest`: `strategies`, hosts for property tests.
//!
//! # An example
//!
//! ```
//! use mountwright_core::{BindRequest, Errno, Location, Mounter, Operation};
//! use mountwright_fake::{Failure, HostBuilder};
//!
//! let host = HostBuilder::from_text("mount / ext4 /dev/vda1 shared:1\ndir /src\ndir /dst")?.build()?;
//! let before = host.snapshot();
//! host.fail(Failure::of_call(1, Errno::ENOMEM).among(Operation::Bind));
//! let request = BindRequest::new(Location::trusted("/src"), Location::trusted("/dst"));
//! assert_eq!(host.bind(&request).unwrap_err().errno(), Errno::ENOMEM);
//! assert!(before.difference(&host).is_empty(), "{}\n{host}", before.difference(&host));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod abi;
mod fake_backend;
mod fault_injection;
mod host;
mod model;
mod model_kernel;
mod show;
#[cfg(feature = "proptest")]
pub mod strategies;
mod syscalls;
pub mod test_kit;

pub use fake_backend::FakeBackend;
pub use fault_injection::failure::Failure;
pub use fault_injection::journal::{Journal, PortCall};
pub use host::host_builder::HostBuilder;
pub use host::host_error::{HostError, HostLine};
pub use host::planted_file::Plant;
pub use model::machine::Machine;
pub use model::objects::credentials::{Credentials, IdMap, IdRange};
pub use model::objects::kernel_version::KernelVersion;
pub use model::objects::pid::Pid;
pub use model::objects::server::Server;
pub use model::vfs::at::At;
pub use model_kernel::model_fd::ModelFd;
pub use model_kernel::process_calls::ModelKernel;
pub use model_kernel::shared_machine::SharedMachine;
pub use show::difference::Difference;
pub use syscalls::getdents64::Dirent;
pub use syscalls::mount_setattr::MountAttr;
pub use syscalls::open::OpenHow;
pub use syscalls::statfs::Statfs;
pub use syscalls::statmount::Statmount;
pub use syscalls::statx::{Statx, StatxTimestamp};

//! The numbers of the Linux ABI that the syscall face takes and gives (generic architecture: x86-64, Arm64, RISC-V).
//!
//! Values are those of the kernel's `include/uapi` headers; names are the kernel's.

mod capability;
mod clone;
mod filesystem_context;
mod lock;
mod lookup;
mod mount;
mod mount_attr;
mod move_mount;
mod open;
mod rename;
mod stat;
mod statmount;
mod statx;
mod umount;

pub use capability::*;
pub use clone::*;
pub use filesystem_context::*;
pub use lock::*;
pub use lookup::*;
pub use mount::*;
pub use mount_attr::*;
pub use move_mount::*;
pub use open::*;
pub use rename::*;
pub use stat::*;
pub use statmount::*;
pub use statx::*;
pub use umount::*;

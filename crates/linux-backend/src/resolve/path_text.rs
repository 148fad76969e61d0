//! The text of a path, before it is resolved.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use mountwright_core::Errno;

use crate::syscalls::Call;
use crate::syscalls::failure::{Fault, Step};

/// The kernel refuses a path of this length as a whole; a shorter portion of it would pass.
pub(crate) const PATH_MAX: usize = 4096;

/// Refuses a path that is too long for the kernel, before it is split.
pub(crate) fn short_enough(path: &Path) -> Step<()> {
    if path.as_os_str().len() < PATH_MAX { Ok(()) } else { Err(Fault::new(Call::Openat, Errno::ENAMETOOLONG)) }
}

/// Returns a path in a root as the kernel takes it: `""` is the root itself.
pub(crate) fn in_a_root(path: &Path) -> Step<&Path> {
    short_enough(path)?;
    if path.as_os_str().as_bytes().contains(&0) {
        return Err(Fault::new(Call::Openat, Errno::EINVAL));
    }
    Ok(if path.as_os_str().is_empty() { Path::new("/") } else { path })
}

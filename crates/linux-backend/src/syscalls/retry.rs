//! The system calls as the sequences make them: retried after `EINTR`, up to a limit, and with the call's name on a
//! failure.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::mount::{IdRange, MountNamespaceId};

use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::statx::IDENTITY;
use crate::syscalls::{At, Call, Config, Kernel, MountAttr, MountStat, RawEntries, Reach, Stat};

/// The highest number of attempts of a call. A signal interrupts a call now and then, but the server of a filesystem
/// can return `EINTR` for ever: the last `EINTR` is returned to the caller.
pub(crate) const MOST_ATTEMPTS: usize = 128;

/// Makes a call until it is not interrupted, at most [`MOST_ATTEMPTS`] times.
pub(crate) fn uninterrupted<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    let mut attempts = 1;
    loop {
        match call() {
            Err(Errno::EINTR) if attempts < MOST_ATTEMPTS => attempts += 1,
            other => return other,
        }
    }
}

/// Returns the step that failed: `EOPNOTSUPP` of a call through procfs means that there is no real procfs.
fn step(call: Call, errno: Errno) -> Call {
    match call {
        Call::Reopen | Call::Fdpath | Call::Fdlink | Call::Fdinfo | Call::Mountinfo | Call::Umount2
            if errno == Errno::EOPNOTSUPP =>
        {
            Call::Procfs
        }
        call => call,
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Calls<K>(pub(crate) K);

macro_rules! calls {
    ($($variant:ident = $name:literal, $doc:literal => $method:tt;)*) => {
        impl<K: Kernel> Calls<K> {
            $(call! { $variant $method })*
        }
    };
}

macro_rules! call {
    (Statx $method:tt) => {
        /// statx(2). A FUSE server without `allow_other` refuses other users, root included, every statx that requests a
        /// field. If only the kind and the mount are requested, statx is repeated with mask 0. The result then lacks the
        /// kind and the unique id.
        pub(crate) fn statx(&self, dir: At<'_, K::Fd>, path: &Path, flags: u32, mask: u32) -> Step<Stat> {
            let ask = |mask| uninterrupted(|| self.0.statx(dir, path, flags, mask));
            let found = match ask(mask) {
                Err(Errno::EACCES) if mask & !IDENTITY == 0 => ask(0).map_err(|_| Errno::EACCES),
                other => other,
            };
            found.map_err(|errno| Fault::new(Call::Statx, errno))
        }
    };
    ($variant:ident (fn $name:ident($($argument:ident: $type:ty),*) -> $answer:ty)) => {
        pub(crate) fn $name(&self $(, $argument: $type)*) -> Step<$answer> {
            uninterrupted(|| self.0.$name($($argument),*)).map_err(|errno| Fault::new(step(Call::$variant, errno), errno))
        }
    };
}

crate::for_each_call! { calls }

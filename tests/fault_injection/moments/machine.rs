//! A look at the machine, and names that are exchanged in it, past the backend.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mountwright_core::{MountKey, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::machine::at;
use mountwright_tests::namespace::enter_on_this_thread;
use rustix::fs::{CWD, RenameFlags};
use rustix::mount::UnmountFlags;

/// Every mount at or below `/w`, `/w` itself apart: where it is and its source, in the table's order.
pub(crate) fn mounts() -> Vec<(String, String)> {
    let table = LinuxBackend::new().mounts().unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let rows = table.iter().map(|row| (text(&row.mount_point()), row.source().to_str().unwrap().to_owned()));
    rows.filter(|(at, _)| at.starts_with("/w/") || at.starts_with("/run/")).collect()
}

pub(crate) fn places() -> Vec<String> {
    mounts().into_iter().map(|(at, _)| at).collect()
}

pub(crate) fn key(path: &str) -> MountKey {
    LinuxBackend::new().mount_of(&at(path)).unwrap().mount.key()
}

/// Exchanges two names that are mount points here, from a mount namespace in which they are not: a guest with access to
/// the directory but without the mounts can do this.
pub(crate) fn exchange_elsewhere(one: &'static str, other: &'static str) {
    let elsewhere = std::thread::spawn(move || {
        enter_on_this_thread().unwrap();
        for path in [one, other] {
            // One of them may not be a mount point here either.
            let _ = rustix::mount::unmount(path, UnmountFlags::DETACH);
        }
        exchange(one, other);
    });
    elsewhere.join().unwrap();
}

/// Exchanges two names.
pub(crate) fn exchange(one: &str, other: &str) {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// The permission bits.
pub(crate) fn mode(path: &str) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

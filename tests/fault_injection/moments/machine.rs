//! Set-up and inspection of the machine, past the backend.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use mountwright_core::{Location, MountKey, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::namespace::enter_on_this_thread;
use rustix::fs::{CWD, RenameFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

pub(crate) fn dir(path: &str) {
    std::fs::create_dir_all(path).unwrap();
}

/// Mounts a tmpfs with this distinctive source on a directory, which is created if it is missing.
pub(crate) fn tmpfs(path: &str, source: &str) {
    dir(path);
    rustix::mount::mount(source, path, "tmpfs", MountFlags::empty(), c"mode=755").unwrap();
}

pub(crate) fn bind(source: &str, target: &str) {
    dir(target);
    rustix::mount::mount_bind(source, target).unwrap();
}

pub(crate) fn shared(path: &str) {
    rustix::mount::mount_change(path, MountPropagationFlags::SHARED).unwrap();
}

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

pub(crate) fn at(path: &str) -> Location {
    Location::trusted(path)
}

pub(crate) fn below(root: &str, path: &str) -> Location {
    Location::beneath(root, path).unwrap()
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

/// A file of these bytes.
pub(crate) fn file(path: &str, contents: &str) {
    std::fs::write(path, contents).unwrap();
}

/// Exchanges two names.
pub(crate) fn exchange(one: &str, other: &str) {
    rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

/// chmod(2).
pub(crate) fn chmod(path: &str, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The permission bits.
pub(crate) fn mode(path: &str) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

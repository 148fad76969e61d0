//! Sharing and taking off by the backend, with what it says compared with what is.

use camino::Utf8Path;
use mountwright_core::{
    ContainerId, Errno, Leftover, Location, MountKey, Mounter, UnshareOutcome, share_rootfs, unshare_rootfs,
};
use mountwright_linux::LinuxBackend;

/// What share and unshare have said.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub(crate) shared: u64,
    pub(crate) share_refused: u64,
    pub(crate) taken_off: u64,
    /// Refused or not found, and the mount found again by its identity.
    pub(crate) refused: u64,
}

/// Shares and takes off again, once.
pub(crate) fn cycle(backend: &LinuxBackend, said: &mut Said) {
    let id = ContainerId::new("box").expect("a valid id");
    let mounts = Utf8Path::new("/w/shared");
    let source = Location::trusted("/w/source/tree");
    let shared = match share_rootfs(backend, backend, mounts, &id, &source, true) {
        Ok(record) => {
            said.shared += 1;
            Some(record.mount)
        }
        Err(error) => {
            // A placeholder that the attacker has carried off can be named, and no more.
            let mount = error.left().iter().find(|left| matches!(left, Leftover::Mount { .. }));
            assert!(mount.is_none(), "left over: {error}");
            said.share_refused += 1;
            None
        }
    };
    loop {
        let outcome = unshare_rootfs(backend, backend, mounts, &id);
        let there = shared.is_some_and(|mount| is_there(backend, mount));
        match outcome {
            Ok(UnshareOutcome::Detached { .. }) => {
                assert!(!there, "said to be off, and it is there");
                said.taken_off += 1;
            }
            _ if there => {
                said.refused += 1;
                continue;
            }
            // One layer was off when it met a link.
            Err(_) if shared.is_some() => said.taken_off += 1,
            _ => {}
        }
        return;
    }
}

fn is_there(backend: &LinuxBackend, mount: MountKey) -> bool {
    match backend.find_mount(mount) {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.errno(), Errno::ENOENT);
            false
        }
    }
}

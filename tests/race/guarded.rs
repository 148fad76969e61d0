//! Share and unshare by the backend, with its report compared with the state.

use std::path::Path;

use mountwright_core::{Errno, MountKey, Mounter};
use mountwright_linux::LinuxBackend;

use crate::shared::{Off, Shared};

/// The results of share and unshare.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said {
    pub(crate) shared: u64,
    pub(crate) share_refused: u64,
    pub(crate) taken_off: u64,
    /// Refused, and the mount found again by its identity.
    pub(crate) refused: u64,
}

/// Shares and unshares, once.
pub(crate) fn cycle(what: Shared, backend: &LinuxBackend, said: &mut Said) {
    let shared = what.share(backend);
    *if shared.is_some() { &mut said.shared } else { &mut said.share_refused } += 1;
    loop {
        let outcome = what.unshare(backend, shared);
        let there = shared.is_some_and(|mount| is_there(what, backend, mount));
        match outcome {
            Off::Done => {
                assert!(!there, "said to be off, and it is there");
                said.taken_off += 1;
                return;
            }
            Off::Refused if there => said.refused += 1,
            Off::NothingThere(words) if there => panic!("there by its identity, and said: {words}"),
            // It was unmounted with the first layer, and then the name led elsewhere.
            _ => {
                said.taken_off += u64::from(shared.is_some());
                return;
            }
        }
    }
}

/// Returns true if the mount that was made is still in this namespace.
fn is_there(what: Shared, backend: &LinuxBackend, mount: MountKey) -> bool {
    match backend.find_mount(mount) {
        Ok(found) => {
            assert_eq!(found.key(), mount);
            assert_eq!(Path::new("/w/source").join(found.root.strip_prefix("/").unwrap()), Path::new(what.source()));
            true
        }
        Err(error) => {
            assert_eq!(error.errno(), Errno::ENOENT);
            false
        }
    }
}

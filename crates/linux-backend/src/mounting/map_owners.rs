//! Maps of owners: set, replaced or cleared on a detached copy.

use mountwright_core::mount::{IdMap, IdRange};
use mountwright_core::{Errno, Recursion};

use crate::backend::LinuxBackend;
use crate::change::propagation::recursive;
use crate::syscalls::abi::{AT_EMPTY_PATH, AT_RECURSIVE, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE};
use crate::syscalls::failure::{Fault, Step};
use crate::syscalls::id_map_lines::refusal;
use crate::syscalls::{Call, Kernel};

/// A map as the kernel takes it: that of a user namespace, or none.
pub(crate) type Owners<Fd> = Option<Fd>;

fn refused(call: Call, errno: Errno, detail: &str) -> Fault {
    Fault::new(call, errno).because(Some(detail.to_owned()))
}

impl<K: Kernel> LinuxBackend<K> {
    /// Refuses a map that this kernel or the request's way cannot set.
    pub(crate) fn can_map_owners(&self, map: Option<&IdMap>, is_detached: bool) -> Step<()> {
        match map {
            Some(_) if !is_detached || !self.uses(Call::MountSetattr) => Err(refused(
                Call::MapOwners,
                Errno::EOPNOTSUPP,
                "owners are mapped on a detached mount alone (Linux 5.12)",
            )),
            Some(IdMap::Clear) if !self.uses(Call::OpenTreeAttr) => {
                Err(refused(Call::RemapOwners, Errno::EOPNOTSUPP, "a map of owners is cleared since Linux 6.15"))
            }
            _ => Ok(()),
        }
    }

    /// The map of a request. No mount is changed here.
    pub(crate) fn owners(&self, map: &IdMap) -> Step<Owners<K::Fd>> {
        match map {
            IdMap::Ranges { uids, gids } => {
                must_be_a_map("users", uids)?;
                must_be_a_map("groups", gids)?;
                self.calls.new_user_namespace([uids, gids]).map(Some)
            }
            IdMap::OfProcess(process) => self.calls.user_namespace_of(*process).map(Some),
            _ => Ok(None),
        }
    }

    /// Maps the owners on a detached tree, whose mounts below the top are there if it was `copied` so. Returns it, or another
    /// copy of it where a map had to be replaced.
    pub(crate) fn with_owners(&self, tree: K::Fd, map: &IdMap, reach: Recursion, copied: Recursion) -> Step<K::Fd> {
        let owners = self.owners(map)?;
        let mapped = match &owners {
            Some(namespace) => {
                let flags = AT_EMPTY_PATH | recursive(reach, AT_RECURSIVE);
                self.calls.map_owners(&tree, flags, namespace)
            }
            None => Err(Fault::new(Call::RemapOwners, Errno::EPERM)),
        };
        let fault = match mapped {
            Ok(()) => return Ok(tree),
            // The source has a map already, or there is no privilege.
            Err(fault) if fault.errno() == Errno::EPERM && self.uses(Call::OpenTreeAttr) && reach == copied => fault,
            Err(fault) => return Err(explained(fault)),
        };
        let flags = AT_EMPTY_PATH | recursive(reach, AT_RECURSIVE) | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
        let replaced = self.calls.remap_owners(&tree, flags, owners.as_ref());
        replaced.map_err(|replacing| explained(if owners.is_some() { fault } else { replacing }))
    }
}

fn must_be_a_map(ids: &str, ranges: &[IdRange]) -> Step<()> {
    match refusal(ranges) {
        Some(reason) => Err(refused(Call::NewUserNamespace, Errno::EINVAL, &format!("no map of {ids}: {reason}"))),
        None => Ok(()),
    }
}

/// With the causes of an errno, of which the kernel names none.
fn explained(fault: Fault) -> Fault {
    let cause = match fault.errno() {
        Errno::EPERM => {
            "no privilege over the filesystem or the user namespace; or a mount has a map of owners already, which Linux 6.15 \
             replaces, of the whole tree that is bound"
        }
        Errno::EINVAL => {
            "a filesystem that maps no owners on this kernel, or the map is that of its own user namespace"
        }
        _ => return fault,
    };
    fault.because(Some(cause.to_owned()))
}

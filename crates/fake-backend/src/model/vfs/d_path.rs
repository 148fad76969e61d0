//! Paths of places.

use crate::model::keys::DentryKey;
use crate::model::machine::Machine;
use crate::model::objects::path::Place;

impl Machine {
    /// Returns the path of the place as seen from `root`; `Err` with the known portion if it is not below `root`.
    pub(crate) fn path_from(&self, place: Place, root: Place) -> Result<Vec<u8>, Vec<u8>> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = place;
        let mut reachable = true;
        while at != root {
            let mount = &self.mounts[at.mount];
            if at.dentry == mount.root {
                let Some(parent) = mount.parent else {
                    reachable = false;
                    break;
                };
                at = Place { mount: parent, dentry: mount.mount_point };
                continue;
            }
            let dentry = &self.dentries[at.dentry];
            if dentry.parent == at.dentry {
                reachable = false;
                break;
            }
            names.push(dentry.name.bytes());
            at.dentry = dentry.parent;
        }
        let text = joined(&names);
        if reachable { Ok(text) } else { Err(text) }
    }

    /// The path of a dentry inside its filesystem, with `//deleted` when its name was removed.
    pub(crate) fn path_in_filesystem(&self, dentry: DentryKey) -> Vec<u8> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = dentry;
        while !self.is_filesystem_root(at) {
            names.push(self.dentries[at].name.bytes());
            at = self.dentries[at].parent;
        }
        let mut text = joined(&names);
        if self.is_unlinked(dentry) {
            text.extend_from_slice(b"//deleted");
        }
        text
    }

    /// The text of a descriptor's magic link: the path from `root`, with ` (deleted)` when the name was removed.
    pub(crate) fn path_for_link(&self, place: Place, root: Place) -> Vec<u8> {
        let mut text = self.path_from(place, root).unwrap_or_else(|partial| partial);
        if self.is_unlinked(place.dentry) {
            text.extend_from_slice(b" (deleted)");
        }
        text
    }
}

/// Names from the last to the first, as an absolute path.
fn joined(names: &[&[u8]]) -> Vec<u8> {
    if names.is_empty() {
        return b"/".to_vec();
    }
    let mut text = Vec::with_capacity(names.iter().map(|name| name.len() + 1).sum());
    for name in names.iter().rev() {
        text.push(b'/');
        text.extend_from_slice(name);
    }
    text
}

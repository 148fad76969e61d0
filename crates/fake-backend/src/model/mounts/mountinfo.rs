//! The text of `/proc/PID/mountinfo`.

use std::io::Write as _;

use crate::model::keys::{MountKey, NamespaceKey};
use crate::model::machine::Machine;
use crate::model::objects::path::Place;

/// Appends `text` with the bytes of `special` as `\ooo`.
fn escape(out: &mut Vec<u8>, text: &[u8], special: &[u8]) {
    for &byte in text {
        if special.contains(&byte) {
            out.extend_from_slice(&[b'\\', b'0' + (byte >> 6), b'0' + (byte >> 3 & 7), b'0' + (byte & 7)]);
        } else {
            out.push(byte);
        }
    }
}

const IN_PATHS: &[u8] = b" \t\n\\";
const IN_SOURCES: &[u8] = b" \t\n\\#";

impl Machine {
    /// The mounts of `namespace` that are below `root`, in order of age.
    pub(crate) fn mountinfo_text(&self, namespace: NamespaceKey, root: Place) -> Vec<u8> {
        let mut out = Vec::new();
        for (_, &mount) in self.namespaces[namespace].mounts.iter() {
            let begin = out.len();
            if !self.mountinfo_line(&mut out, mount, root) {
                continue;
            }
            if let Some(captured) = &self.mounts[mount].captured {
                let line = captured.line(&out[begin..]);
                out.truncate(begin);
                out.extend(line);
            }
            out.push(b'\n');
        }
        out
    }

    /// Appends the model's own line of a mount, without its newline; false where the mount is not below `root`.
    pub(crate) fn mountinfo_line(&self, out: &mut Vec<u8>, key: MountKey, root: Place) -> bool {
        let top = Place { mount: key, dentry: self.mounts[key].root };
        let Ok(mount_point) = self.path_from(top, root) else { return false };
        self.append_line(out, key, &mount_point, root);
        true
    }

    fn append_line(&self, out: &mut Vec<u8>, key: MountKey, mount_point: &[u8], root: Place) {
        let mount = &self.mounts[key];
        let superblock = &self.superblocks[mount.superblock];
        let parent = self.parent_id(key);
        let device = superblock.device;
        // Writing to a vector cannot fail.
        let _ = write!(out, "{} {parent} {}:{} ", mount.id, device.major, device.minor);
        escape(out, &self.shown_root(key), IN_PATHS);
        out.push(b' ');
        escape(out, mount_point, IN_PATHS);
        let _ = write!(out, " {}", mount.flags.text());
        if mount.shared {
            let _ = write!(out, " shared:{}", mount.group);
        }
        if let Some(master) = mount.master {
            let group = self.mounts[master].group;
            let _ = write!(out, " master:{group}");
            let from = self.dominating_group(key, root);
            if from != 0 && from != group {
                let _ = write!(out, " propagate_from:{from}");
            }
        }
        if mount.unbindable {
            out.extend_from_slice(b" unbindable");
        }
        out.extend_from_slice(b" - ");
        escape(out, &superblock.type_name, IN_SOURCES);
        out.push(b' ');
        escape(out, &self.shown_source(key), IN_SOURCES);
        out.extend_from_slice(if superblock.read_only { b" ro" } else { b" rw" });
        out.extend_from_slice(self.shown_options(key));
    }

    /// The nearest group above this slave that has a mount under `root` in its namespace, or 0.
    pub(crate) fn dominating_group(&self, slave: MountKey, root: Place) -> u32 {
        let namespace = self.mounts[slave].namespace;
        let mut master = self.mounts[slave].master;
        while let Some(above) = master {
            let visible = self.peers(above).find(|&peer| {
                let mount = &self.mounts[peer];
                mount.namespace == namespace && self.is_reachable(Place { mount: peer, dentry: mount.root }, root)
            });
            if let Some(peer) = visible {
                return self.mounts[peer].group;
            }
            master = self.mounts[above].master;
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_backslash_and_hash_are_escaped() {
        let mut out = Vec::new();
        escape(&mut out, b"a b\t\\\n#\r", IN_SOURCES);
        assert_eq!(out, b"a\\040b\\011\\134\\012\\043\r");
    }
}

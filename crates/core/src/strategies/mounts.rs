//! Mounts, as the kernel lists them and as a runtime tracks them.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use camino::Utf8PathBuf;
use proptest::prelude::*;

use super::{name, option_list, path, relative_path};
use crate::file::DeviceNumber;
use crate::mount::{AtimeMode, MountAttributes, MountFlags, MountId, MountInfo, PeerGroup, PropagationState};
use crate::spec::Mount;

fn attributes() -> impl Strategy<Value = MountAttributes> {
    let atime = prop::sample::select(&[AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict][..]);
    let flags = prop::sample::subsequence(MountFlags::ALL.words().map(|(flag, _)| flag).collect::<Vec<_>>(), 0..=6);
    (flags, atime).prop_map(|(flags, atime)| MountAttributes {
        flags: flags.into_iter().fold(MountFlags::NONE, MountFlags::union),
        atime,
    })
}

fn propagation() -> impl Strategy<Value = PropagationState> {
    (0..4_u32, 0..4_u32, 0..3_u32, any::<bool>()).prop_map(|(peers, master, from, unbindable)| PropagationState {
        peers: PeerGroup::new(peers),
        master: PeerGroup::new(master),
        // Only where a master is not to be seen is there a nearer group that is.
        propagate_from: PeerGroup::new(if master == 0 { 0 } else { from }),
        unbindable: unbindable && peers == 0,
    })
}

fn absolute() -> impl Strategy<Value = PathBuf> {
    prop_oneof![1 => path(), 1 => relative_path().prop_map(|path| PathBuf::from("/").join(path.as_path()))]
}

fn word() -> impl Strategy<Value = OsString> {
    let known =
        prop::sample::select(&["ext4", "tmpfs", "fuse.sshfs", "/dev/sda1", "none"][..]).prop_map(OsString::from);
    prop_oneof![2 => known, 1 => name()]
}

/// One mount, as mountinfo describes it: any attributes and propagation, odd names, sources that are empty, deleted
/// roots.
pub(crate) fn mount_info() -> impl Strategy<Value = MountInfo> {
    let ids = (0..8_u32, 0..8_u32, 0..260_u32, 0..260_u32);
    let root = prop_oneof![
        3 => absolute(),
        1 => absolute().prop_map(|path| PathBuf::from(OsStr::from_bytes(&[path.as_os_str().as_bytes(), b"//deleted"].concat()))),
        1 => Just(PathBuf::from("mnt:[4026531841]")),
    ];
    let source = prop_oneof![3 => word(), 1 => Just(OsString::new())];
    let options = prop::sample::select(&["rw", "ro,size=64k", "rw,lowerdir=/a\\040b:/c d", "ro"][..]);
    let rest = (word(), source, options, any::<bool>());
    (ids, root, absolute(), attributes(), propagation(), rest).prop_map(
        |(
            (id, parent, major, minor),
            root,
            mount_point,
            attributes,
            propagation,
            (fs_type, source, options, idmapped),
        )| {
            MountInfo {
                root,
                mount_point,
                attributes,
                idmapped,
                propagation,
                fs_type,
                source,
                options: OsString::from(options),
                ..MountInfo::new(MountId(id), MountId(parent), DeviceNumber::new(major, minor))
            }
        },
    )
}

/// A mount of a container, as a valid specification describes it.
pub(crate) fn mount() -> impl Strategy<Value = Mount> {
    let destination = path().prop_map(|path| Utf8PathBuf::from_path_buf(path).expect("the alphabet is UTF-8"));
    let fs_type = prop::sample::select(&[None, Some("bind"), Some("none"), Some("tmpfs"), Some("proc")][..]);
    let source = prop::sample::select(&[None, Some("/a"), Some("/a/b"), Some("tmpfs"), Some("c")][..]);
    (destination, fs_type, source, option_list())
        .prop_filter_map("a list with an option that cannot be used", |(destination, fs_type, source, options)| {
            Mount::from_runtime_spec(destination, fs_type, source, &options).ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    #[test]
    fn a_mounts_propagation_is_one_that_the_kernel_shows() {
        let mut runner = TestRunner::deterministic();
        let (mut far, mut unbindable) = (0, 0);
        for _ in 0..512 {
            let found = mount_info().new_tree(&mut runner).unwrap().current().propagation;
            assert!(found.propagate_from.is_none() || found.master.is_some(), "{found:?}");
            assert!(!found.unbindable || found.peers.is_none(), "{found:?}");
            far += u32::from(found.propagate_from.is_some());
            unbindable += u32::from(found.unbindable);
        }
        assert!(far > 0 && unbindable > 0);
    }

    #[test]
    fn every_part_of_a_mount_is_sometimes_another() {
        let mut runner = TestRunner::deterministic();
        let plain = MountInfo::new(MountId(0), MountId(0), DeviceNumber::new(0, 0));
        let mut same = [true; 9];
        for _ in 0..512 {
            let found = mount_info().new_tree(&mut runner).unwrap().current();
            let now = [
                found.id == plain.id,
                found.device == plain.device,
                found.root == plain.root,
                found.mount_point == plain.mount_point,
                found.attributes == plain.attributes,
                found.idmapped == plain.idmapped,
                found.fs_type == plain.fs_type,
                found.source == plain.source,
                found.options == plain.options,
            ];
            same.iter_mut().zip(now).for_each(|(same, now)| *same &= now);
        }
        assert_eq!(same, [false; 9]);
    }
}

//! Tests of the change of one file: its calls, and the mount that it is on.

use std::ffi::OsStr;

use crate::error::Operation;
use crate::file::{DeviceNumber, FileKind, Metadata};
use crate::kubernetes::fs_group::change::GroupChange;
use crate::kubernetes::fs_group::tests::{ALWAYS, applied, incomplete, volume};
use crate::ports::{MockDirectory, MockOpenEntry};

#[test]
fn a_mode_is_set_only_where_it_changes_or_the_kernel_clears_it() {
    use Operation::{SetCapabilities, SetMode, SetOwner};
    let tree = volume(|files| {
        files.directory("/v/d", 0o2770);
        files.file("/v/f", 0o664, b"");
        files.file("/v/server", 0o644, b"");
        files.capabilities("/v/server", b"net");
        files.file("/v/set-id", 0o4660, b"");
    });
    applied(&tree, &ALWAYS.read_only());
    let changes = [SetOwner, SetMode, SetCapabilities];
    for (name, expected) in [
        ("d", &[SetOwner][..]),
        ("f", &[SetOwner]),
        ("server", &[SetOwner, SetCapabilities]),
        ("set-id", &[SetOwner, SetMode]),
    ] {
        let calls = tree.calls().into_iter().filter(|(call, path)| changes.contains(call) && path.ends_with(name));
        assert_eq!(calls.map(|(call, _)| call).collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn without_mount_ids_a_file_of_another_device_is_on_another_mount() {
    let of_device = |minor| Metadata::new(FileKind::Directory, DeviceNumber::new(8, minor), 2);
    let change = GroupChange { request: ALWAYS, root: of_device(1) };
    for (minor, is_other) in [(1, false), (2, true)] {
        let mut directory = MockDirectory::new();
        directory.expect_open_entry().returning(move |_| {
            let mut entry = MockOpenEntry::new();
            entry.expect_metadata().returning(move || Ok(of_device(minor)));
            Ok(Box::new(entry))
        });
        assert_eq!(change.is_on_other_mount(&directory, OsStr::new("d")), is_other);
    }
}

#[test]
fn a_root_whose_bit_the_kernel_clears_is_named() {
    let tree = volume(crate::test_support::hooked_tree::Files::clear_set_group_id);
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((report.failed, first.path()), (1, Some("/v".as_ref())));
}

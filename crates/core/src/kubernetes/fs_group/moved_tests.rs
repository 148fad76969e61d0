//! Tests of [`FsGroupRequest::apply`](super::apply::FsGroupRequest::apply) on deep trees, and where names change during
//! the run.

use std::path::PathBuf;

use crate::error::{Errno, Operation};
use crate::file::DeviceNumber;
use crate::kubernetes::fs_group::descent::OPEN_MAX;
use crate::kubernetes::fs_group::tests::{ALWAYS, WRITES, applied, assert_shown, incomplete, volume};
use crate::test_support::hooked_tree::ChangingTree;

/// The number of the call that does this to a path, on a tree where nothing else happens.
#[track_caller]
fn call_of(build: impl Fn() -> ChangingTree, operation: Operation, path: &str) -> usize {
    let probe = build();
    applied(&probe, &ALWAYS);
    let is_it = |(o, p): &(Operation, PathBuf)| *o == operation && p.as_os_str() == path;
    probe.calls().iter().rposition(is_it).unwrap()
}

#[test]
fn a_file_exchanged_after_it_was_pinned_gets_nothing_of_the_other() {
    let build = || {
        volume(|files| {
            files.file("/v/tool", 0o6755, b"");
            files.file("/other", 0o602, b"");
        })
    };
    for operation in [Operation::OpenEntry, Operation::SetOwner, Operation::SetMode] {
        let call = call_of(build, operation, "/v/tool");
        let tree = build();
        tree.before_call(call + 1, |files| {
            files.rename("/v/tool", "/tool");
            files.rename("/other", "/v/tool");
        });
        applied(&tree, &ALWAYS);
        assert_shown(&tree, &[("/tool", "6775 7"), ("/v/tool", "602 0")]);
    }
}

#[test]
fn a_file_exchanged_before_it_is_pinned_is_changed_by_its_own_bits() {
    let build = || {
        volume(|files| {
            files.file("/v/tool", 0o6755, b"");
            files.file("/other", 0o602, b"");
        })
    };
    let tree = build();
    tree.before_call(call_of(build, Operation::OpenEntry, "/v/tool"), |files| {
        files.rename("/v/tool", "/tool");
        files.rename("/other", "/v/tool");
    });
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &[("/tool", "6755 0"), ("/v/tool", "662 7")]);
}

#[test]
fn a_mount_put_on_a_name_before_it_is_pinned_is_left_alone() {
    let build = || volume(|files| files.file("/v/f", 0o600, b""));
    let tree = build();
    tree.before_call(call_of(build, Operation::OpenEntry, "/v/f"), |files| files.mount("/v/f", 2));
    let report = applied(&tree, &ALWAYS);
    assert_eq!((report.other_mounts, report.changed), (1, 1));
    assert_shown(&tree, &[("/v/f", "600 0")]);
}

#[test]
fn a_directory_that_only_seems_to_be_a_mount_point_is_a_failure_and_the_root_stays() {
    let tree = volume(|files| files.directory("/v/d", 0o700));
    tree.failing("/v/d", Operation::OpenDir, Errno::EXDEV);
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.errno(), report.other_mounts, report.root_done), (Errno::EXDEV, 0, false));
}

#[test]
fn another_device_number_on_the_same_mount_belongs_to_the_volume() {
    let tree = volume(|files| {
        files.directory("/v/subvolume", 0o700);
        files.device("/v/subvolume", DeviceNumber::new(0, 44));
        files.file("/v/subvolume/f", 0o600, b"");
        files.file("/v/lower", 0o600, b"");
        files.device("/v/lower", DeviceNumber::new(0, 45));
    });
    let report = applied(&tree, &ALWAYS);
    assert_eq!((report.other_mounts, report.changed), (0, 4));
    assert_shown(&tree, &[("/v/subvolume", "2770 7"), ("/v/subvolume/f", "660 7"), ("/v/lower", "660 7")]);
}

#[test]
fn a_plain_file_gets_its_mode_before_its_group_a_set_id_file_after_it() {
    for (mode, order) in
        [(0o600, [Operation::SetMode, Operation::SetOwner]), (0o4700, [Operation::SetOwner, Operation::SetMode])]
    {
        let tree = volume(|files| files.file("/v/f", mode, b""));
        applied(&tree, &ALWAYS);
        let calls = tree.calls().into_iter().filter(|(o, path)| WRITES.contains(o) && path.ends_with("f"));
        assert_eq!(calls.map(|(operation, _)| operation).collect::<Vec<_>>(), order, "{mode:o}");
    }
}

#[test]
fn a_set_group_id_bit_that_the_kernel_clears_is_a_failure() {
    let tree = volume(|files| {
        files.directory("/v/d", 0o700);
        files.file("/v/f", 0o2755, b"");
        files.clear_set_group_id();
    });
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.operation(), first.errno()), (Operation::SetMode, Errno::EPERM));
    let named: Vec<_> = report.failures.iter().filter_map(|error| error.path()).collect();
    assert_eq!((named, report.root_done), (vec!["/v/f".as_ref(), "/v/d".as_ref()], false));
    let (report, _) = incomplete(&tree, &ALWAYS.despite_failures());
    assert_eq!((report.failed, report.root_done), (2, false), "each run says so, the root too");
}

#[test]
fn capabilities_are_set_again_on_a_file_without_execute_permission() {
    for (mode, shown) in [(0o755, "775 7"), (0o644, "664 7")] {
        let tree = volume(|files| {
            files.file("/v/server", mode, b"");
            files.capabilities("/v/server", b"net");
            files.file("/v/plain", mode, b"");
        });
        assert_eq!(applied(&tree, &ALWAYS).changed, 3);
        assert_shown(&tree, &[("/v/server", shown)]);
        assert_eq!(tree.capabilities_at("/v/server").unwrap(), b"net");
        assert_eq!(tree.count(&[Operation::SetCapabilities]), 1);
    }
}

#[test]
fn capabilities_that_cannot_be_set_again_name_the_file() {
    let program = |mode| {
        volume(move |files| {
            files.file("/v/server", mode, b"");
            files.capabilities("/v/server", b"net");
        })
    };
    // Others may write to it: it could be another program by now.
    let open = program(0o777);
    let open_data = program(0o666);
    let refused = program(0o755);
    refused.failing("/v/server", Operation::SetCapabilities, Errno::EPERM);
    for tree in [open, open_data, refused] {
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((first.operation(), first.path().unwrap()), (Operation::SetCapabilities, "/v/server".as_ref()));
        assert_eq!((report.failed, tree.capabilities_at("/v/server")), (1, None));
        applied(&tree, &ALWAYS);
    }
}

#[test]
fn a_program_whose_capabilities_cannot_be_read_keeps_them() {
    let tree = volume(|files| {
        files.file("/v/server", 0o755, b"");
        files.capabilities("/v/server", b"net");
    });
    tree.failing("/v/server", Operation::Capabilities, Errno::EOPNOTSUPP);
    let (_, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.operation(), first.errno()), (Operation::Capabilities, Errno::EOPNOTSUPP));
    assert_shown(&tree, &[("/v/server", "755 0")]);
    assert_eq!(tree.capabilities_at("/v/server").unwrap(), b"net");
}

/// Directories in each other, with a file in each and a neighbour that is entered after the deeper ones.
fn deep(levels: usize) -> ChangingTree {
    volume(|files| {
        let mut path = "/v".to_owned();
        for _ in 0..levels {
            path += "/d";
            files.directory(&path, 0o700);
            files.file(&format!("{path}/f"), 0o600, b"");
            files.directory(&format!("{path}/a"), 0o700);
        }
    })
}

#[test]
fn a_deep_tree_is_changed_with_few_descriptors() {
    let levels = 10 * OPEN_MAX + 3;
    let tree = deep(levels);
    let report = applied(&tree, &ALWAYS);
    assert_eq!(report.changed, 3 * levels as u64 + 1);
    assert_eq!(tree.most_open(), OPEN_MAX + 3);
}

#[test]
fn the_calls_grow_with_the_depth_and_no_more() {
    let calls = |levels| {
        let tree = deep(levels);
        applied(&tree, &ALWAYS);
        tree.calls().len()
    };
    let (less, more) = (calls(100), calls(1000));
    assert!(more < 12 * less, "{less} calls for 100 levels, {more} for 1,000");
}

/// A tree that is deeper than what is kept open, whose directory `/v/d` is changed before the way back up to it.
fn moved_before_the_way_up(
    change: impl FnOnce(&mut crate::test_support::hooked_tree::Files) + Send + 'static,
) -> ChangingTree {
    let build = || deep(OPEN_MAX + 3);
    let deepest = format!("/v{}/a", "/d".repeat(OPEN_MAX + 3));
    let tree = build();
    tree.before_call(call_of(build, Operation::ReadDir, &deepest), change);
    tree
}

#[test]
fn a_closed_directory_that_was_moved_is_left_and_named() {
    let tree = moved_before_the_way_up(|files| {
        files.rename("/v/d", "/moved");
        files.directory("/v/d", 0o700);
        files.directory("/v/d/a", 0o700);
    });
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.errno(), first.path().unwrap()), (Errno::ESTALE, "/v/d".as_ref()));
    assert_eq!((report.failed, report.root_done), (1, false));
    assert_shown(&tree, &[("/v/d", "700 0"), ("/v/d/a", "700 0"), ("/v", "755 0"), ("/moved/a", "700 0")]);
}

#[test]
fn a_closed_directory_whose_names_lead_elsewhere_is_reached_from_below() {
    let tree = moved_before_the_way_up(|files| files.rename("/v/d/d/d", "/v/d/d/renamed"));
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &[("/v/d/a", "2770 7"), ("/v/d/d/renamed/a", "2770 7")]);
}

#[test]
fn a_closed_directory_that_does_not_hold_the_lower_one_is_reached_by_its_names() {
    let lower = format!("/v{}", "/d".repeat(4));
    let tree = moved_before_the_way_up(move |files| files.rename(&lower, "/moved"));
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.errno(), first.path().unwrap()), (Errno::ESTALE, "/v/d/d/d/d".as_ref()));
    assert_eq!(report.failed, 1);
    assert_shown(&tree, &[("/v/d/a", "2770 7"), ("/v/d/d/d/a", "2770 7"), ("/moved/a", "700 0")]);
}

#[test]
fn a_closed_directory_is_not_reached_by_names_that_lead_to_another() {
    let tree = moved_before_the_way_up(|files| {
        files.rename("/v/d/d/d/d", "/moved");
        files.rename("/v/d/d", "/other");
        files.directory("/v/d/d/d/a", 0o700);
    });
    let (report, _) = incomplete(&tree, &ALWAYS);
    let failures: Vec<_> = report.failures.iter().map(|error| (error.errno(), error.path().unwrap())).collect();
    assert_eq!(failures, [(Errno::ESTALE, "/v/d/d/d/d".as_ref()), (Errno::ESTALE, "/v/d/d".as_ref())]);
    assert_shown(&tree, &[("/v/d/d/d/a", "700 0"), ("/other/a", "700 0"), ("/v/d/a", "2770 7")]);
}

#[test]
fn nothing_below_a_directory_that_was_moved_out_is_entered_any_more() {
    let build = || {
        volume(|files| {
            for path in ["/v/d/1", "/v/d/2", "/v/d/3", "/v/e"] {
                files.directory(path, 0o700);
                files.directory(&format!("{path}/in"), 0o700);
                files.file(&format!("{path}/in/f"), 0o600, b"");
            }
        })
    };
    // The last is entered first.
    for (when, changed) in [("/v/d/3", ["700 0", "700 0"]), ("/v/d/3/in", ["2770 7", "700 0"])] {
        let call = call_of(build, Operation::OpenDir, when);
        let tree = build();
        tree.before_call(call, |files| files.rename("/v/d", "/moved"));
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((first.errno(), first.path().unwrap()), (Errno::ESTALE, "/v/d".as_ref()), "{when}");
        assert_eq!((report.failed, report.root_done), (1, false));
        assert_shown(&tree, &[("/moved/3", changed[0]), ("/moved/3/in", "700 0"), ("/moved/3/in/f", "600 0")]);
        assert_shown(&tree, &[("/moved/2", changed[1]), ("/moved/1", "700 0"), ("/v/e", "2770 7")]);
    }
}

#[test]
fn a_directory_that_got_another_time_of_birth_is_still_the_same() {
    let build = || {
        volume(|files| {
            files.directory("/v/d/1", 0o700);
            files.directory("/v/d/2", 0o700);
        })
    };
    let tree = build();
    // An overlay copies a directory up when something in it changes.
    tree.before_call(call_of(build, Operation::SetMode, "/v/d/2"), |files| files.copied_up("/v/d"));
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &[("/v/d/1", "2770 7"), ("/v/d/2", "2770 7")]);
}

#[test]
fn a_directory_with_another_time_of_birth_is_reached_from_far_below() {
    let build = || deep(OPEN_MAX + 3);
    let tree = build();
    tree.before_call(call_of(build, Operation::SetMode, "/v/d/d"), |files| files.copied_up("/v/d"));
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &[("/v/d/a", "2770 7"), ("/v/d/d/a", "2770 7")]);
}

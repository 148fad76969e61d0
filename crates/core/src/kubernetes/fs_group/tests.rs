//! Tests of [`FsGroupRequest::apply`] on a tree that changes between any two calls.

use std::collections::BTreeMap;

use std::ops::ControlFlow;

use crate::error::{Errno, Operation, OsError};
use crate::file::FileKind;
use crate::kubernetes::fs_group::FsGroupRequest;
use crate::kubernetes::fs_group::{FAILURES_KEPT, FsGroupError, FsGroupOutcome, FsGroupReport};
use crate::path::Location;
use crate::spec::{FsGroup, FsGroupChangePolicy};
use crate::test_support::hooked_tree::{ChangingTree, Files};

pub(super) const ALWAYS: FsGroupRequest = FsGroupRequest::new(FsGroup { gid: 7, policy: FsGroupChangePolicy::Always });
const MISMATCH: FsGroupRequest = FsGroupRequest::new(FsGroup { gid: 7, policy: FsGroupChangePolicy::OnRootMismatch });
pub(super) const WRITES: [Operation; 2] = [Operation::SetOwner, Operation::SetMode];

pub(super) fn run(tree: &ChangingTree, request: &FsGroupRequest) -> Result<FsGroupOutcome, FsGroupError> {
    let outcome = request.apply(tree, &Location::trusted("/v"), &mut |_| ControlFlow::Continue(()));
    assert_eq!(tree.open_now(), 0, "something was left open");
    outcome
}

#[track_caller]
pub(super) fn applied(tree: &ChangingTree, request: &FsGroupRequest) -> FsGroupReport {
    match run(tree, request).unwrap() {
        FsGroupOutcome::Applied(report) => report,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(super) fn incomplete(tree: &ChangingTree, request: &FsGroupRequest) -> (FsGroupReport, OsError) {
    match run(tree, request).unwrap_err() {
        FsGroupError::Incomplete { report, source, .. } => (*report, *source),
        other @ FsGroupError::Root(_) => panic!("{other:?}"),
    }
}

pub(super) fn volume(build: impl FnOnce(&mut Files)) -> ChangingTree {
    ChangingTree::new(|files| {
        files.directory("/v", 0o755);
        files.file("/outside", 0o600, b"");
        build(files);
    })
}

fn of_every_kind() -> ChangingTree {
    volume(|files| {
        files.file("/v/f", 0o600, b"x");
        files.directory("/v/d", 0o700);
        files.file("/v/d/x", 0o711, b"");
        files.directory("/v/d/sticky", 0o1777);
        files.symlink("/v/link", "/outside");
        files.special("/v/fifo", FileKind::Fifo, 0o600);
        files.special("/v/socket", FileKind::Socket, 0o600);
        files.special("/v/null", FileKind::CharacterDevice, 0o600);
    })
}

#[track_caller]
pub(super) fn assert_shown(tree: &ChangingTree, expected: &[(&str, &str)]) {
    for (path, shown) in expected {
        assert_eq!(tree.shown(path), *shown, "{path}");
    }
}

#[test]
fn everything_gets_the_group_and_the_bits_of_its_kind() {
    let tree = of_every_kind();
    let report = applied(&tree, &ALWAYS);
    assert_shown(
        &tree,
        &[
            ("/v", "2775 7"),
            ("/v/f", "660 7"),
            ("/v/d", "2770 7"),
            ("/v/d/x", "771 7"),
            ("/v/d/sticky", "3777 7"),
            ("/v/link", "777 7"),
            ("/v/fifo", "660 7"),
            ("/v/socket", "660 7"),
            ("/v/null", "660 7"),
            ("/outside", "600 0"),
        ],
    );
    assert_eq!((report.examined, report.changed, report.failed, report.root_done), (9, 9, 0, true));
}

#[test]
fn read_only_adds_no_write_bit() {
    let tree = of_every_kind();
    applied(&tree, &ALWAYS.read_only());
    assert_shown(&tree, &[("/v", "2755 7"), ("/v/f", "640 7"), ("/v/d", "2750 7"), ("/v/d/x", "751 7")]);
}

#[test]
fn a_second_run_writes_nothing() {
    let tree = of_every_kind();
    applied(&tree, &ALWAYS);
    let before = tree.count(&WRITES);
    let report = applied(&tree, &ALWAYS);
    assert_eq!((report.examined, report.changed), (9, 0));
    assert_eq!(tree.count(&WRITES), before);
    assert_eq!(run(&tree, &MISMATCH), Ok(FsGroupOutcome::NotNeeded));
    assert_eq!(tree.count(&WRITES), before);
}

/// The number of port calls that name each file of a volume, whose root and files have these modes.
fn calls_for_each(root: u16, files: &[u16]) -> Vec<usize> {
    let tree = ChangingTree::new(|built| {
        built.directory("/v", root);
        for (number, &mode) in files.iter().enumerate() {
            built.file(&format!("/v/{number}"), mode, b"");
        }
    });
    let request = FsGroupRequest { group: FsGroup { gid: 0, ..ALWAYS.group }, ..ALWAYS };
    applied(&tree, &request);
    let calls = tree.calls();
    let names = (0..files.len()).map(|number| format!("/v/{number}"));
    names.map(|name| calls.iter().filter(|(_, path)| path.as_os_str() == name.as_str()).count()).collect()
}

#[test]
fn file_that_needs_no_change_costs_one_call_and_others_are_pinned_at_once() {
    const WRONG: u16 = 0o600;
    const RIGHT: u16 = 0o660;
    assert_eq!(calls_for_each(0o2775, &[RIGHT; 4]), [1; 4], "one look");
    assert_eq!(calls_for_each(0o755, &[WRONG; 4]), [3; 4], "pin, look, change");
    assert_eq!(calls_for_each(0o2775, &[WRONG; 4]), [4, 4, 3, 3], "the first two are looked at by name");
    assert_eq!(calls_for_each(0o2775, &[WRONG, RIGHT, WRONG, RIGHT]), [4, 1, 4, 1]);
    assert_eq!(calls_for_each(0o755, &[RIGHT; 3]), [2, 1, 1], "pin and look once, then one look each");
}

#[test]
fn on_root_mismatch_looks_no_further_than_the_root() {
    let tree = volume(|files| files.file("/v/f", 0o600, b""));
    applied(&tree, &MISMATCH);
    assert_shown(&tree, &[("/v/f", "660 7")]);
    let tree = volume(|files| {
        files.directory("/w", 0o2770);
        files.file("/w/f", 0o600, b"");
    });
    let request = FsGroupRequest { group: FsGroup { gid: 0, ..MISMATCH.group }, ..MISMATCH };
    let outcome = request.apply(&tree, &Location::trusted("/w"), &mut |_| ControlFlow::Break(()));
    assert_eq!(outcome, Ok(FsGroupOutcome::NotNeeded));
    assert_shown(&tree, &[("/w/f", "600 0")]);
}

#[test]
fn the_root_is_the_last_to_be_written() {
    let tree = of_every_kind();
    applied(&tree, &ALWAYS);
    let writes: Vec<_> = tree.calls().into_iter().filter(|(operation, _)| WRITES.contains(operation)).collect();
    let first_of_root = writes.iter().position(|(_, path)| path.as_os_str() == "/v").unwrap();
    assert_eq!(first_of_root, writes.len() - 2);
}

#[test]
fn set_id_bits_of_files_are_set_again() {
    let tree = volume(|files| {
        files.file("/v/suid", 0o4755, b"");
        files.file("/v/both", 0o6775, b"");
        files.directory("/v/d", 0o6700);
    });
    let expected = [("/v/suid", "4775 7"), ("/v/both", "6775 7"), ("/v/d", "6770 7")];
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &expected);
    let before = tree.count(&WRITES);
    applied(&tree, &ALWAYS);
    assert_eq!(tree.count(&WRITES), before, "what is right is not written to");
    assert_shown(&tree, &expected);
}

#[test]
fn what_lacks_the_bits_alone_counts_as_changed() {
    let tree = volume(|files| {
        files.directory("/v/d", 0o700);
        files.file("/v/f", 0o600, b"");
    });
    let request = FsGroupRequest { group: FsGroup { gid: 0, ..ALWAYS.group }, ..ALWAYS };
    assert_eq!(applied(&tree, &request).changed, 3);
    assert_shown(&tree, &[("/v", "2775 0"), ("/v/d", "2770 0"), ("/v/f", "660 0")]);
}

#[test]
fn other_mounts_are_left_alone_also_of_the_same_filesystem() {
    let tree = volume(|files| {
        files.directory("/v/mount", 0o700);
        files.mount("/v/mount", 2);
        files.file("/v/mount/f", 0o600, b"");
        files.file("/v/bound", 0o600, b"");
        files.mount("/v/bound", 2);
        files.file("/v/f", 0o600, b"");
    });
    let report = applied(&tree, &ALWAYS);
    assert_eq!((report.other_mounts, report.examined), (2, 2));
    assert_shown(&tree, &[("/v/mount", "700 0"), ("/v/mount/f", "600 0"), ("/v/bound", "600 0"), ("/v/f", "660 7")]);
}

#[test]
fn a_directory_that_cannot_be_opened_says_so() {
    let tree = of_every_kind();
    // As below a directory that may be listed and not searched.
    tree.failing("/v/d", Operation::OpenDir, Errno::EACCES);
    tree.failing("/v/d", Operation::Metadata, Errno::EACCES);
    let (_, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((first.operation(), first.errno()), (Operation::OpenDir, Errno::EACCES));
}

#[test]
fn a_failure_leaves_the_root_and_changes_the_rest() {
    for operation in WRITES {
        let tree = of_every_kind();
        tree.failing("/v/d/x", operation, Errno::EPERM);
        let (report, first) = incomplete(&tree, &MISMATCH);
        assert_eq!((first.errno(), first.path().unwrap()), (Errno::EPERM, "/v/d/x".as_ref()));
        assert_eq!((report.failed, report.examined), (1, 8));
        assert_shown(&tree, &[("/v", "755 0"), ("/v/f", "660 7"), ("/v/d/sticky", "3777 7")]);
        assert!(MISMATCH.group.needs_change(&tree.metadata_at("/v"), MISMATCH.access));
    }
}

#[test]
fn a_directory_whose_group_is_refused_is_a_failure_and_still_gone_through() {
    for operation in WRITES {
        let tree = of_every_kind();
        tree.failing("/v/d", operation, Errno::EPERM);
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((report.failed, first.path().unwrap()), (1, "/v/d".as_ref()));
        assert_shown(&tree, &[("/v/d/x", "771 7"), ("/v", "755 0")]);
    }
}

#[test]
fn the_mode_is_tried_where_the_group_is_refused() {
    let tree = of_every_kind();
    tree.failing("/v/f", Operation::SetOwner, Errno::EPERM);
    incomplete(&tree, &ALWAYS);
    assert_shown(&tree, &[("/v/f", "660 0")]);
}

#[test]
fn despite_failures_the_root_is_changed_on_request() {
    let tree = of_every_kind();
    tree.failing("/v/d", Operation::ReadDir, Errno::EACCES);
    let report = applied(&tree, &MISMATCH.despite_failures());
    assert_eq!((report.failed, report.failures[0].errno()), (1, Errno::EACCES));
    assert_shown(&tree, &[("/v", "2775 7"), ("/v/d", "2770 7"), ("/v/d/x", "711 0")]);
    assert_eq!(run(&tree, &MISMATCH), Ok(FsGroupOutcome::NotNeeded));
}

#[test]
fn a_root_that_cannot_be_changed_is_an_error_either_way() {
    for request in [ALWAYS, ALWAYS.despite_failures()] {
        let tree = of_every_kind();
        tree.failing("/v", Operation::SetMode, Errno::EPERM);
        let (report, first) = incomplete(&tree, &request);
        assert_eq!((report.root_done, first.path().unwrap()), (false, "/v".as_ref()));
    }
}

#[test]
fn a_read_only_filesystem_ends_it_at_once() {
    let tree = volume(|files| (0..100).for_each(|n| files.file(&format!("/v/{n}"), 0o600, b"")));
    for operation in WRITES {
        tree.failing_anywhere(operation, Errno::EROFS);
    }
    let (report, first) = incomplete(&tree, &ALWAYS.despite_failures());
    assert_eq!((report.examined, first.errno(), report.root_done), (1, Errno::EROFS, false));
}

#[test]
fn failures_are_counted_and_the_first_are_named() {
    let tree = volume(|files| (0..100).for_each(|n| files.file(&format!("/v/{n:02}"), 0o600, b"")));
    (0..100).for_each(|n| tree.failing(&format!("/v/{n:02}"), Operation::SetOwner, Errno::EPERM));
    let error = run(&tree, &ALWAYS).unwrap_err();
    assert_eq!(error.to_string(), "could not set the group of 100 of 100 files in /v");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "could not set the owner of /v/00: operation not permitted (EPERM)");
    let FsGroupError::Incomplete { report, .. } = error else { panic!() };
    assert_eq!(report.failures.len(), FAILURES_KEPT);
}

#[test]
fn what_vanishes_is_no_failure() {
    for (path, before) in [("/v/d", "/v/d"), ("/v/f", "/v/f"), ("/v/d/x", "/v/d/x")] {
        for operation in [Operation::OpenDir, Operation::Metadata, Operation::OpenEntry] {
            let probe = of_every_kind();
            applied(&probe, &ALWAYS);
            let Some(call) = probe.calls().iter().position(|(o, p)| *o == operation && p.as_os_str() == before) else {
                continue;
            };
            let tree = of_every_kind();
            tree.before_call(call, move |files| files.remove(path));
            let report = applied(&tree, &ALWAYS);
            assert_eq!((report.failed, report.root_done), (0, true), "{path} {operation:?}");
            // It was open already when its metadata was read.
            assert_eq!(report.vanished, u64::from(operation != Operation::Metadata), "{path} {operation:?}");
            assert_shown(&tree, &[("/v", "2775 7"), ("/v/socket", "660 7")]);
        }
    }
}

#[test]
fn a_directory_that_is_removed_before_it_is_listed_is_no_failure() {
    let probe = of_every_kind();
    applied(&probe, &ALWAYS);
    let call = probe.calls().iter().position(|(o, p)| *o == Operation::ReadDir && p.ends_with("v/d")).unwrap();
    let tree = of_every_kind();
    tree.failing("/v/d", Operation::ReadDir, Errno::ENOENT);
    tree.before_call(call, |files| files.remove("/v/d"));
    let report = applied(&tree, &ALWAYS);
    assert_eq!((report.failed, report.vanished, report.root_done), (0, 1, true));
}

#[test]
fn what_only_seems_to_be_gone_is_a_failure_and_the_root_stays() {
    for (path, operation) in [
        ("/v", Operation::ReadDir),
        ("/v/d", Operation::ReadDir),
        ("/v/d", Operation::OpenDir),
        ("/v/f", Operation::Metadata),
        ("/v/f", Operation::OpenEntry),
        ("/v/f", Operation::SetOwner),
        ("/v/f", Operation::SetMode),
    ] {
        let tree = of_every_kind();
        tree.failing(path, operation, Errno::ENOENT);
        let (report, first) = incomplete(&tree, &ALWAYS);
        assert_eq!((report.vanished, report.root_done, first.errno()), (0, false, Errno::ENOENT), "{path}");
        assert_shown(&tree, &[("/v", "755 0")]);
    }
}

#[test]
fn a_directory_that_becomes_a_symlink_is_not_followed() {
    let build = || {
        volume(|files| {
            files.directory("/v/d", 0o700);
            files.directory("/elsewhere", 0o700);
            files.file("/elsewhere/f", 0o600, b"");
        })
    };
    let probe = build();
    applied(&probe, &ALWAYS);
    let call = probe.calls().iter().position(|(o, p)| *o == Operation::OpenDir && p.ends_with("v/d")).unwrap();
    let tree = build();
    tree.before_call(call, |files| {
        files.remove("/v/d");
        files.symlink("/v/d", "/elsewhere");
    });
    applied(&tree, &ALWAYS);
    assert_shown(&tree, &[("/v/d", "777 7"), ("/elsewhere", "700 0"), ("/elsewhere/f", "600 0")]);
}

#[test]
fn name_that_is_a_directory_only_until_it_is_opened_is_a_failure() {
    let tree = volume(|files| {
        files.directory("/v/d", 0o700);
        files.symlink("/link", "/");
    });
    // 0: open, 1: metadata, 2: list, 3: open the directory, 4: look at the name.
    tree.before_call(3, |files| {
        files.rename("/v/d", "/d");
        files.rename("/link", "/v/d");
    });
    tree.before_call(4, |files| files.rename("/d", "/v/d"));
    let (report, first) = incomplete(&tree, &ALWAYS);
    assert_eq!((report.failed, first.errno()), (1, Errno::ELOOP));
    assert_shown(&tree, &[("/v/d", "700 0"), ("/v", "755 0")]);
}

#[test]
fn the_callback_ends_it_and_the_root_stays() {
    for after in 1..=8 {
        let tree = of_every_kind();
        let mut seen = Vec::new();
        let mut stop = |progress: &FsGroupReport| {
            seen.push(progress.examined);
            if progress.examined == after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let outcome = MISMATCH.apply(&tree, &Location::trusted("/v"), &mut stop).unwrap();
        let FsGroupOutcome::Cancelled(report) = outcome else { panic!("{outcome:?}") };
        assert_eq!((report.examined, report.root_done), (after, false));
        assert_eq!(seen, (1..=after).collect::<Vec<_>>());
        assert_eq!((tree.shown("/v").as_str(), tree.open_now()), ("755 0", 0));
        applied(&tree, &MISMATCH);
        assert_shown(&tree, &[("/v", "2775 7"), ("/v/d/x", "771 7"), ("/v/f", "660 7")]);
    }
}

#[test]
fn stopped_at_any_call_the_root_still_asks_for_the_rest() {
    let whole = of_every_kind();
    applied(&whole, &MISMATCH);
    let paths = ["/v", "/v/f", "/v/d", "/v/d/x", "/v/d/sticky", "/v/link", "/v/fifo", "/v/socket", "/v/null"];
    let expected: BTreeMap<_, _> = paths.iter().map(|path| (*path, whole.shown(path))).collect();
    for call in 0..whole.calls().len() {
        // A process that died there has made the calls before it, and no more.
        let tree = of_every_kind();
        tree.die_at(call);
        let _died = run(&tree, &MISMATCH);
        tree.live();
        let _either_way = run(&tree, &MISMATCH).unwrap();
        for (path, shown) in &expected {
            assert_eq!(tree.shown(path), *shown, "{path}, died at call {call}");
        }
    }
}

#[test]
fn a_root_that_is_no_directory_or_missing_is_an_error() {
    let tree = ChangingTree::new(|files| files.file("/v", 0o600, b""));
    assert!(matches!(run(&tree, &ALWAYS), Err(FsGroupError::Root(error)) if error.errno() == Errno::ENOTDIR));
    let tree = ChangingTree::new(|_| ());
    let error = run(&tree, &ALWAYS).unwrap_err();
    assert_eq!(error.to_string(), "could not open the directory /v: no such file or directory (ENOENT)");
}

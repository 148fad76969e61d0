//! The mounts that a recovery counts as the sandbox's.

use super::*;

#[test]
fn mounts_are_known_in_any_order_of_the_table() {
    let lines: Vec<_> = SANDBOX.lines().rev().collect();
    let mut backwards = found(&lines.join("\n"));
    backwards.reverse();
    assert_eq!(backwards, found(SANDBOX));
    let cycle = "5 6 8:1 /i/a /sb/mounts/a rw - ext4 a rw\n6 5 8:1 /i/b /sb/mounts/b rw - ext4 a rw\n";
    assert_eq!(found(cycle), [(5, OrphanRole::Share), (6, OrphanRole::Share)]);
}

#[test]
fn guests_mount_that_is_no_slave_does_not_prove_the_mount_on_the_mounts_directory() {
    let lines = format!(
        "{ROOT}5 1 0:8 / /sb/mounts rw shared:3 - tmpfs operators rw\n\
         7 1 0:8 / /sb/shared ro - tmpfs operators rw\n"
    );
    let report = reap(&recovery(), &paper(), &PaperMounts::with(&lines));
    let reasons: Vec<_> = report.unproven.iter().map(|unproven| unproven.reason).collect();
    assert_eq!(reasons, [UnprovenReason::NotSetUp], "{report}");
}

#[test]
fn share_that_is_mounted_during_a_recovery_is_unmounted() {
    let mounts = PaperMounts::with(SANDBOX);
    let report = reap_with("20 1 8:1 /i/d /sb/mounts/d/rootfs rw - ext4 a rw\n", &paper(), &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 2], "{report}");
    assert!(report.unproven.is_empty(), "{report}");
}

#[test]
fn recorded_mount_that_is_gone_proves_nothing_and_a_failed_look_at_it_is_an_error() {
    for (errno, unproven) in [(None, Some(1)), (Some(Errno::EIO), None)] {
        let mounts = PaperMounts::with(RENAMED);
        mounts.lock().unwrap().refuse = errno.map(|errno| (Operation::FindMount, "", errno));
        let with_record = recovery().with_record(&dirs(MountKey::Unique(UNIQUE)));
        let found = with_record.find(&Ports { filesystem: &filesystem(&paper()), mounter: &mounter(&mounts) });
        assert_eq!(found.as_ref().ok().map(|found| found.unproven.len()), unproven, "{found:?}");
        assert_eq!(found.err().and_then(|error| error.errno()), errno);
    }
}

//! Stacks of mounts, and the number of look-ups.

use super::*;

/// The changes of a recovery from these mounts besides the root, and the ids of the mounts that stay.
fn reaped(recovery: &Recovery, lines: &str) -> (Vec<String>, Vec<u32>) {
    let mounts = PaperMounts::with(&format!("{ROOT}{lines}"));
    let _report = reap(recovery, &paper(), &mounts);
    let mounts = mounts.lock().unwrap();
    (mounts.log.clone(), mounts.ids())
}

#[test]
fn lower_layer_is_made_private_where_its_unmount_reaches_peers() {
    const PRIVATE: &str = "/sb/mounts/c/rootfs private Tree";
    for (layer, beside, log) in [
        ("", "", &["unmount 7", "unmount 6"][..]),
        ("shared:7 ", "", &["unmount 7", "unmount 6"]),
        ("", "8 6 0:9 / /sb/mounts/c/rootfs/x rw - tmpfs t rw\n", &["unmount 7", "unmount 6"]),
        ("shared:7 ", "8 6 0:9 / /sb/mounts/c/rootfs/x rw - tmpfs t rw\n", &["unmount 7", PRIVATE, "unmount 6"]),
        (
            "",
            "8 6 0:9 / /sb/mounts/c/rootfs/x rw shared:5 - tmpfs t rw\n\
             9 8 0:8 / /sb/mounts/c/rootfs/x/y rw - tmpfs t rw\n",
            &["unmount 7", PRIVATE, "unmount 6"],
        ),
    ] {
        let lines = format!(
            "6 1 8:1 /i/c /sb/mounts/c/rootfs rw {layer}- ext4 a rw\n{beside}\
             7 6 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n"
        );
        assert_eq!(reaped(&recovery(), &lines), (log.iter().map(ToString::to_string).collect(), vec![1]), "{lines}");
    }
}

#[test]
fn lower_layer_that_carries_an_unproven_mount_stays() {
    let recovery = Recovery::new("/sb/mounts", "/sb/mounts/c/s").unwrap();
    let lines = "6 1 8:1 /i/c /sb/mounts/c rw - ext4 a rw\n\
                 8 6 0:9 / /sb/mounts/c/s rw - tmpfs t rw\n\
                 7 6 8:1 /i/c /sb/mounts/c rw - ext4 a rw\n";
    assert_eq!(reaped(&recovery, lines), (vec!["unmount 7".to_owned()], vec![1, 6, 8]));
}

#[test]
fn table_is_read_again_only_while_mounts_go_or_may_have_moved() {
    let most = 2 + MOST_LOOKS as usize;
    for (errno, reads) in [(None, 2), (Some(Errno::EPERM), 2), (Some(Errno::ESTALE), most), (Some(Errno::EXDEV), most)]
    {
        let mounts = PaperMounts::with(&format!("{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n"));
        mounts.lock().unwrap().refuse = errno.map(|errno| (Operation::Unmount, "rootfs", errno));
        let (counted, count) = counting(&mounts);
        let report = recovery().reap(&Ports { filesystem: &filesystem(&paper()), mounter: &counted }).unwrap();
        assert_eq!((count.load(Ordering::Relaxed), report.is_clean()), (reads, errno.is_none()), "{errno:?}: {report}");
    }
}

/// A mounter that counts the reads of the table.
fn counting(mounts: &SharedMounts) -> (MockMounter, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let (count, with, inner) = (reads.clone(), mounts.clone(), mounter(mounts));
    let mut counted = MockMounter::new();
    counted.expect_mounts().returning(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(MountTable::from_mounts(&with.lock().unwrap().mounts))
    });
    counted.expect_unmount().returning(move |request| inner.unmount(request));
    (counted, reads)
}

#[test]
fn table_is_read_a_bounded_number_of_times_however_many_layers_there_are() {
    let mut lines = String::from(ROOT);
    let mut parent = 1;
    for id in 10..60 {
        let _ = writeln!(lines, "{id} {parent} 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw");
        parent = id;
    }
    let (counted, reads) = counting(&PaperMounts::with(&lines));
    let report = recovery().reap(&Ports { filesystem: &filesystem(&paper()), mounter: &counted }).unwrap();
    assert!(report.is_clean() && report.unmounted().count() == 50, "{report}");
    assert_eq!(reads.load(Ordering::Relaxed), 2);
}

#[test]
fn hidden_layers_come_into_sight_and_go() {
    let lines = format!(
        "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
         6 1 8:1 /i/a /sb/mounts/c/v rw - ext4 a rw\n"
    );
    // The share is older than the mount that hides it.
    let mounts = PaperMounts::with(&lines);
    let report = reap(&recovery(), &paper(), &mounts);
    assert!(report.is_clean(), "{report}");
    assert_eq!(mounts.lock().unwrap().log, ["unmount 5", "unmount 6"]);
}

#[test]
fn upper_mount_of_a_stack_is_unmounted_first() {
    let lines = format!(
        "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n7 6 8:1 /i/c /sb/mounts/c/rootfs rw - ext4 a rw\n\
         8 7 0:9 / /sb/mounts/c/rootfs/x rw - tmpfs t rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["unmount 7", "unmount 6"]);
}

#[test]
fn mount_with_peers_and_children_is_made_private_first() {
    let lines = format!(
        "{ROOT}6 1 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
         7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n"
    );
    let mounts = PaperMounts::with(&lines);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    assert_eq!(mounts.lock().unwrap().log, ["/sb/mounts/c/rootfs private Tree", "unmount 6"]);

    let onto_itself = format!(
        "{ROOT}5 1 8:1 /sb/mounts /sb/mounts rw shared:2 - ext4 a rw\n\
         6 5 8:1 /i/c /sb/mounts/c/rootfs rw shared:7 - ext4 a rw\n\
         7 6 0:9 / /sb/mounts/c/rootfs/x rw shared:8 - tmpfs hosts rw\n\
         8 5 8:1 /i/v /sb/mounts/c/v rw - ext4 a rw\n"
    );
    let mounts = PaperMounts::with(&onto_itself);
    assert!(reap(&recovery(), &paper(), &mounts).is_clean());
    let log = mounts.lock().unwrap().log.clone();
    assert_eq!(log, ["unmount 8", "/sb/mounts/c/rootfs private Tree", "unmount 6", "unmount 5"]);

    let mounts = PaperMounts::with(&onto_itself);
    mounts.lock().unwrap().refuse = Some((Operation::Unmount, "rootfs", Errno::EPERM));
    let report = reap(&recovery(), &paper(), &mounts);
    assert_eq!(mounts.lock().unwrap().ids(), [1, 5, 6, 7], "what could not be unmounted stays");
    assert!(!report.is_clean());
}

//! Laws of every history on every host, through the strategies that others use too.

use mountwright_core::file::FinalSymlink;
use mountwright_core::path::clean_path;
use mountwright_core::strategies::{Step, history};
use mountwright_core::{Filesystem as _, Location, MountInfo, MountTable, Mounter as _, OsError};
use mountwright_fake::strategies::host;
use proptest::prelude::*;

fn what_it_left(error: &OsError) -> bool {
    !error.left().is_empty()
}

#[test]
fn a_step_is_carried_out() {
    let host = mountwright_fake::FakeBackend::new();
    let at = Location::trusted("/a");
    Step::CreateDir(at.clone()).perform(&host).unwrap();
    assert!(host.metadata(&at, FinalSymlink::Itself).unwrap().is_dir());
    Step::RemoveDir(at.clone()).perform(&host).unwrap();
    assert!(host.metadata(&at, FinalSymlink::Itself).is_err());
}

proptest! {
    #[test]
    fn a_step_that_fails_changes_nothing_that_it_does_not_name(host in host(), steps in history(8)) {
        for step in steps {
            let before = host.snapshot();
            if let Err(error) = step.perform(&host) {
                let change = before.difference(&host);
                prop_assert!(what_it_left(&error) || change.is_empty(), "{step:?}: {error}, and yet\n{change}");
            }
        }
    }

    #[test]
    fn every_mount_of_a_table_has_a_parent_there_but_the_first(host in host(), steps in history(8)) {
        for step in steps {
            let _ = step.perform(&host);
        }
        let table = host.mounts().unwrap();
        let roots = table.in_tree_order().into_iter().filter(|row| row.depth == 0).count();
        prop_assert!(roots <= 1, "{roots} roots\n{host}"); // none where the root itself was unmounted
        for row in table.iter() {
            let mount_point = row.mount_point();
            prop_assert_eq!(&*clean_path(&mount_point), &*mount_point);
        }
    }

    #[test]
    fn a_host_is_the_same_twice(steps in history(8)) {
        let (one, other) = (mountwright_fake::FakeBackend::new(), mountwright_fake::FakeBackend::new());
        for step in &steps {
            prop_assert_eq!(step.perform(&one), step.perform(&other));
        }
        prop_assert!(one.difference(&other).is_empty(), "{}", one.difference(&other));
    }

    #[test]
    fn a_table_of_any_mounts_prints_as_many_lines(mounts in prop::collection::vec(any::<MountInfo>(), 0..6)) {
        let table = MountTable::from_mounts(&mounts);
        prop_assert_eq!(table.odd_lines(), &[][..]);
        prop_assert!(table.to_string().lines().count() <= mounts.len() + 1);
    }
}

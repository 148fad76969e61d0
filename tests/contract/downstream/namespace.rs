//! A namespace of its own for a test of a runtime, under libtest and its many threads.

use mountwright_core::{Location, MountInfo, MountRequest, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_linux::test_namespace::{self, NoNamespace, Privilege};
use mountwright_tests::settings::Settings;

/// The kernel may permit none: then this is printed, or fails if the kernel cases are required.
fn ran(result: Result<Privilege, NoNamespace>) -> Option<Privilege> {
    match result {
        Ok(privilege) => Some(privilege),
        Err(none) if Settings::read().require_kernel => panic!("{none}"),
        Err(none) => {
            eprintln!("could not run: {none}");
            None
        }
    }
}

#[test]
fn what_a_test_mounts_is_its_own() {
    ran(test_namespace::run(|_| {
        let kernel = LinuxBackend::new();
        let mut request = MountRequest::new("tmpfs", Location::trusted("/tmp"));
        request.source = Some("of-the-test".into());
        kernel.mount(&request).unwrap();
        assert_eq!(MountInfo::at(&kernel, "/tmp").unwrap().source, "of-the-test");
    }));
    let here = LinuxBackend::new().mounts().unwrap();
    assert!(here.iter().all(|row| *row.source() != *"of-the-test"), "the machine has the mount of the test");
}

#[test]
fn every_mount_is_private_there() {
    ran(test_namespace::run(|_| {
        let table = LinuxBackend::new().mounts().unwrap();
        assert!(table.iter().all(|row| row.propagation().is_private()), "{table:?}");
    }));
}

#[test]
#[should_panic(expected = "test says no")]
fn what_a_test_says_is_heard() {
    let ran = ran(test_namespace::run(|_| panic!("the test says no")));
    assert!(ran.is_some(), "not run here; elsewhere the test says no");
}

#[test]
#[should_panic(expected = "call `run` on the thread of a test")]
fn a_test_that_was_not_run_has_not_passed() {
    let outside = std::thread::Builder::new().name("no test has this name".to_owned());
    let result = outside.spawn(|| test_namespace::run(|_| ())).unwrap().join();
    match result {
        Ok(Err(_)) => panic!("no namespace: call `run` on the thread of a test"),
        Ok(Ok(_)) => {}
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

//! Injected failures, hooks and the journal at the ports.

use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::ports::WithoutWaiting;
use mountwright_core::{
    Backend, BindRequest, Errno, FileMode, Filesystem, Location, MountInfo, Mounter, Operation, UnmountRequest,
};
use mountwright_fake::{Failure, FakeBackend, HostBuilder};

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn mode() -> FileMode {
    FileMode::from_bits(0o755)
}

/// The errno of the calls of a little run.
fn run(host: &FakeBackend) -> Vec<Option<Errno>> {
    let errno = |result: Result<(), mountwright_core::OsError>| result.err().map(|error| error.errno());
    vec![
        errno(host.create_dir(&at("/a"), mode()).map(drop)),
        errno(host.bind(&BindRequest::new(at("/"), at("/a"))).map(drop)),
        errno(host.create_dir(&at("/b"), mode()).map(drop)),
        errno(host.unmount(&UnmountRequest::new(at("/a")))),
    ]
}

#[test]
fn the_kth_call_fails_once_or_for_good() {
    for (failure, expected) in [
        (Failure::of_call(2, Errno::EIO), [None, Some(Errno::EIO), None, Some(Errno::EINVAL)]),
        (Failure::of_call(3, Errno::EIO).for_good(), [None, None, Some(Errno::EIO), Some(Errno::EIO)]),
        (Failure::of_call(2, Errno::ENOSPC).among(Operation::CreateDir), [None, None, Some(Errno::ENOSPC), None]),
        (
            Failure::of_call(1, Errno::EBUSY).among(Operation::Unmount).for_good(),
            [None, None, None, Some(Errno::EBUSY)],
        ),
        (Failure::of_call(5, Errno::EIO), [None; 4]),
    ] {
        let host = FakeBackend::new();
        host.fail(failure);
        assert_eq!(run(&host), expected);
    }
}

#[test]
fn a_failed_call_is_not_made() {
    let host = FakeBackend::new();
    host.fail(Failure::of_call(1, Errno::EIO));
    let error = host.create_dir(&at("/a"), mode()).unwrap_err();
    assert_eq!(error.step(), Some("a failure that the test asked for"));
    assert!(host.metadata(&at("/a"), FinalSymlink::Follow).is_err());
}

#[test]
fn the_calls_of_an_open_directory_count_too() {
    let host = HostBuilder::new().file("/d/f", "text").build().unwrap();
    host.fail(Failure::of_call(1, Errno::EIO).among(Operation::ReadFile));
    let directory = host.open_dir(&at("/d")).unwrap();
    assert_eq!(directory.read_file("f".as_ref(), 9).unwrap_err().errno(), Errno::EIO);
    assert_eq!(directory.read_file("f".as_ref(), 9).unwrap(), b"text");
    assert_eq!(host.journal().operations(), [Operation::OpenDir, Operation::ReadFile, Operation::ReadFile]);
}

#[test]
fn the_journal_has_every_call_of_both_ports_in_order() {
    let host = FakeBackend::new();
    run(&host);
    let _ = host.metadata(&at("/missing"), FinalSymlink::Follow);
    assert_eq!(
        host.journal().to_string(),
        "  1 create the directory /a: ok
  2 bind / onto /a: ok
  3 create the directory /b: ok
  4 unmount /a: ok
  5 read the metadata of /missing: ENOENT
"
    );
    host.clear_journal();
    let _ = host.unobserved().mounts();
    host.clone().mounts().unwrap();
    assert_eq!(host.journal().calls().len(), 1, "a clone's calls are in it, the test's own are not");
    assert_eq!(host.journal().calls()[0].number, 6);
}

#[test]
fn an_adversary_acts_between_any_two_calls() {
    let host = FakeBackend::new();
    let mut seen = Vec::new();
    let (send, receive) = std::sync::mpsc::channel();
    host.between(move |host, call| {
        send.send(call.number).unwrap();
        if call.number == 4 {
            host.unmount(&UnmountRequest::new(at("/a"))).unwrap();
        }
    });
    assert_eq!(run(&host), [None, None, None, Some(Errno::EINVAL)]);
    seen.extend(receive.try_iter());
    assert_eq!(seen, [1, 2, 3, 4]);
}

#[test]
fn after_a_crash_no_call_is_made_and_nothing_is_open() {
    let host = HostBuilder::from_text("mount /a tmpfs t").unwrap().dir("/a/d").build().unwrap();
    let directory = host.open_dir(&at("/a/d")).unwrap();
    let mut entries = directory.entries().unwrap();
    host.crash_after(2);
    assert!(host.mounts().is_ok());
    host.create_dir(&at("/last"), mode()).unwrap();
    assert_eq!(host.mounts().unwrap_err().errno(), Errno::ESRCH);
    assert_eq!(directory.own_metadata().unwrap_err().errno(), Errno::ESRCH);
    assert!(entries.next().is_none_or(|entry| entry.is_err()));
    let next = host.for_process(host.process());
    next.unmount(&UnmountRequest::new(at("/a"))).unwrap();
    drop((entries, directory));
    assert!(next.metadata(&at("/last"), FinalSymlink::Follow).is_ok());
}

#[test]
fn a_snapshot_is_another_machine_with_no_plan() {
    let host = HostBuilder::from_text("mount /a tmpfs t").unwrap().build().unwrap();
    let open = host.open_dir(&at("/a")).unwrap();
    host.fail(Failure::of_call(1, Errno::EIO).for_good());
    let copy = host.snapshot();
    copy.unmount(&UnmountRequest::new(at("/a"))).unwrap();
    assert!(host.unobserved().mount_of(&at("/a")).unwrap().is_root);
    assert_eq!(copy.journal().calls().len(), 1);
    drop(open);
}

#[test]
fn what_would_wait_for_a_dead_server_fails() {
    let host =
        HostBuilder::from_text("mount /nas fuse.sshfs me@host:/\nhang /nas").unwrap().dir("/nas/d").build().unwrap();
    let error = host.metadata(&at("/nas/d"), FinalSymlink::Follow).unwrap_err();
    assert_eq!(error.errno(), Errno::EDEADLK, "{error}");
    for error in [
        host.metadata(&at("/nas"), FinalSymlink::Follow).map(drop).unwrap_err(),
        host.open_dir(&at("/nas")).map(drop).unwrap_err(),
        host.mount_of(&at("/nas/d")).map(drop).unwrap_err(),
        host.create_dir(&at("/nas/e"), mode()).unwrap_err(),
    ] {
        assert_eq!(error.errno(), Errno::EDEADLK, "{error}");
    }
    // Questions about the mount itself, and changes of it, do not ask the server.
    assert!(host.mount_of(&at("/nas")).unwrap().is_root);
    assert!(host.filesystem_of(&at("/nas")).unwrap().is_mount_root);
    host.create_dir(&at("/copy"), mode()).unwrap();
    host.bind(&BindRequest::new(at("/nas"), at("/copy")).read_only()).unwrap();
    assert_eq!(host.open_dir(&at("/copy")).map(drop).unwrap_err().errno(), Errno::EDEADLK);
    host.unmount(&UnmountRequest::new(at("/copy"))).unwrap();
    host.machine(|machine| machine.unhang("/nas".as_ref())).unwrap();
    assert!(host.metadata(&at("/nas/d"), FinalSymlink::Follow).is_ok());
}

#[test]
fn questions_without_waiting_are_answered_at_the_root_of_a_dead_mount_and_refused_below() {
    let host =
        HostBuilder::from_text("mount /nas fuse.sshfs me@host:/\nhang /nas").unwrap().dir("/nas/d").build().unwrap();
    let view = WithoutWaiting(&host as &dyn Backend);
    let backing = |path: &str| BackingDevice::of(&view, path);
    let device = |path: &str| PathDevice::of(&view, path);
    assert!(matches!(backing("/nas").unwrap(), BackingDevice::Anonymous { .. }));
    assert_eq!(device("/nas").unwrap().mount_point(), Some("/nas".as_ref()));
    assert_eq!(PathDevice::of(&host, "/nas"), device("/nas"));
    assert_eq!(view.metadata(&at("/nas"), FinalSymlink::Follow).unwrap().kind, FileKind::Directory);
    assert!(backing("/nas/d").unwrap_err().would_wait() && device("/nas/d").unwrap_err().would_wait());
    assert!(MountInfo::at(&view, "/nas/d").unwrap_err().would_wait());
    assert!(view.open_dir(&at("/nas")).err().unwrap().would_wait());
}

#[test]
fn a_handle_can_be_sent_and_shared() {
    fn check<T: Send + Sync + Clone>(_: &T) {}
    check(&FakeBackend::new());
}

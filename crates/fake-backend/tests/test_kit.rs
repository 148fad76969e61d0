//! The test kit finds what naive code does wrong, and nothing in code that is right.

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::UnmountMode;
use mountwright_core::{
    AttributeChange, AttributesRequest, Backend, BindRequest, Errno, Location, MountFlags, Mounter, OsError,
    UnmountRequest,
};
use mountwright_fake::test_kit::{
    Exchange, Interleaved, LeakGuard, Level, Run, Tried, all_or_nothing, as_in_some_order, every_death, every_exchange,
    every_fault, every_interleaving,
};
use mountwright_fake::{Failure, FakeBackend, HostBuilder};

const LEVELS: [Level; 2] = [Level::SystemCalls, Level::PortCalls];

fn host() -> FakeBackend {
    let text = "mount / ext4 /dev/vda1\ndir /src\ndir /etc\ndir /pod/volume\nlink /pod/evil /etc";
    HostBuilder::from_text(text).unwrap().build().unwrap()
}

fn volume() -> Location {
    Location::trusted("/pod/volume")
}

fn naive(backend: &dyn Backend) -> Result<(), OsError> {
    backend.bind(&BindRequest::new(Location::trusted("/src"), volume()))?;
    // The mount stays where this fails.
    backend.change_attributes(&AttributesRequest::new(volume(), AttributeChange::READ_ONLY)).map(drop)
}

fn right(backend: &dyn Backend) -> Result<(), OsError> {
    let target = Location::beneath("/pod", "volume").unwrap();
    backend.bind(&BindRequest::new(Location::trusted("/src"), target).read_only()).map(drop)
}

/// The naive code breaks the law, the right code does not.
fn tells_apart(naive: &Tried, right: Tried) {
    assert!(!naive.violations().is_empty(), "{naive}");
    assert!(naive.violations().len() < naive.runs(), "{naive}");
    right.check();
}

#[test]
fn every_fault_finds_the_mount_that_an_error_leaves() {
    for level in LEVELS {
        let search = |act: fn(&dyn Backend) -> _| every_fault(level, &host(), act, all_or_nothing);
        tells_apart(&search(naive), search(right));
    }
}

#[test]
fn every_death_finds_the_mount_that_is_not_yet_read_only() {
    let law = |run: &Run<'_, ()>| {
        let found = run.after.mount_of(&volume()).unwrap();
        if found.is_root && !found.mount.attributes.is_read_only() {
            Err("it can be written".to_owned())
        } else {
            Ok(())
        }
    };
    for level in LEVELS {
        let search = |act: fn(&dyn Backend) -> _| every_death(level, &host(), act, law);
        tells_apart(&search(naive), search(right));
    }
}

#[test]
fn every_exchange_finds_the_path_that_is_looked_at_and_then_used() {
    let looks = |backend: &dyn Backend| {
        let found = backend.metadata(&volume(), FinalSymlink::Itself)?;
        if found.kind != FileKind::Directory {
            return Ok(());
        }
        let target = backend.canonicalize("/pod/volume".as_ref())?;
        backend.bind(&BindRequest::new(Location::trusted("/src"), Location::trusted(target))).map(drop)
    };
    let law = |run: &Run<'_, Result<(), OsError>>| {
        let etc = run.after.mount_of(&Location::trusted("/etc")).unwrap();
        if etc.is_root { Err("mounted on /etc".to_owned()) } else { Ok(()) }
    };
    for level in LEVELS {
        let exchange = || [Exchange::of_names("/pod/volume", "/pod/evil")];
        let naive = every_exchange(level, &host(), &exchange(), looks, law);
        tells_apart(&naive, every_exchange(level, &host(), &exchange(), right, law));
    }
}

#[test]
fn an_exchange_that_is_not_possible_is_no_run() {
    let missing = [Exchange::of_names("/pod/volume", "/pod/missing")];
    let tried = every_exchange(Level::PortCalls, &host(), &missing, right, |_| Ok(()));
    assert_eq!(tried.runs(), 0);
}

#[test]
fn every_interleaving_finds_the_volume_that_is_mounted_twice() {
    let naive = |backend: &dyn Backend| {
        if backend.mount_of(&volume()).is_ok_and(|found| found.is_root) {
            return Err(Errno::EBUSY);
        }
        let request = BindRequest::new(Location::trusted("/src"), volume()).stacking();
        backend.bind(&request).map(drop).map_err(|error| error.errno())
    };
    let right = |backend: &dyn Backend| right(backend).map_err(|error| error.errno());
    let law = |run: &Interleaved<'_, Result<(), Errno>>| as_in_some_order(run);
    for level in LEVELS {
        let naive = every_interleaving(level, &host(), [&naive, &naive], law);
        let right = every_interleaving(level, &host(), [&right, &right], law);
        assert!(!naive.violations().is_empty(), "{naive}");
        right.check();
    }
}

#[test]
fn the_count_is_printed_with_the_first_violations() {
    let tried = every_fault(Level::PortCalls, &host(), naive, all_or_nothing);
    let text = tried.to_string();
    assert!(text.starts_with("every_fault at port calls: 12 runs, "), "{text}");
    assert!(text.contains("call 1, Mounter::change_attributes: EIO"), "{text}");
}

#[test]
fn a_leak_guard_shows_the_mount_that_is_left() {
    let host = host();
    let guard = LeakGuard::of(&host);
    assert_eq!(guard.difference().unwrap(), None);
    host.fail(Failure::of_call(2, Errno::EIO));
    assert!(naive(&host).is_err());
    let tree = guard.difference().unwrap().unwrap();
    assert_eq!(
        tree,
        "  /  /dev/vda1  ext4  rw,relatime  private\n+ └─/pod/volume  /dev/vda1[/src]  ext4  rw,relatime  private\n"
    );
    host.unmount(&UnmountRequest::new(volume()).with_mode(UnmountMode::Detach)).unwrap();
    guard.check();
    assert_eq!(host.journal().calls().len(), 3);
}

#[test]
fn a_leak_guard_shows_a_mount_that_is_gone_or_changed() {
    let host = host();
    right(&host).unwrap();
    let guard = LeakGuard::of(&host);
    let writable = AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap();
    host.change_attributes(&AttributesRequest::new(volume(), writable)).unwrap();
    let tree = guard.difference().unwrap().unwrap();
    assert!(tree.contains("\n+ ") && tree.contains("\n- "), "{tree}");
    host.change_attributes(&AttributesRequest::new(volume(), AttributeChange::READ_ONLY)).unwrap();
    guard.check();
}

#[test]
#[should_panic(expected = "+ └─/pod/volume")]
fn a_leak_guard_fails_when_it_is_dropped() {
    let host = host();
    let _guard = LeakGuard::of(&host);
    right(&host).unwrap();
}

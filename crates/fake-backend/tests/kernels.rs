//! A machine that is like an older kernel, and the Linux backend's code on it.

use mountwright_core::file::FinalSymlink;
use mountwright_core::{BindRequest, Errno, FileMode, Filesystem, Location, MountKey, Mounter, UnmountRequest};
use mountwright_fake::abi::{
    LOCK_EX, LOCK_NB, O_CREAT, O_PATH, O_RDWR, RESOLVE_CACHED, STATMOUNT_SB_SOURCE, STATX_ATTR_MOUNT_ROOT,
    STATX_MNT_ID, STATX_MNT_ID_UNIQUE,
};
use mountwright_fake::{At, FakeBackend, HostBuilder, KernelVersion, Machine, MountAttr, OpenHow};

const ME: mountwright_fake::Pid = Machine::INIT;

fn host(version: KernelVersion) -> FakeBackend {
    HostBuilder::from_text("mount / ext4 /dev/vda1 shared:1\ndir /src\ndir /dst")
        .unwrap()
        .kernel(version)
        .build()
        .unwrap()
}

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn read_only_bind() -> BindRequest {
    BindRequest::new(at("/src"), at("/dst")).read_only()
}

/// Returns true if the call is `ENOSYS`.
fn is_absent<T>(result: &Result<T, Errno>) -> bool {
    matches!(result, Err(Errno::ENOSYS))
}

#[test]
fn a_call_that_came_later_is_enosys() {
    for version in KernelVersion::ALL {
        host(version).machine(|machine| {
            let attr = MountAttr::default();
            let root = machine.openat(ME, At::Cwd, b"/", O_PATH, 0).unwrap();
            for (absent, since) in [
                (is_absent(&machine.openat2(ME, At::Cwd, b"/", OpenHow::default())), KernelVersion::V5_10),
                (is_absent(&machine.open_tree(ME, At::Cwd, b"/", 0)), KernelVersion::V5_10),
                (is_absent(&machine.move_mount(ME, root, b"", root, b"", 0)), KernelVersion::V5_10),
                (is_absent(&machine.fsopen(ME, b"tmpfs", 0)), KernelVersion::V5_10),
                (is_absent(&machine.fspick(ME, At::Cwd, b"/", 0)), KernelVersion::V5_10),
                (is_absent(&machine.fsmount(ME, root, 0, 0)), KernelVersion::V5_10),
                (is_absent(&machine.fsconfig(ME, root, 0, None, None, 0)), KernelVersion::V5_10),
                (is_absent(&machine.mount_setattr(ME, At::Cwd, b"/", 0, attr)), KernelVersion::V6_1),
                (is_absent(&machine.statmount(ME, 0, None, 0, 0)), KernelVersion::V6_12),
                (is_absent(&machine.listmount(ME, 0, None, 0, 1, 0)), KernelVersion::V6_12),
                (is_absent(&machine.open_tree_attr(ME, At::Cwd, b"/", 0, attr)), KernelVersion::V6_18),
            ] {
                assert_eq!(absent, version < since, "{version}: a call of {since}");
            }
        });
    }
}

#[test]
fn each_kernel_lacks_what_came_later() {
    for version in KernelVersion::ALL {
        host(version).machine(|machine| {
            let stat = machine.statx(ME, At::Cwd, b"/", 0, STATX_MNT_ID | STATX_MNT_ID_UNIQUE).unwrap();
            let id = if version >= KernelVersion::V6_12 { STATX_MNT_ID_UNIQUE } else { STATX_MNT_ID };
            let ids = if version == KernelVersion::V4_18 { 0 } else { id };
            assert_eq!(stat.mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE), ids, "{version}");
            assert_eq!(stat.attributes & STATX_ATTR_MOUNT_ROOT != 0, version > KernelVersion::V4_18, "{version}");

            let cached = OpenHow { flags: O_PATH.into(), resolve: RESOLVE_CACHED, ..OpenHow::default() };
            let opened = machine.openat2(ME, At::Cwd, b"/", cached).map(drop);
            let expected = match version {
                KernelVersion::V4_18 => Err(Errno::ENOSYS),
                KernelVersion::V5_10 => Err(Errno::EINVAL),
                _ => Ok(()),
            };
            assert_eq!(opened, expected, "{version}");
            if version >= KernelVersion::V6_12 {
                let mount = machine.statmount(ME, stat.mnt_id, None, STATMOUNT_SB_SOURCE, 0).unwrap();
                assert_eq!(mount.sb_source.is_empty(), version == KernelVersion::V6_12, "{version}");
            }
        });
    }
}

#[test]
fn a_bind_makes_the_system_calls_that_its_kernel_has() {
    for (version, step) in [
        (KernelVersion::V6_18, "open_tree_attr"),
        (KernelVersion::V6_12, "open_tree"),
        (KernelVersion::V6_1, "open_tree"),
        (KernelVersion::V5_10, "openat"),
        (KernelVersion::V4_18, "openat"),
    ] {
        let host = host(version);
        host.remove_dir(&at("/src")).unwrap();
        let error = host.bind(&read_only_bind()).unwrap_err();
        assert_eq!((error.errno(), error.step()), (Errno::ENOENT, Some(step)), "{version}");
    }
}

#[test]
fn a_bind_is_read_only_and_unmounted_whole_on_each_kernel() {
    for version in KernelVersion::ALL {
        let host = host(version);
        let before = host.snapshot();
        let report = host.bind(&read_only_bind()).unwrap();
        assert_eq!(matches!(report.mount, MountKey::Unique(_)), version >= KernelVersion::V6_12, "{version}");
        let found = host.mount_of(&at("/dst")).unwrap();
        assert!(found.is_root && found.mount.attributes.is_read_only(), "{version}: {found:?}");
        host.unmount(&UnmountRequest::new(at("/dst")).only(report.mount)).unwrap();
        assert!(before.difference(&host).is_empty(), "{version}: {}", before.difference(&host));
    }
}

#[test]
fn a_snapshot_and_another_process_have_the_same_kernel() {
    let host = host(KernelVersion::V5_10);
    for other in [host.snapshot(), host.for_process(ME), host.unobserved()] {
        assert_eq!(other.machine(|machine| machine.kernel_version()), KernelVersion::V5_10);
    }
}

#[test]
fn only_an_older_kernel_gets_a_staging_directory() {
    for (version, there) in [(KernelVersion::V5_10, true), (KernelVersion::V6_1, false)] {
        assert_eq!(host(version).metadata(&at("/run"), FinalSymlink::Follow).is_ok(), there, "{version}");
    }
    let node = HostBuilder::new().symlink("/run", "var/run").dir("/var/run").kernel(KernelVersion::V4_18).build();
    assert!(node.is_ok(), "{:?}", node.err());
}

#[test]
fn a_lock_is_held_until_the_last_descriptor_of_the_open_file_is_closed() {
    let mut machine = Machine::new();
    let open = |machine: &mut Machine| machine.openat(ME, At::Cwd, b"/f", O_RDWR | O_CREAT, 0o600).unwrap();
    let (one, two) = (open(&mut machine), open(&mut machine));
    let lock = |machine: &mut Machine, fd| machine.flock(ME, fd, LOCK_EX | LOCK_NB);
    assert_eq!(lock(&mut machine, one), Ok(()));
    assert_eq!(lock(&mut machine, one), Ok(()), "it is the holder's already");
    assert_eq!(lock(&mut machine, two), Err(Errno::EAGAIN));
    let copy = machine.dup(ME, one, 0).unwrap();
    machine.close(ME, one).unwrap();
    assert_eq!(lock(&mut machine, two), Err(Errno::EAGAIN));
    machine.close(ME, copy).unwrap();
    assert_eq!(lock(&mut machine, two), Ok(()));
    let place = machine.openat(ME, At::Cwd, b"/f", O_PATH, 0).unwrap();
    assert_eq!(lock(&mut machine, place), Err(Errno::EBADF));
    assert_eq!(machine.flock(ME, two, LOCK_EX), Err(Errno::EINVAL));
}

#[test]
fn a_handle_that_outlives_its_process_closes_no_descriptor_of_another() {
    let host = host(KernelVersion::V6_18);
    let stale = host.open_dir(&at("/src")).unwrap();
    host.crash_after(1);
    host.create_dir(&at("/last"), FileMode::from_bits(0o755)).unwrap();
    let next = host.for_process(host.process());
    let directory = next.open_dir(&at("/dst")).unwrap();
    drop(stale);
    assert!(directory.own_metadata().is_ok(), "its descriptor has the number of the stale one");
}

#[test]
fn a_bind_without_a_staging_directory_says_why_there_is_none() {
    let lines = "1 0 8:1 / / ro,relatime - ext4 a ro\n2 1 0:5 / /w rw,relatime - tmpfs t rw\n";
    let host = HostBuilder::from_mountinfo(lines).unwrap().dir("/w/source").dir("/w/target").dir("/run");
    let host = host.kernel(KernelVersion::V5_10).build().unwrap();
    let target = Location::beneath("/w", "target").unwrap();
    let error = host.bind(&BindRequest::new(Location::trusted("/w/source"), target).read_only()).unwrap_err();
    assert_eq!(error.errno(), Errno::EOPNOTSUPP);
    assert_eq!(error.detail(), Some("no staging directory in /run (EROFS)"));
}

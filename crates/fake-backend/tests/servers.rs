//! Servers that refuse, and files of one mount with more than one `st_dev`.

use std::path::Path;

use mountwright_core::{DeviceNumber, Errno};
use mountwright_fake::abi::{
    AT_SYMLINK_NOFOLLOW, MNT_DETACH, MS_BIND, O_DIRECTORY, O_PATH, O_RDONLY, STATX_BASIC_STATS, STATX_MNT_ID,
};
use mountwright_fake::{At, Machine, Server};

const ME: mountwright_fake::Pid = Machine::INIT;

/// `/served` is a filesystem with a directory in it, `/copy` an empty directory.
fn machine() -> Machine {
    let mut machine = Machine::new();
    for path in ["/served", "/copy"] {
        machine.mkdirat(ME, At::Cwd, path.as_bytes(), 0o755).unwrap();
    }
    machine.mount(ME, Some((At::Cwd, b"t")), (At::Cwd, b"/served"), Some(b"tmpfs"), 0, None).unwrap();
    machine.mkdirat(ME, At::Cwd, b"/served/d", 0o755).unwrap();
    machine
}

fn served() -> &'static Path {
    Path::new("/served")
}

#[test]
fn a_server_of_another_user_refuses_attributes_and_names_and_not_the_mount() {
    let mut machine = machine();
    machine.set_server(served(), Server::Serves(1000)).unwrap();
    let stat = |machine: &mut Machine, path: &[u8], mask| machine.statx(ME, At::Cwd, path, AT_SYMLINK_NOFOLLOW, mask);
    assert_eq!(stat(&mut machine, b"/served", STATX_BASIC_STATS).unwrap_err(), Errno::EACCES);
    assert_eq!(stat(&mut machine, b"/served", STATX_MNT_ID).unwrap_err(), Errno::EACCES);
    assert_eq!(stat(&mut machine, b"/served/d", 0).unwrap_err(), Errno::EACCES);
    let root = stat(&mut machine, b"/served", 0).unwrap();
    assert!(root.mask == STATX_MNT_ID && root.mnt_id != 0 && root.mode == 0, "{root:?}");

    let opened = |machine: &mut Machine, flags| machine.openat(ME, At::Cwd, b"/served", flags, 0);
    assert_eq!(opened(&mut machine, O_RDONLY | O_DIRECTORY).unwrap_err(), Errno::EACCES);
    let pinned = opened(&mut machine, O_PATH).unwrap();
    assert!(machine.fdinfo(ME, pinned).is_ok());
    machine.close(ME, pinned).unwrap();
    machine.mount(ME, Some((At::Cwd, b"/served")), (At::Cwd, b"/copy"), None, MS_BIND, None).unwrap();
    machine.umount2(ME, At::Cwd, b"/copy", MNT_DETACH).unwrap();

    machine.set_server(served(), Server::Serves(0)).unwrap();
    assert!(stat(&mut machine, b"/served/d", STATX_BASIC_STATS).is_ok());
}

#[test]
fn a_server_that_fails_look_ups_fails_each_name_below_its_root_alone() {
    let mut machine = machine();
    for errno in [Errno::EAGAIN, Errno::EINTR, Errno::EIO] {
        machine.set_server(served(), Server::FailsLookUps(errno)).unwrap();
        assert_eq!(machine.statx(ME, At::Cwd, b"/served/d", 0, STATX_BASIC_STATS).unwrap_err(), errno);
        assert_eq!(machine.openat(ME, At::Cwd, b"/served/none", O_PATH, 0).unwrap_err(), errno);
        assert!(machine.statx(ME, At::Cwd, b"/served", 0, STATX_BASIC_STATS).is_ok());
    }
    machine.set_server(served(), Server::Answers).unwrap();
    assert!(machine.statx(ME, At::Cwd, b"/served/d", 0, STATX_BASIC_STATS).is_ok());
}

#[test]
fn a_file_shows_the_device_that_it_was_given_and_stays_on_its_mount() {
    let mut machine = machine();
    machine.set_shown_device(Path::new("/served/d"), DeviceNumber::new(7, 9)).unwrap();
    let stat = |machine: &mut Machine, path: &[u8]| {
        let found = machine.statx(ME, At::Cwd, path, 0, STATX_BASIC_STATS | STATX_MNT_ID).unwrap();
        ((found.dev_major, found.dev_minor), found.mnt_id)
    };
    let (root, file) = (stat(&mut machine, b"/served"), stat(&mut machine, b"/served/d"));
    assert_eq!(file, ((7, 9), root.1));
    assert_ne!(root.0, file.0);
}

//! The most mounts that a namespace may have: a parameter of the model, as `fs.mount-max` is of Linux.

use mountwright_core::Errno;
use mountwright_fake::{At, Machine, Pid, abi};

const ME: Pid = Machine::INIT;
const HERE: At = At::Cwd;

fn machine(directories: &[&str]) -> Machine {
    let mut machine = Machine::new();
    for directory in directories {
        machine.mkdirat(ME, HERE, directory.as_bytes(), 0o755).unwrap();
    }
    machine
}

fn tmpfs(machine: &mut Machine, pid: Pid, target: &str) -> Result<(), Errno> {
    machine.mount(pid, Some((HERE, b"t")), (HERE, target.as_bytes()), Some(b"tmpfs"), 0, None)
}

fn bind(machine: &mut Machine, source: &str, target: &str, flags: u64) -> Result<(), Errno> {
    let (source, target) = ((HERE, source.as_bytes()), (HERE, target.as_bytes()));
    machine.mount(ME, Some(source), target, None, abi::MS_BIND | flags, None)
}

fn make_shared(machine: &mut Machine, target: &str) {
    machine.mount(ME, None, (HERE, target.as_bytes()), None, abi::MS_SHARED, None).unwrap();
}

/// Counts the mounts of the process's namespace: those that it sees, and the rootfs beneath its root.
fn count(machine: &Machine, pid: Pid) -> u32 {
    let table = machine.mountinfo(pid).unwrap();
    1 + u32::try_from(table.split_inclusive(|&byte| byte == b'\n').count()).unwrap()
}

#[test]
fn one_mount_more_than_may_be_is_enospc() {
    let mut machine = machine(&["/a", "/b", "/c"]);
    let present = count(&machine, ME);
    machine.set_mount_max(present + 2);
    tmpfs(&mut machine, ME, "/a").unwrap();
    bind(&mut machine, "/a", "/b", 0).unwrap();
    let before = machine.mountinfo(ME).unwrap();
    // Refused repeatedly: a refused call leaves no reservation.
    for _ in 0..3 {
        assert_eq!(tmpfs(&mut machine, ME, "/c"), Err(Errno::ENOSPC));
        assert_eq!(bind(&mut machine, "/a", "/c", 0), Err(Errno::ENOSPC));
    }
    assert_eq!(machine.mountinfo(ME).unwrap(), before);
    machine.umount2(ME, HERE, b"/b", 0).unwrap();
    tmpfs(&mut machine, ME, "/c").unwrap();
}

#[test]
fn a_tree_fits_whole_or_not_at_all() {
    let mut machine = machine(&["/a", "/b"]);
    tmpfs(&mut machine, ME, "/a").unwrap();
    machine.mkdirat(ME, HERE, b"/a/x", 0o755).unwrap();
    tmpfs(&mut machine, ME, "/a/x").unwrap();
    let present = count(&machine, ME);
    machine.set_mount_max(present + 1);
    let before = machine.mountinfo(ME).unwrap();
    assert_eq!(bind(&mut machine, "/a", "/b", abi::MS_REC), Err(Errno::ENOSPC));
    assert_eq!(machine.mountinfo(ME).unwrap(), before);
    bind(&mut machine, "/a", "/b", 0).unwrap();
}

#[test]
fn a_move_adds_nothing() {
    let mut machine = machine(&["/a", "/b"]);
    tmpfs(&mut machine, ME, "/a").unwrap();
    machine.set_mount_max(count(&machine, ME));
    machine.mount(ME, Some((HERE, b"/a")), (HERE, b"/b"), None, abi::MS_MOVE, None).unwrap();
}

#[test]
fn copies_count_where_they_go() {
    let mut machine = machine(&["/a", "/b", "/a/x", "/c"]);
    bind(&mut machine, "/a", "/a", 0).unwrap();
    make_shared(&mut machine, "/a");
    bind(&mut machine, "/a", "/b", 0).unwrap();
    let other = machine.fork(ME).unwrap();
    machine.unshare(other, abi::CLONE_NEWNS).unwrap();
    // The other namespace has one place left, this one has many: a mount at /a propagates to /b, in both namespaces.
    let present = count(&machine, ME);
    tmpfs(&mut machine, other, "/c").unwrap();
    machine.set_mount_max(present + 2);
    let before = (machine.mountinfo(ME).unwrap(), machine.mountinfo(other).unwrap());
    for _ in 0..3 {
        assert_eq!(tmpfs(&mut machine, ME, "/a/x"), Err(Errno::ENOSPC));
    }
    assert_eq!((machine.mountinfo(ME).unwrap(), machine.mountinfo(other).unwrap()), before);
    // The reservations of the refused copies are released.
    machine.set_mount_max(present + 3);
    tmpfs(&mut machine, ME, "/a/x").unwrap();
    assert_eq!(count(&machine, ME), present + 2);
    assert_eq!(count(&machine, other), present + 3);
}

#[test]
fn refusal_of_another_path_does_not_count_here() {
    let mut machine = machine(&["/a", "/a/x", "/c"]);
    bind(&mut machine, "/a", "/a", 0).unwrap();
    make_shared(&mut machine, "/a");
    let other = machine.fork(ME).unwrap();
    machine.unshare(other, abi::CLONE_NEWNS).unwrap();
    // The other namespace is full, this one has one place left.
    let present = count(&machine, ME);
    tmpfs(&mut machine, other, "/c").unwrap();
    machine.set_mount_max(present + 1);
    for _ in 0..3 {
        assert_eq!(tmpfs(&mut machine, ME, "/a/x"), Err(Errno::ENOSPC));
    }
    tmpfs(&mut machine, ME, "/c").unwrap();
}

#[test]
fn a_refused_attachment_leaves_no_copy_behind() {
    let mut machine = machine(&["/a", "/b", "/a/x", "/c"]);
    bind(&mut machine, "/a", "/a", 0).unwrap();
    make_shared(&mut machine, "/a");
    bind(&mut machine, "/a", "/b", 0).unwrap();
    let mut untouched = machine.clone();
    // The limit permits the mount itself, but not its copy.
    machine.set_mount_max(count(&machine, ME) + 1);
    assert_eq!(tmpfs(&mut machine, ME, "/a/x"), Err(Errno::ENOSPC));
    // The numbers of its mounts, its filesystem and its peer group are free again: the next ones get them.
    for machine in [&mut machine, &mut untouched] {
        machine.set_mount_max(1000);
        tmpfs(machine, ME, "/c").unwrap();
        make_shared(machine, "/c");
    }
    assert_eq!(machine.mountinfo(ME).unwrap(), untouched.mountinfo(ME).unwrap());
}

#[test]
fn it_is_as_linux_has_it_at_first() {
    const TREE: usize = 1000;
    let mut machine = machine(&["/a"]);
    tmpfs(&mut machine, ME, "/a").unwrap();
    for number in 1..TREE {
        let path = format!("/a/{number}");
        machine.mkdirat(ME, HERE, path.as_bytes(), 0o755).unwrap();
        tmpfs(&mut machine, ME, &path).unwrap();
    }
    // With the copies: 100,000, were there no root and no rootfs.
    for number in 1..=99 {
        let path = format!("/copy{number}");
        machine.mkdirat(ME, HERE, path.as_bytes(), 0o755).unwrap();
        let answer = bind(&mut machine, "/a", &path, abi::MS_REC);
        assert_eq!(answer, if number == 99 { Err(Errno::ENOSPC) } else { Ok(()) }, "{number}");
    }
    bind(&mut machine, "/a", "/copy99", 0).unwrap();
}

//! Each line of the list of limits in `docs/fake.md` holds.

use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::FilesystemOption;
use mountwright_core::{Errno, FileMode, Filesystem, Location, MountRequest, Mounter, OsError};
use mountwright_fake::{At, Credentials, FakeBackend, HostBuilder, Machine, Pid, abi};

const ME: Pid = Machine::INIT;
const HERE: At = At::Cwd;

fn at(path: &str) -> Location {
    Location::trusted(path)
}

fn names_the_page(error: &OsError) -> bool {
    error.to_string().contains("docs/fake.md")
}

#[test]
fn a_type_that_is_not_modelled_says_where_to_read() {
    let host = HostBuilder::new().dir("/m").build().unwrap();
    let mount = |fs_type: &str| host.mount(&MountRequest::new(fs_type, at("/m"))).unwrap_err();
    for fs_type in ["overlay", "btrfs", "nfs", "nfs4", "fuse", "cgroup"] {
        assert!(names_the_page(&mount(fs_type)), "{}", mount(fs_type));
        assert_eq!(mount(fs_type).errno(), Errno::ENODEV);
    }
    assert_eq!(mount("nosuchfs").errno(), Errno::ENODEV);
    assert!(!names_the_page(&mount("nosuchfs")));
}

#[test]
fn a_share_of_the_memory_says_where_to_read() {
    let host = HostBuilder::new().dir("/m").build().unwrap();
    let mut request = MountRequest::new("tmpfs", at("/m"));
    request.options = vec![FilesystemOption::with_value("size", "50%")];
    let error = host.mount(&request).unwrap_err();
    assert_eq!(error.errno(), Errno::EOPNOTSUPP);
    assert!(names_the_page(&error), "{error}");
    request.options = vec![FilesystemOption::with_value("size", "many")];
    let error = host.mount(&request).unwrap_err();
    assert_eq!(error.errno(), Errno::EINVAL);
    assert!(!names_the_page(&error), "{error}");
}

#[test]
fn parameters_are_flags_and_strings() {
    let mut machine = Machine::new();
    let context = machine.fsopen(ME, b"tmpfs", 0).unwrap();
    let more =
        [abi::FSCONFIG_SET_BINARY, abi::FSCONFIG_SET_PATH, abi::FSCONFIG_SET_PATH_EMPTY, abi::FSCONFIG_CMD_CREATE_EXCL];
    for command in more {
        assert_eq!(machine.fsconfig(ME, context, command, Some(b"size"), None, 0), Err(Errno::EOPNOTSUPP), "{command}");
    }
    machine.fsconfig(ME, context, abi::FSCONFIG_SET_STRING, Some(b"size"), Some(b"4k"), 0).unwrap();
}

#[test]
fn three_devices_have_contents() {
    let mut machine = Machine::new();
    let full = (&b"/full"[..], 7, Ok(4), Err(Errno::ENOSPC));
    let random = (&b"/random"[..], 8, Err(Errno::EOPNOTSUPP), Err(Errno::EOPNOTSUPP));
    for (name, minor, read, write) in [(&b"/null"[..], 3, Ok(0), Ok(4)), (b"/zero", 5, Ok(4), Ok(4)), full, random] {
        // linux/kdev_t.h: the minor below the major, eight bits each for small numbers.
        machine.mknodat(ME, HERE, name, abi::S_IFCHR | 0o666, 1 << 8 | minor).unwrap();
        let fd = machine.openat(ME, HERE, name, abi::O_RDWR, 0).unwrap();
        assert_eq!(machine.read(ME, fd, 4).map(|bytes| bytes.len()), read);
        assert_eq!(machine.write(ME, fd, b"text"), write);
    }
}

#[test]
fn a_file_without_a_name_cannot_be_made() {
    let mut machine = Machine::new();
    let flags = abi::O_TMPFILE | abi::O_DIRECTORY | abi::O_RDWR;
    assert_eq!(machine.openat(ME, HERE, b"/", flags, 0o600), Err(Errno::EOPNOTSUPP));
}

#[test]
fn terminals_are_not_opened() {
    let mut machine = Machine::new();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/"), Some(b"devpts"), 0, Some(b"ptmxmode=666")).unwrap();
    assert_eq!(machine.openat(ME, HERE, b"/../ptmx", abi::O_RDWR, 0), Err(Errno::EOPNOTSUPP));
}

#[test]
fn control_groups_are_not_made() {
    let mut machine = Machine::new();
    machine.mkdirat(ME, HERE, b"/m", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/m"), Some(b"cgroup2"), 0, None).unwrap();
    assert_eq!(machine.mkdirat(ME, HERE, b"/m/group", 0o755), Err(Errno::EOPNOTSUPP));
    let fd = machine.openat(ME, HERE, b"/m/cgroup.procs", abi::O_RDWR, 0).unwrap();
    assert_eq!(machine.write(ME, fd, b"1"), Err(Errno::EOPNOTSUPP));
    assert_eq!(machine.read(ME, fd, 10), Err(Errno::EOPNOTSUPP));
    machine.mkdirat(ME, HERE, b"/q", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/q"), Some(b"mqueue"), 0, None).unwrap();
    let fd = machine.openat(ME, HERE, b"/q/queue", abi::O_CREAT | abi::O_RDWR, 0o600).unwrap();
    assert_eq!(machine.read(ME, fd, 10), Err(Errno::EOPNOTSUPP));
}

#[test]
fn files_of_a_process_have_names_and_few_have_contents() {
    let mut machine = Machine::new();
    machine.mkdirat(ME, HERE, b"/p", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/p"), Some(b"proc"), 0, None).unwrap();
    let fd = machine.openat(ME, HERE, b"/p/self/status", abi::O_RDONLY, 0).unwrap();
    assert_eq!(machine.read(ME, fd, 10), Err(Errno::EOPNOTSUPP));
    assert_eq!(machine.readlinkat(ME, HERE, b"/p/self/exe"), Err(Errno::ENOENT));
    let fd = machine.openat(ME, HERE, b"/p/sys/fs/mount-max", abi::O_RDONLY, 0).unwrap();
    assert_eq!(machine.read(ME, fd, 10).as_deref(), Ok(&b"100000\n"[..]));
}

#[test]
fn options_of_a_mounted_filesystem_do_not_change() {
    let mut machine = Machine::new();
    machine.mkdirat(ME, HERE, b"/m", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/m"), Some(b"tmpfs"), 0, Some(b"size=4k")).unwrap();
    let mut remount = |data: &[u8]| machine.mount(ME, None, (HERE, b"/m"), None, abi::MS_REMOUNT, Some(data));
    assert_eq!(remount(b"huge=always"), Err(Errno::EOPNOTSUPP));
    assert_eq!(remount(b"size=8k,mode=700"), Err(Errno::EOPNOTSUPP));
    assert_eq!(remount(b"nosuch"), Err(Errno::EINVAL));
    assert_eq!(remount(b""), Ok(()));
    let picked = machine.fspick(ME, HERE, b"/m", 0).unwrap();
    let mut set =
        |key: &[u8], value: &[u8]| machine.fsconfig(ME, picked, abi::FSCONFIG_SET_STRING, Some(key), Some(value), 0);
    assert_eq!(set(b"mode", b"700"), Err(Errno::EOPNOTSUPP));
    assert_eq!(set(b"nosuch", b"8k"), Err(Errno::EINVAL));
}

#[test]
fn hidden_processes_are_seen() {
    let mut machine = Machine::new();
    machine.mkdirat(ME, HERE, b"/p", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"x")), (HERE, b"/p"), Some(b"proc"), 0, Some(b"hidepid=invisible")).unwrap();
    let other = machine.fork(ME).unwrap();
    machine.set_credentials(other, Credentials::without_capabilities(7, 7)).unwrap();
    assert!(machine.statx(other, HERE, b"/p/1", 0, abi::STATX_BASIC_STATS).is_ok());
}

#[test]
fn nothing_is_ever_full() {
    let mut machine = Machine::new();
    machine.mkdirat(ME, HERE, b"/d", 0o755).unwrap();
    machine.mount(ME, Some((HERE, b"t")), (HERE, b"/d"), Some(b"tmpfs"), 0, Some(b"size=4k,nr_inodes=2")).unwrap();
    let fd = machine.openat(ME, HERE, b"/d/f", abi::O_CREAT | abi::O_WRONLY, 0o644).unwrap();
    assert_eq!(machine.write(ME, fd, &[7; 8192]), Ok(8192));
    machine.mkdirat(ME, HERE, b"/d/e", 0o755).unwrap();
}

#[test]
fn the_table_needs_no_procfs() {
    let host = FakeBackend::new();
    assert!(host.metadata(&at("/proc/self"), FinalSymlink::Follow).is_err());
    assert!(!host.mounts().unwrap().is_empty());
}

#[test]
fn times_count_changes() {
    let host = HostBuilder::new().dir("/d").build().unwrap();
    let modified = || host.machine(|machine| machine.statx(ME, HERE, b"/d", 0, abi::STATX_BASIC_STATS).unwrap().mtime);
    let before = modified();
    assert_eq!(modified(), before);
    host.create_dir(&at("/d/e"), FileMode::from_bits(0o755)).unwrap();
    assert!(modified() > before);
}

#[test]
fn every_subvolume_has_the_device_of_its_filesystem() {
    let lines =
        "22 1 0:21 / / rw - btrfs /dev/vda rw,subvol=/\n30 22 0:21 /home /home rw - btrfs /dev/vda rw,subvol=/home";
    let host = HostBuilder::from_mountinfo(lines.as_bytes()).unwrap().build().unwrap();
    let device = |path: &str| host.metadata(&at(path), FinalSymlink::Follow).unwrap().device;
    assert_eq!(device("/"), device("/home"));
}

#[test]
fn directories_are_listed_by_name() {
    let mut machine = Machine::new();
    for name in [b"/b", b"/c", b"/a"] {
        machine.mkdirat(ME, HERE, name, 0o755).unwrap();
    }
    let fd = machine.openat(ME, HERE, b"/", abi::O_RDONLY | abi::O_DIRECTORY, 0).unwrap();
    let names: Vec<_> = machine.getdents64(ME, fd, 4096).unwrap().into_iter().map(|entry| entry.name).collect();
    assert_eq!(names, [&b"."[..], b"..", b"a", b"b", b"c"]);
}

//! A FUSE server that never replies.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use mountwright_tests::namespace::has_every_user;
use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, UnmountFlags};

/// The time limit of a call that must return at once, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(2);
/// A call that has not returned by then hangs.
const HANGS: Duration = Duration::from_millis(300);

/// A mount, and the descriptor from which a server would read its requests. When it is dropped, the kernel fails the
/// waiting calls.
pub(crate) struct Hung(#[allow(dead_code)] File); // Kept open.

/// The device, as it was found before this process had a root of its own.
static DEVICE: OnceLock<Option<File>> = OnceLock::new();

/// Returns true if this process may have a server: it can make the device's node, or open the machine's.
pub(crate) fn is_to_be_had() -> bool {
    let device = DEVICE.get_or_init(|| File::options().read(true).write(true).open("/dev/fuse").ok());
    device.is_some() || rustix::process::geteuid().is_root() && has_every_user()
}

/// Opens a server's end for a new mount. The mounting process must open it: a user namespace has its own.
fn open_device() -> File {
    let open = |path: &str| File::options().read(true).write(true).open(path);
    if let Some(device) = DEVICE.get().and_then(Option::as_ref) {
        return open(&format!("/proc/thread-self/fd/{}", device.as_raw_fd())).expect("the device, opened again");
    }
    let node = "/fuse";
    if !Path::new(node).exists() {
        let number = rustix::fs::makedev(10, 229);
        rustix::fs::mknodat(CWD, node, FileType::CharacterDevice, Mode::from_raw_mode(0o600), number).unwrap();
    }
    open(node).unwrap()
}

impl Hung {
    pub(crate) fn on(path: &str) -> Self {
        std::fs::create_dir_all(path).unwrap();
        let file = open_device();
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", file.as_raw_fd());
        let options = std::ffi::CString::new(options).unwrap();
        rustix::mount::mount("dead", path, "fuse", MountFlags::empty(), options.as_c_str()).unwrap();
        Self(file)
    }
}

/// Unmounts everything that a case has left on a path.
pub(crate) fn clear(path: &str) {
    while rustix::mount::unmount(path, UnmountFlags::DETACH).is_ok() {}
}

fn start<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, wait) = channel();
    std::thread::spawn(move || done.send(act()));
    wait
}

/// Makes a call that must not wait for the server.
#[track_caller]
pub(crate) fn at_once<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    match start(act).recv_timeout(AT_ONCE) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => panic!("{what} hangs"),
        Err(RecvTimeoutError::Disconnected) => panic!("{what} panicked"),
    }
}

/// Starts a call that must wait for the server, and checks that it does.
#[track_caller]
pub(crate) fn waits<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let wait = start(act);
    match wait.recv_timeout(HANGS) {
        Err(RecvTimeoutError::Timeout) => wait,
        _ => panic!("{what} does not hang: the server proves nothing"),
    }
}

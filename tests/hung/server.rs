//! A FUSE server that never answers.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::{MountFlags, UnmountFlags};

/// What must answer at once has this long, on a machine that does much else.
const AT_ONCE: Duration = Duration::from_secs(2);
/// What has not answered by then hangs.
const HANGS: Duration = Duration::from_millis(300);

/// A mount, and the descriptor that its requests wait to be read from. Dropped, the server is gone: whoever waits is let go
/// with an error.
pub(crate) struct Hung(#[allow(dead_code)] File); // Kept open.

impl Hung {
    pub(crate) fn on(path: &str) -> Self {
        std::fs::create_dir_all(path).unwrap();
        let device = "/fuse";
        if !std::path::Path::new(device).exists() {
            let number = rustix::fs::makedev(10, 229);
            rustix::fs::mknodat(CWD, device, FileType::CharacterDevice, Mode::from_raw_mode(0o600), number).unwrap();
        }
        let file = File::options().read(true).write(true).open(device).unwrap();
        let options = format!("fd={},rootmode=40000,user_id=0,group_id=0", file.as_raw_fd());
        let options = std::ffi::CString::new(options).unwrap();
        rustix::mount::mount("dead", path, "fuse", MountFlags::empty(), options.as_c_str()).unwrap();
        Self(file)
    }
}

/// Takes everything off a place that a case has left there.
pub(crate) fn clear(path: &str) {
    while rustix::mount::unmount(path, UnmountFlags::DETACH).is_ok() {}
}

fn start<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, wait) = channel();
    std::thread::spawn(move || done.send(act()));
    wait
}

/// Does something that must not wait for the server.
#[track_caller]
pub(crate) fn at_once<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    match start(act).recv_timeout(AT_ONCE) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => panic!("{what} hangs"),
        Err(RecvTimeoutError::Disconnected) => panic!("{what} panicked"),
    }
}

/// Starts something that must wait for the server, and sees that it does.
#[track_caller]
pub(crate) fn waits<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let wait = start(act);
    match wait.recv_timeout(HANGS) {
        Err(RecvTimeoutError::Timeout) => wait,
        _ => panic!("{what} does not hang: the server proves nothing"),
    }
}

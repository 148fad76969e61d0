//! A FUSE server that never replies.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use mountwright_tests::fuse_server::FuseServer;
use mountwright_tests::machine::furnish;

/// The time limit of a call that must return at once, on a busy or an emulated machine: one that waits never returns.
const AT_ONCE: Duration = Duration::from_secs(20);
/// A call that has not returned by then hangs.
const HANGS: Duration = Duration::from_millis(300);

/// A mount of a server that replies to nothing. When it is dropped, the kernel fails the waiting calls.
pub(crate) fn hung(path: &str) -> FuseServer {
    furnish(&format!("dir {path}"));
    FuseServer::silent(Path::new(path), "dead").expect("a mount of FUSE")
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

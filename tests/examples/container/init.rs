//! The first process of a container: it builds the root, enters it and executes the program.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use mountwright_core::Location;
use mountwright_core::ports::ProcessRoot;
use mountwright_linux::LinuxBackend;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use super::Refused;
use super::bundle::{Bundle, Process};
use super::raw;
use super::root;

/// The link to the name of standard input, where it is the terminal of the container.
const TERMINAL: &str = "/proc/self/fd/0";
/// The highest number of attempts at a look-up that other processes disturb.
const MOST_ATTEMPTS: usize = 128;

/// Becomes the program of the bundle; returns only if it cannot.
pub(crate) fn run(bundle: &Bundle) -> Refused {
    match entered(bundle).and_then(|()| before_exec(&bundle.spec.process)) {
        Ok(()) => execute(&bundle.spec.process),
        Err(refused) => refused,
    }
}

/// Builds the root in a mount namespace of its own, and enters it.
fn entered(bundle: &Bundle) -> Result<(), Refused> {
    let host = LinuxBackend::new().pin_namespace().map_err(Refused::because)?;
    raw::unshare(UnshareFlags::NEWNS).map_err(|error| Refused::new(format!("unshare(CLONE_NEWNS): {error}")))?;
    // The name in the host's devpts: a mount of this namespace, which the descriptor is not of.
    let terminal = bundle.plan.needs_terminal().then(|| std::fs::read_link(TERMINAL).map(Location::trusted));
    let terminal = terminal.transpose().map_err(|error| Refused::new(format!("find the terminal: {error}")))?;
    // Without a umask a node has its mode at once.
    let umask = rustix::process::umask(Mode::empty());
    let entered = root::build_and_enter(bundle, &LinuxBackend::new(), host, terminal.as_ref());
    rustix::process::umask(umask);
    entered.map(drop)
}

/// The last steps before the program: ids, a current directory below the root by descriptor, and no descriptor but
/// standard input, output and error (CVE-2024-21626).
fn before_exec(process: &Process) -> Result<(), Refused> {
    let failed = |step: &str, error: io::Error| Refused::new(format!("{step}: {error}"));
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
    let root = root.map_err(|error| failed("open /", error.into()))?;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN (openat2(2)): a rename or a mount anywhere disturbed the check for `..`.
    let directory = (0..MOST_ATTEMPTS)
        .map(|_| rustix::fs::openat2(root.as_fd(), &process.cwd, flags, Mode::empty(), resolve))
        .find(|opened| !matches!(opened, Err(Errno::AGAIN)))
        .unwrap_or(Err(Errno::AGAIN));
    let directory = directory.map_err(|error| failed(&format!("process.cwd {:?}", process.cwd), error.into()))?;
    rustix::process::fchdir(&directory).map_err(|error| failed("enter process.cwd", error.into()))?;
    let current = std::env::current_dir().map_err(|error| failed("read the current directory", error))?;
    if !current.starts_with("/") {
        return Err(Refused::new(format!("the current directory is outside the root: {}", current.display())));
    }
    raw::close_on_exec_from_3().map_err(|error| failed("close_range", error))
}

fn execute(process: &Process) -> Refused {
    let mut command = Command::new(&process.args[0].0);
    command.args(process.args[1..].iter().map(|word| &word.0)).env_clear();
    command.envs(process.env.iter().filter_map(|variable| variable.split_once('=')));
    // exec(3) sets the ids: as root of the namespace, after everything else.
    let error = command.uid(process.user.uid).gid(process.user.gid).exec();
    Refused::new(format!("cannot execute {}: {error}", Path::new(&process.args[0].0).display()))
}

//! The Linux backend on the kernel that runs the test.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use mountwright_core::ports::ProcessRoot;
use mountwright_core::{Backend, Errno, FileMode};
use rustix::fs::Mode;
use rustix::io;
use rustix::mount::MountFlags;
use rustix::mount::UnmountFlags;
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::case::Case;
use super::world::{Held, Serving, World};
use crate::fuse_server::{self, FuseServer};
use crate::machine;
use crate::namespace::{NoNamespace, enter_on_this_thread};
use crate::scenario_runner::calls::ProcessCalls;
use crate::scenario_runner::kernel_calls::KernelCalls;

/// A mount namespace of this thread's own, whose root is a fresh tmpfs. Raw system calls set it up and inspect it.
pub struct KernelWorld<B> {
    backend: B,
    process_root: fn(&B) -> Option<&dyn ProcessRoot>,
    changes_trees: bool,
    calls: Rc<RefCell<KernelCalls>>,
}

/// Plays a case on a thread and in a namespace of its own, with the backend that `make` makes there. `make` also
/// returns true if that backend may change whole trees at once.
///
/// The process must have been taken into a namespace by [`namespace::enter`](crate::namespace::enter).
pub fn play_on_kernel<B: Backend + 'static>(
    case: Case,
    make: impl FnOnce() -> (B, bool) + Send + 'static,
) -> Result<(), NoNamespace> {
    on_a_thread(case.rule(), move || KernelWorld::enter(make, |_| None).map(|world| case.run(&world)))
}

/// As [`play_on_kernel`], for a case of [`root_cases`](super::root_cases).
pub fn play_roots_on_kernel<B: Backend + ProcessRoot + 'static>(
    case: Case,
    make: impl FnOnce() -> (B, bool) + Send + 'static,
) -> Result<(), NoNamespace> {
    on_a_thread(case.rule(), move || KernelWorld::enter(make, |backend| Some(backend)).map(|world| case.run(&world)))
}

/// Runs `play` on a thread of its own, in a fresh namespace and root as a [`KernelWorld`] has them.
///
/// The process must have been taken into a namespace by [`namespace::enter`](crate::namespace::enter).
pub fn in_fresh_root<T: Send + 'static>(
    name: &str,
    play: impl FnOnce() -> T + Send + 'static,
) -> Result<T, NoNamespace> {
    on_a_thread(name, move || enter_root().map(|()| play()))
}

/// Checks that cases can be played here.
pub fn can_play_on_kernel() -> Result<(), NoNamespace> {
    on_a_thread("trying a namespace", enter_root)
}

fn on_a_thread<T: Send + 'static>(name: &str, play: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(play).expect("a thread can be started");
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Directories of which every machine has one: the new root is mounted there, and then no file of the old one can be
/// reached.
const STAGES: [&str; 5] = ["/tmp", "/mnt", "/var", "/etc", "/usr"];

impl<B: Backend> KernelWorld<B> {
    /// Takes this thread, for good, into a fresh world with the backend that `make` makes in it.
    fn enter(
        make: impl FnOnce() -> (B, bool),
        process_root: fn(&B) -> Option<&dyn ProcessRoot>,
    ) -> Result<Self, NoNamespace> {
        enter_root()?;
        let (backend, changes_trees) = make();
        Ok(Self { backend, process_root, changes_trees, calls: Rc::default() })
    }
}

/// Takes this thread, for good, into a namespace and a root directory of its own.
fn enter_root() -> Result<(), NoNamespace> {
    enter_on_this_thread()?;
    let at = |step, result: io::Result<()>| result.map_err(|errno| NoNamespace::at(step, errno));
    let mode = Mode::from_raw_mode(0o755);
    rustix::process::umask(Mode::from_raw_mode(0o022));
    let stage = STAGES.into_iter().find(|stage| Path::new(stage).is_dir()).unwrap_or("/");
    at("mount(/)", mount_tmpfs("root", stage))?;
    at("chdir", rustix::process::chdir(stage))?;
    at("mkdir(proc)", rustix::fs::mkdir("proc", mode))?;
    at("mount(proc)", rustix::mount::mount_bind_recursive("/proc", "proc"))?;
    // In a chroot no process makes a user namespace.
    at("pivot_root", rustix::process::pivot_root(".", "."))?;
    at("umount(old root)", rustix::mount::unmount(".", UnmountFlags::DETACH))?;
    at("chdir(/)", rustix::process::chdir("/"))?;
    at("mkdir(/run)", rustix::fs::mkdir("/run", mode))?;
    at("mkdir(/w)", rustix::fs::mkdir("/w", mode))?;
    at("mount(/w)", mount_tmpfs("w", "/w"))
}

impl<B: Backend> World for KernelWorld<B> {
    fn backend(&self) -> &dyn Backend {
        &self.backend
    }

    fn process_root(&self) -> Option<&dyn ProcessRoot> {
        (self.process_root)(&self.backend)
    }

    fn changes_trees(&self) -> bool {
        self.changes_trees
    }

    fn with_calls(&self, act: &mut dyn FnMut(&mut dyn ProcessCalls)) {
        act(&mut *self.calls.borrow_mut());
    }

    fn held(&self, fd: i32) -> Held {
        Held::new(OpenFile { calls: Rc::clone(&self.calls), fd })
    }

    fn mount_served(&self, path: &Path, server: Serving) -> Result<Held, Errno> {
        let mounted = match server {
            Serving::AnotherUser => FuseServer::of_user(path, 1000),
            Serving::FailsLookUps(errno) => FuseServer::replying(path, move |request, node, _| match request {
                fuse_server::GETATTR => Ok(fuse_server::attributes_of(node, 0o40755)),
                fuse_server::LOOKUP => Err(errno.raw()),
                _ => Err(Errno::ENOSYS.raw()),
            }),
        };
        let errno = |error: std::io::Error| error.raw_os_error().and_then(Errno::from_raw).unwrap_or(Errno::EIO);
        mounted.map(Held::new).map_err(errno)
    }

    fn set_umask(&self, mask: u16) -> u16 {
        let mask = rustix::process::umask(Mode::from_raw_mode(mask.into())).as_raw_mode();
        FileMode::from_bits(u16::try_from(mask & 0o7777).unwrap_or_default()).bits()
    }

    fn drop_capabilities(&self) -> Result<(), Errno> {
        let none = CapabilitySet::empty();
        let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
        rustix::thread::set_capabilities(None, sets)
            .map_err(|errno| Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EINVAL))
    }

    fn mountinfo(&self) -> Vec<u8> {
        machine::mountinfo()
    }

    fn open_descriptors(&self) -> usize {
        machine::open_descriptors()
    }
}

/// A descriptor that closes when it is dropped.
struct OpenFile {
    calls: Rc<RefCell<KernelCalls>>,
    fd: i32,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.calls.borrow_mut().close(self.fd).expect("nobody else closes it");
    }
}

fn mount_tmpfs(source: &str, path: &str) -> io::Result<()> {
    rustix::mount::mount(source, path, "tmpfs", MountFlags::empty(), Some(c"mode=755"))
}

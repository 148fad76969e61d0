//! The kernel as ground: a fresh root for each run, and a thread in a mount namespace that follows it.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use mountwright_core::{Backend, Mounter};
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::namespace::enter_on_this_thread;
use rustix::mount::{MountPropagationFlags, mount_change};

use crate::ground::{Ground, furnish};

/// This thread's namespace, which must be a fresh one with a fresh root.
pub(crate) struct Real {
    linux: Linux,
    follower: Follower,
}

impl Real {
    /// Furnishes it.
    pub(crate) fn new(shared: bool) -> Self {
        let linux = Linux::new();
        furnish(&linux, shared);
        // The backend may keep a descriptor open.
        LinuxBackend::over(linux.clone()).mounts().expect("the table can be read");
        Self { linux, follower: Follower::start() }
    }

    /// Returns the kernel, to be wrapped.
    pub(crate) fn linux(&self) -> Linux {
        self.linux.clone()
    }
}

impl Ground for Real {
    type Calls = Linux;

    fn calls(&self) -> Linux {
        self.linux.clone()
    }

    fn ports(&self) -> Box<dyn Backend + '_> {
        Box::new(LinuxBackend::over(self.linux.clone()))
    }

    fn elsewhere(&self) -> Vec<u8> {
        self.follower.table()
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir("/proc/thread-self/fd").expect("there is a procfs").count()
    }
}

/// A thread in a copy of this one's namespace in which every mount is a slave, as virtiofsd has.
pub(crate) struct Follower {
    ask: Option<Sender<()>>,
    answers: Receiver<Vec<u8>>,
    thread: Option<JoinHandle<()>>,
}

impl Follower {
    pub(crate) fn start() -> Self {
        let (ask, asked) = channel();
        let (answer, answers) = channel();
        let thread = std::thread::spawn(move || {
            enter_on_this_thread().expect("a namespace of its own");
            let slaves = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
            mount_change("/", slaves).expect("its mounts can be slaves");
            let read = || std::fs::read("/proc/thread-self/mountinfo").expect("there is a procfs");
            // The first message shows that the namespace is ready.
            while answer.send(read()).is_ok() && asked.recv().is_ok() {}
        });
        answers.recv().expect("it starts");
        Self { ask: Some(ask), answers, thread: Some(thread) }
    }

    fn table(&self) -> Vec<u8> {
        self.ask.as_ref().expect("it runs").send(()).expect("it waits");
        self.answers.recv().expect("it answers")
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it does not fail");
        }
    }
}

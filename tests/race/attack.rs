//! Which names are exchanged, and from where.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use mountwright_tests::namespace::enter_on_this_thread;
use rustix::fs::{CWD, RenameFlags};

/// Which name of `<mounts>/<id>/rootfs` is exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// `<id>`.
    Container,
    /// `rootfs`.
    Last,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    /// A thread in the same mount namespace.
    Here,
    /// A thread in another one, where nothing is mounted on these names.
    Elsewhere,
}

/// An attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    pub(crate) level: Level,
    pub(crate) from: From,
}

/// Every attack.
pub(crate) const ALL: [Attack; 4] = [
    Attack { level: Level::Container, from: From::Here },
    Attack { level: Level::Container, from: From::Elsewhere },
    Attack { level: Level::Last, from: From::Here },
    Attack { level: Level::Last, from: From::Elsewhere },
];

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.level {
            Level::Container => "the container's directory",
            Level::Last => "the last name",
        })?;
        f.write_str(match self.from {
            From::Here => " is exchanged for a link, in this namespace",
            From::Elsewhere => " is exchanged for a link, from another namespace",
        })
    }
}

/// An attacker at work.
pub(crate) struct Attacker {
    stop: Arc<AtomicBool>,
    exchanges: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Attacker {
    /// Starts to exchange names. There is one link to where the same names are mounted on, and one to where they are not.
    pub(crate) fn start(attack: Attack) -> Self {
        let (stop, exchanges) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&exchanges));
        let thread = std::thread::spawn(move || {
            if attack.from == From::Elsewhere {
                enter_on_this_thread().expect("a namespace for the attacker");
            }
            let (name, links) = match attack.level {
                Level::Container => ("/w/shared/box", ["/w/shared/to-busy", "/w/shared/to-empty"]),
                Level::Last => ("/w/shared/box/rootfs", ["/w/shared/to-busy-rootfs", "/w/shared/to-empty-rootfs"]),
            };
            while !stopped.load(Ordering::Relaxed) {
                for link in links {
                    // There and back. What the kernel refuses is tried again.
                    if exchange(name, link) {
                        count.fetch_add(1, Ordering::Relaxed);
                        while !exchange(name, link) && !stopped.load(Ordering::Relaxed) {}
                    }
                }
            }
            // Leaves a directory, not a link, under the name where it can.
        });
        Self { stop, exchanges, thread }
    }

    /// Stops it; says how often it has put a link in the way.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the attacker does not fail");
        self.exchanges.load(Ordering::Relaxed)
    }
}

fn exchange(name: &str, link: &str) -> bool {
    rustix::fs::renameat_with(CWD, name, CWD, link, RenameFlags::EXCHANGE).is_ok()
}

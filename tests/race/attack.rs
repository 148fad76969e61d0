//! The names that are exchanged, and the namespace of the exchange.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use mountwright_tests::namespace::enter_on_this_thread;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RenameFlags};

use crate::setting::{Link, Side, links_of};
use crate::shared::Shared;

/// An attack: which names are exchanged, one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    pub(crate) shared: Shared,
    /// By a thread in the same mount namespace.
    here: &'static [usize],
    /// By a thread in another one, where nothing is mounted on these names.
    elsewhere: &'static [usize],
}

/// Every attack.
pub(crate) fn all() -> Vec<Attack> {
    let mut attacks = Vec::new();
    for shared in [Shared::Rootfs, Shared::File] {
        for level in [&[0], &[1]] {
            attacks.push(Attack { shared, here: level, elsewhere: &[] });
            attacks.push(Attack { shared, here: &[], elsewhere: level });
        }
    }
    attacks.push(Attack { shared: Shared::Rootfs, here: &[0], elsewhere: &[1] });
    attacks.push(Attack { shared: Shared::Deep, here: &[0, 1, 2, 3], elsewhere: &[] });
    attacks.push(Attack { shared: Shared::Deep, here: &[], elsewhere: &[0, 1, 2, 3] });
    attacks
}

impl fmt::Display for Attack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "names of {} are exchanged for links: ", self.shared.whole_path())?;
        let sides = [(self.here, "in this namespace"), (self.elsewhere, "from another")];
        let sides = sides.into_iter().filter(|(levels, _)| !levels.is_empty());
        let words = sides.map(|(levels, whence)| {
            let names: Vec<&str> = levels.iter().map(|level| self.shared.names()[*level]).collect();
            format!("{} {whence}", names.join(", "))
        });
        f.write_str(&words.collect::<Vec<_>>().join(" and "))
    }
}

/// Attackers at work.
pub(crate) struct Attackers {
    attack: Attack,
    stop: Arc<AtomicBool>,
    exchanges: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Attackers {
    /// Starts to exchange names. One link leads to where the same names are mount points, one to where they are plain,
    /// and one to where the last name is missing.
    pub(crate) fn start(attack: Attack) -> Self {
        let (stop, exchanges) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let sides = [(Side::Here, attack.here), (Side::Elsewhere, attack.elsewhere)];
        let start = |(side, levels): (Side, &'static [usize])| {
            let (stop, exchanges) = (Arc::clone(&stop), Arc::clone(&exchanges));
            std::thread::spawn(move || {
                if side == Side::Elsewhere {
                    enter_on_this_thread().expect("a namespace for the attacker");
                }
                // A guest's walk starts in what it has; it does not go through its own links.
                let names: Vec<Way> = levels.iter().map(|level| Way::new(attack.shared, *level, side)).collect();
                let beside = open("/w/shared");
                while !stop.load(Ordering::Relaxed) {
                    for name in &names {
                        name.exchange_for_links(&beside, &stop, &exchanges);
                    }
                }
            })
        };
        let threads = sides.into_iter().filter(|(_, levels)| !levels.is_empty()).map(start).collect();
        Self { attack, stop, exchanges, threads }
    }

    /// Stops them, and restores every name. Returns the number of times that a link was put in the way.
    pub(crate) fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().expect("an attacker does not fail");
        }
        let beside = open("/w/shared");
        // From the outermost inwards: the inner ones cannot be reached before.
        let shared = self.attack.shared;
        for level in 0..shared.names().len() {
            for side in [Side::Here, Side::Elsewhere] {
                Way::new(shared, level, side).put_back(&beside);
            }
        }
        self.exchanges.load(Ordering::Relaxed)
    }
}

/// A name in an open directory, and the links that it is exchanged for.
struct Way {
    parent: OwnedFd,
    name: &'static str,
    links: Vec<Link>,
}

impl Way {
    fn new(shared: Shared, level: usize, side: Side) -> Self {
        let parent = open(Path::new("/w/shared").join(shared.path(level)));
        Self { parent, name: shared.names()[level], links: links_of(side, shared, level) }
    }

    fn exchange_for_links(&self, beside: &OwnedFd, stop: &AtomicBool, exchanges: &AtomicU64) {
        for link in &self.links {
            // There and back. What the kernel refuses is tried again.
            if self.exchange(beside, link, RenameFlags::EXCHANGE) {
                exchanges.fetch_add(1, Ordering::Relaxed);
                while !stop.load(Ordering::Relaxed) && !self.take_back(beside, link) {}
            }
        }
    }

    /// Exchanges back. If an unlink by name has removed the link, the name is free: the original is moved back, and the
    /// link is made again.
    fn take_back(&self, beside: &OwnedFd, link: &Link) -> bool {
        let moved =
            self.exchange(beside, link, RenameFlags::EXCHANGE) || self.exchange(beside, link, RenameFlags::NOREPLACE);
        if moved && is(beside, &link.name, FileType::RegularFile) {
            let _ = rustix::fs::unlinkat(beside, &link.name, AtFlags::empty());
        }
        // Refused if the link exists, as it mostly does.
        let _ = rustix::fs::symlinkat(&link.target, beside, &link.name);
        moved
    }

    fn exchange(&self, beside: &OwnedFd, link: &Link, how: RenameFlags) -> bool {
        rustix::fs::renameat_with(beside, &link.name, &self.parent, self.name, how).is_ok()
    }

    /// Restores the file that is under the name of a link.
    fn put_back(&self, beside: &OwnedFd) {
        for link in &self.links {
            if is(&self.parent, self.name, FileType::Symlink) && !is(beside, &link.name, FileType::Symlink) {
                self.exchange(beside, link, RenameFlags::EXCHANGE);
            }
        }
    }
}

fn open(directory: impl AsRef<Path>) -> OwnedFd {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(CWD, directory.as_ref(), flags, Mode::empty()).expect("the directory of a name")
}

fn is(parent: &OwnedFd, name: &str, kind: FileType) -> bool {
    let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW);
    found.is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == kind)
}

//! The view of readers at the moment at which a read-only share appears.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use mountwright_core::sandbox::{IfNotShared, SandboxSetup, set_up_sandbox, tear_down_container};
use mountwright_core::share::Share;
use mountwright_core::unmount::UnmountStrategy;
use mountwright_core::{ContainerId, Location};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::naive::Naive;
use mountwright_tests::namespace::enter_on_this_thread;

use super::real::Real;
use crate::stories::{MOUNTS, SHARED};

/// The number of shares, and the factor up to which more are made until every reader has met one.
const SHARES: u32 = 300;
const MORE: u32 = 100;

/// A thread that tries to open the file for writing through a name, again and again.
struct Reader {
    stop: Arc<AtomicBool>,
    opened: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

/// The namespace whose names a reader uses.
#[derive(Clone, Copy, PartialEq)]
enum Where {
    Here,
    /// In a copy of this namespace that is made now.
    InACopy,
}

impl Reader {
    fn start(path: &'static str, place: Where) -> Self {
        let (stop, opened, refused) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let (stopped, writes, refusals) = (Arc::clone(&stop), Arc::clone(&opened), Arc::clone(&refused));
        let ready = Arc::new(AtomicBool::new(false));
        let is_ready = Arc::clone(&ready);
        let thread = std::thread::spawn(move || {
            if place == Where::InACopy {
                enter_on_this_thread().expect("a namespace of its own");
            }
            is_ready.store(true, Ordering::Release);
            while !stopped.load(Ordering::Relaxed) {
                let count = match OpenOptions::new().write(true).open(path) {
                    Ok(_) => &writes,
                    Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => &refusals,
                    Err(_) => continue,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        while !ready.load(Ordering::Acquire) {
            assert!(!thread.is_finished(), "a reader has failed");
            std::thread::yield_now();
        }
        Self { stop, opened, refused, thread }
    }

    fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    fn has_met(&self) -> bool {
        self.refused.load(Ordering::Relaxed) > 0
    }

    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a reader does not fail");
        (self.opened.load(Ordering::Relaxed), self.refused.load(Ordering::Relaxed))
    }
}

/// The copy that the guest sees, and both names in a namespace that was cloned before.
fn readers() -> [Reader; 3] {
    [
        Reader::start("/w/sb/shared/c1/rootfs/empty", Where::Here),
        Reader::start("/w/sb/shared/c1/rootfs/empty", Where::InACopy),
        Reader::start("/w/sb/mounts/c1/rootfs/empty", Where::InACopy),
    ]
}

fn never_writable() {
    let ground = Real::new(false);
    let backend = LinuxBackend::new();
    let setup = SandboxSetup::new(MOUNTS, SHARED).unwrap().unshared(IfNotShared::MakeShared);
    set_up_sandbox(&backend, &backend, &setup).unwrap();
    let share = Share::rootfs(MOUNTS, &ContainerId::new("c1").unwrap(), Location::trusted("/w/src/rootfs")).unwrap();
    let share = share.read_only();

    let readers = readers();
    let mut made = 0;
    while made < SHARES || !readers.iter().all(Reader::has_met) && made < MORE * SHARES {
        let record = share.create(&backend, &backend).unwrap();
        let report = tear_down_container(&backend, &backend, MOUNTS.into(), &[record], UnmountStrategy::Lazy);
        assert!(report.is_clean(), "{report}");
        made += 1;
    }
    let seen = readers.map(Reader::stop);
    println!(
        "{made} shares; opened for writing and refused: the guest's copy, it in a cloned namespace, the share there: {seen:?}"
    );
    assert!(seen.iter().all(|(opened, refused)| *opened == 0 && *refused > 0), "{seen:?}");

    // The same readers see the writable window of a naive implementation, which makes the mount read-only afterwards.
    std::fs::create_dir("/w/sb/mounts/c1").unwrap();
    let naive = Naive::new(Linux::new(), "/w/sb/mounts/c1", "/w/src/rootfs");
    let readers = self::readers();
    let mut made = 0;
    while readers.iter().any(|reader| reader.opened() == 0) && made < MORE * SHARES {
        // A writer may keep it from becoming read-only.
        let _ = naive.share();
        naive.unshare_empty().unwrap();
        made += 1;
    }
    let seen = readers.map(Reader::stop);
    println!("by paths, {made} shares: {seen:?}");
    assert!(seen.iter().all(|(opened, _)| *opened > 0), "the readers do not bite: {seen:?}");
    drop(ground);
}

pub(crate) const CASES: &[KernelCase] = &[KernelCase::new(
    "a read-only share is read-only in the guest's copy and in a cloned namespace at the moment at which it appears",
    never_writable,
)
.needing(Call::OpenTree)];

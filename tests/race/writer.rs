//! A process that tries to write through a read-only bind while it is made.

use std::fs::OpenOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mountwright_core::mount::{Guarantee, UnmountMode};
use mountwright_core::{BindRequest, Location, Mounter, UnmountRequest};
use mountwright_linux::{LinuxBackend, SyscallSet};
use mountwright_tests::machine::furnish;
use mountwright_tests::namespace::enter_on_this_thread;
use mountwright_tests::settings::Settings;

use crate::setting;
use crate::shared::Shared;

/// The factor up to which more binds are made until writer and mount have met.
const MORE: u64 = 100;

/// The system calls of the binds, and the path that the writer opens.
#[derive(Clone, Copy)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    syscalls: SyscallSet,
    writes_to: &'static str,
    /// The writer is in a mount namespace that was cloned before the binds.
    is_elsewhere: bool,
}

const fn setting(name: &'static str, syscalls: SyscallSet, writes_to: &'static str) -> Setting {
    Setting { name, syscalls, writes_to, is_elsewhere: false }
}

const AT_TARGET: &str = "/w/shared/box/rootfs/data";
/// In the copy that propagation makes.
const AT_PEER: &str = "/w/peer/box/rootfs/data";

/// By detached mounts, and by mount(2) alone.
pub(crate) const SETTINGS: [Setting; 6] = [
    setting("with every call that there is", SyscallSet::ALL, AT_TARGET),
    setting("by mount(2) alone", SyscallSet::NONE, AT_TARGET),
    setting("at a peer, with every call that there is", SyscallSet::ALL, AT_PEER),
    setting("at a peer, by mount(2) alone", SyscallSet::NONE, AT_PEER),
    Setting { is_elsewhere: true, ..setting("at a peer in another namespace", SyscallSet::ALL, AT_PEER) },
    Setting {
        is_elsewhere: true,
        ..setting("at a peer in another namespace, by mount(2) alone", SyscallSet::NONE, AT_PEER)
    },
];

/// Opens the file for writing whenever the target shows it, until `stop` is set.
struct Writer {
    stop: Arc<AtomicBool>,
    opened: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    thread: std::thread::JoinHandle<()>,
}

impl Writer {
    fn start(path: &'static str, is_elsewhere: bool) -> Self {
        let ready = Arc::new(std::sync::Barrier::new(2));
        let begins = Arc::clone(&ready);
        let (stop, opened, refused) = <(Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let (stopped, writes, refusals) = (Arc::clone(&stop), Arc::clone(&opened), Arc::clone(&refused));
        let thread = std::thread::spawn(move || {
            let entered = if is_elsewhere { enter_on_this_thread().map(drop) } else { Ok(()) };
            begins.wait();
            entered.expect("a namespace of its own");
            while !stopped.load(Ordering::Relaxed) {
                // The file is in the source alone.
                let count = match OpenOptions::new().write(true).open(path) {
                    Ok(_) => &writes,
                    Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => &refusals,
                    Err(_) => continue,
                };
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        ready.wait();
        Self { stop, opened, refused, thread }
    }

    fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the writer does not fail");
    }
}

pub(crate) fn race(setting: Setting) {
    setting::make(Shared::Rootfs);
    furnish("dir /w/shared/box/rootfs /w/peer");
    if setting.writes_to == AT_PEER {
        furnish("shared /w/shared; bind /w/shared /w/peer");
    }
    let binds = if Settings::read().long { 10_000 } else { 1_000 };
    let backend = LinuxBackend::new().with_syscalls(setting.syscalls);
    let target = Location::beneath("/w/shared", "box/rootfs").unwrap();
    let request = BindRequest::new(Location::trusted("/w/source/tree"), target.clone());
    let request = request.read_only().require(Guarantee::Atomic);
    let unmount = UnmountRequest::new(target).with_mode(UnmountMode::Detach);

    let (writer, mut made) = (Writer::start(setting.writes_to, setting.is_elsewhere), 0);
    // As many as asked for; more only until the writer has met one.
    while made < binds || writer.refused() == 0 && made < MORE * binds {
        backend.bind(&request).unwrap();
        backend.unmount(&unmount).unwrap();
        made += 1;
    }
    let (written, refused) = (writer.opened(), writer.refused());
    writer.stop();
    println!("{}: {made} binds, {written} writes, {refused} refused", setting.name);

    let naive = Shared::Rootfs.naive();
    let (writer, mut made) = (Writer::start(setting.writes_to, setting.is_elsewhere), 0);
    while made < binds || writer.opened() == 0 && made < MORE * binds {
        // A writer may keep the mount from becoming read-only: that is one of the naive implementation's faults.
        let _ = naive.share();
        backend.unmount(&unmount).unwrap();
        made += 1;
    }
    let by_paths = writer.opened();
    writer.stop();
    println!("{}: by paths, {made} binds, {by_paths} writes", setting.name);

    assert_eq!(written, 0);
    assert!(refused > 0, "the writer never met the mount");
    assert!(by_paths > 0, "the writer does not bite");
}

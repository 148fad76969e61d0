//! On the kernel, another process that exchanges a component of a path in a root all the time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mountwright_core::error::Leftover;
use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::{BindRequest, FileMode, Filesystem, Location, MountRequest, Mounter, OsError, UnmountRequest};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::machine::furnish;
use mountwright_tests::settings::Settings;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::mount::UnmountFlags;

/// The image, the same names outside, the links that lead there, and a directory that is exchanged with one of the image's.
const MACHINE: &str = "\
    dir /w/root/a/b/c/t /w/outside/a/b/c/t /w/source /w/stage /w/evil /w/other/b/c/t; file /w/root/a/secret inside
    file /w/other/secret outside; file /w/source/f text; link /w/outside/a /w/evil/a; link ../../outside/a/b /w/evil/b
    link /w/outside/a/b/c /w/evil/c; link ../../../../outside/a/b/c/t /w/evil/t";

/// An attack: its name, the exchanged component, and what takes its place.
#[derive(Clone, Copy)]
pub(crate) struct Attack(pub(crate) &'static str, &'static str, &'static str);

pub(crate) const ATTACKS: [Attack; 5] = [
    Attack("no escape from a root while its first component is exchanged for a symlink", "/w/root/a", "/w/evil/a"),
    Attack("no escape from a root while the second component is exchanged for a symlink", "/w/root/a/b", "/w/evil/b"),
    Attack("no escape from a root while the third component is exchanged for a symlink", "/w/root/a/b/c", "/w/evil/c"),
    Attack("no escape from a root while the last component is exchanged for a symlink", "/w/root/a/b/c/t", "/w/evil/t"),
    Attack("no escape from a root while a component is exchanged for a directory outside", "/w/root/a/b", "/w/other/b"),
];

/// The longest time that an attack gets until it has proved effective.
const LONGER: Duration = Duration::from_secs(30);
/// The directories in which mounts may be found.
const ATTACKED: [&str; 4] = ["/w/root", "/w/other", "/w/evil", "/w/outside"];

/// The attacker at work.
struct Attacker {
    stop: Arc<AtomicBool>,
    exchanges: Arc<AtomicU64>,
    thread: JoinHandle<()>,
}

impl Attacker {
    fn start(Attack(_, one, other): Attack) -> Self {
        let (stop, exchanges) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&exchanges));
        let thread = std::thread::spawn(move || {
            let exchange = || rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).is_ok();
            while !stopped.load(Ordering::Relaxed) {
                // There and back; the kernel refuses it while one of them is a mount point.
                if exchange() {
                    counted.fetch_add(1, Ordering::Relaxed);
                    while !exchange() {}
                }
            }
        });
        Self { stop, exchanges, thread }
    }

    fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the attacker does not fail");
        self.exchanges.load(Ordering::Relaxed)
    }
}

/// Counts of a race.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    calls: u64,
    succeeded: u64,
    /// Mounts and names outside the image, and a file outside that a path in the image led to.
    escapes: u64,
    /// Mounts that a failed call left without naming them.
    left: u64,
}

/// Every mount on a name that an attack has to do with.
fn mounted() -> Vec<PathBuf> {
    let table = LinuxBackend::new().mounts().expect("the table");
    let points = table.iter().map(|row| row.mount_point().into_owned());
    points.filter(|point| ATTACKED.iter().any(|place| point.starts_with(place))).collect()
}

type Act<'a> = (&'a str, &'a dyn Fn(&LinuxBackend, Location) -> Result<(), OsError>);

impl Sum {
    /// One round of calls on places that `at` makes of paths.
    fn round(&mut self, backend: &LinuxBackend, at: fn(&str) -> Location) {
        let mode = FileMode::from_bits(0o755);
        let bind = |at| BindRequest::new(Location::trusted("/w/source"), at).read_only();
        let acts: [Act<'_>; 8] = [
            ("a/b/c/t", &|backend, at| backend.bind(&bind(at)).map(drop)),
            ("a/b/../b/c/../c/t", &|backend, at| backend.bind(&bind(at)).map(drop)),
            ("a/b/c/new/t", &|backend, at| backend.bind(&bind(at).creating_target(mode)).map(drop)),
            ("/a/./b/c/../c/t", &|backend, at| backend.mount(&MountRequest::new("tmpfs", at)).map(drop)),
            ("a/b/c/t", &|backend, at| backend.move_mount(&Location::trusted("/w/stage"), &at)),
            ("a/b/../b/c/made", &|backend, at| backend.create_dir(&at, mode).map(drop)),
            ("a/b/../b/c/made", &|backend, at| backend.create_symlink(&at, Path::new("/w/outside")).map(drop)),
            ("a/b/../b/c/made", &|backend, at| backend.create_node(&at, FileKind::Fifo, None, mode).map(drop)),
        ];
        for (path, act) in acts {
            let is_staged = path == "a/b/c/t" && fs::read_dir("/w/stage").is_ok();
            if is_staged && !backend.mount_of(&Location::trusted("/w/stage")).expect("it is there").is_root {
                furnish("tmpfs:stage /w/stage");
            }
            let result = act(backend, at(path));
            self.calls += 1;
            self.succeeded += u64::from(result.is_ok());
            self.look(&result);
        }
        let secret = backend.metadata(&at("a/b/../secret"), FinalSymlink::Follow);
        let outside =
            backend.metadata(&Location::trusted("/w/other/secret"), FinalSymlink::Itself).expect("it is there");
        self.escapes += u64::from(secret.is_ok_and(|found| found.inode == outside.inode));
        let _ = backend.unmount(&UnmountRequest::new(at("a/b/c/t")));
    }

    /// Finds what was mounted and made, and removes it.
    fn look(&mut self, result: &Result<(), OsError>) {
        let is_mount = |left: &Leftover| matches!(left, Leftover::Mount { .. });
        let named = result.as_ref().is_err_and(|error| error.left().iter().any(is_mount));
        let mounted = mounted();
        self.escapes += mounted.iter().filter(|point| point.starts_with("/w/outside")).count() as u64;
        self.left += u64::from(result.is_err() && !named && !mounted.is_empty());
        // The attacker moves what is to be unmounted.
        let mut rest = mounted;
        while !rest.is_empty() {
            for point in rest {
                let _ = rustix::mount::unmount(&point, UnmountFlags::DETACH);
            }
            rest = self::mounted();
        }
        for name in ["new/t", "new", "made"] {
            self.escapes += u64::from(is_removed(&Path::new("/w/outside/a/b/c").join(name)));
            for moved in ["/w/root/a/b/c", "/w/other/b/c", "/w/evil/b/c", "/w/evil/c", "/w/evil/a/b/c"] {
                is_removed(&Path::new(moved).join(name));
            }
        }
    }
}

/// Removes what is there, an empty directory or another file.
fn is_removed(path: &Path) -> bool {
    fs::remove_dir(path).is_ok() || fs::remove_file(path).is_ok()
}

/// Looks `a/b/../secret` up in two calls, and returns true if that led outside.
fn goes_up_by_the_kernel() -> bool {
    let open = || rustix::fs::openat(CWD, "/w/root/a/b", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
    let up = || rustix::fs::statat(open()?, "../secret", AtFlags::empty());
    let outside = rustix::fs::stat("/w/other/secret").expect("it is there");
    (0..100).any(|_| up().is_ok_and(|found| found.st_ino == outside.st_ino))
}

/// Calls in the image under attack, by both rungs; then the same by whole paths, which must not withstand it.
pub(crate) fn race(attack: Attack) {
    furnish(MACHINE);
    let time = Duration::from_secs(if Settings::read().long { 60 } else { 1 });
    let rungs = [SyscallSet::ALL, SyscallSet::ALL.without(Call::Openat2)];
    let backends = rungs.map(|rung| LinuxBackend::new().with_syscalls(rung));
    let mut sums = [Sum::default(); 2];
    let attacker = Attacker::start(attack);
    let start = Instant::now();
    while start.elapsed() < time || sums.iter().any(|sum| sum.succeeded == 0) && start.elapsed() < time + LONGER {
        for (backend, sum) in backends.iter().zip(&mut sums) {
            sum.round(backend, |path| Location::in_root("/w/root", path));
        }
    }
    let exchanges = attacker.stop();
    println!("{}: {exchanges} exchanges; with openat2: {:?}; without: {:?}", attack.0, sums[0], sums[1]);

    let mut naive = Sum::default();
    let attacker = Attacker::start(attack);
    let start = Instant::now();
    while naive.escapes == 0 && start.elapsed() < LONGER {
        naive.round(&backends[0], |path| Location::trusted(format!("/w/root/{path}")));
        naive.escapes += u64::from(goes_up_by_the_kernel());
    }
    attacker.stop();
    println!("{}: by paths: {naive:?}", attack.0);

    for sum in sums {
        assert_eq!((sum.escapes, sum.left), (0, 0), "{sum:?}");
        assert!(sum.succeeded > 0, "it never got to do anything: {sum:?}");
    }
    assert!(exchanges >= 500, "the attacker was too slow: {exchanges}");
    assert!(naive.escapes > 0, "the attack does not bite: {naive:?}");
}

//! Questions that do not wait, and the example that asks many of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use camino::Utf8Path;
use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::kubernetes::EmptyDirMedium;
use mountwright_core::ports::WithoutWaiting;
use mountwright_core::{Backend, Error, Filesystem, MountInfo};
use mountwright_linux::{Call, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::at;

use crate::cases::{ROOT, syscall_sets};
use crate::responsive::answers;
use crate::server::{at_once, hung, waits};

/// Live paths, and those on the dead server.
const LIVE: usize = 960;
const DEAD: usize = 40;
const WORKERS: usize = 16;

/// Every question about a path, without waiting.
fn every_question(backend: &dyn Backend, path: &str) -> Vec<Result<(), Error>> {
    let (view, trusted) = (WithoutWaiting(backend), Path::new(path));
    vec![
        BackingDevice::of(&view, trusted).map(drop),
        PathDevice::of(&view, trusted).map(drop),
        MountInfo::at(&view, trusted).map(drop),
        EmptyDirMedium::of(&view, Utf8Path::new(path)).map(drop),
        PathDevice::is_host_device(&view, trusted).map(drop),
        view.metadata(&at(path), FinalSymlink::Follow).map(drop).map_err(Error::from),
        view.canonicalize(trusted).map(drop).map_err(Error::from),
    ]
}

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// Live paths in directories of 40 files, each with a mount of its own for its first.
fn live_paths() -> Vec<PathBuf> {
    let path = |number: usize| PathBuf::from(format!("/w/live/{}/{}", number / 40, number % 40));
    let paths: Vec<_> = (0..LIVE).map(path).collect();
    for path in &paths {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "text").unwrap();
    }
    paths
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("every question without waiting returns at once, through a reference to any backend", || {
        let volume = "/w/pods/1-2/volumes/kubernetes.io~empty-dir/cache";
        let _server = hung(volume);
        for backend in syscall_sets() {
            let backend: Arc<dyn Backend> = Arc::new(backend);
            let b = Arc::clone(&backend);
            let [root, below] = at_once("a question without waiting", move || {
                [volume.to_owned(), format!("{volume}/below/it")].map(|path| every_question(&*b, &path))
            });
            let can_look = at_once("a question without waiting", move || backend.mount_of_cached(&at("/w")).is_ok());
            if can_look {
                assert!(root.iter().all(Result::is_ok), "{root:?}");
                let waits = |found: &Result<(), Error>| found.as_ref().is_err_and(Error::would_wait);
                // A path that is no emptyDir by its text, and one that is no host device, are no questions to the kernel.
                assert_eq!(below.iter().filter(|found| waits(found)).count(), 5, "{below:?}");
            } else {
                let refused = |found: &Result<(), Error>| {
                    found.is_ok()
                        || found.as_ref().is_err_and(|error| error.errno() == Some(mountwright_core::Errno::EOPNOTSUPP))
                };
                assert!(root.iter().chain(&below).all(refused), "{root:?} {below:?}");
            }
        }
    }),
    KernelCase::new("the metadata of a dead mount's root is had without waiting, its kind and device at least", || {
        let _server = hung(ROOT);
        let found = at_once("metadata without waiting", || {
            let backend = LinuxBackend::new();
            let mount = MountInfo::at(&backend, Path::new(ROOT)).unwrap();
            WithoutWaiting(backend)
                .metadata(&at(ROOT), FinalSymlink::Follow)
                .map(|found| (found.kind, found.device == mount.device))
        });
        assert_eq!(found.unwrap(), (FileKind::Directory, true));
    }),
    KernelCase::new("sixteen workers answer 960 live paths with 40 more on a dead server, and none waits", || {
        assert!(LinuxBackend::new().uses(Call::Openat2));
        let (live, _server) = (live_paths(), hung(ROOT));
        let mut paths = live.clone();
        // The dead ones first: a worker that waited would be missing for all others.
        for number in 0..DEAD {
            paths.insert(number, if number == 0 { ROOT.into() } else { format!("{ROOT}/{number}").into() });
        }
        let asking =
            waits("the same question with waiting", || PathDevice::of(&LinuxBackend::new(), Path::new("/w/dead/1")));
        let before = threads();
        let backend: Arc<dyn Backend> = Arc::new(LinuxBackend::new());
        let answers = at_once("a thousand paths", move || answers(&backend, WORKERS, paths));
        assert_eq!(answers.len(), LIVE + DEAD);
        let (dead, live): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.path.starts_with(ROOT));
        assert_eq!(dead.iter().filter(|answer| answer.would_wait()).count(), DEAD - 1, "its root alone is known");
        if let Some(wrong) = live.iter().find(|answer| answer.found.is_err()) {
            panic!("{wrong}");
        }
        let latest = live.iter().map(|answer| answer.after).max().unwrap();
        println!("{} live paths, {} dead, the latest answer of a live one after {latest:?}", live.len(), dead.len());
        // Threads that have sent their result take a moment to end.
        let ended = (0..1_000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            threads() <= before
        });
        assert!(ended, "{} threads after {before}: one is left waiting", threads());
        drop(asking);
    }),
];

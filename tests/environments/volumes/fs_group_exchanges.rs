//! Giving a volume's files their group while another process exchanges names in the volume.
//!
//! Each case takes a second, and with `MOUNTWRIGHT_LONG` set a minute, and prints how often what was done.

use std::fs::{File, Permissions};
use std::ops::ControlFlow;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mountwright_core::kubernetes::fs_group::{FsGroupError, FsGroupRequest};
use mountwright_core::spec::FsGroup;
use mountwright_tests::machine::furnish;
use mountwright_tests::namespace::enter_on_this_thread;
use mountwright_tests::settings::Settings;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use rustix::io::Errno;

use crate::Case;
use crate::fs_group::{ALWAYS, GID};
use crate::fs_group_kept::{CAPABILITIES, NET_BIND};
use crate::scene::{Ending, Scene};

pub(crate) const CASES: &[Case] = &[
    ("fs_group: names are exchanged, and no file gets a bit of another", names),
    ("fs_group: links are exchanged, and nothing outside is changed", links),
    ("fs_group: a mount is moved from another namespace, and its root is not changed", mounts),
    ("fs_group: directories are exchanged at every depth, and nothing outside is changed", directories),
];

/// Smaller numbers of either prove nothing.
const LEAST: u64 = 50;

/// Gives the volume `v` its group repeatedly while `exchange` runs in another mount namespace, which was created before
/// `prepare`; `check` runs after each time.
fn against(scene: &Scene, exchange: impl Fn(&Scene) + Send, prepare: impl FnOnce(), mut check: impl FnMut()) {
    let long = Settings::read().long;
    let end = Instant::now() + Duration::from_secs(if long { 60 } else { 1 });
    let (done, exchanges) = (AtomicBool::new(false), AtomicU64::new(0));
    let (ready, is_ready) = mpsc::channel();
    let (go, may_go) = mpsc::channel();
    let mut runs = 0_u64;
    let (mut changed, mut incomplete) = (0, 0_u64);
    std::thread::scope(|threads| {
        let (done, exchanges) = (&done, &exchanges);
        let attacker = threads.spawn(move || {
            // What is mounted later is not mounted here: names of mount points can be exchanged.
            enter_on_this_thread().expect("a mount namespace");
            ready.send(()).expect("the other thread waits");
            may_go.recv().expect("all is prepared");
            while !done.load(Ordering::Relaxed) {
                exchange(scene);
                exchanges.fetch_add(1, Ordering::Relaxed);
            }
        });
        is_ready.recv().expect("it is ready");
        prepare();
        let ending = Ending(done);
        go.send(()).expect("the other thread waits");
        let few = |runs| runs < LEAST || exchanges.load(Ordering::Relaxed) < LEAST;
        while (Instant::now() < end || few(runs)) && !attacker.is_finished() {
            // Two groups in turn, so that there is always something to change.
            let gid = GID + u32::try_from(runs % 2).expect("0 or 1");
            let request = FsGroupRequest::new(FsGroup { gid, ..ALWAYS.group });
            let at = scene.location("v");
            let outcome = request.apply(&scene.backend, &at, &mut |progress| {
                changed = progress.changed;
                ControlFlow::Continue(())
            });
            match outcome {
                Ok(_) => {}
                // A name that leads to another file at each look-up is a failure, and no more than that.
                Err(FsGroupError::Incomplete { .. }) => incomplete += 1,
                Err(error) => panic!("{error}"),
            }
            check();
            runs += 1;
        }
        drop(ending);
        attacker.join().expect("the other process goes on to the end");
    });
    let exchanges = exchanges.load(Ordering::Relaxed);
    println!(
        "{runs} runs, {incomplete} incomplete, the last changed {changed}; {exchanges} exchanges; 0 files changed wrongly"
    );
}

/// A file that is held open, so that it can be checked under any name.
struct HeldFile {
    file: File,
    uid: u32,
    mode: u32,
}

/// The bits that a run may add to the mode of a file.
const ADDED: u32 = 0o660;

impl HeldFile {
    fn new(scene: &Scene, path: &str, uid: u32, mode: u32) -> Self {
        furnish(&format!("file:{mode:o} {path}"));
        let held = Self { file: File::open(scene.path(path)).expect("it can be opened"), uid, mode };
        held.reset();
        held
    }

    fn reset(&self) {
        fchown(&self.file, Some(self.uid), Some(0)).expect("an owner can be set");
        self.file.set_permissions(Permissions::from_mode(self.mode)).expect("a mode can be set");
    }

    /// Checks that it has its own bits, and of the others only those that may be added.
    fn check(&self) {
        let now = self.file.metadata().expect("it is held");
        let (mode, uid) = (now.mode() & 0o7777, now.uid());
        assert_eq!((mode & !ADDED, uid), (self.mode & !ADDED, self.uid), "{mode:o}, was {:o}", self.mode);
        assert_eq!(mode & self.mode, self.mode, "{mode:o}, was {:o}", self.mode);
        self.reset();
    }
}

fn names(scene: &Scene) {
    let files = [("v/a", 0, 0o4755), ("v/b", 0, 0o666), ("v/open", 1000, 0o606), ("v/secret", 0, 0o600)];
    let files = files.map(|(path, uid, mode)| HeldFile::new(scene, path, uid, mode));
    let exchange = |scene: &Scene| {
        scene.exchange("v/a", "v/b");
        scene.exchange("v/open", "v/secret");
    };
    let [with_capabilities, without @ ..] = &files;
    let give = || fsetxattr(&with_capabilities.file, CAPABILITIES, &NET_BIND, XattrFlags::empty());
    let check = || {
        files.iter().for_each(HeldFile::check);
        for other in without {
            let found = fgetxattr(&other.file, CAPABILITIES, &mut [0; 64]);
            assert_eq!(found, Err(Errno::NODATA), "capabilities of another file");
        }
        give().expect("capabilities can be set");
    };
    give().expect("capabilities can be set");
    against(scene, exchange, || (), check);
}

fn links(scene: &Scene) {
    let outside = [("outside/secret", 0, 0o600), ("outside/in/deep", 0, 0o604)];
    let outside = outside.map(|(path, uid, mode)| HeldFile::new(scene, path, uid, mode));
    furnish("file:600 v/f; file:600 v/d/in/deep; link ../outside/secret v/to-file; link ../outside v/to-directory");
    let exchange = |scene: &Scene| {
        scene.exchange("v/f", "v/to-file");
        scene.exchange("v/d", "v/to-directory");
    };
    let untouched = || {
        for file in &outside {
            let now = file.file.metadata().expect("it is held");
            assert_eq!((now.mode() & 0o7777, now.gid()), (file.mode, 0));
        }
        assert_eq!((scene.shown("outside"), scene.shown("outside/in")), ("755 0".to_owned(), "755 0".to_owned()));
    };
    against(scene, exchange, || (), untouched);
}

fn mounts(scene: &Scene) {
    let file = HeldFile::new(scene, "v/f", 0, 0o606);
    furnish("dir:700 v/nested v/d");
    let root = std::cell::OnceCell::new();
    let mount = || {
        furnish("tmpfs:volume v/nested");
        let held = File::open(scene.path("v/nested")).expect("it can be opened");
        root.set(held).expect("it is mounted once");
    };
    // One name is a directory that is a mount point, the other a file or a directory.
    let exchange = |scene: &Scene| {
        scene.exchange("v/f", "v/nested");
        scene.exchange("v/nested", "v/d");
    };
    let check = || {
        let now = root.get().expect("it was mounted").metadata().expect("it is held");
        assert_eq!((now.mode() & 0o7777, now.gid()), (0o755, 0), "the root of another filesystem");
        file.check();
    };
    against(scene, exchange, mount, check);
}

/// Deeper than the limit of open descriptors, so that the way up is by `..`.
const LEVELS: usize = 24;

fn directories(scene: &Scene) {
    let secret = HeldFile::new(scene, "outside/stay/secret", 0, 0o600);
    furnish("file:600 outside/stay/in/secret");
    let mut path = "v".to_owned();
    let mut paths = Vec::new();
    for level in 0..LEVELS {
        for name in ["a", "d", "z"] {
            furnish(&format!("dir:700 {path}/{name}; file:600 {path}/{name}/f"));
        }
        furnish(&format!("dir:700 outside/{level}; file:600 outside/{level}/f"));
        path += "/d";
        paths.push(path.clone());
    }
    // Each exchange is undone by the next of the same level.
    let exchange = |scene: &Scene| {
        for level in [3, LEVELS - 2, 0, LEVELS / 2] {
            for _ in 0..2 {
                scene.exchange(&paths[level], &format!("outside/{level}"));
            }
        }
    };
    let untouched = || {
        let now = secret.file.metadata().expect("it is held");
        assert_eq!((now.mode() & 0o7777, now.gid()), (0o600, 0));
        for (path, shown) in [
            ("outside", "755 0"),
            ("outside/stay", "755 0"),
            ("outside/stay/in", "755 0"),
            ("outside/stay/in/secret", "600 0"),
        ] {
            assert_eq!(scene.shown(path), shown, "{path}");
        }
    };
    against(scene, exchange, || (), untouched);
}

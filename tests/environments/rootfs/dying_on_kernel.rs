//! Builds of the default root on the kernel whose process is killed, or that fail, at each system call of the backend.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mountwright_core::mount::UnmountMode;
use mountwright_core::{Errno, Filesystem, Location, Mounter, UnmountRequest};
use mountwright_fake::test_kit::{Between, Interposed, Moment};
use mountwright_linux::{Linux, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::furnish;
use mountwright_tests::mortal_child::{ChildEnd, end_of, start_child};
use rustix::process::{Signal, getpid, kill_process};

use crate::building::{FURNISHED, mounts, terminal};
use crate::dying::{State, state};
use crate::specs::{default_spec, plan};

const MOUNT_POINTS: [&str; 3] = ["/w/image/dev", "/w/image/proc", "/w/image/sys"];

/// The end of a build at a call.
#[derive(Clone, Copy)]
enum End {
    Never,
    /// The process is killed before the call of this number.
    Death(usize),
    /// The call of this number is not made, and fails.
    Fault(usize),
}

impl Between for End {
    fn before(&self, point: Moment) -> Result<(), Errno> {
        match *self {
            Self::Death(number) if number == point.number => {
                let _ = kill_process(getpid(), Signal::KILL);
                Ok(())
            }
            Self::Fault(number) if number == point.number && !point.probe => Err(Errno::ENOMEM),
            _ => Ok(()),
        }
    }
}

/// Builds the root; returns the calls that were made, and for an error whether it says what it leaves.
fn build(end: End) -> (usize, Result<(), bool>) {
    let kernel = Interposed::new(Linux::new(), end);
    let backend = LinuxBackend::over(kernel.clone()).with_staging("/run");
    let built = plan(&default_spec()).build(&backend, Some(&terminal()));
    (kernel.calls_made(), built.map(drop).map_err(|error| !error.left().is_empty()))
}

struct Law {
    with_targets: bool,
    before: State,
    said: BTreeSet<PathBuf>,
}

impl Law {
    fn of(with_targets: bool) -> Self {
        furnish(FURNISHED);
        if with_targets {
            furnish(&format!("dir {}", MOUNT_POINTS.join(" ")));
        }
        let backend = LinuxBackend::new();
        let said = plan(&default_spec()).creates(&backend).unwrap();
        let said = said.into_iter().map(|creation| creation.path).collect();
        Self { with_targets, before: state(&backend), said }
    }

    /// Returns true if the whole is mounted. Otherwise nothing is, and the image has at most the names that the plan says.
    #[track_caller]
    fn check(&self, what: &str) -> bool {
        let backend = LinuxBackend::new();
        if backend.mount_of(&Location::trusted("/w/image")).unwrap().is_root {
            assert_eq!(mounts(&backend).len(), 11, "{what}: half a root");
            return true;
        }
        let seen = state(&backend);
        assert_eq!(seen.mounts, self.before.mounts, "{what}: the mounts of the host");
        assert_eq!(seen.files, self.before.files, "{what}: the files of the image");
        let created: BTreeSet<_> = seen.names.difference(&self.before.names).cloned().collect();
        assert!(self.before.names.is_subset(&seen.names) && created.is_subset(&self.said), "{what}: {created:?}");
        false
    }

    /// Leaves the image as it was found.
    fn clean(&self, is_mounted: bool) {
        let backend = LinuxBackend::new();
        if is_mounted {
            let at = UnmountRequest::new(Location::trusted("/w/image")).with_mode(UnmountMode::Detach);
            backend.unmount(&at).unwrap();
        }
        let is_new = |path: &&Path| !self.with_targets && path.exists();
        for path in MOUNT_POINTS.iter().map(Path::new).filter(is_new) {
            backend.remove_dir(&Location::trusted(path)).unwrap();
        }
    }
}

fn deaths(with_targets: bool) {
    let law = Law::of(with_targets);
    let (mut before, mut after) = (0, 0);
    for number in 0.. {
        let child = start_child(|| {
            let _ = build(End::Death(number));
        });
        if end_of(child.unwrap()).unwrap() == ChildEnd::Done {
            break;
        }
        let is_mounted = law.check(&format!("killed before call {number}"));
        if is_mounted {
            after += 1;
        } else {
            before += 1;
            assert!(build(End::Never).1.is_ok(), "a second build after a death before call {number}");
            assert!(law.check("a second build"));
        }
        law.clean(true);
    }
    println!("deaths on the kernel: {before} before the commit, {after} after it");
    assert!(after > 0 && before > after);
}

fn faults() {
    let law = Law::of(false);
    let (calls, whole) = build(End::Never);
    assert!(whole.is_ok());
    law.clean(true);
    for number in 0..calls {
        let (_, built) = build(End::Fault(number));
        let is_mounted = law.check(&format!("call {number} fails"));
        assert!(is_mounted == built.is_ok() || built == Err(true), "call {number} fails: {built:?}");
        law.clean(is_mounted);
    }
    println!("faults on the kernel: {calls}");
}

pub(crate) const ON_KERNEL: &[KernelCase] = &[
    KernelCase::new("killed_process_leaves_an_image_with_its_mount_points_and_the_host_as_they_were", || deaths(true))
        .for_root(),
    KernelCase::new("killed_process_leaves_at_most_the_names_that_the_plan_says", || deaths(false)).for_root(),
    KernelCase::new("failed_call_on_the_kernel_leaves_nothing_or_the_whole", faults).for_root(),
];

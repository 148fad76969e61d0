//! A signal during the last command of a filesystem context.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mountwright_core::MountRequest;
use mountwright_core::mount::SuperblockAccess;
use mountwright_core::{Errno, Mounter};
use mountwright_fake::test_kit::{Between, Interposed, Moment};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish};

use crate::machine::places;

/// Interrupts one fsconfig. As on the kernel, the context is then unusable: `EBUSY`, until another one is made.
struct Interrupting {
    countdown: AtomicUsize,
    has_failed: AtomicBool,
}

fn interrupting(fsconfig: usize) -> LinuxBackend<Interposed<Linux, Interrupting>> {
    let between = Interrupting { countdown: AtomicUsize::new(fsconfig), has_failed: AtomicBool::new(false) };
    LinuxBackend::over(Interposed::new(Linux::new(), between))
}

impl Between for Interrupting {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        match moment.call {
            Call::Fsopen | Call::Fspick => self.has_failed.store(false, Ordering::Relaxed),
            Call::Fsconfig if self.has_failed.load(Ordering::Relaxed) => return Err(Errno::EBUSY),
            Call::Fsconfig if self.countdown.fetch_sub(1, Ordering::Relaxed) == 1 => {
                self.has_failed.store(true, Ordering::Relaxed);
                return Err(Errno::EINTR);
            }
            _ => {}
        }
        Ok(())
    }
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a new filesystem whose creation a signal interrupts is created in another context", || {
        furnish("dir /w/t");
        let request = MountRequest::new("tmpfs", at("/w/t"));
        interrupting(1).mount(&request).unwrap();
        assert_eq!(places(), ["/w/t"]);
    })
    .needing(Call::Fsopen),
    KernelCase::new("a superblock whose change a signal interrupts is changed by another context", || {
        furnish("tmpfs:t /w/t");
        interrupting(2).set_superblock(&at("/w/t"), SuperblockAccess::ReadOnly).unwrap();
        assert!(std::fs::write("/w/t/f", "").is_err());
    })
    .needing(Call::Fsopen),
];

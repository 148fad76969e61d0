//! A look-up in the kernel's caches while something is mounted elsewhere.

use std::sync::atomic::{AtomicU32, Ordering};

use mountwright_core::{Errno, Mounter};
use mountwright_fake::test_kit::{Between, Interposed, Moment};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::at;

/// The first look-ups fail, as the kernel's do where a mount is attached or unmounted in that moment.
struct Disturbed(AtomicU32);

impl Between for Disturbed {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        let less = |left: u32| left.checked_sub(1);
        let fails =
            moment.call == Call::Openat2 && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        if fails { Err(Errno::EAGAIN) } else { Ok(()) }
    }
}

fn disturbed(times: u32) -> Result<bool, Errno> {
    let backend = LinuxBackend::over(Interposed::new(Linux::new(), Disturbed(AtomicU32::new(times))));
    backend.mount_of_cached(&at("/w")).map(|found| found.is_root).map_err(|error| error.errno())
}

pub(crate) const CASES: &[KernelCase] = &[KernelCase::new(
    "a look-up in the caches that another process's mount disturbs is repeated, a bounded number of times",
    || {
        assert!(LinuxBackend::new().mount_of(&at("/w")).unwrap().is_root);
        let undisturbed = disturbed(0);
        if undisturbed == Err(Errno::EOPNOTSUPP) {
            return; // Before 5.12 there is no such look-up.
        }
        assert_eq!([undisturbed, disturbed(1), disturbed(3)], [Ok(true); 3]);
        assert_eq!(disturbed(100), Err(Errno::EAGAIN));
    },
)
.needing(Call::Openat2)];

//! Unmounting one given mount while its name is exchanged.

use mountwright_core::mount::UnmountMode;
use mountwright_core::{Errno, Mounter, UnmountRequest};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, below, furnish};

use crate::acting::Acting;
use crate::machine::{exchange_elsewhere, key, mounts};

fn two_mounts() {
    furnish("dir /w/s/a /w/s/b; tmpfs:wanted /w/s/a; tmpfs:victim /w/s/b");
}

fn only(mode: UnmountMode) -> UnmountRequest {
    UnmountRequest::new(below("/w", "s/a")).with_mode(mode).only(key("/w/s/a"))
}

fn exchanging() -> Acting {
    Acting::before(Call::Umount2, || exchange_elsewhere("/w/s/a", "/w/s/b"))
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a lazy unmount of one mount takes that one when its name is exchanged in between", || {
        for (syscalls, mode) in [
            (SyscallSet::ALL, UnmountMode::Detach),
            (SyscallSet::ALL, UnmountMode::ForceDetach),
            (SyscallSet::ALL.without(Call::Openat2), UnmountMode::Detach),
        ] {
            two_mounts();
            exchanging().backend(syscalls).unmount(&only(mode)).unwrap();
            assert_eq!(mounts(), [("/w/s/a".to_owned(), "victim".to_owned())]);
            LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/s/a"))).unwrap();
        }
    }),
    KernelCase::new("an unmount that is not lazy is never reported as done when another mount went", || {
        for mode in [UnmountMode::Plain, UnmountMode::Force] {
            two_mounts();
            let wanted = key("/w/s/a");
            let error = exchanging().backend(SyscallSet::ALL).unmount(&only(mode)).unwrap_err();
            assert_eq!(error.errno(), Errno::ESTALE);
            assert_eq!(LinuxBackend::new().find_mount(wanted).unwrap().source, "wanted");
            LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/s/b"))).unwrap();
        }
    })
    .needing(Call::Statmount),
    KernelCase::new("an expiring mount cannot be asked which one it is without using it: EOPNOTSUPP", || {
        two_mounts();
        for _ in 0..3 {
            let error = LinuxBackend::new().unmount(&only(UnmountMode::Expire)).unwrap_err();
            assert_eq!(error.errno(), Errno::EOPNOTSUPP);
        }
        assert_eq!(mounts().len(), 2);
    }),
];

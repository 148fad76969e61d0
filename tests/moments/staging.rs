//! The staging place of kernels that have no detached mounts.

use mountwright_core::{BindRequest, Errno, Mounter};
use mountwright_linux::{Ladder, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;

use crate::machine::{at, dir, mounts, places, shared, tmpfs};

fn of_4_18() -> LinuxBackend {
    LinuxBackend::new().with_ladder(Ladder::NONE)
}

fn nothing_staged() {
    assert_eq!(std::fs::read_dir("/run").unwrap().count(), 0);
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a staged copy of a shared tree that comes to nothing leaves the source's own mounts", || {
        tmpfs("/w/source", "source");
        shared("/w/source");
        tmpfs("/w/source/sub", "sub");
        let before = mounts();
        for request in [BindRequest::new(at("/w/source"), at("/w/missing")).recursive()] {
            for request in [request.clone(), request.read_only()] {
                assert_eq!(of_4_18().bind(&request).unwrap_err().errno(), Errno::ENOENT);
                assert_eq!(mounts(), before);
                nothing_staged();
            }
        }
    }),
    KernelCase::new("a staged tree with a mount that another one covers is refused as a whole", || {
        tmpfs("/w/source", "source");
        tmpfs("/w/source/sub", "covered");
        tmpfs("/w/source/sub", "cover");
        dir("/w/target");
        let before = mounts();
        let request = BindRequest::new(at("/w/source"), at("/w/target")).recursive();
        assert_eq!(of_4_18().bind(&request.clone().read_only()).unwrap_err().errno(), Errno::EOPNOTSUPP);
        assert_eq!(mounts(), before);
        nothing_staged();
        of_4_18().bind(&request).unwrap();
        assert_eq!(places().len(), 6);
    }),
];

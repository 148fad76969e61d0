//! Which calls a filter denies, and how.

use std::fmt;

use linux_raw_sys::general::{
    __NR_fchmodat2, __NR_fsconfig, __NR_fsmount, __NR_fsopen, __NR_fspick, __NR_getxattrat, __NR_listmount,
    __NR_mknodat, __NR_mount, __NR_mount_setattr, __NR_move_mount, __NR_open_tree, __NR_open_tree_attr, __NR_openat2,
    __NR_statmount, __NR_symlinkat, __NR_umount2,
};
use mountwright_core::file::FileKind;
use mountwright_core::{
    BindRequest, Errno, FileMode, Filesystem as _, Location, Mounter, OsError, Propagation, Recursion, UnmountRequest,
};
use mountwright_linux::{Call, LinuxBackend};
use mountwright_tests::kernel_trials::KernelCase;
use rustix::thread::CapabilitySet;

use crate::filter::deny;

/// A call of the backend with its system calls.
type Numbers = (Call, &'static [u32]);

/// A filter of the calls that the backend can do without.
#[derive(Clone, Copy)]
pub(crate) struct Denied {
    name: &'static str,
    calls: &'static [Numbers],
    errno: Errno,
}

const OPENAT2: Numbers = (Call::Openat2, &[__NR_openat2]);
const STATMOUNT: Numbers = (Call::Statmount, &[__NR_statmount]);
const LISTMOUNT: Numbers = (Call::Listmount, &[__NR_listmount]);
const OPEN_TREE: Numbers = (Call::OpenTree, &[__NR_open_tree]);
const OPEN_TREE_ATTR: Numbers = (Call::OpenTreeAttr, &[__NR_open_tree_attr]);
const MOUNT_SETATTR: Numbers = (Call::MountSetattr, &[__NR_mount_setattr]);
const MOVE_MOUNT: Numbers = (Call::MoveMount, &[__NR_move_mount]);
/// A flag of that call.
const SET_GROUP: Numbers = (Call::SetGroup, &[__NR_move_mount]);
/// These calls are of one kernel release, and profiles list them together.
const FSOPEN: Numbers = (Call::Fsopen, &[__NR_fsopen, __NR_fsconfig, __NR_fsmount, __NR_fspick]);

const FCHMODAT2: Numbers = (Call::Fchmodat2, &[__NR_fchmodat2]);
const GETXATTRAT: Numbers = (Call::Getxattrat, &[__NR_getxattrat]);

const SETS: [(&str, &[Numbers]); 11] = [
    ("openat2", &[OPENAT2]),
    ("statmount", &[STATMOUNT]),
    ("listmount", &[LISTMOUNT]),
    ("open_tree", &[OPEN_TREE]),
    ("open_tree_attr", &[OPEN_TREE_ATTR]),
    ("mount_setattr", &[MOUNT_SETATTR]),
    ("both calls that set attributes", &[OPEN_TREE_ATTR, MOUNT_SETATTR]),
    ("move_mount", &[MOVE_MOUNT, SET_GROUP]),
    ("fsopen", &[FSOPEN]),
    ("fchmodat2 and getxattrat", &[FCHMODAT2, GETXATTRAT]),
    (
        "all of them",
        &[
            OPENAT2,
            STATMOUNT,
            LISTMOUNT,
            OPEN_TREE,
            OPEN_TREE_ATTR,
            MOUNT_SETATTR,
            MOVE_MOUNT,
            SET_GROUP,
            FSOPEN,
            FCHMODAT2,
            GETXATTRAT,
        ],
    ),
];

/// Every filter; in short with the errno of container runtimes alone.
pub(crate) fn denials(long: bool) -> impl Iterator<Item = Denied> {
    let errnos = if long { &[Errno::EPERM, Errno::ENOSYS][..] } else { &[Errno::EPERM] };
    SETS.into_iter().flat_map(move |(name, calls)| errnos.iter().map(move |&errno| Denied { name, calls, errno }))
}

impl Denied {
    pub(crate) fn apply_to_this_thread(self) {
        let numbers: Vec<u32> = self.calls.iter().flat_map(|(_, numbers)| numbers.iter().copied()).collect();
        deny(&numbers, self.errno.raw());
    }
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} denied with {}", self.name, self.errno)
    }
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("what a filter denies counts as absent, and nothing else", || {
        let before = LinuxBackend::new();
        let there: Vec<Call> = Call::ALL.iter().copied().filter(|call| before.uses(*call)).collect();
        for denied in denials(true) {
            let seen = std::thread::spawn(move || {
                denied.apply_to_this_thread();
                let backend = LinuxBackend::new();
                Call::ALL.iter().copied().filter(|call| backend.uses(*call)).collect::<Vec<_>>()
            });
            let denies = |call: &Call| denied.calls.iter().any(|(denied, _)| denied == call);
            let expected: Vec<Call> = there.iter().copied().filter(|call| !denies(call)).collect();
            assert_eq!(seen.join().unwrap(), expected, "{denied}");
        }
    }),
    KernelCase::new("an EPERM names the filter or the missing privilege, and the advice is for that", || {
        for directory in ["/w/source", "/w/target", "/w/bound"] {
            std::fs::create_dir_all(directory).unwrap();
        }
        LinuxBackend::new().bind(&BindRequest::new(at("/w/source"), at("/w/bound"))).unwrap();
        let unmount = || LinuxBackend::new().unmount(&UnmountRequest::new(at("/w/bound")));
        let bind = || LinuxBackend::new().bind(&BindRequest::new(at("/w/source"), at("/w/target"))).map(drop);
        let propagation = || LinuxBackend::new().set_propagation(&at("/w/bound"), Propagation::Shared, Recursion::This);
        let filter = Some("allow the call in the filter");
        let denied = |numbers: Vec<u32>| move || deny(&numbers, Errno::EPERM.raw());
        let newer = SETS.iter().flat_map(|(_, calls)| calls.iter().flat_map(|(_, numbers)| numbers.iter().copied()));
        let all = || newer.clone().chain([__NR_mount]).collect::<Vec<_>>();
        let of = |call: &str| format!("a seccomp filter denies {call} to this process");
        causes("umount2", denied(vec![__NR_umount2]), unmount, &of("umount2"), filter);
        causes("a bind", denied(all()), bind, &of("mount"), filter);
        causes("propagation", denied(all()), propagation, &of("mount"), filter);
        let privilege = "this process has no CAP_SYS_ADMIN over its mount namespace";
        let grant = Some("grant CAP_SYS_ADMIN over the mount namespace");
        causes("umount2", without_sys_admin, unmount, privilege, grant);
        causes("a bind", without_sys_admin, bind, privilege, grant);
        causes("propagation", without_sys_admin, propagation, privilege, grant);
        let pipe = || {
            let made =
                LinuxBackend::new().create_node(&at("/w/pipe"), FileKind::Fifo, None, FileMode::from_bits(0o600));
            made.map(drop)
        };
        let symlink = || LinuxBackend::new().create_symlink(&at("/w/link"), "target".as_ref()).map(drop);
        causes("a pipe", denied(vec![__NR_mknodat]), pipe, &of("mknodat"), filter);
        causes("a symlink", denied(vec![__NR_symlinkat]), symlink, &of("symlinkat"), filter);
        // No cause is guessed if the look itself is denied.
        let blind = || {
            deny(&[__NR_umount2], Errno::EPERM.raw());
            without_sys_admin();
        };
        let error = std::thread::spawn(move || {
            blind();
            bind().unwrap_err()
        });
        let error = error.join().unwrap();
        assert_eq!((error.errno(), error.detail(), error.advice()), (Errno::EPERM, None, None), "{error}");
    }),
];

fn at(path: &str) -> Location {
    Location::trusted(path)
}

/// Takes a privilege from this thread.
fn without_sys_admin() {
    let mut sets = rustix::thread::capabilities(None).unwrap();
    sets.effective.remove(CapabilitySet::SYS_ADMIN);
    rustix::thread::set_capabilities(None, sets).unwrap();
}

/// Calls `call` on a thread of its own after `restrict`, and checks cause and advice.
#[track_caller]
fn causes(
    what: &str,
    restrict: impl FnOnce() + Send + 'static,
    call: impl FnOnce() -> Result<(), OsError> + Send + 'static,
    cause: &str,
    advice: Option<&str>,
) {
    let error = std::thread::spawn(move || {
        restrict();
        call().unwrap_err()
    });
    let error = error.join().unwrap();
    assert_eq!((error.errno(), error.detail(), error.advice()), (Errno::EPERM, Some(cause), advice), "{what}: {error}");
}

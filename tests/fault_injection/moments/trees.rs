//! Trees of mounts: the form that the kernel allows, and names that are exchanged during a build.

use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mountwright_core::mount::TreeForm;
use mountwright_core::ports::DetachedTree;
use mountwright_core::{BindRequest, Errno, FileMode, Location, MountRequest, Mounter, OsError};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, furnish};

use crate::acting::Acting;
use crate::machine::{exchange, mounts, places};

/// A kernel before 6.15.
fn older() -> SyscallSet {
    SyscallSet::ALL.without(Call::OpenTreeAttr)
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a tree is detached where the kernel can do that, and staged where it cannot", || {
        furnish("dir /w/root/a");
        let request = BindRequest::new(at("/w/root"), at("/w/root"));
        for (syscalls, form) in
            [(SyscallSet::ALL, TreeForm::Detached), (older(), TreeForm::Staged), (SyscallSet::NONE, TreeForm::Staged)]
        {
            let backend = LinuxBackend::new().with_syscalls(syscalls);
            let tree = backend.detached_tree(&request).unwrap();
            tree.mount(&MountRequest::new("tmpfs", Location::in_tree("a"))).unwrap();
            assert_eq!((tree.form(), mounts().is_empty()), (form, form == TreeForm::Detached));
            drop(tree);
            assert_eq!((mounts(), std::fs::read_dir("/run").unwrap().count()), (Vec::new(), 0));
            let nowhere = backend.with_staging("/w/nowhere");
            let begun = nowhere.detached_tree(&request).map(|tree| tree.form()).map_err(|error| error.errno());
            assert_eq!(begun, if form == TreeForm::Detached { Ok(form) } else { Err(Errno::EOPNOTSUPP) });
        }
    })
    .needing(Call::OpenTreeAttr),
    KernelCase::new("of two threads that bind to one empty target of a tree, one succeeds", || {
        furnish("dir /w/root/a /w/source");
        let part = || BindRequest::new(at("/w/source"), Location::in_tree("a"));
        let begun: Arc<OnceLock<Box<dyn DetachedTree>>> = Arc::default();
        let (tree, (done, other)) = (Arc::clone(&begun), channel());
        let acting = Acting::before(Call::MoveMount, move || {
            std::thread::spawn(move || done.send(tree.get().unwrap().bind(&part())));
            // The other bind ends in this time, unless it waits.
            std::thread::sleep(Duration::from_millis(100));
        });
        let backend = acting.backend(SyscallSet::ALL);
        let tree = backend.detached_tree(&BindRequest::new(at("/w/root"), at("/w/root"))).unwrap();
        let both = [begun.get_or_init(|| tree).bind(&part()), other.recv().unwrap()];
        let errors: Vec<_> = both.iter().filter_map(|bound| bound.as_ref().err().map(OsError::errno)).collect();
        assert_eq!(errors, [Errno::EBUSY], "{both:?}");
    })
    .needing(Call::OpenTreeAttr),
    KernelCase::new(
        "a member whose way is exchanged before it is attached is where it was, and the tree is ESTALE",
        || {
            for syscalls in [SyscallSet::ALL, older()] {
                furnish("dir /w/root/way/target /w/root/other/target /w/source");
                let acting = Acting::before(Call::MoveMount, || exchange("/w/root/way", "/w/root/other"));
                let backend = acting.backend(syscalls);
                let tree = backend.detached_tree(&BindRequest::new(at("/w/root"), at("/w/root"))).unwrap();
                let part = BindRequest::new(at("/w/source"), Location::in_tree("way/target"));
                let part = part.creating_target(FileMode::from_bits(0o755));
                let error = match tree.bind(&part) {
                    // Nothing is unmounted in a detached tree: the commit finds it.
                    Ok(_) => tree.commit().unwrap_err(),
                    Err(error) => error,
                };
                assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[][..]), "{error}");
                exchange("/w/root/way", "/w/root/other");
            }
            assert_eq!(places(), Vec::<String>::new());
        },
    )
    .needing(Call::OpenTreeAttr),
];

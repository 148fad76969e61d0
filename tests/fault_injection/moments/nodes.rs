//! Symlinks and nodes whose name another process takes between their creation and the look at them.

use mountwright_core::error::Leftover;
use mountwright_core::file::{FileIdentity, FileKind};
use mountwright_core::{Errno, FileMode, Filesystem as _, OsError};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{below, furnish};

use crate::acting::Acting;
use crate::machine::{exchange, mode};

/// With a call that changes the mode of a pinned file and one that opens it below a directory, and without.
fn rungs() -> [SyscallSet; 2] {
    [SyscallSet::ALL, SyscallSet::ALL.without(Call::Fchmodat2).without(Call::Openat2)]
}

/// Creates the pipe `/w/t/new` with a mode that the umask does not allow.
fn create_pipe(acting: Acting, rung: SyscallSet) -> Result<FileIdentity, OsError> {
    acting
        .backend(rung)
        .create_node(&below("/w", "t/new"), FileKind::Fifo, None, FileMode::from_bits(0o666))
        .map(|made| FileIdentity::from(&made))
}

fn clear() {
    std::fs::remove_dir_all("/w/t").unwrap();
}

/// Files that another process may put at the name, as lines, each with its mode.
const OTHERS: [(&str, u32); 5] = [
    // Another pipe with a permission that was not asked for.
    ("fifo /w/t/other; chmod 700 /w/t/other", 0o700),
    // A pipe that has another name outside.
    ("fifo /w/t/outside; chmod 600 /w/t/outside; hardlink /w/t/outside /w/t/other", 0o600),
    ("socket /w/t/other; chmod 600 /w/t/other", 0o600),
    ("file /w/t/other kept; chmod 600 /w/t/other", 0o600),
    ("dir /w/t/other; chmod 600 /w/t/other", 0o600),
];

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("what another process puts at the name of a new node keeps its mode and its name", || {
        for (rung, (lines, kept)) in rungs().into_iter().flat_map(|rung| OTHERS.map(|other| (rung, other))) {
            furnish(&format!("dir /w/t; {lines}"));
            let exchanging = Acting::after(Call::Mknodat, || exchange("/w/t/new", "/w/t/other"));
            let error = create_pipe(exchanging, rung).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::ESTALE, &[][..]), "{lines}: {error}");
            assert_eq!(mode("/w/t/new"), kept, "{lines}");
            clear();
        }
    }),
    KernelCase::new("a symlink at the name of a new node is not followed", || {
        for rung in rungs() {
            furnish("fifo /w/t/secret; chmod 600 /w/t/secret; link secret /w/t/other");
            let exchanging = Acting::after(Call::Mknodat, || exchange("/w/t/new", "/w/t/other"));
            assert_eq!(create_pipe(exchanging, rung).unwrap_err().errno(), Errno::ESTALE);
            assert_eq!(mode("/w/t/secret"), 0o600);
            clear();
        }
    }),
    KernelCase::new("a node that another process removes or mounts on is left to it", || {
        for rung in rungs() {
            furnish("dir /w/t");
            let removing = Acting::after(Call::Mknodat, || furnish("unlink /w/t/new"));
            assert_eq!(create_pipe(removing, rung).unwrap_err().errno(), Errno::ENOENT);
            furnish("fifo /w/t/source; chmod 600 /w/t/source");
            let mounting = Acting::after(Call::Mknodat, || furnish("bind /w/t/source /w/t/new"));
            let error = create_pipe(mounting, rung).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EEXIST, &[][..]), "{error}");
            assert_eq!(mode("/w/t/source"), 0o600);
            furnish("detach /w/t/new");
            clear();
        }
    }),
    KernelCase::new("a node whose mode cannot be set is removed, and one of another process is not", || {
        for rung in rungs() {
            let has_fchmodat2 = LinuxBackend::new().with_syscalls(rung).uses(Call::Fchmodat2);
            let call = if has_fchmodat2 { Call::Fchmodat2 } else { Call::Chmod };
            furnish("dir /w/t");
            let failing = Acting::after(Call::Mknodat, || ()).refusing(call, Errno::EIO);
            let error = create_pipe(failing, rung).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EIO, &[][..]), "{error}");
            assert_eq!(std::fs::read_dir("/w/t").unwrap().count(), 0);

            furnish("fifo /w/t/other");
            let exchanging = Acting::before(call, || exchange("/w/t/new", "/w/t/other")).refusing(call, Errno::EIO);
            let error = create_pipe(exchanging, rung).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EIO, &[][..]), "{error}");
            assert_eq!(std::fs::read_dir("/w/t").unwrap().count(), 2);
            clear();
        }
    }),
    KernelCase::new("a node or symlink that cannot be removed again is named", || {
        furnish("dir /w/t");
        let failing = Acting::after(Call::Mknodat, || ()).refusing(Call::Statx, Errno::EIO);
        let error = create_pipe(failing, SyscallSet::ALL).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Errno::EIO, &[Leftover::File("/w/t/new".into())][..]), "{error}");
        let failing = Acting::after(Call::Symlinkat, || ()).refusing(Call::Statx, Errno::EIO);
        let made = failing.backend(SyscallSet::ALL).create_symlink(&below("/w", "t/link"), "target".as_ref());
        let error = made.unwrap_err();
        assert_eq!((error.errno(), error.left()), (Errno::EIO, &[Leftover::File("/w/t/link".into())][..]), "{error}");
        clear();
    }),
    KernelCase::new("what another process puts at the name of a new symlink is left, and ESTALE if it is none", || {
        for (other, errno) in [("file /w/t/other kept", Errno::ESTALE), ("dir /w/t/other", Errno::ESTALE)] {
            furnish(&format!("dir /w/t; {other}"));
            let exchanging = Acting::after(Call::Symlinkat, || exchange("/w/t/new", "/w/t/other"));
            let made = exchanging.backend(SyscallSet::ALL).create_symlink(&below("/w", "t/new"), "target".as_ref());
            assert_eq!(made.unwrap_err().errno(), errno, "{other}");
            assert_eq!(std::fs::read_dir("/w/t").unwrap().count(), 2);
            clear();
        }
        furnish("dir /w/t");
        let removing = Acting::after(Call::Symlinkat, || furnish("unlink /w/t/new"));
        let made = removing.backend(SyscallSet::ALL).create_symlink(&below("/w", "t/new"), "target".as_ref());
        assert_eq!(made.unwrap_err().errno(), Errno::ENOENT);
        clear();
    }),
];

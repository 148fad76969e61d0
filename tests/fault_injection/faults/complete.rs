//! The decorator sees every system call that a process makes.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;

use mountwright_fake::test_kit::{Count, Interposed};
use mountwright_linux::{Call, Linux, LinuxBackend};
use mountwright_tests::contract::in_fresh_root;
use mountwright_tests::namespace;
use mountwright_tests::searched::{KernelScene, NamedSet, Operation, Parent, operation, syscall_sets};
use mountwright_tests::traced::{End, Next, traced};
use rustix::pipe::{PipeFlags, pipe_with};
use serde::{Deserialize, Serialize};

/// The reply of a worker about a set of system calls.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// The kernel permits no namespace.
    NotRun(String),
    /// Calls that the kernel saw and the decorator did not, or the other way round.
    Unseen(Vec<String>),
    AllSeen {
        operations: usize,
        calls: usize,
        decorated: usize,
    },
}

/// In a worker: every operation with one set of system calls.
#[allow(clippy::needless_pass_by_value)] // What was received is handed over.
pub(crate) fn serve(set: String) -> Reply {
    let set = syscall_sets(true).into_iter().find(|known| known.name == set).expect("a known set");
    if let Err(error) = namespace::enter() {
        return Reply::NotRun(error.to_string());
    }
    let (mut operations, mut calls, mut decorated, mut unseen) = (0, 0, 0, Vec::new());
    for operation in operation::all() {
        let (made, said) = in_fresh_root("traced", move || both(&operation, set)).expect("a namespace");
        operations += 1;
        calls += made.len();
        decorated += said.len();
        if let Err(error) = explained(&made, &said) {
            unseen.push(format!("{}: {error}: {made:?} against {said:?}", operation.name));
        }
    }
    if unseen.is_empty() { Reply::AllSeen { operations, calls, decorated } } else { Reply::Unseen(unseen) }
}

/// Returns the calls that the kernel saw, and those that the decorator saw with the numbers that each may have.
fn both(operation: &Operation, set: NamedSet) -> (Vec<i64>, Vec<Said>) {
    let _scene = KernelScene::build(Parent::Private, &(operation.prepare)());
    let (mut reader, writer) = pipe();
    let (mut made, mut marks) = (Vec::new(), 0);
    let act = || {
        let backend = LinuxBackend::over(Interposed::new(Linux::new(), Count::default())).with_syscalls(set.syscalls);
        mark();
        operation.run(&backend);
        mark();
        let said = |call| Said { before: looks_before(call), numbers: numbers(call) };
        let said: Vec<_> = backend.kernel().between().calls().iter().map(|moment| said(moment.call)).collect();
        let text = serde_json::to_vec(&said).expect("numbers are JSON");
        i32::from((&writer).write_all(&text).is_err())
    };
    let end = traced(Next::Call, act, |number| {
        let number = i64::try_from(number).expect("small");
        if number == libc::SYS_getppid {
            marks += 1;
        } else if marks == 1 {
            made.push(number);
        }
        Next::Call
    });
    assert_eq!(end.expect("the process can be traced"), End::Exited(0));
    drop(writer);
    let mut text = Vec::new();
    reader.read_to_end(&mut text).expect("a pipe can be read");
    (made, serde_json::from_slice(&text).expect("what was written"))
}

fn pipe() -> (std::fs::File, std::fs::File) {
    let (reader, writer): (OwnedFd, OwnedFd) = pipe_with(PipeFlags::CLOEXEC).expect("a pipe");
    // All output has to fit in the pipe: it is read at the end.
    let _ = rustix::pipe::fcntl_setpipe_size(&writer, 1 << 20);
    (reader.into(), writer.into())
}

fn mark() {
    let _ = rustix::process::getppid();
}

/// The numbers that the first system call of a [`Call`] may have, then those that may follow it.
fn numbers(call: Call) -> Vec<i64> {
    let statmount = i64::from(linux_raw_sys::general::__NR_statmount);
    let open_tree_attr = i64::from(linux_raw_sys::general::__NR_open_tree_attr);
    match call {
        Call::Openat | Call::Reopen => vec![libc::SYS_openat],
        Call::Openat2 => vec![libc::SYS_openat2],
        Call::Statx | Call::Fdlink => vec![libc::SYS_statx],
        Call::Statmount => vec![statmount],
        Call::Listmount => vec![i64::from(linux_raw_sys::general::__NR_listmount)],
        Call::Fstatfs => vec![libc::SYS_fstatfs],
        Call::Fdpath | Call::Readlinkat => vec![libc::SYS_readlinkat],
        // A file of procfs: opened, read to its end, closed.
        Call::Fdinfo | Call::Mountinfo | Call::BootId => vec![libc::SYS_openat, libc::SYS_read],
        Call::Procfs => vec![],
        Call::MountNamespace => vec![libc::SYS_openat, libc::SYS_openat, libc::SYS_fstatfs, libc::SYS_ioctl],
        Call::MountNamespaceFile | Call::UserNamespaceOf => vec![libc::SYS_openat, libc::SYS_openat, libc::SYS_fstatfs],
        Call::NewUserNamespace => vec![libc::SYS_clone3, libc::SYS_openat, libc::SYS_write, libc::SYS_fstatfs],
        Call::CloseProcfs => vec![libc::SYS_close],
        Call::Chdir => vec![libc::SYS_chdir],
        Call::Fchdir => vec![libc::SYS_fchdir],
        Call::Chroot => vec![libc::SYS_chroot],
        Call::PivotRoot => vec![libc::SYS_pivot_root],
        Call::Getcwd => vec![libc::SYS_getcwd],
        Call::Getdents64 => vec![libc::SYS_getdents64],
        Call::Read => vec![libc::SYS_read],
        Call::Write => vec![libc::SYS_writev],
        Call::Fsync => vec![libc::SYS_fsync],
        Call::Flock => vec![libc::SYS_flock],
        Call::Mkdirat => vec![libc::SYS_mkdirat],
        Call::Symlinkat => vec![libc::SYS_symlinkat],
        Call::Mknodat => vec![libc::SYS_mknodat],
        Call::Linkat => vec![libc::SYS_linkat],
        Call::Unlinkat => vec![libc::SYS_unlinkat],
        Call::Renameat => vec![libc::SYS_renameat],
        Call::Fchmod => vec![libc::SYS_fchmod],
        Call::Chmod => vec![libc::SYS_fchmodat],
        Call::Fchmodat2 => vec![i64::from(linux_raw_sys::general::__NR_fchmodat2)],
        Call::Getxattr => vec![libc::SYS_getxattr],
        Call::Listxattr => vec![libc::SYS_listxattr],
        Call::Getxattrat => vec![i64::from(linux_raw_sys::general::__NR_getxattrat)],
        Call::Setxattr => vec![libc::SYS_setxattr],
        Call::Fchownat => vec![libc::SYS_fchownat],
        Call::OpenTree => vec![libc::SYS_open_tree],
        Call::OpenTreeAttr | Call::RemapOwners => vec![open_tree_attr],
        Call::MountSetattr | Call::MapOwners => vec![libc::SYS_mount_setattr],
        Call::MoveMount | Call::SetGroup => vec![libc::SYS_move_mount],
        Call::Fsopen => vec![libc::SYS_fsopen],
        Call::Fsconfig | Call::SetFd => vec![libc::SYS_fsconfig],
        Call::Fsmount => vec![libc::SYS_fsmount],
        Call::Fspick => vec![libc::SYS_fspick],
        Call::Mount => vec![libc::SYS_mount],
        Call::Umount2 => vec![libc::SYS_umount2],
        other => panic!("no numbers for {other}"),
    }
}

/// Calls that do nothing to the machine: closing, memory, one's own number, a random number for a hash. In a debug build the
/// standard library checks a descriptor before it closes it.
const BESIDES: [i64; 9] = [
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_close,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_fcntl,
];

/// Returns the checks of a procfs before a call that needs one. If a check fails, the call fails with its errno, which
/// is among the injected ones.
fn looks_before(call: Call) -> Vec<Vec<i64>> {
    // `/proc`, whole; the same, once more; the library's own procfs, made.
    let proc = vec![libc::SYS_openat, libc::SYS_statx, libc::SYS_fstatfs, libc::SYS_openat2, libc::SYS_statx];
    let again = vec![libc::SYS_statx];
    let own = vec![libc::SYS_fsopen, libc::SYS_fsconfig, libc::SYS_fsmount, libc::SYS_statx, libc::SYS_fstatfs];
    match call {
        Call::Procfs | Call::Mount | Call::Umount2 | Call::Getxattr | Call::Listxattr | Call::Setxattr => {
            vec![proc, again]
        }
        Call::Reopen
        | Call::Fdpath
        | Call::Fdlink
        | Call::Fdinfo
        | Call::Mountinfo
        | Call::BootId
        | Call::MountNamespace
        | Call::Chmod => vec![own, again],
        _ => Vec::new(),
    }
}

/// The numbers of a call, and of the checks that may precede it.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    before: Vec<Vec<i64>>,
    numbers: Vec<i64>,
}

/// Checks that each call that the kernel saw is one that the decorator saw, in the same order, or closes, or allocates,
/// or checks the procfs.
fn explained(made: &[i64], said: &[Said]) -> Result<(), String> {
    let made: Vec<_> = made.iter().copied().filter(|call| !BESIDES.contains(call)).collect();
    let mut rest = &made[..];
    for (index, Said { before, numbers }) in said.iter().enumerate() {
        let first = numbers.first();
        let after = |look: &Vec<i64>| {
            rest.strip_prefix(look.as_slice()).filter(|rest| rest.first() == first || first.is_none())
        };
        rest = before.iter().find_map(after).unwrap_or(rest);
        if first.is_some() {
            match rest.split_first() {
                Some((call, others)) if first == Some(call) => rest = others,
                other => {
                    return Err(format!(
                        "call {index} of the decorator is {numbers:?}, the kernel saw {:?}",
                        other.map(|found| found.0)
                    ));
                }
            }
        }
        for more in numbers.iter().skip(1) {
            while rest.first() == Some(more) {
                rest = &rest[1..];
            }
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(format!("the decorator did not see {rest:?}")) }
}

//! A seccomp filter on this thread. All unsafe code of this test.
#![allow(unsafe_code)] // prctl(2) takes a pointer, and nothing safer sets a filter.

use libc::{c_ulong, sock_filter, sock_fprog};

/// Offset of the number in `struct seccomp_data`.
const NUMBER: u32 = 0;

fn statement(code: u32, k: u32) -> sock_filter {
    sock_filter { code: u16::try_from(code).unwrap(), jt: 0, jf: 0, k }
}

/// Makes these system calls fail with `errno` from now on, on this thread and on those that it starts.
pub(crate) fn deny(calls: &[u32], errno: i32) {
    let answer = libc::SECCOMP_RET_ERRNO | (u32::try_from(errno).unwrap() & libc::SECCOMP_RET_DATA);
    let mut program = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, NUMBER)];
    for call in calls {
        // Skips the next statement for another call.
        let jump = statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, *call);
        program.push(sock_filter { jf: 1, ..jump });
        program.push(statement(libc::BPF_RET | libc::BPF_K, answer));
    }
    program.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    let filter = sock_fprog { len: u16::try_from(program.len()).unwrap(), filter: program.as_mut_ptr() };
    // SAFETY: takes no pointer; from here on this thread gains no privilege by execve, which it does not do.
    let settled = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(settled, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: `filter` points to `len` statements, which outlive the call; the kernel copies them.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, c_ulong::from(libc::SECCOMP_MODE_FILTER), &raw const filter) };
    assert_eq!(set, 0, "{}", std::io::Error::last_os_error());
}

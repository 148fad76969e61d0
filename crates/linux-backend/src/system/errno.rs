//! Conversion of this machine's errno to core's.

use mountwright_core::Errno;

/// Core's errno has the numbers of `asm-generic/errno.h`, as all architectures have them except these.
#[cfg(not(any(
    target_arch = "mips",
    target_arch = "mips32r6",
    target_arch = "mips64",
    target_arch = "mips64r6",
    target_arch = "sparc",
    target_arch = "sparc64"
)))]
pub(super) fn from_kernel(errno: rustix::io::Errno) -> Errno {
    Errno::from_raw(errno.raw_os_error()).unwrap_or(Errno::EIO)
}

/// MIPS and SPARC number all above 34 differently: converted by name. A number without a name here is `EIO`.
#[cfg(any(
    target_arch = "mips",
    target_arch = "mips32r6",
    target_arch = "mips64",
    target_arch = "mips64r6",
    target_arch = "sparc",
    target_arch = "sparc64"
))]
pub(super) fn from_kernel(errno: rustix::io::Errno) -> Errno {
    let raw = errno.raw_os_error();
    macro_rules! by_name {
        ($($name:ident)*) => { match raw { $(libc::$name => Errno::$name,)* _ => Errno::EIO } };
    }
    if (1..=34).contains(&raw) {
        return Errno::from_raw(raw).unwrap_or(Errno::EIO);
    }
    by_name! {
        EDEADLK ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENODATA ENOLINK EPROTO EBADMSG EOVERFLOW EILSEQ EUSERS
        EOPNOTSUPP ENETDOWN ENETUNREACH ECONNABORTED ECONNRESET ENOBUFS ENOTCONN ETIMEDOUT ECONNREFUSED EHOSTDOWN
        EHOSTUNREACH EALREADY EINPROGRESS ESTALE EUCLEAN EREMOTEIO EDQUOT ENOMEDIUM EMEDIUMTYPE ECANCELED ENOKEY
        EKEYEXPIRED EKEYREVOKED EKEYREJECTED
    }
}

//! Conversion to and from errors of the standard library, with the errno kept.

use std::io::{self, ErrorKind};

use crate::error::{Errno, Error, Operation, OsError, Subject};

/// True where the numbers of [`Errno`] are those of the target platform.
const NUMBERS_ARE_THE_HOSTS: bool = cfg!(all(
    any(target_os = "linux", target_os = "android"),
    not(any(
        target_arch = "mips",
        target_arch = "mips64",
        target_arch = "mips32r6",
        target_arch = "mips64r6",
        target_arch = "sparc",
        target_arch = "sparc64",
    ))
));

/// On the way back, a kind becomes its first errno in this table.
const KINDS: [(Errno, ErrorKind); 28] = [
    (Errno::ENOENT, ErrorKind::NotFound),
    (Errno::EACCES, ErrorKind::PermissionDenied),
    (Errno::EPERM, ErrorKind::PermissionDenied),
    (Errno::EEXIST, ErrorKind::AlreadyExists),
    (Errno::EAGAIN, ErrorKind::WouldBlock),
    (Errno::EINVAL, ErrorKind::InvalidInput),
    (Errno::EINTR, ErrorKind::Interrupted),
    (Errno::ENOMEM, ErrorKind::OutOfMemory),
    (Errno::EBUSY, ErrorKind::ResourceBusy),
    (Errno::ENOTDIR, ErrorKind::NotADirectory),
    (Errno::EISDIR, ErrorKind::IsADirectory),
    (Errno::ENOTEMPTY, ErrorKind::DirectoryNotEmpty),
    (Errno::EROFS, ErrorKind::ReadOnlyFilesystem),
    (Errno::ENOSPC, ErrorKind::StorageFull),
    (Errno::EDQUOT, ErrorKind::QuotaExceeded),
    (Errno::EFBIG, ErrorKind::FileTooLarge),
    (Errno::ESTALE, ErrorKind::StaleNetworkFileHandle),
    (Errno::EXDEV, ErrorKind::CrossesDevices),
    (Errno::EMLINK, ErrorKind::TooManyLinks),
    (Errno::ENAMETOOLONG, ErrorKind::InvalidFilename),
    (Errno::EOPNOTSUPP, ErrorKind::Unsupported),
    (Errno::ENOSYS, ErrorKind::Unsupported),
    (Errno::ETIMEDOUT, ErrorKind::TimedOut),
    (Errno::EPIPE, ErrorKind::BrokenPipe),
    (Errno::ETXTBSY, ErrorKind::ExecutableFileBusy),
    (Errno::EDEADLK, ErrorKind::Deadlock),
    (Errno::ESPIPE, ErrorKind::NotSeekable),
    (Errno::E2BIG, ErrorKind::ArgumentListTooLong),
];

impl Errno {
    /// The standard library's kind for it; [`ErrorKind::Other`] where it has none.
    pub fn kind(self) -> ErrorKind {
        KINDS.iter().find(|(errno, _)| *errno == self).map_or(ErrorKind::Other, |(_, kind)| *kind)
    }

    /// The errno that an error of the standard library carries: its own, or that of an [`OsError`] or [`Error`] in it.
    pub fn of_io(error: &io::Error) -> Option<Self> {
        if let Some(number) = error.raw_os_error() {
            return if NUMBERS_ARE_THE_HOSTS { Self::from_raw(number) } else { Self::of_kind(error.kind()) };
        }
        let inner = error.get_ref()?;
        inner
            .downcast_ref::<OsError>()
            .map(OsError::errno)
            .or_else(|| inner.downcast_ref::<Error>().and_then(Error::errno))
            .or_else(|| inner.downcast_ref::<Self>().copied())
    }

    fn of_kind(kind: ErrorKind) -> Option<Self> {
        KINDS.iter().find(|(_, known)| *known == kind).map(|(errno, _)| *errno)
    }
}

impl std::error::Error for Errno {}

/// An OS error with this number; on hosts that number differently from Linux, an error of its kind that holds the
/// errno.
///
/// ```
/// use std::io;
///
/// use mountwright_core::Errno;
///
/// let error = io::Error::from(Errno::EBUSY);
/// assert_eq!((error.kind(), Errno::from(&error)), (io::ErrorKind::ResourceBusy, Errno::EBUSY));
/// ```
impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        if NUMBERS_ARE_THE_HOSTS { Self::from_raw_os_error(errno.raw()) } else { Self::new(errno.kind(), errno) }
    }
}

/// [`Errno::of_io`], else the errno that is usual for the kind, else `EIO`.
impl From<&io::Error> for Errno {
    fn from(error: &io::Error) -> Self {
        Self::of_io(error).or_else(|| Self::of_kind(error.kind())).unwrap_or(Self::EIO)
    }
}

/// As of `&io::Error`.
impl From<io::Error> for Errno {
    fn from(error: io::Error) -> Self {
        Self::from(&error)
    }
}

/// An error of the errno's kind that holds the whole [`OsError`], so that no detail is lost. [`Errno::of_io`] and
/// `downcast` find it again; `raw_os_error` is `None`, as for every error that holds more than a number.
impl From<OsError> for io::Error {
    fn from(error: OsError) -> Self {
        Self::new(error.errno().kind(), error)
    }
}

/// As for [`OsError`]; the kind is [`ErrorKind::Other`] where there is no errno.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::Os(error) => error.into(),
            other => Self::new(other.errno().map_or(ErrorKind::Other, Errno::kind), other),
        }
    }
}

impl OsError {
    /// The error of a port that is built on the standard library: `operation` on `subject` failed with `error`. An
    /// `error` that was made from an [`OsError`] becomes that one again.
    ///
    /// ```
    /// use mountwright_core::{Errno, Operation, OsError};
    ///
    /// let io = std::io::Error::from(OsError::new(Operation::Bind, "/a", Errno::ENOMEM).at_step("move_mount"));
    /// assert_eq!(io.to_string(), "could not bind onto /a: cannot allocate memory (ENOMEM), at move_mount");
    /// assert_eq!(OsError::from_io(Operation::Metadata, "/b", io).operation(), Operation::Bind);
    /// ```
    pub fn from_io(operation: Operation, subject: impl Into<Subject>, error: io::Error) -> Self {
        let errno = Errno::from(&error);
        error.downcast::<Self>().unwrap_or_else(|_| Self::new(operation, subject, errno))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_errno_survives_the_way_there_and_back() {
        for number in 1..=4095 {
            let errno = Errno::from_raw(number).unwrap();
            assert_eq!(Errno::from(io::Error::from(errno)), errno);
            let error = OsError::new(Operation::Unmount, "/m", errno);
            let io = io::Error::from(error.clone());
            assert_eq!((Errno::of_io(&io), io.to_string()), (Some(errno), error.to_string()));
            assert_eq!(OsError::from_io(Operation::Bind, "/else", io), error);
        }
    }

    #[test]
    fn the_kinds_are_the_standard_librarys() {
        for (errno, kind) in KINDS {
            assert_eq!(io::Error::from_raw_os_error(errno.raw()).kind(), kind, "{errno}");
        }
        assert_eq!(Errno::EKEYREJECTED.kind(), ErrorKind::Other);
    }

    #[test]
    fn an_error_without_an_errno_gets_the_usual_one_of_its_kind() {
        assert_eq!(Errno::from(io::Error::new(ErrorKind::NotFound, "x")), Errno::ENOENT);
        assert_eq!(Errno::from(io::Error::new(ErrorKind::PermissionDenied, "x")), Errno::EACCES);
        assert_eq!(Errno::from(io::Error::other("x")), Errno::EIO);
        assert_eq!(Errno::of_io(&io::Error::other("x")), None);
    }

    #[test]
    fn an_error_of_a_sequence_keeps_what_it_says() {
        let os = Error::Os(OsError::new(Operation::Bind, "/m", Errno::ENOSPC));
        let io = io::Error::from(os);
        assert_eq!((io.kind(), Errno::of_io(&io)), (ErrorKind::StorageFull, Some(Errno::ENOSPC)));
        let plain = io::Error::from(Error::Unspecified { what: "source" });
        assert_eq!((plain.kind(), Errno::of_io(&plain)), (ErrorKind::Other, None));
        assert_eq!(plain.to_string(), "source must be specified");
    }
}

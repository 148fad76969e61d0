//! The errors of each system call: those of its manual page that a caller with correct arguments can get.

use mountwright_core::Errno;
use mountwright_linux::Call;

/// The errors that a call can give.
pub fn errnos(call: Call, probe: bool) -> Vec<Errno> {
    use Errno as E;
    if probe {
        return vec![E::ENOSYS, E::EPERM];
    }
    // A signal can interrupt any of them, and a filter can deny any with EPERM.
    let mut all = vec![E::EINTR, E::EPERM];
    let own: &[Errno] = match call {
        Call::Openat | Call::Openat2 | Call::Reopen => &[
            E::EACCES,
            E::ELOOP,
            E::EMFILE,
            E::ENFILE,
            E::ENOENT,
            E::ENOMEM,
            E::ENOTDIR,
            E::EXDEV,
            E::EAGAIN,
            E::EEXIST,
            E::ENOSPC,
            E::EDQUOT,
            E::EROFS,
            E::EIO,
            E::ESTALE,
        ],
        Call::Statx => &[E::EACCES, E::ELOOP, E::ENOENT, E::ENOMEM, E::ENOTDIR, E::EIO, E::ESTALE],
        Call::Statmount => &[E::ENOENT, E::ENOMEM, E::EOVERFLOW, E::EINVAL],
        Call::Fstatfs => &[E::EIO, E::ENOMEM, E::ENOSYS],
        Call::Fdpath | Call::Fdlink | Call::Fdinfo => {
            &[E::EOPNOTSUPP, E::ENOENT, E::ENOMEM, E::EMFILE, E::ENAMETOOLONG]
        }
        Call::Mountinfo => &[E::EOPNOTSUPP, E::ENOMEM, E::EMFILE, E::ENFILE],
        Call::Procfs | Call::BootId | Call::MountNamespace | Call::MountNamespaceFile | Call::UserNamespaceOf => {
            &[E::EOPNOTSUPP, E::EMFILE, E::ENFILE, E::ENOMEM]
        }
        Call::Getcwd => &[E::ENOENT, E::ENAMETOOLONG, E::ENOMEM],
        Call::Getdents64 => &[E::ENOENT, E::EIO, E::ENOMEM],
        Call::Readlinkat => &[E::EACCES, E::EINVAL, E::EIO, E::ELOOP, E::ENOENT, E::ENOMEM, E::ENOTDIR],
        Call::Read => &[E::EIO, E::EAGAIN, E::ENOMEM],
        Call::Write => &[E::EIO, E::ENOSPC, E::EDQUOT, E::EAGAIN, E::EFBIG],
        Call::Fsync => &[E::EIO, E::ENOSPC, E::EDQUOT, E::EROFS],
        Call::Mkdirat | Call::Symlinkat | Call::Mknodat | Call::Linkat => &[
            E::EACCES,
            E::EDQUOT,
            E::EEXIST,
            E::ELOOP,
            E::EMLINK,
            E::ENOENT,
            E::ENOMEM,
            E::ENOSPC,
            E::ENOTDIR,
            E::EROFS,
        ],
        Call::Unlinkat => {
            &[E::EACCES, E::EBUSY, E::EIO, E::EISDIR, E::ENOENT, E::ENOMEM, E::ENOTDIR, E::ENOTEMPTY, E::EROFS]
        }
        Call::Renameat => {
            &[E::EACCES, E::EBUSY, E::EDQUOT, E::EISDIR, E::ENOENT, E::ENOMEM, E::ENOSPC, E::ENOTDIR, E::EROFS, E::EIO]
        }
        Call::Fchmod | Call::Chmod | Call::Fchownat => {
            &[E::EACCES, E::EIO, E::ENOENT, E::ENOMEM, E::EROFS, E::EOPNOTSUPP]
        }
        Call::OpenTree | Call::OpenTreeAttr | Call::RemapOwners => &[
            E::EACCES,
            E::ELOOP,
            E::EMFILE,
            E::ENFILE,
            E::ENOENT,
            E::ENOMEM,
            E::ENOTDIR,
            E::EINVAL,
            E::ENOSPC,
            E::EBUSY,
        ],
        Call::MountSetattr | Call::MapOwners => {
            &[E::EBUSY, E::EINVAL, E::ENOENT, E::ENOMEM, E::ENOSPC, E::EACCES, E::ELOOP]
        }
        Call::MoveMount => &[E::EACCES, E::EBUSY, E::EINVAL, E::ELOOP, E::ENOENT, E::ENOMEM, E::ENOSPC, E::ENOTDIR],
        Call::SetGroup => &[E::EINVAL, E::ENOMEM],
        Call::Fsopen | Call::Fsmount | Call::Fspick => {
            &[E::EBUSY, E::EINVAL, E::EMFILE, E::ENFILE, E::ENODEV, E::ENOENT, E::ENOMEM, E::EACCES]
        }
        Call::Fsconfig | Call::SetFd => &[E::EBUSY, E::EINVAL, E::ENOMEM, E::EACCES, E::EIO, E::ENODEV, E::EROFS],
        Call::Mount => &[
            E::EACCES,
            E::EBUSY,
            E::EINVAL,
            E::ELOOP,
            E::ENODEV,
            E::ENOENT,
            E::ENOMEM,
            E::ENOSPC,
            E::ENOTDIR,
            E::ENXIO,
            E::EROFS,
            // /proc may not be a real procfs.
            E::EOPNOTSUPP,
        ],
        Call::Umount2 => &[E::EAGAIN, E::EBUSY, E::EINVAL, E::ENOENT, E::ENOMEM, E::ENOTDIR, E::ELOOP, E::EOPNOTSUPP],
        _ => of_the_process(call),
    };
    all.extend(own);
    all
}

/// Of calls that change the process, or make another.
fn of_the_process(call: Call) -> &'static [Errno] {
    use Errno as E;
    match call {
        Call::Chdir | Call::Fchdir | Call::Chroot => &[E::EACCES, E::EIO, E::ELOOP, E::ENOENT, E::ENOMEM, E::ENOTDIR],
        Call::PivotRoot => &[E::EBUSY, E::EINVAL, E::ENOENT, E::ENOMEM, E::ENOTDIR],
        Call::NewUserNamespace => &[E::EOPNOTSUPP, E::EAGAIN, E::EINVAL, E::EMFILE, E::ENOMEM, E::ENOSPC],
        // A call that is not in this table yet: the two errors of every call.
        _ => &[],
    }
}

/// Returns true for an errno that states a fact (such as `ENOENT`). If the fact is false, a caller that believes it may
/// keep an empty name or miss one; nothing worse.
pub fn is_a_statement(errno: Errno) -> bool {
    [
        Errno::ENOENT,
        Errno::EEXIST,
        Errno::ENOTDIR,
        Errno::ELOOP,
        Errno::EXDEV,
        Errno::ESTALE,
        Errno::EINVAL,
        Errno::EISDIR,
        Errno::ENOTEMPTY,
    ]
    .contains(&errno)
}

/// Returns true for an errno that means "again": given for good, it would keep a caller busy for ever.
pub fn means_again(errno: Errno) -> bool {
    [Errno::EINTR, Errno::EAGAIN].contains(&errno)
}

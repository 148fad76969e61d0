//! What each call of the ports may answer besides success, by its contract.

use mountwright_core::{Errno, Operation};

/// The errno values that the contract of the operation lists, and one that stands for every other failure of a machine.
pub(crate) fn contract_errnos(operation: Operation) -> &'static [Errno] {
    match operation {
        Operation::Canonicalize => &[Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EACCES, Errno::EIO],
        Operation::Metadata | Operation::OpenDir => {
            &[Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EACCES, Errno::EXDEV, Errno::EIO]
        }
        Operation::ReadDir => &[Errno::EACCES, Errno::ENOENT, Errno::EIO],
        Operation::CreateDir | Operation::CreateFile => &[
            Errno::EEXIST,
            Errno::EROFS,
            Errno::ENOENT,
            Errno::ENOTDIR,
            Errno::ELOOP,
            Errno::EACCES,
            Errno::EXDEV,
            Errno::ENOSPC,
        ],
        Operation::RemoveDir => &[
            Errno::EBUSY,
            Errno::ENOTEMPTY,
            Errno::ENOTDIR,
            Errno::EROFS,
            Errno::ENOENT,
            Errno::ELOOP,
            Errno::EACCES,
            Errno::EXDEV,
        ],
        Operation::RemoveFile => &[
            Errno::EBUSY,
            Errno::EISDIR,
            Errno::EROFS,
            Errno::ENOENT,
            Errno::ENOTDIR,
            Errno::ELOOP,
            Errno::EACCES,
            Errno::EXDEV,
        ],
        Operation::Bind => &[
            Errno::ENOENT,
            Errno::ENOTDIR,
            Errno::EBUSY,
            Errno::EINVAL,
            Errno::ELOOP,
            Errno::EXDEV,
            Errno::EPERM,
            Errno::ENOSPC,
            Errno::EOPNOTSUPP,
        ],
        Operation::SetPropagation => &[Errno::EINVAL, Errno::EPERM, Errno::ENOENT, Errno::ELOOP, Errno::EXDEV],
        Operation::Unmount => &[
            Errno::EINVAL,
            Errno::ELOOP,
            Errno::ESTALE,
            Errno::EBUSY,
            Errno::EAGAIN,
            Errno::ENOENT,
            Errno::EPERM,
            Errno::EXDEV,
        ],
        Operation::MountOf => &[Errno::ENOENT, Errno::ENOTDIR, Errno::ELOOP, Errno::EACCES, Errno::EXDEV],
        Operation::FindMount | Operation::Mounts => &[Errno::ENOENT, Errno::ENOMEM],
        other => panic!("no sequence of a sandbox's life calls {other}"),
    }
}

//! The places that an operation is drawn to.

use mountwright_tests::scenario::Operation;

/// A kind of place, as a process in the sandbox sees it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// A mount point
    MountPoint,
    /// The directory that a mount point is in: a copy from there includes the mount
    AboveMount,
    /// A file that something is mounted on
    CoveredFile,
    /// A directory
    Directory,
    /// A file, fifo or device
    File,
    /// A symlink
    Symlink,
    /// Any of these
    Anything,
    /// A name in a directory that has no such name
    Fresh,
    /// Anything below a read-only mount
    ReadOnly,
    /// A name that a directory below a read-only mount does not have
    FreshReadOnly,
    /// Of the same kind as the first place
    Alike,
    /// The first place itself
    Same,
    /// In the directory of the first place: an existing name
    Sibling,
    /// In the directory of the first place: a name that it does not have
    FreshSibling,
    /// Below the first place
    Inside,
    /// The root
    Root,
    /// Of a small alphabet, there or not
    Alphabet,
    /// A path of a careless caller
    Odd,
}

use Whereabouts as W;

// One table: split up, it would hide which operation is drawn to which place.
#[allow(clippy::too_many_lines)]
/// The whereabouts of the operation's places, with weights that add up to a hundred, the most informative first.
pub(crate) fn drawn_to(operation: &Operation, place: usize) -> &'static [(u8, Whereabouts)] {
    match (operation, place) {
        (Operation::Bind { .. }, 0) => &[
            (34, W::Directory),
            (6, W::AboveMount),
            (24, W::MountPoint),
            (19, W::File),
            (2, W::Root),
            (6, W::Alphabet),
            (2, W::Symlink),
            (7, W::Odd),
        ],
        (Operation::Bind { .. }, _) => &[
            (56, W::Alike),
            (12, W::Same),
            (12, W::MountPoint),
            (6, W::Inside),
            (5, W::Alphabet),
            (2, W::Anything),
            (7, W::Odd),
        ],
        (Operation::MountTmpfs { .. }, _) => {
            &[(64, W::Directory), (22, W::MountPoint), (3, W::File), (4, W::Alphabet), (7, W::Odd)]
        }
        (Operation::MountNew { .. }, _) => &[(70, W::Directory), (22, W::MountPoint), (3, W::File), (5, W::Odd)],
        (Operation::OpenTreeAttr { .. }, _) => &[(52, W::MountPoint), (36, W::Directory), (6, W::File), (6, W::Odd)],
        (Operation::PivotRoot { .. }, 0) => &[(92, W::MountPoint), (6, W::Directory), (2, W::Odd)],
        (Operation::PivotRoot { .. }, _) => &[(60, W::Inside), (30, W::Same), (10, W::Directory)],
        (Operation::Move { .. }, 0) => &[(80, W::MountPoint), (6, W::Directory), (5, W::Alphabet), (9, W::Odd)],
        (Operation::Move { .. }, _) => &[
            (68, W::Alike),
            (8, W::MountPoint),
            (5, W::Inside),
            (3, W::Same),
            (4, W::Anything),
            (3, W::Alphabet),
            (9, W::Odd),
        ],
        (Operation::MoveMount { .. }, 0) => &[(84, W::MountPoint), (6, W::Directory), (10, W::Odd)],
        (Operation::MoveMount { .. }, _) => {
            &[(58, W::Directory), (18, W::MountPoint), (8, W::File), (4, W::Inside), (2, W::Same), (10, W::Odd)]
        }
        (Operation::Propagation { .. }, _) => {
            &[(80, W::MountPoint), (5, W::Root), (5, W::Directory), (3, W::Alphabet), (7, W::Odd)]
        }
        (Operation::RemountBind { .. }, _) => &[(82, W::MountPoint), (4, W::Directory), (3, W::Alphabet), (11, W::Odd)],
        (Operation::Setattr { .. }, _) => {
            &[(78, W::MountPoint), (2, W::Root), (6, W::Directory), (3, W::Alphabet), (11, W::Odd)]
        }
        (Operation::Remount { .. }, _) => &[(86, W::MountPoint), (8, W::Directory), (6, W::Odd)],
        (Operation::Umount { .. }, _) => {
            &[(80, W::MountPoint), (4, W::Symlink), (3, W::Directory), (1, W::File), (3, W::Alphabet), (9, W::Odd)]
        }
        (Operation::OpenTree { .. }, _) => {
            &[(46, W::MountPoint), (32, W::Directory), (6, W::File), (4, W::Symlink), (12, W::Odd)]
        }
        (Operation::Mkdir { .. }, _) => {
            &[(58, W::Fresh), (12, W::FreshReadOnly), (10, W::Anything), (8, W::Alphabet), (12, W::Odd)]
        }
        (Operation::Symlink { .. }, _) => {
            &[(52, W::Fresh), (12, W::FreshReadOnly), (10, W::Anything), (12, W::Alphabet), (14, W::Odd)]
        }
        (Operation::Create { .. }, _) => {
            &[(48, W::Fresh), (12, W::FreshReadOnly), (10, W::Anything), (12, W::Alphabet), (18, W::Odd)]
        }
        (Operation::Mknod { .. }, _) => &[(50, W::Fresh), (36, W::FreshReadOnly), (8, W::Anything), (6, W::Odd)],
        (Operation::Chown { .. }, _) => &[(60, W::Anything), (20, W::File), (10, W::ReadOnly), (10, W::Odd)],
        (Operation::Chmod { .. }, _) => &[(50, W::Anything), (40, W::ReadOnly), (10, W::Odd)],
        (Operation::Rmdir { .. }, _) => {
            &[(44, W::Directory), (12, W::MountPoint), (10, W::ReadOnly), (8, W::File), (5, W::Alphabet), (21, W::Odd)]
        }
        (Operation::Unlink { .. }, _) => &[
            (20, W::File),
            (12, W::ReadOnly),
            (30, W::CoveredFile),
            (6, W::MountPoint),
            (8, W::Symlink),
            (8, W::Directory),
            (6, W::Alphabet),
            (10, W::Odd),
        ],
        (Operation::Link { .. }, 0) => &[(64, W::File), (26, W::ReadOnly), (10, W::Odd)],
        (Operation::Link { .. }, _) => {
            &[(50, W::FreshSibling), (20, W::Fresh), (20, W::FreshReadOnly), (4, W::Anything), (6, W::Odd)]
        }
        (Operation::Rename { .. }, 0) => {
            &[(52, W::Anything), (18, W::File), (10, W::ReadOnly), (10, W::MountPoint), (10, W::Odd)]
        }
        (Operation::Rename { .. }, _) => &[
            (32, W::FreshSibling),
            (20, W::Sibling),
            (9, W::Fresh),
            (5, W::FreshReadOnly),
            (6, W::Inside),
            (10, W::Anything),
            (10, W::MountPoint),
            (8, W::Odd),
        ],
        (Operation::RenameExchange { .. }, 0) => {
            &[(58, W::Anything), (14, W::ReadOnly), (14, W::MountPoint), (6, W::Alphabet), (8, W::Odd)]
        }
        (Operation::RenameExchange { .. }, _) => {
            &[(46, W::Sibling), (18, W::Anything), (14, W::MountPoint), (10, W::Inside), (4, W::Alphabet), (8, W::Odd)]
        }
        (Operation::Readdir { .. } | Operation::Tree { .. } | Operation::Chdir { .. }, _) => {
            &[(56, W::Directory), (24, W::MountPoint), (6, W::File), (4, W::Symlink), (10, W::Odd)]
        }
        (Operation::Write { .. }, _) => {
            &[(42, W::File), (24, W::ReadOnly), (6, W::Anything), (8, W::Symlink), (8, W::MountPoint), (12, W::Odd)]
        }
        (Operation::Readlink { .. }, _) => &[(66, W::Symlink), (10, W::Anything), (10, W::Alphabet), (14, W::Odd)],
        (Operation::Access { .. }, _) => &[(32, W::Anything), (25, W::File), (35, W::ReadOnly), (8, W::Odd)],
        (Operation::Open { .. }, _) => {
            &[(34, W::File), (26, W::Anything), (20, W::MountPoint), (6, W::Symlink), (6, W::ReadOnly), (8, W::Odd)]
        }
        _ => &[(50, W::Anything), (24, W::MountPoint), (8, W::Symlink), (8, W::ReadOnly), (10, W::Odd)],
    }
}

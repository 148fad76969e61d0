//! Access of the users of a volume.

use crate::file::{FileKind, FileMode};

/// The access that the users of a volume have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum VolumeAccess {
    /// Read and write.
    #[default]
    ReadWrite,
    /// Read.
    ReadOnly,
}

impl VolumeAccess {
    /// The permission bits that a file in the volume needs so that its group can use it; the kubelet's numbers.
    ///
    /// * A file: `0660`, read-only `0440`.
    /// * A directory: `0110` in addition, and set-group-id, so that files created in it later get the group too.
    /// * A symlink has no permissions: none.
    pub const fn group_bits(self, kind: FileKind) -> FileMode {
        FileMode::from_bits(match (self, kind) {
            (_, FileKind::Symlink) => 0,
            (Self::ReadWrite, FileKind::Directory) => 0o2770,
            (Self::ReadOnly, FileKind::Directory) => 0o2550,
            (Self::ReadWrite, _) => 0o660,
            (Self::ReadOnly, _) => 0o440,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_are_the_kubelets() {
        for (access, file, directory) in
            [(VolumeAccess::ReadWrite, 0o660, 0o2770), (VolumeAccess::ReadOnly, 0o440, 0o2550)]
        {
            for kind in [FileKind::Regular, FileKind::Fifo, FileKind::Socket, FileKind::BlockDevice] {
                assert_eq!(access.group_bits(kind).bits(), file);
            }
            assert_eq!(access.group_bits(FileKind::Directory).bits(), directory);
            assert_eq!(access.group_bits(FileKind::Symlink).bits(), 0);
        }
    }
}

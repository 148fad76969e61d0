//! The medium of an emptyDir volume.

use camino::Utf8Path;

use crate::error::Error;
use crate::file::FilesystemMagic;
use crate::kubernetes::{EmptyDirMedium, VolumeKind};
use crate::mount::FilesystemOf;
use crate::path::Location;
use crate::ports::Mounter;

impl EmptyDirMedium {
    /// The medium of the emptyDir volume at `path`; `None` where the path is not that of an emptyDir volume.
    ///
    /// * The medium is memory or huge pages where the directory itself is the root of a tmpfs or hugetlbfs. Otherwise
    ///   it is disk, also for a directory *in* a tmpfs.
    /// * The path is looked up and symlinks are followed, so the kubelet's root may be a symlink.
    ///
    /// # Errors
    ///
    /// [`Error::Os`]: the path leads nowhere, or its mount cannot be found (`ENOENT`, `ENOTDIR`, `ELOOP`, `EACCES`).
    #[doc(alias = "IsEphemeralStorage")]
    #[doc(alias = "Isk8sHostEmptyDir")]
    pub fn of(mounter: &dyn Mounter, path: &Utf8Path) -> Result<Option<Self>, Error> {
        if VolumeKind::of(path) != Some(VolumeKind::EmptyDir) {
            return Ok(None);
        }
        let found = mounter.filesystem_of(&Location::trusted(path))?;
        Ok(Some(match found {
            _ if is_memory(found) => Self::Memory,
            FilesystemOf { magic: FilesystemMagic::HUGETLBFS, is_mount_root: true, .. } => {
                // Only the mount's options have the page size, and only this result needs it.
                let held = mounter.mount_of(&Location::trusted(path))?;
                Self::HugePages { page_size: held.mount.option("pagesize").and_then(|size| Self::page_size(&size)) }
            }
            _ => Self::Disk,
        }))
    }
}

fn is_memory(found: FilesystemOf) -> bool {
    found.magic == FilesystemMagic::TMPFS && found.is_mount_root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation, OsError};
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, MountInfo, PathMount};
    use crate::ports::MockMounter;
    use mockall::predicate::eq;

    const VOLUME: &str = "/var/lib/kubelet/pods/5f0861a0/volumes/kubernetes.io~empty-dir/v";

    /// A host where the volume is on this filesystem; what it does not expect (`mount_of`) panics.
    fn host(magic: FilesystemMagic, is_mount_root: bool) -> MockMounter {
        let mut mounter = MockMounter::new();
        mounter.expect_filesystem_of().with(eq(Location::trusted(VOLUME))).returning(move |_| {
            Ok(FilesystemOf { is_mount_root, ..FilesystemOf::new(magic, DeviceNumber::new(0, 62)) })
        });
        mounter
    }

    fn answers(mounter: &MockMounter, path: &str) -> Option<EmptyDirMedium> {
        EmptyDirMedium::of(mounter, Utf8Path::new(path)).unwrap()
    }

    #[test]
    fn the_root_of_a_tmpfs_is_memory() {
        let mounter = host(FilesystemMagic::TMPFS, true);
        assert_eq!(answers(&mounter, VOLUME), Some(EmptyDirMedium::Memory));
    }

    #[test]
    fn a_directory_in_a_tmpfs_is_disk() {
        let mounter = host(FilesystemMagic::TMPFS, false);
        assert_eq!(answers(&mounter, VOLUME), Some(EmptyDirMedium::Disk));
    }

    #[test]
    fn an_unmounted_directory_and_another_filesystem_are_disk() {
        for (magic, is_root) in
            [(FilesystemMagic::EXT4, false), (FilesystemMagic::XFS, true), (FilesystemMagic::RAMFS, true)]
        {
            assert_eq!(answers(&host(magic, is_root), VOLUME), Some(EmptyDirMedium::Disk), "{magic}");
        }
    }

    #[test]
    fn a_hugetlbfs_is_huge_pages_of_its_size() {
        for (options, page_size) in
            [("rw,pagesize=2M,size=67108864", Some(2 << 20)), ("rw,pagesize=1024M", Some(1 << 30)), ("rw", None)]
        {
            let mut mounter = host(FilesystemMagic::HUGETLBFS, true);
            let mut mount = MountInfo::new(MountId(113), MountId(28), DeviceNumber::new(0, 68));
            mount.options = options.into();
            mounter
                .expect_mount_of()
                .with(eq(Location::trusted(VOLUME)))
                .once()
                .return_once(|_| Ok(PathMount { mount, is_root: true }));
            assert_eq!(answers(&mounter, VOLUME), Some(EmptyDirMedium::HugePages { page_size }));
        }
        let within = host(FilesystemMagic::HUGETLBFS, false);
        assert_eq!(answers(&within, VOLUME), Some(EmptyDirMedium::Disk));
    }

    #[test]
    fn other_volumes_and_paths_have_no_medium_without_a_port_call() {
        for path in ["/var/lib/kubelet/pods/u/volumes/kubernetes.io~secret/v", "/tmp", "", "kubernetes.io~empty-dir/v"]
        {
            assert_eq!(answers(&MockMounter::new(), path), None, "{path:?}");
        }
    }

    #[test]
    fn a_look_up_error_is_an_error_and_not_disk() {
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::EIO] {
            let mut mounter = MockMounter::new();
            mounter
                .expect_filesystem_of()
                .returning(move |_| Err(OsError::new(Operation::FilesystemOf, VOLUME, errno)));
            assert_eq!(EmptyDirMedium::of(&mounter, Utf8Path::new(VOLUME)).unwrap_err().errno(), Some(errno));
        }
    }

    #[test]
    fn a_failure_to_learn_the_page_size_is_an_error() {
        let mut mounter = host(FilesystemMagic::HUGETLBFS, true);
        mounter.expect_mount_of().return_once(|_| Err(OsError::new(Operation::MountOf, VOLUME, Errno::ENOMEM)));
        let error = EmptyDirMedium::of(&mounter, Utf8Path::new(VOLUME)).unwrap_err();
        assert_eq!(error.errno(), Some(Errno::ENOMEM));
    }

    #[test]
    fn the_path_is_looked_up_and_not_compared_so_a_symlinked_kubelet_root_is_no_matter() {
        // The path is passed unchanged to the port, which follows symlinks; the mount table is not read.
        let path = "/symlink/to/kubelet/pods/u/volumes/kubernetes.io~empty-dir/v/";
        let mut mounter = MockMounter::new();
        mounter.expect_filesystem_of().with(eq(Location::trusted(path))).returning(|_| {
            Ok(FilesystemOf {
                is_mount_root: true,
                ..FilesystemOf::new(FilesystemMagic::TMPFS, DeviceNumber::new(0, 62))
            })
        });
        assert_eq!(answers(&mounter, path), Some(EmptyDirMedium::Memory));
    }
}

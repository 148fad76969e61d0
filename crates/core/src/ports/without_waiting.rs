//! A backend that returns instead of waiting for a server.

use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation, OsError, Subject};
use crate::file::{DeviceNumber, FileIdentity, FileKind, FileMode, FinalSymlink, Metadata};
use crate::mount::{
    AttributesRequest, BindReport, BindRequest, FilesystemOf, FilesystemOption, Guarantee, MountInfo, MountKey,
    MountRequest, Origin, PathMount, Propagation, Recursion, SuperblockAccess, UnmountRequest,
};
use crate::mount_table::MountTable;
use crate::path::Location;
use crate::ports::{Backend, DetachedTree, Directory, Filesystem, Mounter};

/// A [`Backend`] for questions that must not wait for a filesystem's server (FUSE, NFS): each returns at once, with an error
/// for which [`OsError::would_wait`] is true where only a server has the result.
///
/// ```
/// use mountwright_core::device::BackingDevice;
/// use mountwright_core::ports::WithoutWaiting;
/// use mountwright_core::{Backend, Error};
///
/// fn storage(backend: &dyn Backend, path: &std::path::Path) -> Result<Option<BackingDevice>, Error> {
///     match BackingDevice::of(&WithoutWaiting(backend), path) {
///         Err(error) if error.would_wait() => Ok(None),
///         found => found.map(Some),
///     }
/// }
/// ```
///
/// * Paths are looked up by the `…_cached` forms of the ports, so metadata is what the kernel knows of a file.
/// * A name that the caches do not hold is looked up below the last directory that they do hold, where all mounts from `/` to
///   it are of filesystems [without a server](crate::file::FilesystemMagic::is_without_server), and no symlink and no mount
///   comes after it. This may wait for a disk.
/// * No thread is started, so none is left behind.
/// * To open or list a directory, to read a link and to change anything may wait: these calls are refused.
#[derive(Clone, Copy, Debug)]
pub struct WithoutWaiting<B>(pub B);

impl<B: Backend> WithoutWaiting<B> {
    /// The result of the caches or, where they hold none and no server is near, of a look-up.
    fn ask<T>(
        &self,
        at: &Location,
        cached: impl FnOnce(&B, &Location) -> Result<T, OsError>,
        look: impl FnOnce(&B, &Location) -> Result<T, OsError>,
    ) -> Result<T, OsError> {
        cached(&self.0, at).or_else(|error| {
            let place = if error.would_wait() { self.without_server(at) } else { None };
            match place.map(|place| look(&self.0, &place)) {
                Some(Err(refused)) if matches!(refused.errno(), Errno::ELOOP | Errno::EXDEV) => Err(error),
                Some(found) => found,
                None => Err(error),
            }
        })
    }

    /// The same place below a directory whose look-up asks no server. Mount points are in the caches, so none is below it
    /// but those that came since, and they are not crossed.
    fn without_server(&self, at: &Location) -> Option<Location> {
        match at {
            Location::Beneath { root, path } => {
                let root = self.0.canonicalize_cached(root).ok().filter(|root| self.is_without_server(root))?;
                Some(Location::Beneath { root, path: path.clone() })
            }
            // A symlink or a mount on the way may lead to a server.
            Location::InRoot { .. } => None,
            Location::Trusted(path) => {
                let held = |above: &'_ Path| self.0.canonicalize_cached(above).ok();
                let (above, root) = path.ancestors().skip(1).find_map(|above| Some((above, held(above)?)))?;
                let rest = path.strip_prefix(above).ok()?;
                if self.is_without_server(&root) { Location::beneath(root, rest).ok() } else { None }
            }
        }
    }

    /// True where every directory from `/` to this path, which has no symlinks, is on a filesystem without a server.
    fn is_without_server(&self, directory: &Path) -> bool {
        directory.ancestors().all(|directory| {
            let found = self.0.filesystem_of_cached(&Location::trusted(directory));
            found.is_ok_and(|filesystem| filesystem.magic.is_without_server())
        })
    }
}

/// The refusal of a call that may wait.
fn would_wait<T>(operation: Operation, subject: impl Into<Subject>) -> Result<T, OsError> {
    Err(OsError::new(operation, subject, Errno::EAGAIN).with_detail("it may wait for a filesystem's server"))
}

impl<B: Backend> Filesystem for WithoutWaiting<B> {
    fn metadata(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.ask(at, |backend, at| backend.metadata_cached(at, link), |backend, at| backend.metadata(at, link))
    }

    fn metadata_cached(&self, at: &Location, link: FinalSymlink) -> Result<Metadata, OsError> {
        self.0.metadata_cached(at, link)
    }

    fn canonicalize(&self, path: &Path) -> Result<PathBuf, OsError> {
        let look = |backend: &B, at: &Location| backend.metadata(at, FinalSymlink::Follow).map(|_| at.for_display());
        self.ask(&Location::trusted(path), |backend, _| backend.canonicalize_cached(path), look)
    }

    fn canonicalize_cached(&self, path: &Path) -> Result<PathBuf, OsError> {
        self.0.canonicalize_cached(path)
    }

    fn current_dir(&self) -> Result<PathBuf, OsError> {
        self.0.current_dir()
    }

    fn open_dir(&self, at: &Location) -> Result<Box<dyn Directory>, OsError> {
        would_wait(Operation::OpenDir, at.for_display())
    }

    fn read_link(&self, at: &Location) -> Result<PathBuf, OsError> {
        would_wait(Operation::ReadLink, at.for_display())
    }

    fn create_dir(&self, at: &Location, _: FileMode) -> Result<FileIdentity, OsError> {
        would_wait(Operation::CreateDir, at.for_display())
    }

    fn create_file(&self, at: &Location, _: FileMode) -> Result<FileIdentity, OsError> {
        would_wait(Operation::CreateFile, at.for_display())
    }

    fn create_symlink(&self, at: &Location, _: &Path) -> Result<FileIdentity, OsError> {
        would_wait(Operation::CreateSymlink, at.for_display())
    }

    fn create_node(
        &self,
        at: &Location,
        _: FileKind,
        _: Option<DeviceNumber>,
        _: FileMode,
    ) -> Result<Metadata, OsError> {
        would_wait(Operation::CreateNode, at.for_display())
    }

    fn remove_dir(&self, at: &Location) -> Result<(), OsError> {
        would_wait(Operation::RemoveDir, at.for_display())
    }

    fn remove_file(&self, at: &Location) -> Result<(), OsError> {
        would_wait(Operation::RemoveFile, at.for_display())
    }
}

impl<B: Backend> Mounter for WithoutWaiting<B> {
    fn bind(&self, request: &BindRequest) -> Result<BindReport, OsError> {
        let (source, target) = (request.source().for_display(), request.target().for_display());
        would_wait(Operation::Bind, Subject::onto(source, target))
    }

    fn mount(&self, request: &MountRequest) -> Result<BindReport, OsError> {
        would_wait(Operation::Mount, request.target.for_display())
    }

    fn detached_tree(&self, request: &BindRequest) -> Result<Box<dyn DetachedTree>, OsError> {
        would_wait(Operation::DetachedTree, request.source().for_display())
    }

    fn move_mount(&self, from: &Location, to: &Location) -> Result<(), OsError> {
        would_wait(Operation::MoveMount, Subject::onto(from.for_display(), to.for_display()))
    }

    fn change_attributes(&self, request: &AttributesRequest) -> Result<Guarantee, OsError> {
        would_wait(Operation::ChangeAttributes, request.at().for_display())
    }

    fn set_superblock(&self, at: &Location, _: SuperblockAccess) -> Result<(), OsError> {
        would_wait(Operation::SetSuperblock, at.for_display())
    }

    fn reconfigure(&self, at: &Location, _: &[FilesystemOption]) -> Result<(), OsError> {
        would_wait(Operation::SetSuperblock, at.for_display())
    }

    fn set_propagation(&self, at: &Location, _: Propagation, _: Recursion) -> Result<(), OsError> {
        would_wait(Operation::SetPropagation, at.for_display())
    }

    fn set_propagation_of(&self, at: &Location, _: MountKey, _: Propagation) -> Result<(), OsError> {
        would_wait(Operation::SetPropagation, at.for_display())
    }

    fn unmount(&self, request: &UnmountRequest) -> Result<(), OsError> {
        would_wait(Operation::Unmount, request.at().for_display())
    }

    fn mount_of(&self, at: &Location) -> Result<PathMount, OsError> {
        self.ask(at, B::mount_of_cached, B::mount_of)
    }

    fn mount_of_cached(&self, at: &Location) -> Result<PathMount, OsError> {
        self.0.mount_of_cached(at)
    }

    fn filesystem_of(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.ask(at, B::filesystem_of_cached, B::filesystem_of)
    }

    fn filesystem_of_cached(&self, at: &Location) -> Result<FilesystemOf, OsError> {
        self.0.filesystem_of_cached(at)
    }

    fn find_mount(&self, mount: MountKey) -> Result<MountInfo, OsError> {
        self.0.find_mount(mount)
    }

    fn mounts(&self) -> Result<MountTable, OsError> {
        self.0.mounts()
    }

    fn origin(&self) -> Result<Origin, OsError> {
        self.0.origin()
    }

    fn let_others_run(&self, _: u32) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::FilesystemMagic;
    use crate::mount::{AttributeChange, MountId};
    use crate::ports::{MockFilesystem, MockMounter, Ports};

    fn error(path: &Path, errno: Errno) -> OsError {
        OsError::new(Operation::Metadata, path, errno)
    }

    /// The caches hold `/d` and `/d/fuse`, a mount; a look-up below `/d` gives `look`.
    fn host(look: Result<(), Errno>) -> WithoutWaiting<Ports<MockFilesystem, MockMounter>> {
        let (mut filesystem, mut mounter) = (MockFilesystem::new(), MockMounter::new());
        filesystem.expect_metadata_cached().returning(|at, _| Err(error(&at.for_display(), Errno::EAGAIN)));
        filesystem.expect_current_dir().returning(|| Ok("/d".into()));
        filesystem.expect_canonicalize_cached().returning(|path| match path.to_str() {
            Some("/" | "/d" | "/d/fuse") => Ok(path.into()),
            _ => Err(error(path, Errno::EAGAIN)),
        });
        filesystem.expect_metadata().returning(move |at, _| {
            assert!(matches!(at, Location::Beneath { root, .. } if root == Path::new("/d")), "{at:?}");
            let found = Metadata::new(FileKind::Regular, DeviceNumber::new(8, 1), 2);
            look.map(|()| found).map_err(|errno| error(&at.for_display(), errno))
        });
        mounter.expect_filesystem_of_cached().returning(|at| {
            let is_fuse = at.for_display().ends_with("fuse");
            let magic = if is_fuse { FilesystemMagic::FUSE } else { FilesystemMagic::EXT4 };
            Ok(FilesystemOf::new(magic, DeviceNumber::new(8, 1)))
        });
        WithoutWaiting(Ports { filesystem, mounter })
    }

    fn metadata(look: Result<(), Errno>, path: &str) -> Result<FileKind, Errno> {
        let found = host(look).metadata(&Location::trusted(path), FinalSymlink::Follow);
        found.map(|metadata| metadata.kind).map_err(|error| error.errno())
    }

    #[test]
    fn a_name_that_the_caches_do_not_hold_is_looked_up_only_where_no_server_is_asked() {
        assert_eq!(metadata(Ok(()), "/d/evicted/file"), Ok(FileKind::Regular));
        assert_eq!(metadata(Err(Errno::ENOENT), "/d/missing"), Err(Errno::ENOENT));
        for path in ["/d/fuse/file", "/d/evicted/../file", "file"] {
            assert_eq!(metadata(Ok(()), path), Err(Errno::EAGAIN), "{path}");
        }
    }

    #[test]
    fn a_symlink_or_a_mount_on_the_way_is_not_followed_but_reported_as_waiting() {
        for refused in [Errno::ELOOP, Errno::EXDEV] {
            assert_eq!(metadata(Err(refused), "/d/link"), Err(Errno::EAGAIN));
        }
    }

    #[test]
    fn a_path_that_was_looked_up_is_canonical_below_its_directory() {
        let host = host(Ok(()));
        assert_eq!(host.canonicalize(Path::new("/d/evicted")).unwrap(), Path::new("/d/evicted"));
        assert_eq!(host.canonicalize_cached(Path::new("/d")).unwrap(), Path::new("/d"));
        assert_eq!(host.current_dir().unwrap(), Path::new("/d"));
        assert!(host.canonicalize_cached(Path::new("/d/evicted")).is_err_and(|error| error.would_wait()));
    }

    #[test]
    fn what_may_wait_is_refused_by_a_backend_behind_a_reference_too() {
        let host = host(Ok(()));
        let backend: &dyn Backend = &host;
        let view = WithoutWaiting(backend);
        let backend: &dyn Backend = &view;
        let at = Location::trusted("/d");
        let (name, mode, key) = (Path::new("/d"), FileMode::from_bits(0o755), MountKey::Reused(MountId(7)));
        assert!(backend.open_dir(&at).err().is_some_and(|error| error.would_wait()));
        let attributes = AttributesRequest::new(at.clone(), AttributeChange::READ_ONLY);
        for refused in [
            backend.read_link(&at).map(drop),
            backend.create_dir(&at, mode).map(drop),
            backend.create_file(&at, mode).map(drop),
            backend.create_symlink(&at, name).map(drop),
            backend.create_node(&at, FileKind::Fifo, None, mode).map(drop),
            backend.remove_dir(&at),
            backend.remove_file(&at),
            backend.bind(&BindRequest::new(at.clone(), at.clone())).map(drop),
            backend.mount(&MountRequest::new("tmpfs", at.clone())).map(drop),
            backend.move_mount(&at, &at),
            backend.change_attributes(&attributes).map(drop),
            backend.set_superblock(&at, SuperblockAccess::ReadOnly),
            backend.reconfigure(&at, &[]),
            backend.set_propagation(&at, Propagation::Shared, Recursion::This),
            backend.set_propagation_of(&at, key, Propagation::Shared),
            backend.unmount(&UnmountRequest::new(at.clone())),
        ] {
            assert!(refused.is_err_and(|error| error.would_wait()));
        }
    }
}

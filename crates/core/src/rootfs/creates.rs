//! Names that a build creates on filesystems of the host.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::OsError;
use crate::file::{FileKind, FinalSymlink};
use crate::path::{Location, printable};
use crate::ports::Filesystem;
use crate::rootfs::RootfsPlan;
use crate::rootfs::layered_root::{Content, LayeredRoot};
use crate::rootfs::step::{Device, DeviceBy, NewFilesystem, Step};

/// A name that a build creates on a filesystem of the host: in the image, or in a directory that is bound into it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Creation {
    /// The path on the host.
    pub path: PathBuf,
    /// The kind: an empty directory, an empty file, or a link of `/dev` where the plan mounts nothing there.
    pub kind: FileKind,
}

impl fmt::Display for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", printable(&self.path), self.kind)
    }
}

impl RootfsPlan {
    /// The names that a build creates on filesystems of the host, in the order in which it creates them: missing targets of
    /// mounts with the directories above them, and nothing else. A build that is killed leaves at most these.
    ///
    /// * Symlinks of the image are followed inside the root, and mounts of the plan cover what is below them, as in the build.
    /// * It is true of the image as it is now, and changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the build that are known now: `ENOENT` (a source is missing, or a `..` follows a component that is),
    /// `ENOTDIR`, `ELOOP`; and those of [`Filesystem::metadata`].
    pub fn creates(&self, files: &dyn Filesystem) -> Result<Vec<Creation>, OsError> {
        let Some(image) = self.image() else { return Ok(Vec::new()) };
        let mut root = LayeredRoot::new(files, image.as_std_path());
        for step in &self.build {
            create(step, &mut root, files)?;
        }
        Ok(root.on_host.into_iter().map(|(path, kind)| Creation { path, kind }).collect())
    }
}

fn create(step: &Step, root: &mut LayeredRoot<'_>, files: &dyn Filesystem) -> Result<(), OsError> {
    match step {
        Step::Filesystem(NewFilesystem { at, fs_type, .. }) => {
            let at = root.target(at.as_std_path(), FileKind::Directory)?;
            root.mount(at, if fs_type == "tmpfs" { Content::Empty } else { Content::Opaque });
        }
        Step::Cgroups { at, .. } => {
            let at = root.target(at.as_std_path(), FileKind::Directory)?;
            root.mount(at, Content::Opaque);
        }
        Step::Bind { at, source, .. } => bind(root, at.as_std_path(), source.as_std_path(), files)?,
        Step::Device(Device { at, by: DeviceBy::Bind, .. }) => bind(root, at.as_std_path(), at.as_std_path(), files)?,
        Step::Device(Device { at, kind, .. }) => root.name(at.as_std_path(), None, *kind)?,
        Step::Link { at, target } => root.name(at.as_std_path(), Some(target.as_std_path()), FileKind::Symlink)?,
        Step::Console { at } => drop(root.target(at.as_std_path(), FileKind::Regular)?),
        Step::Root { .. }
        | Step::Mask { .. }
        | Step::ReadOnlyPath { .. }
        | Step::ReadOnlyRoot
        | Step::ReadOnlyMount { .. }
        | Step::Propagation(_) => {}
    }
    Ok(())
}

fn bind(root: &mut LayeredRoot<'_>, at: &Path, source: &Path, files: &dyn Filesystem) -> Result<(), OsError> {
    let of_source = files.metadata(&Location::trusted(source), FinalSymlink::Follow)?;
    let kind = if of_source.is_dir() { FileKind::Directory } else { FileKind::Regular };
    let at = root.target(at, kind)?;
    root.mount(at, Content::Host(source.to_owned()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Errno;
    use crate::rootfs::cases::plan_of;
    use crate::spec::MountOptions;
    use crate::test_support::read_only_tree::SmallWorld;

    #[test]
    fn only_on_a_tmpfs_it_is_known_that_a_name_is_missing() {
        let world = SmallWorld::new().directory("/i/t");
        for (fs_type, errno) in [("tmpfs", Some(Errno::ENOENT)), ("sysfs", None)] {
            let options = MountOptions::default();
            let new = NewFilesystem { at: "/t".into(), fs_type: fs_type.into(), source: None, options };
            let console = Step::Console { at: "/t/new/../tty".into() };
            let created =
                plan_of(vec![Step::Root { image: "/i".into() }, Step::Filesystem(new), console]).creates(&world);
            assert_eq!(created.as_ref().err().map(crate::error::OsError::errno), errno, "{created:?}");
        }
    }
}

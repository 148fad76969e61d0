//! The expected mount of a share.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::device::within_root::within_root;
use crate::error::{Errno, Error, Operation, OsError};
use crate::mount::subpath::{source_of_bind, subpath};
use crate::mount::{MountAttributes, MountFlags, MountInfo, MountShape, Propagation, PropagationShape};
use crate::path::Location;
use crate::ports::{Filesystem, Mounter};

/// The shape of the mount that a bind of `source` with these properties creates.
pub(crate) fn shape_of_bind(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    source: &Location,
    read_only: bool,
    propagation: Propagation,
) -> Result<MountShape, Error> {
    let path = resolved(fs, source)?;
    let holding = mount_of_source(fs, mounter, source)?;
    // The path was resolved twice: where the results do not match, the source was changed in between.
    let Some(subpath) = subpath(&holding, &path) else {
        return Err(OsError::new(Operation::MountOf, path, Errno::ESTALE).into());
    };
    Ok(MountShape {
        source: source_of_bind(&holding, &path),
        ..shape_of_copy(&holding, subpath, read_only, propagation)
    })
}

/// The shape of the mount that a bind of this subtree of `holding` creates.
pub(crate) fn shape_of_copy(
    holding: &MountInfo,
    subpath: PathBuf,
    read_only: bool,
    propagation: Propagation,
) -> MountShape {
    let added = if read_only { MountFlags::READ_ONLY } else { MountFlags::NONE };
    let attributes = MountAttributes { flags: holding.attributes.flags | added, ..holding.attributes };
    let propagation = shape_of_propagation(propagation, holding);
    MountShape {
        device: holding.device,
        subpath,
        source: source_of_bind(holding, &holding.mount_point),
        attributes,
        propagation,
        idmapped: holding.idmapped,
    }
}

/// The mount that holds the source of a share.
pub(crate) fn mount_of_source(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    source: &Location,
) -> Result<MountInfo, Error> {
    Ok(within_root(fs, mounter, source, mounter.mount_of(source))?.mount)
}

/// A bind joins the peer group of its source, or has the same master; made a slave, its master is that peer group or
/// that master.
fn shape_of_propagation(propagation: Propagation, source: &MountInfo) -> PropagationShape {
    match propagation {
        Propagation::Slave => PropagationShape::SlaveOf(source.propagation.peers.or(source.propagation.master)),
        Propagation::Shared => PropagationShape::Shared,
        Propagation::Private | Propagation::Unbindable => PropagationShape::Private,
    }
}

fn resolved(fs: &dyn Filesystem, source: &Location) -> Result<PathBuf, Error> {
    let whole = |path: &Path| Ok::<_, Error>(fs.canonicalize(path)?);
    match source {
        Location::Trusted(path) => whole(path),
        Location::Beneath { root, path } => Ok(whole(root)?.join(path.as_path())),
        Location::InRoot { root, path } => Ok(whole(root)?.join(without_links(fs, root, path)?)),
    }
}

/// The path below `root`, without a symlink, that `path` leads to in it. It holds for the moment of the call.
fn without_links(fs: &dyn Filesystem, root: &Path, path: &Path) -> Result<PathBuf, OsError> {
    let (mut reached, mut links) = (PathBuf::new(), 0);
    let mut rest = reversed(path);
    while let Some(component) = rest.pop() {
        if component == ".." {
            reached.pop();
            continue;
        }
        let next = reached.join(&component);
        let at = Location::in_root(root, &next);
        match fs.read_link(&at) {
            Ok(_) if links == MOST_LINKS => {
                return Err(OsError::new(Operation::ReadLink, at.for_display(), Errno::ELOOP));
            }
            Ok(target) => {
                links += 1;
                if target.is_absolute() {
                    reached = PathBuf::new();
                }
                rest.extend(reversed(&target));
            }
            // It is no symlink.
            Err(error) if error.errno() == Errno::EINVAL => reached = next,
            Err(error) => return Err(error),
        }
    }
    Ok(reached)
}

/// The symlinks that the kernel follows in one look-up.
const MOST_LINKS: u32 = 40;

/// The names and `..` of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    let named = |component: Component<'_>| match component {
        Component::Normal(_) | Component::ParentDir => Some(component.as_os_str().to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::DeviceNumber;
    use crate::mount::{MountId, PathMount};
    use crate::ports::{MockFilesystem, MockMounter};

    /// An image at `/r` with some symlinks.
    fn image() -> MockFilesystem {
        let mut fs = MockFilesystem::new();
        fs.expect_read_link().returning(|at| match at.for_display().to_str() {
            Some("/r/var/run") => Ok("/run".into()),
            Some("/r/run/up") => Ok("../../usr/./lib".into()),
            Some("/r/loop") => Ok("loop".into()),
            Some("/r/gone") => Err(OsError::new(Operation::ReadLink, "/r/gone", Errno::ENOENT)),
            _ => Err(OsError::new(Operation::ReadLink, at.for_display(), Errno::EINVAL)),
        });
        fs
    }

    #[test]
    fn bind_of_a_directory_of_nfs_shows_its_path_in_the_source() {
        let (mut fs, mut mounter) = (MockFilesystem::new(), MockMounter::new());
        fs.expect_canonicalize().returning(|path| Ok(path.to_owned()));
        mounter.expect_mount_of().returning(|_| {
            let mut mount = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(0, 40));
            (mount.root, mount.mount_point) = ("/".into(), "/n".into());
            (mount.fs_type, mount.source) = ("nfs4".into(), "server:/export".into());
            Ok(PathMount { mount, is_root: false })
        });
        let shape = shape_of_bind(&fs, &mounter, &Location::trusted("/n/a/b"), true, Propagation::Private).unwrap();
        assert_eq!((shape.source, shape.subpath), (Some("server:/export/a/b".into()), "/".into()));
    }

    #[test]
    fn path_in_a_root_is_resolved_inside_the_root() {
        let below =
            |path: &str| without_links(&image(), Path::new("/r"), Path::new(path)).map_err(|error| error.errno());
        for (path, real) in
            [("/", ""), ("a/../b/.", "b"), ("../../etc", "etc"), ("/var/run/x", "run/x"), ("var/run/up/x", "usr/lib/x")]
        {
            assert_eq!(below(path).as_deref(), Ok(Path::new(real)), "{path}");
        }
        assert_eq!(below("loop"), Err(Errno::ELOOP));
        assert_eq!(below("gone/.."), Err(Errno::ENOENT));
    }
}

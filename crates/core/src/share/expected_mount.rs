//! The expected mount of a share.

use std::path::{Path, PathBuf};

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
    }
}

//! Names below a container's directory.

use camino::Utf8Path;

use crate::error::Error;
use crate::path::{ContainerId, InvalidPath, Location, RelativePath};

/// The name of a container's root filesystem below its directory.
pub const ROOTFS_DIR: &str = "rootfs";
/// The name of a container's nydus snapshot directory below its directory.
pub const SNAPSHOT_DIR: &str = "snapshotdir";
/// The name of an overlay's lower layer.
pub const LOWER_DIR: &str = "lowerdir";
/// The name of an overlay's upper layer.
pub const UPPER_DIR: &str = "upperdir";
/// The name of an overlay's work directory.
pub const WORK_DIR: &str = "workdir";

/// The name below the mounts directory under which binds for the whole sandbox lie.
pub const SANDBOX_MOUNTS_DIR: &str = "sandbox-mounts";

/// `<mounts>/<id>`.
pub(crate) fn container_dir(mounts_dir: &Utf8Path, id: &ContainerId) -> Result<Location, Error> {
    mounts_dir_given(mounts_dir)?;
    Ok(Location::beneath(mounts_dir.as_std_path(), id.as_str())?)
}

/// `<mounts>/<id>/<name>`, where `name` is one component.
pub(crate) fn share_location(mounts_dir: &Utf8Path, id: &ContainerId, name: &str) -> Result<Location, Error> {
    mounts_dir_given(mounts_dir)?;
    one_component(name)?;
    Ok(Location::beneath(mounts_dir.as_std_path(), format!("{id}/{name}"))?)
}

pub(crate) fn mounts_dir_given(mounts_dir: &Utf8Path) -> Result<(), Error> {
    given(mounts_dir, "mounts directory").map(drop)
}

/// The path, unless it is empty.
pub(crate) fn given<P: AsRef<Utf8Path>>(path: P, what: &'static str) -> Result<P, Error> {
    if path.as_ref().as_str().is_empty() { Err(Error::Unspecified { what }) } else { Ok(path) }
}

/// One component below a directory, or why it is none.
pub(crate) fn one_component(name: &str) -> Result<(), InvalidPath> {
    let path = RelativePath::new(name)?;
    if path.as_path().as_os_str() == name && path.parent().is_none() {
        Ok(())
    } else {
        Err(InvalidPath::below_a_root(name, "it is not one name"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_component() {
        let id = ContainerId::new("c").unwrap();
        let at = share_location("/m".into(), &id, "rootfs").unwrap();
        assert_eq!(at, Location::beneath("/m", "c/rootfs").unwrap());
        for bad in ["", ".", "..", "a/b", "a/", "/a", "a\0"] {
            assert!(share_location("/m".into(), &id, bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_mounts_directory_must_be_given() {
        let id = ContainerId::new("c").unwrap();
        let expected = Error::Unspecified { what: "mounts directory" };
        assert_eq!(container_dir("".into(), &id), Err(expected.clone()));
        assert_eq!(share_location("".into(), &id, "rootfs"), Err(expected));
    }
}

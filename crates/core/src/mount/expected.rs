//! Expected properties of a mount.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::{MountAttributes, MountInfo, PeerGroup, PropagationState};
use crate::path::printable;

/// The propagation that a mount is expected to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub(crate) enum PropagationShape {
    /// Neither shared nor slave, and it can be bound.
    Private,
    /// Member of a peer group, without a master.
    Shared,
    /// A slave of this group, without peers. `None`: there was no group to be a slave of, and the kernel made it
    /// private.
    SlaveOf(Option<PeerGroup>),
}

impl PropagationShape {
    /// True where `state` is of this shape.
    pub(crate) fn fits(self, state: PropagationState) -> bool {
        if state.unbindable {
            return false;
        }
        match self {
            Self::Private => state.is_private(),
            Self::Shared => state.peers.is_some() && state.master.is_none(),
            Self::SlaveOf(group) => state.peers.is_none() && state.master == group,
        }
    }
}

/// The expected properties of a mount except its id: a caller can use any mount of this shape in place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountShape {
    /// The device number of its filesystem.
    pub device: DeviceNumber,
    /// The directory or file of the filesystem that it shows.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub subpath: PathBuf,
    /// The source that it shows, where the type shows the path there and not in the root (NFS): two exports can have one
    /// device number.
    #[cfg_attr(
        feature = "serde",
        serde(default, skip_serializing_if = "Option::is_none", with = "crate::stored_form::names")
    )]
    pub source: Option<OsString>,
    /// Its attributes.
    pub attributes: MountAttributes,
    /// Its propagation.
    pub(crate) propagation: PropagationShape,
    /// True where owners are mapped: an id-mapped mount shows other owners of files than one that is not.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub idmapped: bool,
}

impl MountShape {
    /// The differences between `found` and this shape; empty where there are none.
    pub fn differences(&self, found: &MountInfo) -> Vec<Difference> {
        let checks = [
            (self.device == found.device, Difference::Device),
            (self.subpath == found.root, Difference::Subpath),
            (self.source.as_ref().is_none_or(|source| *source == found.source), Difference::Source),
            (self.attributes == found.attributes, Difference::Attributes),
            (self.propagation.fits(found.propagation), Difference::Propagation),
            (self.idmapped == found.idmapped, Difference::IdMap),
        ];
        checks.into_iter().filter_map(|(same, difference)| (!same).then_some(difference)).collect()
    }

    /// Compares `found` with this shape.
    ///
    /// # Errors
    ///
    /// [`Conflict`] where anything differs.
    pub fn check(&self, found: MountInfo) -> Result<MountInfo, Conflict> {
        let differences = self.differences(&found);
        if differences.is_empty() {
            Ok(found)
        } else {
            Err(Conflict { wanted: Box::new(self.clone()), found: Box::new(found), differences })
        }
    }
}

/// A property in which a mount differs from the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Difference {
    /// It is of another filesystem.
    Device,
    /// It shows another subtree of the filesystem, or one that was deleted and perhaps created again.
    Subpath,
    /// It shows another export, or another subtree of one (NFS).
    Source,
    /// Its attributes differ: read-only or not, `nosuid`, the atime class …
    Attributes,
    /// Its propagation differs.
    Propagation,
    /// One of the two is id-mapped and the other is not.
    IdMap,
}

/// Another mount than the expected one is mounted at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Conflict {
    /// The expected mount.
    pub wanted: Box<MountShape>,
    /// The mount that is there: of a stack, the topmost.
    pub found: Box<MountInfo>,
    /// The properties in which they differ; at least one.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, found, differences } = self;
        write!(f, "{} is already mounted: ", printable(&found.mount_point))?;
        for (index, difference) in differences.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match difference {
                Difference::Device => write!(f, "device {} (expected {})", found.device, wanted.device)?,
                Difference::Subpath => {
                    write!(f, "root {} (expected {})", printable(&found.root), printable(&wanted.subpath))?;
                }
                Difference::Source => {
                    let wanted = wanted.source.as_deref().unwrap_or_default();
                    write!(f, "source {} (expected {})", printable(&found.source), printable(wanted))?;
                }
                Difference::Attributes => write!(f, "{} (expected {})", found.attributes, wanted.attributes)?,
                Difference::IdMap if found.idmapped => f.write_str("id-mapped")?,
                Difference::IdMap => f.write_str("not id-mapped")?,
                Difference::Propagation => write!(f, "propagation {}", found.propagation.words())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{MountFlags, MountId};

    fn shape(propagation: PropagationShape) -> MountShape {
        let attributes = MountAttributes { flags: MountFlags::READ_ONLY, ..MountAttributes::default() };
        let device = DeviceNumber::new(8, 1);
        MountShape { device, subpath: "/a".into(), source: None, attributes, propagation, idmapped: false }
    }

    fn found() -> MountInfo {
        let mut info = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(8, 1));
        info.root = "/a".into();
        info.attributes.flags = MountFlags::READ_ONLY;
        info
    }

    #[test]
    fn ids_and_places_do_not_matter() {
        let mut elsewhere = found();
        elsewhere.id = MountId(9);
        elsewhere.mount_point = "/else".into();
        assert_eq!(shape(PropagationShape::Private).differences(&elsewhere), []);
    }

    #[test]
    fn each_difference_is_named() {
        let shape = shape(PropagationShape::Private);
        let with = |change: fn(&mut MountInfo)| {
            let mut info = found();
            change(&mut info);
            shape.differences(&info)
        };
        assert_eq!(with(|info| info.device = DeviceNumber::new(8, 2)), [Difference::Device]);
        assert_eq!(with(|info| info.root = "/a//deleted".into()), [Difference::Subpath]);
        assert_eq!(with(|info| info.attributes.flags = MountFlags::NONE), [Difference::Attributes]);
        assert_eq!(with(|info| info.propagation.peers = PeerGroup::new(3)), [Difference::Propagation]);
        assert_eq!(with(|info| info.propagation.unbindable = true), [Difference::Propagation]);
        assert_eq!(with(|info| info.idmapped = true), [Difference::IdMap]);
    }

    #[test]
    fn a_slave_has_this_master_and_no_peers() {
        let state = |peers, master| PropagationState {
            peers: PeerGroup::new(peers),
            master: PeerGroup::new(master),
            ..PropagationState::default()
        };
        let slave = PropagationShape::SlaveOf(PeerGroup::new(4));
        assert!(slave.fits(state(0, 4)));
        for other in [state(0, 5), state(0, 0), state(4, 4)] {
            assert!(!slave.fits(other), "{other}");
        }
        assert!(PropagationShape::SlaveOf(None).fits(state(0, 0)));
        assert!(PropagationShape::Shared.fits(state(4, 0)) && !PropagationShape::Shared.fits(state(4, 5)));
    }

    #[test]
    fn says_what_is_there_and_what_is_not() {
        let mut found = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(8, 2));
        found.mount_point = "/m/c/rootfs".into();
        let wanted = MountShape {
            device: DeviceNumber::new(8, 1),
            subpath: "/images/c".into(),
            source: Some("nas:/c".into()),
            attributes: MountAttributes::default(),
            propagation: PropagationShape::SlaveOf(None),
            idmapped: true,
        };
        assert_eq!(
            wanted.check(found).unwrap_err().to_string(),
            "/m/c/rootfs is already mounted: device 8:2 (expected 8:1), root / (expected /images/c), source none (expected \
             nas:/c), not id-mapped"
        );
    }
}

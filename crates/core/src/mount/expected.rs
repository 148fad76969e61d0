//! What a mount has to be like.

use std::path::PathBuf;

use crate::file::DeviceNumber;
use crate::mount::{Conflict, Difference, MountAttributes, MountInfo, PeerGroup, PropagationState};

/// The propagation that a mount has to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum PropagationShape {
    /// Neither shared nor slave, and it can be bound.
    Private,
    /// Of a peer group, and without a master.
    Shared,
    /// A slave of this group, without peers. `None`: there was nothing to be a slave of, and the kernel made it private.
    SlaveOf(Option<PeerGroup>),
}

impl PropagationShape {
    /// True where `state` is of this shape.
    pub fn fits(self, state: PropagationState) -> bool {
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

/// What a mount has to be like, whatever its id: by this two mounts are the same thing to a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct MountShape {
    /// The device number of its filesystem.
    pub device: DeviceNumber,
    /// What of the filesystem it shows.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    pub subpath: PathBuf,
    /// Its attributes.
    pub attributes: MountAttributes,
    /// Its propagation.
    pub propagation: PropagationShape,
    /// Whether owners are mapped: an id-mapped mount shows files with other owners than one that is not.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub idmapped: bool,
}

impl MountShape {
    /// Where `found` is not like this; empty: it is.
    pub fn differences(&self, found: &MountInfo) -> Vec<Difference> {
        let checks = [
            (self.device == found.device, Difference::Device),
            (self.subpath == found.root, Difference::Subpath),
            (self.attributes == found.attributes, Difference::Attributes),
            (self.propagation.fits(found.propagation), Difference::Propagation),
            (self.idmapped == found.idmapped, Difference::IdMap),
        ];
        checks.into_iter().filter_map(|(same, difference)| (!same).then_some(difference)).collect()
    }

    /// `found` compared with this.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{MountFlags, MountId};

    fn shape(propagation: PropagationShape) -> MountShape {
        let attributes = MountAttributes { flags: MountFlags::READ_ONLY, ..MountAttributes::default() };
        MountShape { device: DeviceNumber::new(8, 1), subpath: "/a".into(), attributes, propagation, idmapped: false }
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
}

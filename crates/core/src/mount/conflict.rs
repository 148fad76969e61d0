//! Something else is there.

use std::fmt;

use crate::mount::{MountInfo, MountShape};
use crate::path::printable;

/// In what a mount differs from the one that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Difference {
    /// It is of another filesystem.
    Device,
    /// It shows another part of the filesystem, or one that was deleted and perhaps made again.
    Subpath,
    /// Its attributes are others: read-only or not, `nosuid`, the atime class …
    Attributes,
    /// It propagates otherwise.
    Propagation,
    /// One of the two is id-mapped and the other is not.
    IdMap,
}

/// Where a mount is wanted there is one already, and it is another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Conflict {
    /// What is wanted.
    pub wanted: Box<MountShape>,
    /// What is there: of a stack, the topmost.
    pub found: Box<MountInfo>,
    /// In what they differ; at least one.
    pub differences: Vec<Difference>,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { wanted, found, differences } = self;
        write!(f, "another mount is on {}: ", printable(&found.mount_point))?;
        for (index, difference) in differences.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match difference {
                Difference::Device => write!(f, "device {} and not {}", found.device, wanted.device)?,
                Difference::Subpath => write!(f, "{} and not {}", printable(&found.root), printable(&wanted.subpath))?,
                Difference::Attributes => write!(f, "{} and not {}", found.attributes, wanted.attributes)?,
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
    use crate::file::DeviceNumber;
    use crate::mount::{MountAttributes, MountId, PropagationShape};

    #[test]
    fn says_what_is_there_and_what_is_not() {
        let mut found = MountInfo::new(MountId(2), MountId(1), DeviceNumber::new(8, 2));
        found.mount_point = "/m/c/rootfs".into();
        let wanted = MountShape {
            device: DeviceNumber::new(8, 1),
            subpath: "/images/c".into(),
            attributes: MountAttributes::default(),
            propagation: PropagationShape::SlaveOf(None),
            idmapped: true,
        };
        assert_eq!(
            wanted.check(found).unwrap_err().to_string(),
            "another mount is on /m/c/rootfs: device 8:2 and not 8:1, / and not /images/c, not id-mapped"
        );
    }
}

//! The things that a scene may lack.

/// A thing that not every machine permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Thing {
    /// A root filesystem on a block device: an ext4 image on a loop device
    Disk,
    /// A btrfs with a subvolume, on a loop device
    Btrfs,
    /// An overlay
    Overlay,
    /// `/dev/loop0`
    LoopNode,
}

//! An overlay of directories.

use crate::mount::{FilesystemOption, MountRequest};
use crate::path::Location;

/// An overlay of directories (`Documentation/filesystems/overlayfs.rst`), to be mounted.
///
/// Each directory is resolved once and handed over as [`FilesystemOption::at_place`] says: by its descriptor since Linux 6.13, for as
/// many layers as the kernel stacks (500). From 6.5 on each layer is one option of at most 255 bytes; before that all
/// options are one text of at most 4095 bytes, and what is longer is `E2BIG` before anything is mounted.
///
/// ```
/// use mountwright_core::Location;
/// use mountwright_core::mount::Overlay;
///
/// let layer = |name: &str| Location::beneath("/var/lib/layers", name).unwrap();
/// let overlay = Overlay::new([layer("top"), layer("base")]).writable(layer("upper"), layer("work"));
/// let request = overlay.onto(Location::trusted("/run/box/rootfs")).read_only();
/// assert_eq!(request.options.len(), 4);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay {
    lower: Vec<Location>,
    upper: Option<(Location, Location)>,
}

impl Overlay {
    /// An overlay of these layers that cannot be written to. The first layer is the topmost one.
    pub fn new(lower: impl IntoIterator<Item = Location>) -> Self {
        Self { lower: lower.into_iter().collect(), upper: None }
    }

    /// Writes go to `upper`. `work` is an empty directory on the same mount, for the kernel alone.
    #[must_use]
    pub fn writable(mut self, upper: Location, work: Location) -> Self {
        self.upper = Some((upper, work));
        self
    }

    /// The request to mount it on `target`, with the source `overlay`. More options and attributes can be added.
    pub fn onto(self, target: Location) -> MountRequest {
        let lower = self.lower.into_iter().map(|layer| FilesystemOption::at_place("lowerdir+", layer));
        let upper = self.upper.into_iter().flat_map(|(upper, work)| {
            [FilesystemOption::at_place("upperdir", upper), FilesystemOption::at_place("workdir", work)]
        });
        lower.chain(upper).fold(MountRequest::new("overlay", target).source("overlay"), MountRequest::option)
    }
}

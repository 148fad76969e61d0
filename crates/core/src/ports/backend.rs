//! Both ports in one.

use crate::ports::{Filesystem, Mounter};

/// Both ports, so that a runtime holds one `Arc<dyn Backend>`. Implemented for every type that implements both;
/// [`Ports`] makes one of two.
///
/// Both must be of the same machine and mount namespace.
pub trait Backend: Filesystem + Mounter {
    /// The port for files.
    fn filesystem(&self) -> &dyn Filesystem;

    /// The port for mounts.
    fn mounter(&self) -> &dyn Mounter;
}

impl<T: Filesystem + Mounter> Backend for T {
    fn filesystem(&self) -> &dyn Filesystem {
        self
    }

    fn mounter(&self) -> &dyn Mounter {
        self
    }
}

/// A backend of two ports, for example of two mocks.
///
/// Fields may be references: `Ports { filesystem: &files, mounter: &mounts }`.
#[derive(Clone, Copy, Debug)]
pub struct Ports<F, M> {
    /// The port for files.
    pub filesystem: F,
    /// The port for mounts, of the same machine and mount namespace.
    pub mounter: M,
}

//! Both ports in one.

use crate::ports::{Filesystem, Mounter};

/// Both ports, so that a runtime holds one `Arc<dyn Backend>`. Implemented for every type that implements both.
///
/// Both must be of the same machine and mount namespace.
pub trait Backend: Filesystem + Mounter {}

impl<T: Filesystem + Mounter + ?Sized> Backend for T {}

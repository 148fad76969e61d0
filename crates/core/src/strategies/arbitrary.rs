//! Values of the library's types.

use proptest::prelude::*;

use super::histories::{Step, step};
use super::mounts::{mount, mount_info};
use super::paths::{container_id, relative_path};
use crate::mount::MountInfo;
use crate::path::{ContainerId, RelativePath};
use crate::spec::Mount;

macro_rules! arbitrary {
    ($($type:ty: $strategy:ident;)*) => {$(
        impl Arbitrary for $type {
            type Parameters = ();
            type Strategy = BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                $strategy().boxed()
            }
        }
    )*};
}

arbitrary! {
    ContainerId: container_id;
    RelativePath: relative_path;
    MountInfo: mount_info;
    Mount: mount;
    Step: step;
}

//! Data of mounts: identity, attributes, propagation, and the requests to the ports.

pub(crate) mod atime;
pub(crate) mod atomicity;
pub(crate) mod attribute_change;
pub(crate) mod attributes;
pub(crate) mod attributes_request;
pub(crate) mod bind_request;
pub(crate) mod expected;
pub(crate) mod flags;
pub(crate) mod info;
pub(crate) mod lookup;
pub(crate) mod mountinfo_escape;
pub(crate) mod new_mount_request;
pub(crate) mod origin;
pub(crate) mod placeholder;
pub(crate) mod propagation;
pub(crate) mod recursion;
pub(crate) mod subpath;
pub(crate) mod unmount_request;

pub use crate::file::mount_id::{MountId, MountKey, UniqueMountId};
pub use atime::AtimeMode;
pub use atomicity::Guarantee;
pub use attribute_change::AttributeChange;
pub use attributes::MountAttributes;
pub use attributes_request::AttributesRequest;
pub use bind_request::{BindReport, BindRequest, OccupiedTarget};
pub(crate) use expected::PropagationShape;
pub use expected::{Conflict, Difference, MountShape};
pub use flags::MountFlags;
pub use info::MountInfo;
pub use lookup::{FilesystemOf, PathMount};
pub use new_mount_request::{FilesystemOption, MountRequest};
pub use origin::{BootId, MountNamespaceId, Origin};
pub use placeholder::Placeholder;
pub use propagation::{PeerGroup, Propagation, PropagationState, PropagationWord, WrongPropagation};
pub use recursion::Recursion;
pub use unmount_request::{MountSubtree, UnmountMode, UnmountRequest};

//! Data of mounts: identity, attributes, propagation, and the requests to the ports.

pub(crate) mod atomicity;
pub(crate) mod attribute_change;
pub(crate) mod attributes;
pub(crate) mod attributes_request;
pub(crate) mod bind_request;
pub(crate) mod conflict;
pub(crate) mod expected;
pub(crate) mod flags;
pub(crate) mod id;
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

pub use atomicity::Guarantee;
pub use attribute_change::{AttributeChange, ConflictingChange};
pub use attributes::{AtimeMode, MountAttributes};
pub use attributes_request::{AttributesReport, AttributesRequest};
pub use bind_request::{BindReport, BindRequest, MissingTarget, OccupiedTarget};
pub use conflict::{Conflict, Difference};
pub use expected::{MountShape, PropagationShape};
pub use flags::MountFlags;
pub use id::{MountId, MountKey, UniqueMountId};
pub use info::MountInfo;
pub use lookup::{FilesystemOf, PathMount};
pub use new_mount_request::{FilesystemOption, MountReport, MountRequest};
pub use origin::{BootId, MountNamespaceId, NotABootId, Origin};
pub use placeholder::Placeholder;
pub use propagation::{PeerGroup, Propagation, PropagationState, PropagationWord, WrongPropagation};
pub use recursion::Recursion;
pub use unmount_request::{MountSubtree, UnmountMode, UnmountRequest};

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

//! Changes of a mount that is there: attributes, propagation, unmount.

pub(crate) mod attributes;
pub(crate) mod enter_root;
pub(crate) mod propagation;
pub(crate) mod unmount;

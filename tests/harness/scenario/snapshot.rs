//! The mount tables at one moment, normalised.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::operation::is_default;

/// One list of rows for each live namespace, in the order of the kernel's table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<u32, Vec<Row>>);

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// Mount point, as the kernel prints it
    pub mp: String,
    /// Mount point of the parent mount; none for the sandbox root
    pub parent: Option<String>,
    /// Index of the parent's row; none for the sandbox root
    pub pi: Option<usize>,
    /// Root inside the filesystem, as the kernel prints it
    pub root: String,
    /// Label of the filesystem: `tmpfs#k`, where the k-th new mount was the first of the superblock
    pub fs: String,
    /// Per-mount options, as the kernel prints them
    pub opts: String,
    /// Label of the peer group
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<String>,
    /// Label of the peer group that it is a slave of
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master: Option<String>,
    /// Label of the nearest dominating peer group in this namespace
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagate_from: Option<String>,
    /// Cannot be bound
    #[serde(default, skip_serializing_if = "is_default")]
    pub unbindable: bool,
    /// The superblock is read-only
    #[serde(default, skip_serializing_if = "is_default")]
    pub sb_ro: bool,
    /// Options of the superblock after `rw` or `ro`
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sb_opts: String,
}

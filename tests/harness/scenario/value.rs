//! The value that an operation returns besides success.

use serde::{Deserialize, Serialize};

use super::numbers::{DeviceNumber, Octal};

/// The value of an operation that returns one, normalised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Of `stat`
    Stat(StatValue),
    /// Of `attributes`
    Attributes(AttributesValue),
    /// Of `readdir` and `tree`
    Names(Vec<String>),
    /// Of `readlink`, `read`, `statfs` and `umask`
    Text(String),
}

/// The value of `stat`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatValue {
    /// dir, file, symlink, char, block, fifo or socket
    pub kind: String,
    /// Label of the filesystem, as in a table
    pub fs: String,
    /// Label of the (filesystem, inode), by first appearance in the scenario
    pub ino: String,
    /// The mount
    pub mnt: MountLabel,
    /// `STATX_ATTR_MOUNT_ROOT`
    pub mount_root: bool,
}

/// The value of `attributes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributesValue {
    /// As in [`StatValue`]
    pub kind: String,
    /// Permission, set-id and sticky bits
    pub mode: Octal,
    /// The owner, as the process sees it
    pub uid: u32,
    /// The group, as the process sees it
    pub gid: u32,
    /// The device of a node
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceNumber>,
}

/// The position of a mount in the table of the present namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum MountLabel {
    /// The index of its row
    Row(usize),
    /// `"detached"`: in no row
    Detached(String),
}

impl MountLabel {
    /// The label of a mount that has no row.
    pub fn detached() -> Self {
        Self::Detached("detached".to_owned())
    }
}

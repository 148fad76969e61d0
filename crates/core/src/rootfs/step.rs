//! Steps of a plan.

use camino::Utf8PathBuf;
use serde::{Deserialize, Serialize};

use crate::file::{DeviceNumber, FileKind, FileMode};
use crate::mount::PropagationWord;
use crate::rootfs::owner_map::Owners;
use crate::spec::MountOptions;

/// The option of a new filesystem that is the `SELinux` label of its files.
pub(crate) const LABEL: &str = "context";

/// One step of a plan. Places are paths in the container, sources paths on the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Step {
    /// The image becomes the root of the tree, with the mounts below it.
    Root { image: Utf8PathBuf },
    /// A new filesystem is mounted.
    Filesystem(NewFilesystem),
    /// A path of the host is bound.
    Bind {
        at: Utf8PathBuf,
        source: Utf8PathBuf,
        options: MountOptions,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owners: Owners,
    },
    /// The cgroups of the container are mounted: cgroup2, or on a host of version 1 a tmpfs with its hierarchies.
    Cgroups { at: Utf8PathBuf, options: MountOptions },
    /// A device or a named pipe is created, or a node of the host is bound.
    Device(Device),
    /// A symlink is created.
    Link { at: Utf8PathBuf, target: Utf8PathBuf },
    /// The terminal of the container is bound.
    Console { at: Utf8PathBuf },
    /// A path is covered, where it is there.
    Mask {
        at: Utf8PathBuf,
        /// The label of the tmpfs that covers a directory.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<String>,
    },
    /// A path becomes read-only with all below it, where it is there.
    ReadOnlyPath { at: Utf8PathBuf },
    /// The mount on the root becomes read-only.
    ReadOnlyRoot,
    /// A mount that had to be filled becomes read-only.
    ReadOnlyMount { at: Utf8PathBuf },
    /// The mount on the root gets its propagation, or every mount does.
    Propagation(PropagationWord),
}

/// A new filesystem of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NewFilesystem {
    pub(crate) at: Utf8PathBuf,
    pub(crate) fs_type: String,
    pub(crate) source: Option<String>,
    pub(crate) options: MountOptions,
}

/// A device or a named pipe of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Device {
    pub(crate) at: Utf8PathBuf,
    pub(crate) kind: FileKind,
    /// `None` of a named pipe.
    pub(crate) number: Option<DeviceNumber>,
    /// As the specification states them; a bound node must have them.
    pub(crate) mode: Option<FileMode>,
    pub(crate) uid: Option<u32>,
    pub(crate) gid: Option<u32>,
    pub(crate) by: DeviceBy,
}

/// The way in which a device comes into the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DeviceBy {
    /// By a node of its own.
    Node,
    /// By a bind of the node that the host has under the same path.
    Bind,
}

/// The preparation of the mount namespace, before anything is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Preparation {
    /// Every mount of the namespace gets this propagation.
    Every(PropagationWord),
    /// The mount that holds the image becomes private, and no other is changed.
    ParentPrivate,
}

impl Step {
    /// The place in the container; `None` of steps about the root.
    pub(crate) fn place(&self) -> Option<&Utf8PathBuf> {
        match self {
            Self::Root { .. } | Self::ReadOnlyRoot | Self::Propagation(_) => None,
            Self::Filesystem(NewFilesystem { at, .. })
            | Self::Device(Device { at, .. })
            | Self::Bind { at, .. }
            | Self::Cgroups { at, .. }
            | Self::Link { at, .. }
            | Self::Console { at }
            | Self::Mask { at, .. }
            | Self::ReadOnlyPath { at }
            | Self::ReadOnlyMount { at } => Some(at),
        }
    }
}

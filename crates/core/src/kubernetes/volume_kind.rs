//! Kinds of volumes, and the directory names of their plugins.

use std::fmt;

/// The directory of emptyDir volumes.
#[doc(alias = "K8sEmptyDir")]
pub const K8S_EMPTY_DIR: &str = "kubernetes.io~empty-dir";
/// The directory of configMap volumes.
#[doc(alias = "K8sConfigMap")]
pub const K8S_CONFIG_MAP: &str = "kubernetes.io~configmap";
/// The directory of secret volumes.
#[doc(alias = "K8sSecret")]
pub const K8S_SECRET: &str = "kubernetes.io~secret";
/// The directory of projected volumes: service account tokens and what is combined with them.
pub const K8S_PROJECTED: &str = "kubernetes.io~projected";
/// The directory of downwardAPI volumes.
pub const K8S_DOWNWARD_API: &str = "kubernetes.io~downward-api";
/// The directory of volumes that a CSI driver mounts.
pub const K8S_CSI: &str = "kubernetes.io~csi";

/// The kinds of volumes that a path can show and that a runtime treats in ways of their own.
///
/// `Display` is the field of a pod's specification: `emptyDir`, `configMap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
#[non_exhaustive]
pub enum VolumeKind {
    /// Scratch space of the pod, on disk or in memory.
    EmptyDir,
    /// The keys of a `ConfigMap` as files.
    ConfigMap,
    /// The keys of a `Secret` as files.
    Secret,
    /// Several sources in one directory; the service account's token among them.
    Projected,
    /// Fields of the pod itself as files.
    #[cfg_attr(feature = "serde", serde(rename = "downwardAPI"))]
    DownwardApi,
    /// Whatever a CSI driver mounts.
    Csi,
}

impl VolumeKind {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::EmptyDir, Self::ConfigMap, Self::Secret, Self::Projected, Self::DownwardApi, Self::Csi];

    /// The name of the plugin's directory: `kubernetes.io~empty-dir`.
    pub const fn plugin_directory(self) -> &'static str {
        match self {
            Self::EmptyDir => K8S_EMPTY_DIR,
            Self::ConfigMap => K8S_CONFIG_MAP,
            Self::Secret => K8S_SECRET,
            Self::Projected => K8S_PROJECTED,
            Self::DownwardApi => K8S_DOWNWARD_API,
            Self::Csi => K8S_CSI,
        }
    }

    pub(super) fn of_plugin_directory(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.plugin_directory().as_bytes() == name)
    }
}

impl fmt::Display for VolumeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EmptyDir => "emptyDir",
            Self::ConfigMap => "configMap",
            Self::Secret => "secret",
            Self::Projected => "projected",
            Self::DownwardApi => "downwardAPI",
            Self::Csi => "csi",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_directory_and_named_as_a_pod_names_it() {
        let mut names = Vec::new();
        for kind in VolumeKind::ALL {
            assert_eq!(VolumeKind::of_plugin_directory(kind.plugin_directory().as_bytes()), Some(kind));
            names.push(kind.to_string());
        }
        assert_eq!(names, ["emptyDir", "configMap", "secret", "projected", "downwardAPI", "csi"]);
        assert_eq!(VolumeKind::of_plugin_directory(b"kubernetes.io~nfs"), None);
    }
}

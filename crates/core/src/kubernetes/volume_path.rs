//! Paths of the volumes of pods.

use camino::Utf8Path;

use crate::kubernetes::VolumeKind;
use crate::path::clean::clean_absolute;
use crate::path::prefix::{rest_below_written, split_last};

/// The default data directory of the kubelet (`kubelet --root-dir`).
pub const KUBELET_ROOT: &str = "/var/lib/kubelet";

/// The kubelet's own records of a volume are at `…/plugins/<plugin>/<name>`, which is not the volume.
const PLUGINS: &[u8] = b"plugins";

/// A CSI driver mounts on this directory in the volume's directory.
const CSI_MOUNT: &[u8] = b"mount";

impl VolumeKind {
    /// The kind of the volume at `path`, for any root of the kubelet; `None` where it is no volume or of a kind that
    /// [`VolumeKind`] does not have.
    ///
    /// * The second-to-last component names the plugin: `…/kubernetes.io~empty-dir/<name>`. For CSI it is the
    ///   third-to-last: `…/kubernetes.io~csi/<name>/mount`.
    /// * Directories *in* a volume are not the volume, and a directory `plugins` holds the kubelet's own records.
    #[doc(alias = "checkKubernetesVolume")]
    #[doc(alias = "isEmptyDir")]
    #[doc(alias = "isConfigMap")]
    #[doc(alias = "isSecret")]
    pub fn of(path: &Utf8Path) -> Option<Self> {
        let path = clean_absolute(path.as_str().as_bytes())?;
        let (above, kind) = split(&path)?;
        let kept_by_kubelet = split_last(above).is_some_and(|(_, name)| name == PLUGINS);
        (!kept_by_kubelet).then_some(kind)
    }

    /// As [`VolumeKind::of`], only for `<kubelet_root>/pods/<uid>/volumes/…`. `None` where `kubelet_root` is relative
    /// or empty.
    ///
    /// Both are texts: where the root is a symlink, the path must begin with the same text.
    pub fn below(path: &Utf8Path, kubelet_root: &Utf8Path) -> Option<Self> {
        let path = clean_absolute(path.as_str().as_bytes())?;
        let (above, kind) = split(&path)?;
        // Compared from the end, so that only the uid has to be skipped there.
        let (of_pod, volumes) = split_last(above)?;
        let (pods, _uid) = split_last(of_pod)?;
        let anchored =
            volumes == b"volumes" && rest_below_written(pods, kubelet_root.as_str().as_bytes()) == Some(b"pods");
        anchored.then_some(kind)
    }
}

/// The parent of the plugin's directory, and the kind.
fn split(path: &[u8]) -> Option<(&[u8], VolumeKind)> {
    let (above_name, name) = split_last(path)?;
    let (above, second_to_last) = split_last(above_name)?;
    match VolumeKind::of_plugin_directory(second_to_last) {
        Some(VolumeKind::Csi) => None,
        Some(kind) => Some((above, kind)),
        None if name == CSI_MOUNT => {
            let (above, third_to_last) = split_last(above)?;
            (third_to_last == VolumeKind::Csi.plugin_directory().as_bytes()).then_some((above, VolumeKind::Csi))
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "/var/lib/kubelet/pods/5f0861a0-a987-4a3a-bb0f-1058ddb9678f";

    fn kind(path: &str) -> Option<VolumeKind> {
        VolumeKind::of(Utf8Path::new(path))
    }

    #[test]
    fn the_second_to_last_component_names_the_plugin() {
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~empty-dir/scratch")), Some(VolumeKind::EmptyDir));
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~configmap/app-config")), Some(VolumeKind::ConfigMap));
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~secret/tls")), Some(VolumeKind::Secret));
        assert_eq!(kind("/tmp/x/kubernetes.io~secret/y"), Some(VolumeKind::Secret));
        assert_eq!(kind("/kubernetes.io~empty-dir/y"), Some(VolumeKind::EmptyDir));
    }

    #[test]
    fn projected_and_downward_api_volumes_are_known() {
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~projected/token")), Some(VolumeKind::Projected));
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~downward-api/podinfo")), Some(VolumeKind::DownwardApi));
    }

    #[test]
    fn of_a_csi_volume_the_third_to_last_component_names_the_plugin() {
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~csi/pvc-0d2f/mount")), Some(VolumeKind::Csi));
        for path in ["pvc-0d2f", "pvc-0d2f/vol_data.json", "mount", "pvc-0d2f/mount/x", "a/pvc-0d2f/mount"] {
            assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~csi/{path}")), None, "{path}");
        }
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~secret/x/mount")), None);
    }

    #[test]
    fn what_is_in_a_volume_or_above_it_is_none() {
        for path in ["", "/x/y", "/x/y/z"] {
            assert_eq!(
                kind(&format!("{POD}/volumes/kubernetes.io~secret{path}")),
                (path == "/x").then_some(VolumeKind::Secret)
            );
        }
        assert_eq!(kind("/"), None);
        assert_eq!(kind("/x"), None);
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~nfs/share")), None);
        assert_eq!(kind(&format!("{POD}/volumes/Xkubernetes.io~secret/x")), None);
    }

    #[test]
    fn the_path_is_cleaned_first() {
        for path in ["kubernetes.io~empty-dir/v/", "kubernetes.io~empty-dir//v", "./kubernetes.io~empty-dir/./v//"] {
            assert_eq!(kind(&format!("{POD}/volumes/{path}")), Some(VolumeKind::EmptyDir), "{path}");
        }
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~csi/v//mount/")), Some(VolumeKind::Csi));
        assert_eq!(kind(&format!("{POD}/volumes/kubernetes.io~secret/a/../b")), Some(VolumeKind::Secret));
    }

    #[test]
    fn dot_dot_is_no_volume() {
        for path in ["kubernetes.io~empty-dir/..", "kubernetes.io~empty-dir/v/..", "kubernetes.io~empty-dir/../v"] {
            assert_eq!(kind(&format!("{POD}/volumes/{path}")), None, "{path}");
        }
    }

    #[test]
    fn the_plugins_directory_holds_no_volumes() {
        assert_eq!(kind(&format!("{POD}/plugins/kubernetes.io~empty-dir/scratch")), None);
        assert_eq!(kind("/var/lib/kubelet/plugins/kubernetes.io~secret/x"), None);
        assert_eq!(kind("/plugins/kubernetes.io~csi/x/mount"), None);
        assert_eq!(kind("/opt/plugins/kubelet/pods/u/volumes/kubernetes.io~secret/x"), Some(VolumeKind::Secret));
    }

    #[test]
    fn a_relative_or_empty_path_is_no_volume() {
        for path in ["", "kubernetes.io~secret/x", "x/kubernetes.io~secret/x", "./kubernetes.io~csi/x/mount"] {
            assert_eq!(kind(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_kubelet_root_anchors_the_path() {
        let in_root = |path: &str, root| VolumeKind::below(Utf8Path::new(path), Utf8Path::new(root));
        let secret = format!("{POD}/volumes/kubernetes.io~secret/tls");
        assert_eq!(in_root(&secret, KUBELET_ROOT), Some(VolumeKind::Secret));
        assert_eq!(in_root(&secret, "/var/lib//kubelet/"), Some(VolumeKind::Secret));
        let csi = format!("{POD}/volumes/kubernetes.io~csi/pvc/mount");
        assert_eq!(in_root(&csi, KUBELET_ROOT), Some(VolumeKind::Csi));
        assert_eq!(in_root("/pods/u/volumes/kubernetes.io~secret/x", "/"), Some(VolumeKind::Secret));

        assert_eq!(in_root(&secret, "/data/kubelet"), None);
        assert_eq!(in_root(&format!("/guest{secret}"), KUBELET_ROOT), None);
        assert_eq!(in_root(&secret, "/var/lib"), None);
        assert_eq!(in_root(&secret, "/var/lib/kube"), None);
        assert_eq!(in_root(&secret, ""), None);
        assert_eq!(in_root("/var/lib/kubelet/kubernetes.io~secret/x", KUBELET_ROOT), None);
        assert_eq!(in_root("/var/lib/kubelet/pods/u/v/volumes/kubernetes.io~secret/x", KUBELET_ROOT), None);
        assert_eq!(in_root("/var/lib/kubelet/pods/u/volumes/v/kubernetes.io~secret/x", KUBELET_ROOT), None);
        assert_eq!(in_root(&format!("{POD}/plugins/kubernetes.io~secret/x"), KUBELET_ROOT), None);
        assert_eq!(in_root("/var/lib/kubelet/x/u/volumes/kubernetes.io~secret/x", KUBELET_ROOT), None);
    }

    #[test]
    fn the_directory_of_each_plugin_is_its_kind() {
        for kind in VolumeKind::ALL {
            let tail = if kind == VolumeKind::Csi { "/mount" } else { "" };
            let path = format!("{POD}/volumes/{}/v{tail}", kind.plugin_directory());
            assert_eq!(VolumeKind::of(Utf8Path::new(&path)), Some(kind));
        }
    }
}

//! The fields of an OCI runtime-spec `config.json` that the story uses.

use std::collections::HashMap;

use camino::{Utf8Path, Utf8PathBuf};
use mountwright_core::ContainerId;
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use serde::Deserialize;
use serde_json::Value;

use super::bad_input::BadInput;
use super::given_file::GivenFile;

/// A container as its specification describes it, checked.
#[derive(Debug)]
pub(crate) struct RuntimeSpec {
    pub(crate) container: ContainerId,
    pub(crate) sandbox: ContainerId,
    pub(crate) rootfs: Utf8PathBuf,
    pub(crate) rootfs_read_only: bool,
    /// In the order of the specification, which is that of mounting.
    pub(crate) mounts: Vec<Mount>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    mounts: Option<Vec<oci_spec::runtime::Mount>>,
    #[serde(default)]
    root: Option<ConfigRoot>,
    #[serde(default)]
    annotations: Option<HashMap<String, String>>,
    #[serde(default)]
    linux: Option<ConfigLinux>,
}

#[derive(Deserialize)]
struct ConfigRoot {
    path: String,
    #[serde(default)]
    readonly: bool,
}

#[derive(Deserialize)]
struct ConfigLinux {
    #[serde(default, rename = "cgroupsPath")]
    cgroups_path: Option<String>,
}

/// The directory of containerd for the bundles of Kubernetes containers, each named by the container's id.
const BUNDLES: &str = "/run/containerd/io.containerd.runtime.v2.task/k8s.io";
const SANDBOX_ANNOTATION: &str = "io.kubernetes.cri.sandbox-id";
/// The id where the specification gives none.
const NAMELESS: &str = "container";

impl RuntimeSpec {
    /// Reads a specification; `id` is the container's, where the caller knows better than the specification.
    pub(crate) fn parse(file: &GivenFile, id: Option<&str>) -> Result<Self, BadInput> {
        let name = &file.name;
        let config = parse_config(file)?;
        let own_name = config.linux.and_then(|linux| linux.cgroups_path).and_then(|path| name_in_cgroup(&path));
        let bundle_name = own_name.as_deref().or(id).unwrap_or(NAMELESS);
        let container = container_id(id.or(own_name.as_deref()).unwrap_or(NAMELESS), "container id")?;
        let annotated = config.annotations.as_ref().and_then(|all| all.get(SANDBOX_ANNOTATION));
        let sandbox = match annotated {
            Some(annotated) => container_id(annotated, "sandbox id")?,
            None => container.clone(),
        };
        let root = config.root.unwrap_or(ConfigRoot { path: "rootfs".to_owned(), readonly: false });
        let mounts = config.mounts.unwrap_or_default();
        if mounts.is_empty() {
            return Err(BadInput::new(format!("{name} has no mounts")));
        }
        let bundle = Utf8Path::new(BUNDLES).join(bundle_name);
        Ok(Self {
            container,
            sandbox,
            // An absolute path stays as it is.
            rootfs: bundle.join(root.path),
            rootfs_read_only: root.readonly,
            mounts: checked(&mounts, &bundle, name)?,
        })
    }
}

fn parse_config(file: &GivenFile) -> Result<Config, BadInput> {
    let name = &file.name;
    let value: Value =
        serde_json::from_slice(&file.bytes).map_err(|error| BadInput::new(format!("{name} is not JSON: {error}")))?;
    // Serde would take the fields of an object from an array too, in their order.
    let mounts = value.get("mounts").and_then(Value::as_array).into_iter().flatten();
    if !value.is_object() || mounts.into_iter().any(|mount| !mount.is_object()) {
        return Err(BadInput::new(format!("{name} is no OCI runtime spec: it and each of its mounts is an object")));
    }
    serde_json::from_slice(&file.bytes)
        .map_err(|error| BadInput::new(format!("{name} is no OCI runtime spec: {error}")))
}

/// `slice:prefix:name` as systemd wants it, or a path that ends in the name.
fn name_in_cgroup(path: &str) -> Option<String> {
    let name = match path.rsplit_once(':') {
        Some((_, name)) => name,
        None => path.trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
    };
    (!name.is_empty()).then(|| name.to_owned())
}

fn container_id(text: &str, what: &str) -> Result<ContainerId, BadInput> {
    text.parse().map_err(|error| BadInput::new(format!("bad {what}: {error}")))
}

fn checked(entries: &[oci_spec::runtime::Mount], bundle: &Utf8Path, name: &str) -> Result<Vec<Mount>, BadInput> {
    let mut taken: HashMap<Utf8PathBuf, usize> = HashMap::new();
    let mut checked = Vec::with_capacity(entries.len());
    for (entry, number) in entries.iter().zip(1..) {
        let mut mount = Mount::try_from(entry)
            .map_err(|unusable| BadInput::new(format!("{name}: mount {number} cannot be used: {unusable}")))?;
        let cleaned = clean_path(mount.destination.as_std_path()).into_owned();
        if let Ok(cleaned) = Utf8PathBuf::from_path_buf(cleaned) {
            mount.destination = cleaned;
        }
        if let Some(other) = taken.insert(mount.destination.clone(), number) {
            return Err(BadInput::new(format!(
                "{name}: mounts {other} and {number} have one destination, {}",
                mount.destination
            )));
        }
        if mount.is_bind() && !mount.source.is_empty() {
            // A relative source starts at the bundle.
            mount.source = bundle.join(&mount.source).into_string();
        }
        checked.push(mount);
    }
    Ok(checked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, id: Option<&str>) -> Result<RuntimeSpec, String> {
        let file = GivenFile { name: "x.json".to_owned(), bytes: text.as_bytes().to_vec() };
        RuntimeSpec::parse(&file, id).map_err(|bad| bad.to_string())
    }

    const ONE: &str = r#""mounts": [{"destination": "/a", "type": "bind", "source": "/b", "options": ["ro"]}]"#;

    #[test]
    fn the_least_that_a_spec_has() {
        let spec = parse(&format!("{{{ONE}}}"), None).unwrap();
        assert_eq!((spec.container.as_str(), spec.sandbox.as_str()), ("container", "container"));
        assert_eq!(spec.rootfs, format!("{BUNDLES}/container/rootfs"));
        assert!(spec.mounts[0].is_bind() && spec.mounts[0].read_only);
    }

    #[test]
    fn its_name_is_at_the_end_of_its_cgroup() {
        let spec = |path: &str, id| parse(&format!(r#"{{{ONE}, "linux": {{"cgroupsPath": "{path}"}}}}"#), id);
        assert_eq!(spec("pod.slice:cri-containerd:9d1e7c", None).unwrap().container.as_str(), "9d1e7c");
        assert_eq!(spec("/kubepods/pod1/abc/", None).unwrap().container.as_str(), "abc");
        let renamed = spec("a:b:9d1e7c", Some("other")).unwrap();
        assert_eq!((renamed.container.as_str(), renamed.rootfs), ("other", format!("{BUNDLES}/9d1e7c/rootfs").into()));
        assert!(spec("a:b:..", None).unwrap_err().starts_with("bad container id: "));
    }

    #[test]
    fn an_absolute_rootfs_is_taken_as_it_is() {
        let spec = parse(&format!(r#"{{{ONE}, "root": {{"path": "/srv/r", "readonly": true}}}}"#), None).unwrap();
        assert_eq!((spec.rootfs.as_str(), spec.rootfs_read_only), ("/srv/r", true));
    }

    #[test]
    fn unusable_mounts_are_one_clear_line() {
        for (text, expected) in [
            (
                r#"{"mounts": [{"destination": "a"}]}"#,
                "x.json: mount 1 cannot be used: the mount's destination \"a\" is not an absolute path in the container",
            ),
            (
                r#"{"mounts": [{"destination": "/a", "uidMappings": [{"containerID": 0, "hostID": 1, "size": 1}]}]}"#,
                "x.json: mount 1 cannot be used: the mount on \"/a\" asks for uidMappings: ",
            ),
        ] {
            let line = parse(text, None).unwrap_err();
            assert!(line.starts_with(expected) && !line.contains('\n'), "{text}: {line}");
        }
    }
}

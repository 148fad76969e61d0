//! A bundle: its plan, and what the example itself reads of its specification.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use camino::Utf8PathBuf;
use mountwright_core::rootfs::{RootfsPlan, RuntimeConfig};
use serde::Deserialize;

use super::Refused;

/// A bundle that can be run.
pub(crate) struct Bundle {
    pub(crate) plan: RootfsPlan,
    pub(crate) spec: Spec,
    /// The mounts' sources, for the model, relative ones below the bundle.
    pub(crate) sources: Vec<Utf8PathBuf>,
}

/// The fields that are not the plan's.
#[derive(Deserialize)]
pub(crate) struct Spec {
    pub(crate) process: Process,
    pub(crate) hostname: Option<String>,
    #[serde(default)]
    mounts: Vec<Source>,
    #[serde(default)]
    pub(crate) linux: Linux,
}

#[derive(Deserialize)]
pub(crate) struct Process {
    #[serde(default)]
    pub(crate) args: Vec<OsText>,
    #[serde(default)]
    pub(crate) env: Vec<String>,
    pub(crate) cwd: String,
    #[serde(default)]
    pub(crate) user: User,
}

/// A text that becomes an argument.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct OsText(pub(crate) String);

#[derive(Default, Deserialize)]
pub(crate) struct User {
    #[serde(default)]
    pub(crate) uid: u32,
    #[serde(default)]
    pub(crate) gid: u32,
}

#[derive(Deserialize)]
struct Source {
    source: Option<Utf8PathBuf>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Linux {
    pub(crate) namespaces: Vec<Namespace>,
    #[serde(rename = "uidMappings")]
    pub(crate) uids: Vec<Mapping>,
    #[serde(rename = "gidMappings")]
    pub(crate) gids: Vec<Mapping>,
}

#[derive(Deserialize)]
pub(crate) struct Namespace {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) path: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Mapping {
    #[serde(rename = "containerID")]
    pub(crate) inside: u32,
    #[serde(rename = "hostID")]
    pub(crate) outside: u32,
    pub(crate) size: u32,
}

impl Bundle {
    pub(crate) fn read(directory: &Path, command: &[OsString]) -> Result<Self, Refused> {
        let directory = fs::canonicalize(directory)
            .map_err(|error| Refused::new(format!("cannot open the bundle {}: {error}", directory.display())))?;
        let directory = Utf8PathBuf::from_path_buf(directory)
            .map_err(|path| Refused::new(format!("the path of the bundle is not UTF-8: {}", path.display())))?;
        let path = directory.join("config.json");
        let text = fs::read(&path).map_err(|error| Refused::new(format!("cannot read {path}: {error}")))?;
        let not_json = |error: serde_json::Error| Refused::new(format!("{path} is no specification: {error}"));
        let config: RuntimeConfig = serde_json::from_slice(&text).map_err(not_json)?;
        let plan = RootfsPlan::from_config(&config, &directory).map_err(|error| Refused::new(error.to_string()))?;
        let mut spec: Spec = serde_json::from_slice(&text).map_err(not_json)?;
        if !command.is_empty() {
            let words = command.iter().map(|word| word.to_str().map(|word| OsText(word.to_owned())));
            spec.process.args = words.collect::<Option<_>>().ok_or_else(|| Refused::new("the command is not UTF-8"))?;
        }
        if spec.process.args.is_empty() {
            return Err(Refused::new("config.json: process.args: it is empty"));
        }
        if let Some(joined) = spec.linux.namespaces.iter().position(|namespace| namespace.path.is_some()) {
            let line = "the example makes new namespaces and joins none";
            return Err(Refused::new(format!("config.json: linux.namespaces[{joined}].path: {line}")));
        }
        let sources = spec.mounts.iter().filter_map(|mount| mount.source.as_ref()).map(|path| directory.join(path));
        Ok(Self { plan, sources: sources.collect(), spec })
    }
}

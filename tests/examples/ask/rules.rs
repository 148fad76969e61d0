//! Queries about the names of paths, and about the rules for them.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use camino::Utf8Path;
use mountwright_core::kata::{DOCKER_DATA_ROOT, is_docker_volume};
use mountwright_core::kubernetes::{EmptyDirMedium, VolumeLayout, Watchability};
use mountwright_core::spec::Mount;
use mountwright_core::{Error, kubernetes};
use mountwright_linux::LinuxBackend;
use serde_json::Value;

use super::answer::Answer;

pub(crate) fn system(path: &OsStr) -> Result<Answer, Error> {
    let yes = Mount::is_system_mount(utf8(path)?);
    let why = if yes { "/proc or /sys, or below" } else { "not below /proc and not below /sys" };
    Ok(Answer::yes_or_no("system", yes, why).with_path("path", path))
}

pub(crate) fn volume(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let text = utf8(path)?;
    let kind = kubernetes::VolumeKind::of(text);
    let docker = is_docker_volume(text, DOCKER_DATA_ROOT);
    let medium = EmptyDirMedium::of(backend, text)?;
    let (medium_word, page_size) = match medium {
        Some(EmptyDirMedium::Memory) => (Some("memory"), None),
        Some(EmptyDirMedium::Disk) => (Some("disk"), None),
        Some(EmptyDirMedium::HugePages { page_size }) => (Some("huge-pages"), page_size),
        None => (None, None),
    };
    let (what, reason) = match (kind, medium) {
        (Some(kind), Some(medium)) => (format!("Kubernetes {kind}, {medium}"), medium_reason(medium).to_owned()),
        (Some(kind), None) => (format!("Kubernetes {kind}"), plugin_reason(kind)),
        (None, _) if docker => ("docker".to_owned(), "it is /var/lib/docker/volumes/<name>/_data".to_owned()),
        (None, _) => {
            ("none".to_owned(), "its path names no volume plugin of Kubernetes, nor a volume of docker".to_owned())
        }
    };
    let answer =
        Answer::new(format!("{what}: {reason}")).with_path("path", path).with("volume", kind.is_some() || docker);
    let answer = answer.with("kubernetes", kind.map(|kind| kind.to_string())).with("docker", docker);
    let answer = answer.with("medium", medium_word).with("page_size", page_size);
    Ok(answer.with("reason", reason))
}

fn medium_reason(medium: EmptyDirMedium) -> &'static str {
    match medium {
        EmptyDirMedium::Memory => "the directory is the root of a tmpfs",
        EmptyDirMedium::HugePages { .. } => "the directory is the root of a hugetlbfs",
        EmptyDirMedium::Disk => "the directory is the root of neither a tmpfs nor a hugetlbfs",
    }
}

fn plugin_reason(kind: kubernetes::VolumeKind) -> String {
    let place = if kind == kubernetes::VolumeKind::Csi { "third-to-last" } else { "second-to-last" };
    format!("{} is the {place} name of its path", kind.plugin_directory())
}

pub(crate) fn watchable(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let text = utf8(path)?;
    let found = Watchability::of(backend, text)?;
    let reason = match found {
        Watchability::Watchable { entries, keys, bytes, layout } => {
            let layout = match layout {
                VolumeLayout::AtomicWriter => "in the kubelet's layout",
                VolumeLayout::Plain => "as plain files",
            };
            format!("keys {keys}, entries {entries}, bytes {bytes}, {layout}")
        }
        why => why.to_string(),
    };
    let answer = Answer::yes_or_no("watchable", found.is_watchable(), &reason).with_path("path", path);
    let answer = answer.with("kubernetes", kubernetes::VolumeKind::of(text).map(|kind| kind.to_string()));
    Ok(match found {
        Watchability::Watchable { entries, keys, bytes, layout } => {
            let layout = match layout {
                VolumeLayout::AtomicWriter => "atomic-writer",
                VolumeLayout::Plain => "plain",
            };
            answer.with("keys", keys).with("entries", entries).with("bytes", bytes).with("layout", layout)
        }
        _ => ["keys", "entries", "bytes", "layout"]
            .into_iter()
            .fold(answer, |answer, field| answer.with(field, Value::Null)),
    })
}

/// The rules are about names from Kubernetes and docker, which are UTF-8.
fn utf8(path: &OsStr) -> Result<&Utf8Path, Error> {
    path.to_str().map(Utf8Path::new).ok_or_else(|| Error::NotUtf8 { bytes: path.as_bytes().to_vec() })
}

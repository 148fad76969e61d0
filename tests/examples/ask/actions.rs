//! The questions that change something.

use std::ffi::OsStr;

use camino::Utf8Path;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::{NameAfter, Removal};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, ContainerId, Error, Location, Mounter as _, Recursion,
};
use mountwright_linux::LinuxBackend;
use mountwright_tests::show::printable;
use serde_json::{Value, json};

use super::answer::Answer;
use super::cli::Bind;

pub(crate) fn bind(backend: &LinuxBackend, asked: &Bind, stacking: bool) -> Result<Answer, Error> {
    let (source, destination) = (Location::trusted(&asked.source), Location::trusted(&asked.destination));
    let mut bind = BindRequest::private(source, destination).propagation(asked.propagation.propagation);
    if asked.propagation.recursion == Recursion::Tree {
        bind = bind.recursive();
    }
    if asked.read_only {
        bind = bind.read_only();
    }
    if stacking {
        bind = bind.stacking();
    }
    let report = backend.bind(&bind)?;
    let text = format!(
        "{} on {} as mount {}, {}",
        printable(&asked.source),
        printable(&asked.destination),
        report.mount,
        report.guarantee
    );
    let created: Vec<Value> = report.created.iter().map(|path| json!(path.to_string_lossy())).collect();
    let answer = Answer::new(text).with_path("source", &asked.source).with_path("destination", &asked.destination);
    let answer = answer.with("mount", report.mount.to_string()).with("guarantee", report.guarantee.to_string());
    Ok(answer.with("created", created))
}

pub(crate) fn remount_ro(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let request = AttributesRequest::new(Location::trusted(path), AttributeChange::READ_ONLY);
    let guarantee = backend.change_attributes(&request)?;
    let answer = Answer::new(format!("{} is read-only now, {}", printable(path), guarantee));
    Ok(answer.with_path("path", path).with("guarantee", guarantee.to_string()))
}

pub(crate) fn share(
    backend: &LinuxBackend,
    mounts: &Utf8Path,
    id: &ContainerId,
    rootfs: &OsStr,
) -> Result<Answer, Error> {
    let record = Share::rootfs(mounts, id, Location::trusted(rootfs))?.create(backend)?;
    let shared = printable(&record.path);
    let answer = Answer::new(format!("{} on {shared} as mount {}", printable(rootfs), record.mount));
    let answer = answer.with_path("rootfs", rootfs).with("container", id.as_str()).with("name", record.name);
    let answer = answer.with_path("path", &record.path).with("mount", record.mount.to_string());
    Ok(answer.with("device", record.device.to_string()).with_path("subpath", &record.subpath))
}

pub(crate) fn unshare(backend: &LinuxBackend, mounts: &Utf8Path, id: &ContainerId) -> Result<Answer, Error> {
    let outcome = ShareName::Rootfs.unshare(backend, mounts, id)?;
    let (word, layers, name) = match &outcome {
        Removal::Unmounted { layers, target } => ("detached", *layers, Some(*target)),
        Removal::NotMounted { target } => ("not-mounted", 0, Some(*target)),
        Removal::NotFound => ("missing", 0, None),
        Removal::Symlink => ("refused-symlink", 0, None),
        Removal::Covered => ("covered", 0, None),
        Removal::Refused { .. } => ("refused", 0, None),
        Removal::StillMounted => ("still-mounted", 0, None),
        _ => ("other", 0, None),
    };
    let removed = name.map(|name| name == NameAfter::Removed);
    let answer = Answer::new(outcome.to_string()).with("container", id.as_str()).with("outcome", word);
    let answer = answer.with("layers", layers).with("name_removed", removed);
    if outcome.is_off() {
        return Ok(answer);
    }
    Ok(answer.refused(format!("the root filesystem of {id} was not taken off, {outcome}")))
}

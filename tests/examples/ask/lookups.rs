//! Queries of the machine.

use std::ffi::OsStr;
use std::path::Path;

use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::kubernetes::FileCount;
use mountwright_core::{Error, Location, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::show::{backing_json, backing_words, mount_json, printable};

use super::answer::Answer;

pub(crate) fn device(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let found = PathDevice::of(backend, Path::new(path))?;
    let device = found.device();
    let (kind, text) = match &found {
        PathDevice::BlockNode { .. } => ("BlockNode", format!("BlockNode{{{device}}}")),
        PathDevice::CharNode { .. } => ("CharNode", format!("CharNode{{{device}}}")),
        PathDevice::Filesystem { mount_point, .. } => {
            ("Filesystem", format!("Filesystem{{{device}, {}}}", printable(mount_point)))
        }
    };
    let answer = Answer::new(text).with_path("path", path).with("kind", kind).with("device", device.to_string());
    let answer = answer.with("major", device.major()).with("minor", device.minor());
    Ok(match found.mount_point() {
        Some(mount_point) => answer.with_path("mount_point", mount_point),
        None => answer.with("mount_point", serde_json::Value::Null),
    })
}

pub(crate) fn backing(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let found = BackingDevice::of(backend, Path::new(path))?;
    let text = match found.mount() {
        Some(mount) => {
            let [at, source, ..] = mount.words();
            format!(
                "{}\n  as mount {} says: {source} on {at}, {}",
                backing_words(&found),
                mount.id,
                printable(&mount.fs_type)
            )
        }
        None => backing_words(&found),
    };
    Ok(Answer::new(text).with_path("path", path).with_all(backing_json(&found)))
}

pub(crate) fn mount(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let found = backend.mount_of(&Location::trusted(path))?;
    let mount = &found.mount;
    let unique = mount.unique_id.map_or_else(String::new, |id| format!(", unique id {}", id.0));
    let place = if found.is_root { "the path is its root" } else { "the path is within it" };
    let text = [
        format!("mount point  {}, {place}", printable(&mount.mount_point)),
        format!("source       {}", mount.words()[1]),
        format!("type         {}", printable(&mount.fs_type)),
        format!("attributes   {}", mount.attributes),
        format!("propagation  {}", mount.propagation.words()),
        format!("options      {}", printable(&mount.options)),
        format!("device       {}", mount.device),
        format!("id           {}{unique}, on mount {}", mount.id, mount.parent),
    ];
    let answer = Answer::new(text.join("\n")).with_path("path", path).with("is_root", found.is_root);
    Ok(answer.with("mount", mount_json(mount)))
}

pub(crate) fn count(backend: &LinuxBackend, path: &OsStr, limit: u64) -> Result<Answer, Error> {
    let found = FileCount::below(backend, Path::new(path), limit)?;
    let (count, over) = match found {
        FileCount::Exactly(count) => (Some(count), false),
        FileCount::Over(_) => (None, true),
    };
    let answer = Answer::new(found.to_string()).with_path("path", path).with("limit", limit);
    Ok(answer.with("count", count).with("over", over))
}

pub(crate) fn host_device(backend: &LinuxBackend, path: &OsStr) -> Result<Answer, Error> {
    let yes = PathDevice::is_host_device(backend, Path::new(path))?;
    let why = if yes { "below /dev, and no regular file" } else { "not below /dev, or a regular file, or not there" };
    Ok(Answer::yes_or_no("host_device", yes, why).with_path("path", path))
}

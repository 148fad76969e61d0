//! The question for every mount.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::{Error, Mounter};
use mountwright_linux::LinuxBackend;
use mountwright_tests::show::{Style, mount_json, mount_list, mount_tree};
use serde_json::{Map, Value, json};

use super::answer::Answer;

pub(crate) fn table(backend: &LinuxBackend, tree: bool) -> Result<Answer, Error> {
    let table = backend.mounts()?;
    let (shown, mounts): (_, Vec<Map<String, Value>>) = if tree {
        let mounts = table.in_tree_order().into_iter().map(|shown| {
            let mut fields = mount_json(&shown.mount.to_info());
            fields.insert("depth".to_owned(), json!(shown.depth));
            fields
        });
        (mount_tree(&table, |_| Style::Plain), mounts.collect())
    } else {
        (mount_list(&table), table.iter().map(|row| mount_json(&row.to_info())).collect())
    };
    let odd: Vec<_> = table.odd_lines().iter().map(|odd| OsStr::from_bytes(&odd.line).to_string_lossy()).collect();
    Ok(Answer::table(shown).with("mounts", mounts).with("odd_lines", odd))
}

//! The actions of `ask`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::Case;
use super::asking::{ask, ask_json, must_hold, words};
use super::scene::Scene;

pub(crate) fn cases() -> Vec<Case> {
    let case = |name: &str, run: fn() -> Result<(), Failed>| Case {
        name: name.to_owned(),
        needs: None,
        run: Box::new(move |_: &Scene| run()),
    };
    vec![
        case("a bind is made as asked for", a_bind_is_made_as_asked_for),
        case("a bind refuses an occupied target, and stacks when it is repeated", a_repeated_bind_stacks),
        case("a mount becomes read-only", a_mount_becomes_read_only),
        case("a rootfs is shared and taken off", a_rootfs_is_shared_and_taken_off),
        case("a symlink in the way is refused, and that is an error", a_symlink_is_refused),
        case("the table has every mount, once", the_table_has_every_mount),
        case("the current directory may be gone", the_current_directory_may_be_gone),
    ]
}

/// Returns the result of a question that succeeds.
fn answer(question: &[&str]) -> Result<Value, Failed> {
    let question: Vec<_> = question.iter().map(Into::into).collect();
    let (object, asked) = ask_json(&question)?;
    if asked.status == 0 { Ok(object) } else { Err(format!("no answer to {question:?}: {asked:?}").into()) }
}

fn must_fail(question: &[&str], errno: &str) -> Result<(), Failed> {
    let question: Vec<_> = question.iter().map(Into::into).collect();
    let (object, asked) = ask_json(&question)?;
    must_hold(&json!({ "error": { "errno": errno } }), &object)?;
    if asked.status == 1 { Ok(()) } else { Err(format!("expected exit status 1: {asked:?}").into()) }
}

/// Counts the mounts that the kernel has on this path.
fn layers(path: &str) -> Result<usize, Failed> {
    let table = fs::read_to_string("/proc/thread-self/mountinfo").or_else(|_| lossy_table())?;
    Ok(table.lines().filter(|line| line.split(' ').nth(4) == Some(path)).count())
}

fn lossy_table() -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&fs::read("/proc/thread-self/mountinfo")?).into_owned())
}

fn a_bind_is_made_as_asked_for() -> Result<(), Failed> {
    let bound = answer(&["bind", "--read-only", "--propagation", "shared", "/mnt/other", "/act/bound/here"])?;
    must_hold(&json!({ "destination": "/act/bound/here", "created": ["/act/bound", "/act/bound/here"] }), &bound)?;
    let found = answer(&["mount", "/act/bound/here"])?;
    let expected = json!({ "source": "other", "attributes": "ro,relatime", "propagation": "shared" });
    must_hold(&json!({ "is_root": true, "mount": expected }), &found)?;
    must_fail(&["bind", "/etc/hostname", "/act"], "ENOTDIR")?;
    must_fail(&["bind", "/no/such", "/act/none"], "ENOENT")?;
    if Path::new("/act/none").exists() { Err("a failed bind left its target".into()) } else { Ok(()) }
}

fn a_repeated_bind_stacks() -> Result<(), Failed> {
    answer(&["bind", "/mnt/other", "/act/stacked"])?;
    must_fail(&["bind", "/mnt/other", "/act/stacked"], "EBUSY")?;
    answer(&["bind", "--repeat", "3", "/mnt/other", "/act/stacked"])?;
    match layers("/act/stacked")? {
        4 => Ok(()),
        layers => Err(format!("expected 4 layers, found {layers}").into()),
    }
}

fn a_mount_becomes_read_only() -> Result<(), Failed> {
    answer(&["bind", "/mnt/other", "/act/ro"])?;
    answer(&["remount-ro", "/act/ro"])?;
    must_hold(&json!({ "mount": { "attributes": "ro,relatime" } }), &answer(&["mount", "/act/ro"])?)?;
    must_hold(&json!({ "mount": { "attributes": "rw,relatime" } }), &answer(&["mount", "/mnt/other"])?)?;
    must_fail(&["remount-ro", "/etc"], "EINVAL")
}

fn a_rootfs_is_shared_and_taken_off() -> Result<(), Failed> {
    fs::create_dir("/act/mounts")?;
    let place = ["--mounts", "/act/mounts", "--id", "box"];
    let with_place = |word, rest: &[&'static str]| [&[word][..], &place, rest].concat();
    let shared = answer(&with_place("share", &["/srv/dir"]))?;
    must_hold(&json!({ "path": "/act/mounts/box/rootfs", "container": "box" }), &shared)?;
    let found = answer(&["mount", "/act/mounts/box/rootfs"])?;
    must_hold(&json!({ "is_root": true, "mount": { "propagation": "private", "root": shared["subpath"] } }), &found)?;
    must_fail(&with_place("share", &["/srv/dir"]), "EBUSY")?;
    let expected = json!({ "outcome": "detached", "layers": 1, "name_removed": true });
    must_hold(&expected, &answer(&with_place("unshare", &[]))?)?;
    must_hold(&json!({ "outcome": "missing", "name_removed": null }), &answer(&with_place("unshare", &[]))?)?;
    if fs::read_dir("/act/mounts")?.next().is_some() { Err("a name is left".into()) } else { Ok(()) }
}

fn a_symlink_is_refused() -> Result<(), Failed> {
    fs::create_dir_all("/act/evil/box")?;
    symlink("/mnt/stack", "/act/evil/box/rootfs")?;
    let (object, asked) = ask_json(&words(["unshare", "--mounts", "/act/evil", "--id", "box"]))?;
    must_hold(&json!({ "outcome": "refused-symlink" }), &object)?;
    if asked.status != 1 || asked.err.lines().count() != 1 {
        return Err(format!("a refusal is exit status 1 and one line: {asked:?}").into());
    }
    if layers("/mnt/stack")? == 2 { Ok(()) } else { Err("the victim was unmounted".into()) }
}

/// Other cases change the table at the same time, so only lasting rows are compared.
fn the_table_has_every_mount() -> Result<(), Failed> {
    for question in [&["table"][..], &["table", "--tree"]] {
        let table = answer(question)?;
        let mounts = table["mounts"].as_array().ok_or("no array of mounts")?;
        let count = |field: &str, value: Value| mounts.iter().filter(|mount| mount[field] == value).count();
        for (field, value, expected) in [
            ("source", json!("top"), 1),
            ("source", json!(""), 1),
            ("mount_point", json!("/mnt/stack"), 2),
            ("mount_point", json!("/"), 1),
        ] {
            let found = count(field, value.clone());
            if found != expected {
                return Err(format!("{question:?}: {field} {value}: expected {expected}, found {found}").into());
            }
        }
        must_hold(&json!({ "odd_lines": [] }), &table)?;
    }
    let text = ask(&words(["table", "--tree"])).out;
    let rooted = text.lines().nth(1).is_some_and(|line| line.starts_with("/ "));
    let stacked = text.contains("└─/mnt/stack") || text.contains("─/mnt/stack");
    if rooted && stacked { Ok(()) } else { Err(text.into()) }
}

/// After this the thread has its own current directory.
fn the_current_directory_may_be_gone() -> Result<(), Failed> {
    std::thread::spawn(|| -> Result<(), Failed> {
        mountwright_tests::namespace::enter_on_this_thread()?;
        fs::create_dir("/act/cwd")?;
        std::env::set_current_dir("/act/cwd")?;
        fs::remove_dir("/act/cwd")?;
        must_fail(&["device", "."], "ENOENT")?;
        must_hold(&json!({ "is_root": false }), &answer(&["mount", "."])?)
    })
    .join()
    .map_err(|_| "the thread panicked")?
}

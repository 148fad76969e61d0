//! Bundles that cannot run: one clear line, exit status 2, and nothing is left.

use libtest_mimic::Failed;
use mountwright_tests::as_command::ended;
use serde_json::{Value, json};

use super::Case;
use super::bundle::{Bundle, default_spec, rootless_spec};

pub(crate) const CASES: &[Case] = &[
    Case { name: "specification_that_cannot_be_used_is_refused_by_its_path", runs: false, run: specifications },
    Case { name: "build_that_fails_leaves_nothing", runs: true, run: builds },
    Case { name: "default_specification_is_refused_without_root", runs: true, run: without_root },
    Case { name: "directory_without_specification_is_no_bundle", runs: false, run: no_bundle },
];

fn is_refused(output: &std::process::Output, because: &str) -> Result<(), Failed> {
    let line = String::from_utf8_lossy(&output.stderr);
    let is_line = line.lines().count() == 1 && line.starts_with("container: ") && line.contains(because);
    if output.status.code() == Some(2) && is_line && output.stdout.is_empty() {
        Ok(())
    } else {
        Err(format!("expected exit status 2 and one line with {because:?}: {output:?}").into())
    }
}

fn with(pointer: &str, value: Value) -> Value {
    let mut spec = default_spec();
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(fields) = spec.pointer_mut(parent).and_then(Value::as_object_mut)
    {
        fields.insert(name.to_owned(), value);
    }
    spec
}

fn added(mount: Value) -> Value {
    let mut spec = default_spec();
    if let Some(mounts) = spec["mounts"].as_array_mut() {
        mounts.push(mount);
    }
    spec
}

fn specifications() -> Result<(), Failed> {
    for (pointer, value, line) in [
        ("/root", json!({}), "config.json: root.path: it is missing"),
        ("/root/readOnly", json!(true), "config.json: root.readOnly: the field is unknown"),
        ("/process/args", json!([]), "config.json: process.args: it is empty"),
        (
            "/linux/rootfsPropagation",
            json!("up"),
            "config.json: linux.rootfsPropagation: wrong propagation type \"up\"",
        ),
        (
            "/linux/namespaces",
            json!([{"type": "mount"}, {"type": "network", "path": "/run/netns/a"}]),
            "config.json: linux.namespaces[1].path: the example makes new namespaces and joins none",
        ),
    ] {
        let bundle = Bundle::new("bad", &with(pointer, value))?;
        let before = bundle.names()?;
        for words in [&["--plan"][..], &["--backend", "fake"], &[]] {
            is_refused(&bundle.run(words)?, line)?;
        }
        if bundle.names()? != before {
            return Err("the image was changed".into());
        }
    }
    Ok(())
}

fn builds() -> Result<(), Failed> {
    let bind =
        |source: &str, destination: &str| json!({"destination": destination, "source": source, "options": ["bind"]});
    for (spec, line) in [
        (added(bind("/no/such/source", "/mnt")), "ENOENT"),
        (added(bind("/etc", "/proc")), "only a procfs is bound on /proc"),
        (added(json!({"destination": "/mnt", "type": "nonsense"})), "ENODEV"),
        (added(json!({"destination": "/mnt", "type": "tmpfs", "options": ["size=none"]})), "EINVAL"),
        (with("/process/cwd", json!("/none")), "process.cwd \"/none\""),
        (with("/process/args", json!(["/none"])), "cannot execute /none"),
    ] {
        is_refused(&Bundle::new("build", &spec)?.run(&[])?, line)?;
    }
    let bundle = Bundle::new("proc", &default_spec())?;
    std::os::unix::fs::symlink("/bin", bundle.path("rootfs/proc"))?;
    is_refused(&bundle.run(&[])?, "it is a symbolic link, and has to be an ordinary directory")
}

fn without_root() -> Result<(), Failed> {
    let mut spec = rootless_spec();
    spec["mounts"][2]["options"] = json!(["newinstance", "gid=5"]);
    let bundle = Bundle::new("refused", &spec)?;
    bundle.give_to_user()?;
    is_refused(&ended(bundle.command_of_user(&[])?)?, "5 has no mapping in the user namespace")?;
    let bundle = Bundle::new("root-only", &default_spec())?;
    bundle.give_to_user()?;
    is_refused(&ended(bundle.command_of_user(&[])?)?, "Operation not permitted")
}

fn no_bundle() -> Result<(), Failed> {
    let bundle = Bundle::new("none", &default_spec())?;
    std::fs::write(bundle.path("config.json"), "{")?;
    is_refused(&bundle.run(&[])?, "is no specification: ")?;
    std::fs::write(bundle.path("config.json"), r#"{"root": {"path": "a", "path": "b"}}"#)?;
    is_refused(&bundle.run(&[])?, "the field \"path\" stands twice in one object")?;
    std::fs::remove_file(bundle.path("config.json"))?;
    is_refused(&bundle.run(&[])?, "cannot read ")
}

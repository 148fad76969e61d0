//! A copy of the workspace, and the test programs built from it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The files that a build of the workspace needs.
const NEEDED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "README.md", "crates", "tests"];

/// The workspace that this was built from.
pub(crate) fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Copies the workspace to a folder below the target directory; an existing copy is updated.
pub(crate) fn copy() -> io::Result<PathBuf> {
    let from = own();
    let to = from.join("target/mutants/workspace");
    std::fs::create_dir_all(&to)?;
    for name in NEEDED {
        copy_all(&from.join(name), &to.join(name))?;
    }
    Ok(to)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        // An unchanged file keeps its time, so that it is not rebuilt.
        let text = std::fs::read(from)?;
        return if std::fs::read(to).is_ok_and(|present| present == text) { Ok(()) } else { std::fs::write(to, text) };
    }
    std::fs::create_dir_all(to)?;
    for old in std::fs::read_dir(to)? {
        let old = old?;
        match from.join(old.file_name()).try_exists()? {
            true => {}
            false if old.file_type()?.is_dir() => std::fs::remove_dir_all(old.path())?,
            false => std::fs::remove_file(old.path())?,
        }
    }
    for entry in std::fs::read_dir(from)? {
        let name = entry?.file_name();
        if name != "target" {
            copy_all(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

/// Builds the test targets of these names: their programs.
pub(crate) fn build(workspace: &Path, tests: &[&str]) -> Result<BTreeMap<String, PathBuf>, String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--no-run", "--message-format=json", "-p", "mountwright-tests", "-p", "mountwright-fake"]);
    cargo.args(tests.iter().flat_map(|name| ["--test", name]));
    // Of its own: the programs of the workspace itself are not to be replaced.
    cargo.current_dir(workspace).env("CARGO_TARGET_DIR", workspace.join("../target")).stdin(Stdio::null());
    let output = cargo.stderr(Stdio::inherit()).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("the copy of the workspace cannot be built: {}", output.status));
    }
    let mut programs = BTreeMap::new();
    for line in output.stdout.split(|&byte| byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        if let (Some(name), Some(program)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            programs.insert(name.to_owned(), PathBuf::from(program));
        }
    }
    Ok(programs)
}

//! Bundles for the cases, and the command that runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::Failed;
use mountwright_tests::as_command::{command_of, ended};
use mountwright_tests::container_spec;
use serde_json::{Value, json};

/// The program that the containers run.
pub(crate) fn busybox() -> Option<PathBuf> {
    ["/usr/bin/busybox", "/bin/busybox"].iter().map(PathBuf::from).find(|path| path.exists())
}

/// The user without root, and the id that its container has as root.
pub(crate) const USER: u32 = 65_534;

/// A bundle in a directory of its own, which is removed when it is dropped.
pub(crate) struct Bundle {
    directory: PathBuf,
}

impl Bundle {
    /// A bundle of this specification, with busybox in its root.
    pub(crate) fn new(case: &str, spec: &Value) -> Result<Self, Failed> {
        let directory = std::env::temp_dir().join(format!("mountwright-{}-{case}", std::process::id()));
        let bin = directory.join("rootfs/bin");
        fs::create_dir_all(&bin)?;
        let bundle = Self { directory };
        if let Some(program) = busybox() {
            copy_program(&program, &bin.join("busybox"))?;
        }
        fs::write(bundle.path("config.json"), spec.to_string())?;
        for open in ["", "rootfs", "rootfs/bin"] {
            fs::set_permissions(bundle.path(open), fs::Permissions::from_mode(0o755))?;
        }
        Ok(bundle)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The names in the root, sorted.
    pub(crate) fn names(&self) -> Result<Vec<String>, Failed> {
        let mut names = Vec::new();
        collect(&self.path("rootfs"), "", &mut names)?;
        names.sort();
        Ok(names)
    }

    /// Gives the whole bundle to the user without root.
    pub(crate) fn give_to_user(&self) -> Result<(), Failed> {
        for name in ["", "rootfs", "rootfs/bin", "rootfs/bin/busybox", "config.json"] {
            std::os::unix::fs::chown(self.path(name), Some(USER), Some(USER))?;
        }
        Ok(())
    }

    fn command(&self, words: &[&str]) -> Result<Command, Failed> {
        let mut command = command_of(&std::env::current_exe()?);
        command.arg("--bundle").arg(&self.directory).args(words);
        Ok(command)
    }

    /// Runs the command; the mount table must be as before.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Output, Failed> {
        Ok(ended(self.command(words)?)?)
    }

    /// Runs a line of the shell in the container, and returns what it prints; anything else is a failure.
    pub(crate) fn shell(&self, line: &str) -> Result<String, Failed> {
        printed(&self.run(&["--", "/bin/busybox", "sh", "-c", line])?)
    }

    /// The same as the user without root. Its copy of this program is in the bundle, where the user may execute it.
    pub(crate) fn shell_of_user(&self, line: &str) -> Result<String, Failed> {
        printed(&ended(self.command_of_user(&["--", "/bin/busybox", "sh", "-c", line])?)?)
    }

    pub(crate) fn command_of_user(&self, words: &[&str]) -> Result<Command, Failed> {
        let program = self.path("command");
        if !program.exists() {
            copy_program(&std::env::current_exe()?, &program)?;
        }
        let mut command = command_of(&program);
        command.arg("--bundle").arg(&self.directory).args(words).uid(USER).gid(USER).current_dir("/");
        Ok(command)
    }
}

/// Copies a program by another process: a child that another case forks would have the file open for
/// writing until it executes, and the copy could not be executed (`ETXTBSY`).
fn copy_program(from: &Path, to: &Path) -> Result<(), Failed> {
    let status = Command::new("cp").arg("--").args([from, to]).status()?;
    if status.success() { Ok(()) } else { Err(format!("cp {}: {status}", from.display()).into()) }
}

fn printed(output: &Output) -> Result<String, Failed> {
    if output.status.code() != Some(0) || !output.stderr.is_empty() {
        return Err(format!("it did not end well: {output:?}").into());
    }
    Ok(String::from_utf8(output.stdout.clone())?)
}

fn collect(directory: &Path, below: &str, names: &mut Vec<String>) -> Result<(), Failed> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{below}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &name, names)?;
        }
        names.push(name);
    }
    Ok(())
}

impl Drop for Bundle {
    fn drop(&mut self) {
        // Nothing is mounted below it: each container ends with its namespace. The system clears its temporary directory too.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The default specification with a read-only root.
pub(crate) fn default_spec() -> Value {
    let mut spec = container_spec::default_spec();
    spec["process"]["args"] = json!(["/bin/busybox", "true"]);
    spec["root"]["readonly"] = json!(true);
    spec
}

/// The same for a user without root: one mapped id, a user namespace.
pub(crate) fn rootless_spec() -> Value {
    let mut spec = default_spec();
    if let Some(options) = spec["mounts"][2]["options"].as_array_mut() {
        options.pop();
    }
    spec["linux"]["namespaces"] = json!([{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
        {"type": "mount"}, {"type": "user"}]);
    spec["linux"]["uidMappings"] = json!([{"containerID": 0, "hostID": USER, "size": 1}]);
    spec["linux"]["gidMappings"] = json!([{"containerID": 0, "hostID": USER, "size": 1}]);
    spec
}

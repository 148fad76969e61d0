//! Bundles for the cases, and the command that runs them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::Failed;
use mountwright_fake::test_kit::LeakGuard;
use mountwright_linux::LinuxBackend;
use serde_json::{Value, json};

/// The first argument of the process that is to be the command.
const AS_COMMAND: &str = "--as-command";

/// Returns the words of the command if this process is to be the command.
pub(crate) fn command_words() -> Option<Vec<OsString>> {
    let mut words: Vec<_> = std::env::args_os().collect();
    (words.get(1)? == AS_COMMAND).then(|| {
        words.remove(1);
        words
    })
}

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
            fs::copy(program, bin.join("busybox"))?;
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
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(AS_COMMAND).arg("--bundle").arg(&self.directory).args(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    /// Runs the command; the mount table must be as before.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Output, Failed> {
        ended(self.command(words)?)
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
            fs::copy(std::env::current_exe()?, &program)?;
        }
        let mut command = Command::new(program);
        command.arg(AS_COMMAND).arg("--bundle").arg(&self.directory).args(words).uid(USER).gid(USER);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/");
        Ok(command)
    }
}

/// Runs a command to its end; the mount table must be as before.
pub(crate) fn ended(mut command: Command) -> Result<Output, Failed> {
    let backend = LinuxBackend::new();
    let guard = LeakGuard::of(&backend);
    let output = command.output()?;
    guard.check();
    Ok(output)
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

/// The specification that `runc spec` writes, without cgroups and terminal.
pub(crate) fn default_spec() -> Value {
    json!({
        "ociVersion": "1.2.0",
        "process": {"terminal": false, "user": {"uid": 0, "gid": 0}, "args": ["/bin/busybox", "true"],
                    "env": ["PATH=/bin", "TERM=xterm"], "cwd": "/"},
        "root": {"path": "rootfs", "readonly": true},
        "hostname": "shown",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
        ],
        "linux": {
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}],
            "maskedPaths": ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/scsi", "/sys/firmware", "/none"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    })
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

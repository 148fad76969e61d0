//! Steps of building a scene.

use std::io;
use std::path::Path;
use std::process::Command;

/// Runs a program of the machine, quietly.
pub(crate) fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("{program} fails: {}", said.lines().next().unwrap_or("without a word")))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("there is no {program} on this machine")),
        Err(error) => Err(format!("{program} does not start: {error}")),
    }
}

/// Mounts a new filesystem of this type on `at`, which is made.
pub(crate) fn mount(fs_type: &str, source: &str, at: &Path, options: &str) -> Result<(), String> {
    let options = std::ffi::CString::new(options).map_err(|error| error.to_string())?;
    step(at, std::fs::create_dir_all(at))?;
    let flags = rustix::mount::MountFlags::empty();
    step(at, rustix::mount::mount(source, at, fs_type, flags, Some(options.as_c_str())).map_err(io::Error::from))
}

/// Binds `source` on `at`, which is there.
pub(crate) fn bind(source: &Path, at: &Path) -> Result<(), String> {
    step(at, rustix::mount::mount_bind(source, at).map_err(io::Error::from))
}

/// The same with every mount below.
pub(crate) fn bind_recursively(source: &Path, at: &Path) -> Result<(), String> {
    step(at, rustix::mount::mount_bind_recursive(source, at).map_err(io::Error::from))
}

/// Adds the path to an error.
pub(crate) fn step<T>(at: &Path, result: io::Result<T>) -> Result<T, String> {
    result.map_err(|error| format!("the scene cannot be built at {}: {error}", at.display()))
}

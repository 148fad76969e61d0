//! Running the command, and checks of its effects.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use libtest_mimic::Failed;
use mountwright_tests::as_command::{command, ended};
use rustix::mount::MountPropagationFlags;
use serde_json::Value;

/// Runs the command to its end; the mount table must be as before.
pub(crate) fn run(words: &[&str]) -> Result<Output, Failed> {
    Ok(ended(command(words)?)?)
}

/// The story as JSON, which must have ended well.
pub(crate) fn story(words: &[&str]) -> Result<Value, Failed> {
    let output = run(&[words, &["--json"]].concat())?;
    if output.status.code() != Some(0) || !output.stderr.is_empty() {
        return Err(format!("it did not end well: {output:?}").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A file for one case, removed when it is dropped.
pub(crate) struct TemporaryFile(PathBuf);

impl TemporaryFile {
    pub(crate) fn new(case: &str, contents: &[u8]) -> Result<Self, Failed> {
        let path = std::env::temp_dir().join(format!("mountwright-{}-{case}", std::process::id()));
        fs::write(&path, contents)?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> Result<&str, Failed> {
        self.0.to_str().ok_or_else(|| "the temporary directory is not UTF-8".into())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        // The system clears its temporary directory too.
        let _ = fs::remove_file(&self.0);
    }
}

/// Makes every mount of this process's namespace shared.
pub(crate) fn share_all() -> Result<(), String> {
    rustix::mount::mount_change("/", MountPropagationFlags::SHARED | MountPropagationFlags::REC)
        .map_err(|errno| format!("mount(MS_SHARED) answers {errno}"))
}

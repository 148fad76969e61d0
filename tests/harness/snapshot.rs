//! Reviewed outputs, kept in files.

use crate::settings::Settings;
use std::path::Path;

use libtest_mimic::Failed;

/// Compares `found` with the file `name`, below the folder of this package.
///
/// # Errors
///
/// If they differ, with both texts; with `MOUNTWRIGHT_UPDATE` set the file is written instead, if possible.
pub fn must_be_as_kept(name: &str, found: &str) -> Result<(), Failed> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    if Settings::read().update {
        std::fs::write(&path, found)?;
        return Ok(());
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == found {
        return Ok(());
    }
    let differing = kept.lines().zip(found.lines()).position(|(kept, found)| kept != found);
    let line = differing.unwrap_or_else(|| kept.lines().count().min(found.lines().count())) + 1;
    Err(format!(
        "{name} is another one from line {line} on; look at it, and keep it by MOUNTWRIGHT_UPDATE=1\n--- kept\n{kept}\n+++ found\n{found}"
    )
    .into())
}

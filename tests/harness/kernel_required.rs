//! The result of a kernel case that cannot run on this machine.

use crate::settings::Settings;
use libtest_mimic::{Completion, Failed};

/// Not run, with the reason; a failure where `MOUNTWRIGHT_REQUIRE_KERNEL` is set.
///
/// # Errors
///
/// If the variable is set.
pub fn not_run(reason: &str) -> Result<Completion, Failed> {
    if Settings::read().require_kernel {
        return Err(format!("not run, and MOUNTWRIGHT_REQUIRE_KERNEL is set: {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

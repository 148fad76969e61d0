//! The result of a kernel case that cannot run on this machine.

use libtest_mimic::{Completion, Failed};

/// The variable of a user who must know that the kernel cases ran.
const VARIABLE: &str = "MOUNTWRIGHT_REQUIRE_KERNEL";

/// Not run, with the reason; a failure where `MOUNTWRIGHT_REQUIRE_KERNEL` is set.
///
/// # Errors
///
/// If the variable is set.
pub fn not_run(reason: &str) -> Result<Completion, Failed> {
    if std::env::var_os(VARIABLE).is_some() {
        return Err(format!("not run, and {VARIABLE} is set: {reason}").into());
    }
    Ok(Completion::ignored_with(reason))
}

//! Names of things that do not stay.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicU32, Ordering};

/// How many names are tried before somebody is taken to be in the way on purpose.
pub(crate) const MOST_NAMES: usize = 100;

/// A name that nothing else in this process uses, and hardly anything elsewhere.
pub(crate) fn passing_name(purpose: &str) -> OsString {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (process, number) = (std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    OsString::from(format!(".mountwright-{purpose}-{process}-{number}"))
}

/// Whether a process may have made up this name.
pub(crate) fn is_passing_name(name: &OsStr, purpose: &str) -> bool {
    let prefix = format!(".mountwright-{purpose}-");
    let Some(numbers) = name.as_bytes().strip_prefix(prefix.as_bytes()) else { return false };
    let mut numbers = numbers.split(|&byte| byte == b'-');
    let is_number =
        |part: Option<&[u8]>| part.is_some_and(|part| !part.is_empty() && part.iter().all(u8::is_ascii_digit));
    is_number(numbers.next()) && is_number(numbers.next()) && numbers.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passing_name_is_known_again_and_no_other_is() {
        assert!(is_passing_name(&passing_name("staging"), "staging"));
        assert_ne!(passing_name("staging"), passing_name("staging"));
        for other in
            ["", ".mountwright-staging-", ".mountwright-staging-1", ".mountwright-staging-1-", ".mountwright-new-1-2"]
        {
            assert!(!is_passing_name(OsStr::new(other), "staging"), "{other}");
        }
        assert!(!is_passing_name(OsStr::new(".mountwright-staging-1-2-3"), "staging"));
        assert!(!is_passing_name(OsStr::new(".mountwright-staging-1-2x"), "staging"));
    }
}

//! Names of temporary files.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::os::unix::ffi::OsStrExt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The number of names to try. If all of them exist, another process occupies them on purpose.
pub(crate) const MOST_NAMES: usize = 100;

/// A temporary name: `.mountwright-PURPOSE-PID-NUMBER`. The number starts at random in each process and increases:
/// names left by an earlier process of the same pid, or by one in another pid namespace, do not collide.
pub(crate) fn passing_name(purpose: &str) -> OsString {
    static FIRST: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(std::process::id()));
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    // A forked child has its parent's number, and another pid.
    let (process, number) = (std::process::id(), FIRST.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed) as u64));
    OsString::from(format!(".mountwright-{purpose}-{process}-{number}"))
}

/// Returns true if a process can have generated this name.
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
    fn passing_names_are_not_those_that_a_process_of_the_same_pid_counts_from_zero() {
        let old = |number: u32| OsString::from(format!(".mountwright-new-{}-{number}", std::process::id()));
        let names: Vec<_> = (0..MOST_NAMES).map(|_| passing_name("new")).collect();
        assert!((0..10_000).map(old).all(|old| !names.contains(&old)));
        assert!(names.iter().all(|name| is_passing_name(name, "new")));
    }

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

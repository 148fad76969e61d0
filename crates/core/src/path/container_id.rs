//! Container ids.

use std::fmt;
use std::str::FromStr;

use crate::path::InvalidPath;

/// The id of a container (or of a sandbox), fit to be a name below a shared directory.
///
/// * An ASCII letter or digit, then letters, digits, `_`, `.` and `-`: the rule of containerd and runc.
/// * At most 255 bytes.
///
/// So it is never empty, `.` or `..`, and holds no `/` and no NUL.
///
/// ```
/// use mountwright_core::ContainerId;
///
/// let id: ContainerId = "9d1e7c_a.b-c".parse().unwrap();
/// assert_eq!(id.as_str(), "9d1e7c_a.b-c");
/// assert!("..".parse::<ContainerId>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId(String);

/// The longest name that Linux filesystems take (`NAME_MAX`).
const LONGEST: usize = 255;

impl ContainerId {
    /// Checks `id`.
    ///
    /// # Errors
    ///
    /// [`InvalidPath`] where it breaks a rule of the type.
    pub fn new(id: impl Into<String>) -> Result<Self, InvalidPath> {
        let id = id.into();
        match Self::fault(&id) {
            Some(reason) => Err(InvalidPath::container_id(id, reason)),
            None => Ok(Self(id)),
        }
    }

    fn fault(id: &str) -> Option<&'static str> {
        let bytes = id.as_bytes();
        if bytes.is_empty() {
            return Some("it is empty");
        }
        if bytes.len() > LONGEST {
            return Some("it is longer than 255 bytes");
        }
        if !bytes[0].is_ascii_alphanumeric() {
            return Some("it does not begin with an ASCII letter or digit");
        }
        if !bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(b)) {
            return Some("it holds something else than ASCII letters, digits, `_`, `.` and `-`");
        }
        None
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContainerId {
    type Err = InvalidPath;

    fn from_str(id: &str) -> Result<Self, Self::Err> {
        Self::new(id)
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_the_shared_directory_is_no_id() {
        for bad in ["", ".", "..", "a/b", "/", "../a", "a\0", "-a", "_a", ".a", "a b", "café", "a\n"] {
            assert!(ContainerId::new(bad).is_err(), "{bad:?}");
        }
        assert!(ContainerId::new("x".repeat(256)).is_err());
    }

    #[test]
    fn usual_ids_are_ids() {
        for good in ["a", "0", "a..b", "9d1e7c", "k8s_POD_x-1.2", &"x".repeat(255)] {
            assert_eq!(ContainerId::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn text_that_is_no_id_is_in_the_error_as_given() {
        assert_eq!(ContainerId::new("../x").unwrap_err().path(), std::path::Path::new("../x"));
    }
}

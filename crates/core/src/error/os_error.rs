//! The error of every port call.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation};
use crate::mount::MountKey;
use crate::path::printable;

/// What a port call was about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Subject {
    /// A path, for a person to read.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Path(PathBuf),
    /// What was to go where: a bind and a move. Which of the two was at fault is in the step and the errno.
    Onto {
        /// What was to be bound or moved, for a person to read.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        source: Box<Path>,
        /// Where to, for a person to read.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        target: Box<Path>,
    },
    /// A mount, by its id.
    Mount(MountKey),
    /// The mount namespace or the process as a whole.
    Namespace,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(&printable(path)),
            Self::Onto { source, target } => write!(f, "{} onto {}", printable(&**source), printable(&**target)),
            Self::Mount(key) => write!(f, "mount {key}"),
            Self::Namespace => f.write_str("this mount namespace"),
        }
    }
}

impl Subject {
    /// `source` onto `target`.
    pub fn onto(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self::Onto { source: source.into().into_boxed_path(), target: target.into().into_boxed_path() }
    }
}

impl From<PathBuf> for Subject {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&Path> for Subject {
    fn from(path: &Path) -> Self {
        Self::Path(path.to_path_buf())
    }
}

impl From<&str> for Subject {
    fn from(path: &str) -> Self {
        Self::Path(PathBuf::from(path))
    }
}

impl From<MountKey> for Subject {
    fn from(key: MountKey) -> Self {
        Self::Mount(key)
    }
}

/// Something that a failed call made and could not take back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Leftover {
    /// A mount is still there.
    Mount {
        /// Which one.
        mount: MountKey,
        /// Where it was put, for a person to read.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        at: PathBuf,
    },
    /// A directory that the call created is still there, and perhaps a mount on it that could not be looked at.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Directory(PathBuf),
    /// A file that the call created is still there.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    File(PathBuf),
    /// Attributes or propagation of the mount here were changed, and not all of them back.
    Attributes {
        /// Where the mount is, for a person to read.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        at: PathBuf,
    },
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mount { mount, at } => write!(f, "mount {mount} at {}", printable(at)),
            Self::Directory(path) => write!(f, "directory {}", printable(path)),
            Self::File(path) => write!(f, "file {}", printable(path)),
            Self::Attributes { at } => write!(f, "changed attributes of the mount at {}", printable(at)),
        }
    }
}

/// A port call that failed: what was attempted, on what, at which step, and the kernel's answer.
///
/// Unless [`left`](Self::left) says otherwise nothing was changed. `Display` is one sentence without a source behind it.
///
/// ```
/// use mountwright_core::{Errno, Operation, OsError};
///
/// let error = OsError::new(Operation::Unmount, "/run/shared", Errno::EBUSY);
/// assert_eq!(
///     error.to_string(),
///     "could not unmount /run/shared: device or resource busy (EBUSY); stop what uses it, or detach it"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsError {
    operation: Operation,
    errno: Errno,
    step: Option<&'static str>,
    subject: Subject,
    left: Vec<Leftover>,
}

impl OsError {
    /// A failure of `operation` on `subject` that changed nothing.
    pub fn new(operation: Operation, subject: impl Into<Subject>, errno: Errno) -> Self {
        Self { operation, errno, step: None, subject: subject.into(), left: Vec::new() }
    }

    /// Names the step of the operation that failed: a system call, as a rule.
    #[must_use]
    pub fn at_step(mut self, step: &'static str) -> Self {
        self.step = Some(step);
        self
    }

    /// Adds something that could not be taken back.
    #[must_use]
    pub fn leaving(mut self, left: Leftover) -> Self {
        self.left.push(left);
        self
    }

    /// What was attempted.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The step of it that failed, where it has several.
    pub fn step(&self) -> Option<&'static str> {
        self.step
    }

    /// What it was about.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The path it was about, where it was about one; of two, the one that was to be changed: the target. For a person to
    /// read.
    pub fn path(&self) -> Option<&Path> {
        match &self.subject {
            Subject::Path(path) => Some(path),
            Subject::Onto { target, .. } => Some(target),
            Subject::Mount(_) | Subject::Namespace => None,
        }
    }

    /// The kernel's answer.
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// What could not be taken back; empty: nothing was changed.
    pub fn left(&self) -> &[Leftover] {
        &self.left
    }

    /// What an operator can do, where the errno and the operation tell.
    pub fn advice(&self) -> Option<&'static str> {
        use Operation::{Bind, ChangeAttributes, Mount, MoveMount, SetPropagation, SetSuperblock, Unmount};
        let is_a_mounts = matches!(
            self.operation,
            Bind | Mount | MoveMount | ChangeAttributes | SetSuperblock | SetPropagation | Unmount
        );
        match (self.errno, self.operation) {
            (Errno::EPERM, _) if is_a_mounts => {
                Some("it takes CAP_SYS_ADMIN over the mount namespace, and a seccomp filter that lets the call through")
            }
            (Errno::EBUSY, Unmount) => Some("stop what uses it, or detach it"),
            (Errno::EBUSY, Bind | Mount) => Some("take off what is mounted there, or stop what uses it"),
            (Errno::EINVAL, ChangeAttributes | SetSuperblock | SetPropagation | Unmount) => {
                Some("name the root of a mount, one that is not locked by a user namespace")
            }
            (Errno::ENOSPC, Bind | Mount) => Some("the limit of mounts may be reached, /proc/sys/fs/mount-max"),
            (Errno::EOPNOTSUPP, _) if self.step == Some("procfs") => Some("mount a procfs on /proc"),
            (Errno::EOPNOTSUPP, Bind) => Some("this kernel cannot make it so; ask for a weaker guarantee"),
            (Errno::ELOOP, _) => Some("a symlink stands where none is followed"),
            (Errno::ESTALE, _) => Some("something else is there by now; look again"),
            _ => None,
        }
    }
}

impl fmt::Display for OsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let onto =
            if self.operation == Operation::Bind && matches!(self.subject, Subject::Path(_)) { "onto " } else { "" };
        write!(f, "could not {} {onto}{}: ", self.operation, self.subject)?;
        match self.errno.meaning() {
            Some(meaning) => write!(f, "{meaning} ({})", self.errno)?,
            None => write!(f, "{}", self.errno)?,
        }
        if let Some(step) = self.step {
            write!(f, ", at {step}")?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
        }
        for (index, left) in self.left.iter().enumerate() {
            f.write_str(if index == 0 { "; left behind: " } else { ", " })?;
            write!(f, "{left}")?;
        }
        Ok(())
    }
}

impl std::error::Error for OsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_the_step_and_what_is_left() {
        let error = OsError::new(Operation::Bind, "/m/c/rootfs", Errno::ENOMEM)
            .at_step("move_mount")
            .leaving(Leftover::Directory("/m/c/rootfs".into()))
            .leaving(Leftover::File("/m/c/f".into()));
        assert_eq!(
            error.to_string(),
            "could not bind onto /m/c/rootfs: cannot allocate memory (ENOMEM), at move_mount; \
             left behind: directory /m/c/rootfs, file /m/c/f"
        );
        assert_eq!((error.left().len(), error.step()), (2, Some("move_mount")));
    }

    #[test]
    fn of_a_bind_and_a_move_both_ends_are_named() {
        let bind = OsError::new(Operation::Bind, Subject::onto("/no", "/t"), Errno::ENOENT).at_step("open_tree");
        assert_eq!(bind.to_string(), "could not bind /no onto /t: no such file or directory (ENOENT), at open_tree");
        assert_eq!(bind.path(), Some(Path::new("/t")));
        let moved = OsError::new(Operation::MoveMount, Subject::onto("/a", "/b"), Errno::ELOOP);
        assert!(moved.to_string().starts_with("could not move the mount /a onto /b: "), "{moved}");
    }

    #[test]
    fn an_error_is_small() {
        assert!(size_of::<OsError>() <= 88, "{}", size_of::<OsError>());
    }
}

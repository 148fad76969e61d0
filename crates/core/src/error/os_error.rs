//! The error of every port call.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::{Errno, Operation};
use crate::mount::MountKey;
use crate::path::printable;

/// The subject of a port call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum Subject {
    /// A path, for messages.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Path(PathBuf),
    /// Source and target of a bind or a move. The step and the errno show which of the two was at fault.
    Onto {
        /// The source of the bind or move, for messages.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        source: Box<Path>,
        /// The target, for messages.
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

/// Something that a failed call created and could not remove.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Leftover {
    /// A mount still exists.
    Mount {
        /// Its id.
        mount: MountKey,
        /// Its mount point, for messages.
        #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
        at: PathBuf,
    },
    /// A directory that the call created still exists, perhaps with a mount on it that could not be examined.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    Directory(PathBuf),
    /// A file that the call created still exists.
    #[cfg_attr(feature = "serde", serde(with = "crate::stored_form::names"))]
    File(PathBuf),
    /// Attributes or propagation of the mount at this path were changed and could not all be restored.
    Attributes {
        /// The mount point, for messages.
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

/// A port call that failed: operation, subject, step and errno.
///
/// Nothing was changed, unless [`left`](Self::left) lists something. `Display` is one sentence and there is no source.
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
    more: Option<Box<More>>,
}

/// Parts that few errors have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    left: Vec<Leftover>,
    detail: Option<String>,
}

impl OsError {
    /// A failure of `operation` on `subject` that changed nothing.
    pub fn new(operation: Operation, subject: impl Into<Subject>, errno: Errno) -> Self {
        Self { operation, errno, step: None, subject: subject.into(), more: None }
    }

    /// Names the step of the operation that failed: a system call, as a rule.
    #[must_use]
    pub fn at_step(mut self, step: &'static str) -> Self {
        self.step = Some(step);
        self
    }

    /// Adds something that could not be rolled back.
    #[must_use]
    pub fn leaving(mut self, left: Leftover) -> Self {
        self.more.get_or_insert_default().left.push(left);
        self
    }

    /// Adds the [`detail`](Self::detail).
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.more.get_or_insert_default().detail = Some(detail.into());
        self
    }

    /// The same error without the leftovers for which `stays` is false.
    pub(crate) fn with_left(mut self, stays: impl FnMut(&Leftover) -> bool) -> Self {
        if let Some(more) = &mut self.more {
            more.left.retain(stays);
        }
        self.more = self.more.filter(|more| !more.left.is_empty() || more.detail.is_some());
        self
    }

    /// The operation that was attempted.
    pub fn operation(&self) -> Operation {
        self.operation
    }

    /// The step of the operation that failed, where it has several.
    pub fn step(&self) -> Option<&'static str> {
        self.step
    }

    /// The subject of the operation.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The path of the subject, where it has one; of source and target, the target. For messages.
    pub fn path(&self) -> Option<&Path> {
        match &self.subject {
            Subject::Path(path) => Some(path),
            Subject::Onto { target, .. } => Some(target),
            Subject::Mount(_) | Subject::Namespace => None,
        }
    }

    /// The errno that the kernel returned.
    pub fn errno(&self) -> Errno {
        self.errno
    }

    /// True where a result would have to wait for a server: `EAGAIN` (`EWOULDBLOCK`) of a `…_cached` form of the ports, or of
    /// [`WithoutWaiting`](crate::ports::WithoutWaiting).
    pub fn would_wait(&self) -> bool {
        self.errno == Errno::EAGAIN
    }

    /// The changes that could not be rolled back; empty: nothing was changed.
    pub fn left(&self) -> &[Leftover] {
        self.more.as_deref().map_or(&[], |more| &more.left)
    }

    /// The cause as it was looked at after the failure: the option that the filesystem refused, in the words of the kernel's log
    /// of the context; of two paths the one that cannot be used, and its component; the missing privilege or the lock of
    /// an `EPERM`. `None`: nothing was found, or nothing was looked at. It has no values of options.
    pub fn detail(&self) -> Option<&str> {
        self.more.as_deref()?.detail.as_deref()
    }

    fn has_detail_of(&self, cause: &str) -> bool {
        self.detail().is_some_and(|detail| detail.contains(cause))
    }

    /// The action that an operator can take, where errno and operation suggest one. An `EPERM` and an `ELOOP` have several
    /// causes: only where the cause was looked at ([`detail`](Self::detail)).
    pub fn advice(&self) -> Option<&'static str> {
        use Operation::{Bind, ChangeAttributes, Mount, SetPropagation, SetSuperblock, Unmount};
        match (self.errno, self.operation) {
            (Errno::EPERM, _) if self.has_detail_of("CAP_SYS_ADMIN") => {
                Some("grant CAP_SYS_ADMIN over the mount namespace")
            }
            (Errno::EPERM, _) if self.has_detail_of("seccomp filter") => Some("allow the call in the filter"),
            (Errno::EBUSY, Unmount) => Some("stop what uses it, or detach it"),
            (Errno::EBUSY, Bind | Mount) => Some("unmount what is mounted there, or stop what uses it"),
            (Errno::EINVAL, ChangeAttributes | SetSuperblock | SetPropagation | Unmount) => {
                Some("name the root of a mount that is not locked by a user namespace")
            }
            (Errno::ENOSPC, Bind | Mount) => Some("check the limit of mounts, /proc/sys/fs/mount-max"),
            (Errno::EOPNOTSUPP, _) if self.step == Some("procfs") => Some("mount a procfs on /proc"),
            (Errno::EOPNOTSUPP, Bind) => Some("try `Guarantee::Window`, a staging directory or another propagation"),
            (Errno::ELOOP, _) if self.has_detail_of("is a symlink") => Some("use a path without symlinks"),
            (Errno::ESTALE, _) => Some("the path now refers to another file or mount; retry"),
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
        if let Some(detail) = self.detail() {
            write!(f, ": {detail}")?;
        }
        if let Some(advice) = self.advice() {
            write!(f, "; {advice}")?;
        }
        for (index, left) in self.left().iter().enumerate() {
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
    fn detail_stands_behind_the_step_and_replaces_a_guess() {
        let error = OsError::new(Operation::Mount, "/m", Errno::EINVAL).at_step("fsconfig");
        let error = error.with_detail("tmpfs: Unknown parameter 'sise'").leaving(Leftover::Directory("/m".into()));
        assert_eq!(
            error.to_string(),
            "could not mount on /m: invalid argument (EINVAL), at fsconfig: tmpfs: Unknown parameter 'sise'; left behind: \
             directory /m"
        );
        let denied = OsError::new(Operation::ChangeAttributes, "/m", Errno::EPERM);
        assert!(denied.advice().is_none() && denied.clone().with_detail("locked").advice().is_none());
        assert!(denied.with_detail("a seccomp filter denies mount").advice().is_some());
        let without_procfs = OsError::new(Operation::MountOf, "/m", Errno::EOPNOTSUPP);
        assert_eq!(without_procfs.advice(), None);
        assert_eq!(without_procfs.at_step("procfs").advice(), Some("mount a procfs on /proc"));
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

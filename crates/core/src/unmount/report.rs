//! The report of every removal of more than one mount.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;

use crate::error::Error;
use crate::mount::MountInfo;
use crate::path::{ContainerId, printable};
use crate::unmount::{NameAfter, Removal, UnprovenMount};

/// One mount of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportedMount<E = Error> {
    /// Its mount point, for messages.
    pub path: PathBuf,
    /// The container, where the mount belongs to one.
    pub container: Option<ContainerId>,
    /// The mount, where it was found in the mount table.
    pub mount: Option<Box<MountInfo>>,
    /// The outcome, or the cause of the failure.
    pub result: Result<Removal, E>,
}

/// The result of a tear-down, of a recovery, or of [`Sandbox::unshare_all`](crate::kata::Sandbox::unshare_all): what became of each mount,
/// in the order in which they were tried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct Report<E = Error> {
    /// Every mount that was to be unmounted.
    pub mounts: Vec<ReportedMount<E>>,
    /// The directories and files that were removed, in order.
    pub removed: Vec<PathBuf>,
    /// Mounts and symlinks on the sandbox's directories that are not proven to be the sandbox's: they were left.
    pub unproven: Vec<UnprovenMount>,
    /// Other failures: a directory or file that was created for the sandbox and stays, a mount table that cannot be
    /// read.
    pub errors: Vec<E>,
}

impl<E> Default for Report<E> {
    fn default() -> Self {
        Self { mounts: Vec::new(), removed: Vec::new(), unproven: Vec::new(), errors: Vec::new() }
    }
}

impl<E> Report<E> {
    /// True where nothing is mounted any more and there was no failure.
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty() && self.failures().next().is_none()
    }

    /// The mounts that still exist, or may.
    pub fn failures(&self) -> impl Iterator<Item = &ReportedMount<E>> {
        self.mounts.iter().filter(|mount| !mount.is_off())
    }

    /// The mounts that were unmounted.
    pub fn unmounted(&self) -> impl Iterator<Item = &ReportedMount<E>> {
        self.mounts.iter().filter(|mount| matches!(mount.result, Ok(Removal::Unmounted { .. })))
    }

    /// True where nothing was unmounted or removed.
    pub fn did_nothing(&self) -> bool {
        self.removed.is_empty() && self.unmounted().next().is_none()
    }

    /// Adds a mount, and its target where that was removed.
    pub(crate) fn push(&mut self, mut mount: ReportedMount<E>) {
        let target = mount.result.as_mut().ok().and_then(Removal::target_mut);
        if target.is_some_and(|target| *target == NameAfter::Removed) {
            self.removed.push(mount.path.clone());
        }
        self.mounts.push(mount);
    }

    pub(crate) fn append(&mut self, other: Self) {
        self.mounts.extend(other.mounts);
        self.removed.extend(other.removed);
        self.unproven.extend(other.unproven);
        self.errors.extend(other.errors);
    }

    /// Notes that a directory or file was removed. [`settled`](Self::settled) adds it to the mounts that were on it.
    pub(crate) fn note_removed(&mut self, path: impl Into<PathBuf>) {
        self.removed.push(path.into());
    }

    /// The report at the end: each removed name is listed once, and is the removed target of each mount that was on it.
    /// The work is linear in mounts and names.
    pub(crate) fn settled(mut self) -> Self {
        let mut names = HashSet::new();
        self.removed.retain(|path| names.insert(path.clone()));
        for mount in self.mounts.iter_mut().filter(|mount| names.contains(&mount.path)) {
            if let Some(target) = mount.result.as_mut().ok().and_then(Removal::target_mut) {
                *target = NameAfter::Removed;
            }
        }
        self
    }
}

impl<E> ReportedMount<E> {
    pub(crate) fn new(path: impl Into<PathBuf>, result: Result<Removal, E>) -> Self {
        Self { path: path.into(), container: None, mount: None, result }
    }

    pub(crate) fn of(mut self, container: &ContainerId) -> Self {
        self.container = Some(container.clone());
        self
    }

    pub(crate) fn found(mut self, mount: MountInfo) -> Self {
        self.mount = Some(Box::new(mount));
        self
    }

    fn is_off(&self) -> bool {
        self.result.as_ref().is_ok_and(Removal::is_off)
    }
}

impl<E: fmt::Display> fmt::Display for ReportedMount<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", printable(&self.path))?;
        if let Some(mount) = &self.mount {
            write!(f, " ({} of {})", printable(&mount.root), mount.device)?;
        }
        match &self.result {
            Ok(removal) => write!(f, ": {removal}"),
            Err(error) => write!(f, ": {error}"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Report<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mounts.iter().try_for_each(|mount| writeln!(f, "{mount}"))?;
        self.removed.iter().try_for_each(|path| writeln!(f, "removed: {}", printable(path)))?;
        self.unproven.iter().try_for_each(|unproven| writeln!(f, "left: {unproven}"))?;
        self.errors.iter().try_for_each(|error| writeln!(f, "{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_is_clean_where_every_mount_is_unmounted_and_nothing_failed() {
        let mut report = Report::<Error>::default();
        assert!(report.is_clean() && report.did_nothing());
        report.mounts.push(ReportedMount::new("/m", Ok(Removal::of_layers(1, NameAfter::Kept))));
        assert!(report.is_clean() && !report.did_nothing());
        report.note_removed("/m");
        report.note_removed("/m");
        let mut report = report.settled();
        assert_eq!(report.removed, [PathBuf::from("/m")], "each name once");
        assert_eq!(report.mounts[0].result, Ok(Removal::of_layers(1, NameAfter::Removed)));
        for result in [Ok(Removal::Covered), Err(Error::Unspecified { what: "path" })] {
            let failed = Report { mounts: vec![ReportedMount::new("/m", result)], ..report.clone() };
            assert!(!failed.is_clean() && failed.failures().count() == 1);
        }
        report.errors.push(Error::Unspecified { what: "path" });
        assert!(!report.is_clean() && report.failures().count() == 0);
    }

    #[test]
    fn removed_name_alone_is_something_done() {
        let mut report = Report::<Error>::default();
        report.note_removed("/m/c");
        assert!(report.is_clean() && !report.did_nothing());
        assert_eq!(report.to_string(), "removed: /m/c\n");
    }
}

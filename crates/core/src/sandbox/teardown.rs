//! Tear-down of a sandbox or a container.

use std::collections::HashSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::mount::{MountSubtree, Origin, Placeholder};
use crate::path::Location;
use crate::sandbox::{SandboxDirs, TearDownStep};
use crate::share::ShareRecord;
use crate::share::layout::share_location;
use crate::unmount::UnmountStrategy;
use crate::unmount::stack::How;

/// A tear-down: of shares of a container or of a sandbox, and of the sandbox's own mounts.
///
/// * Mounts are unmounted in reverse order of set-up; every layer of a stack; children before parents, or as one tree.
/// * It continues after every failure; each place has its outcome.
/// * A record is compared first. If it is of another boot or mount namespace, or names neither, the outcome is
///   [`Removal::Stale`](crate::unmount::Removal::Stale), and nothing is unmounted for it.
/// * A share is looked up by its name, which belongs to it alone, and then by its id, in case the name was swapped or
///   moved. The sandbox's own mounts are unmounted by their id alone: a mount that covers one stays, and is reported.
/// * A mount that is still on a name of the sandbox's mounts directory at the end, and that no record has, is left and
///   reported: [`Refusal::NotRecorded`](crate::unmount::Refusal::NotRecorded).
/// * A mount or file that another caller has already unmounted or removed is no failure.
/// * Only files that the records list as created are removed, by their identity, one level each, while they are empty
///   and no mount point.
/// * Below the mounts directory no symlink is followed and no mount is crossed.
/// * A second run finds nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TearDown {
    mounts_dir: Utf8PathBuf,
    dirs: Option<SandboxDirs>,
    shares: Vec<ShareRecord>,
    how: UnmountStrategy,
}

impl TearDown {
    /// A tear-down of the shares of a container, given in the order in which they were created.
    pub fn container(mounts_dir: impl Into<Utf8PathBuf>, shares: &[ShareRecord]) -> Self {
        Self { mounts_dir: mounts_dir.into(), dirs: None, shares: shares.to_vec(), how: UnmountStrategy::Lazy }
    }

    /// A tear-down of a sandbox, with the shares of its containers in the order in which they were created.
    pub fn sandbox(dirs: &SandboxDirs, shares: &[ShareRecord]) -> Self {
        let mounts_dir = dirs.mounts_dir.clone();
        Self { mounts_dir, dirs: Some(dirs.clone()), shares: shares.to_vec(), how: UnmountStrategy::Lazy }
    }

    /// Sets the way in which mounts are unmounted. The default is a lazy unmount.
    pub fn how(mut self, how: UnmountStrategy) -> Self {
        self.how = how;
        self
    }

    pub(crate) fn mounts_dir(&self) -> &Utf8Path {
        &self.mounts_dir
    }

    pub(crate) fn strategy(&self) -> How {
        self.how.into()
    }

    pub(crate) fn origin(&self) -> Option<Origin> {
        self.dirs.as_ref().and_then(|dirs| dirs.origin)
    }

    /// The subtree of a filesystem that the sandbox's own mount at this path shows.
    pub(crate) fn shown_at(&self, path: &Utf8Path) -> Option<&MountSubtree> {
        let dirs = self.dirs.as_ref()?;
        let is_private = dirs.private_dir.as_deref() == Some(path);
        if is_private { dirs.private_shows.as_ref() } else { dirs.mounts_shows.as_ref() }
    }

    pub(crate) fn steps(&self) -> Vec<TearDownStep> {
        let mut steps = Vec::new();
        let own_shares = self.dirs.iter().flat_map(|dirs| &dirs.bind_mounts);
        let shares: Vec<_> = own_shares.chain(&self.shares).collect();
        let own = |path: &Utf8Path, mount| TearDownStep::TakeOwn { path: path.to_owned(), mount };
        if let Some(SandboxDirs { mounts_dir, made_shared: Some(mount), .. }) = &self.dirs
            && self.how == UnmountStrategy::Lazy
        {
            steps.push(TearDownStep::TakeTree { mounts_dir: mounts_dir.clone(), mount: *mount });
        }
        steps.extend(shares.iter().rev().map(|record| TearDownStep::TakeShare(Box::new((*record).clone()))));
        if let Some(dirs) = &self.dirs {
            steps.extend(dirs.made_private.zip(dirs.private_dir.as_deref()).map(|(mount, path)| own(path, mount)));
            steps.push(own(&dirs.shared_dir, dirs.shared));
            steps.extend(dirs.made_shared.map(|mount| own(&dirs.mounts_dir, mount)));
        }
        steps.extend(self.dirs.iter().map(|dirs| TearDownStep::NameOthers(dirs.mounts_dir.clone())));
        let made = self.left_to_remove(&shares);
        if !made.is_empty() {
            steps.push(TearDownStep::RemoveMade(made));
        }
        steps
    }

    /// The directories still to remove: those of containers that held an earlier share when the share that created them
    /// was removed, and the sandbox's.
    fn left_to_remove(&self, shares: &[&ShareRecord]) -> Vec<Placeholder> {
        let target = |record: &&ShareRecord| share_location(&self.mounts_dir, &record.container, &record.name).ok();
        let targets: HashSet<Location> = shares.iter().filter_map(target).collect();
        let of_containers = shares.iter().flat_map(|record| &record.made).filter(|made| !targets.contains(&made.at));
        self.dirs.iter().flat_map(|dirs| &dirs.made).chain(of_containers).cloned().collect()
    }
}

//! Unmount of a stack of mounts, with the mounts below it.

use std::path::PathBuf;

use crate::error::Errno;
use crate::mount::{MountInfo, MountKey, UnmountMode, UnmountRequest};
use crate::mount_table::tree::MountTree;
use crate::path::Location;
use crate::ports::Mounter;
use crate::unmount::TearDownOutcome;
use crate::unmount::exact::of_mount;

/// The way in which mounts are unmounted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum UnmountStrategy {
    /// Lazy unmount (`MNT_DETACH`), children included; the kernel frees them when the last user closes.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "detach"))]
    Lazy,
    /// Plain unmount: fails for a mount that is in use. The mounts below it are unmounted first.
    Strict,
}

impl UnmountStrategy {
    pub(crate) fn unmount_mode(self) -> UnmountMode {
        match self {
            Self::Lazy => UnmountMode::Detach,
            Self::Strict => UnmountMode::Plain,
        }
    }
}

/// The mounts to unmount at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which<'a> {
    /// Every layer that is mounted there.
    All,
    /// This one mount.
    Only(MountKey),
    /// This one mount, which was just looked up and has this key.
    Found(&'a MountInfo, MountKey),
}

/// The result of an unmount.
#[derive(Debug)]
pub(crate) enum Taken {
    /// This many layers were unmounted; nothing is left.
    Off(u32),
    /// The mount was not unmounted, or not completely.
    Not(TearDownOutcome),
}

pub(crate) fn take_off(mounter: &dyn Mounter, at: &Location, which: Which<'_>, how: UnmountStrategy) -> Taken {
    let mut layers = 0;
    let mut emptied = false;
    loop {
        let request = match which {
            Which::All => UnmountRequest::new(at.clone()),
            Which::Only(key) => UnmountRequest::new(at.clone()).only(key),
            Which::Found(mount, key) => of_mount(mount, key),
        };
        let request = request.with_mode(how.unmount_mode());
        let error = match mounter.unmount(&request) {
            Ok(()) => {
                layers += 1;
                emptied = false;
                match which {
                    Which::All => continue,
                    Which::Only(_) | Which::Found(..) => return Taken::Off(layers),
                }
            }
            Err(error) => error,
        };
        match error.errno() {
            Errno::EINVAL => return Taken::Off(layers),
            Errno::ENOENT | Errno::ENOTDIR if layers == 0 => return Taken::Not(TearDownOutcome::Missing),
            // Another process removed the name once it was free.
            Errno::ENOENT if is_gone_twice(mounter, at) => return Taken::Off(layers),
            Errno::ELOOP if layers == 0 => return Taken::Not(TearDownOutcome::RefusedSymlink),
            Errno::ESTALE => return Taken::Not(TearDownOutcome::Covered),
            Errno::EBUSY if how == UnmountStrategy::Strict && !emptied => match take_children_off(mounter, at, which) {
                Ok(()) => emptied = true,
                Err(by) => return Taken::Not(TearDownOutcome::Busy { by }),
            },
            Errno::EBUSY => return Taken::Not(TearDownOutcome::Busy { by: Vec::new() }),
            _ => return Taken::Not(TearDownOutcome::Failed(error.into())),
        }
    }
}

/// Unmounts the mounts below the one at `at`, leaves first. Returns the mount points of those that stayed, if any.
fn take_children_off(mounter: &dyn Mounter, at: &Location, which: Which<'_>) -> Result<(), Vec<PathBuf>> {
    let (Ok(found), Ok(table)) = (mounter.mount_of(at), mounter.mounts()) else { return Err(Vec::new()) };
    // The mount was unmounted in between: the name is now on another mount, whose children are not ours.
    if !found.is_root {
        return Ok(());
    }
    if matches!(which, Which::Only(key) | Which::Found(_, key) if key != found.mount.key() && key != MountKey::Reused(found.mount.id))
    {
        return Err(Vec::new());
    }
    let tree = MountTree::new(&table);
    let Some(top) = table.by_id(found.mount.id) else { return Err(Vec::new()) };
    let below = tree.leaves_first(top);
    let children = &below[..below.len() - 1];
    if children.is_empty() {
        return Err(Vec::new());
    }
    let stayed: Vec<_> = children
        .iter()
        .filter(|row| {
            let request = UnmountRequest::of_mount(&row.to_info()).with_mode(UnmountMode::Plain);
            mounter.unmount(&request).is_err_and(|error| error.errno() != Errno::ENOENT)
        })
        .map(|row| row.mount_point().into_owned())
        .collect();
    if stayed.is_empty() { Ok(()) } else { Err(stayed) }
}

/// True where a second call reports too that the name does not exist.
fn is_gone_twice(mounter: &dyn Mounter, at: &Location) -> bool {
    mounter.mount_of(at).is_err_and(|error| error.errno() == Errno::ENOENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Operation, OsError};
    use crate::mount::MountId;
    use crate::test_support::in_memory_mounts::{PaperMounts, mounter};

    /// `/m/c/v` was a busy mount a moment ago: the other mounts below `/m` belong to other processes.
    const GONE: &str = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /m /m rw - ext4 a rw\n3 2 0:9 / /m/other rw - tmpfs t rw\n";

    #[test]
    fn a_mount_that_goes_between_two_looks_takes_nothing_with_it() {
        for which in [Which::All, Which::Only(MountKey::Reused(MountId(7)))] {
            let mounts = PaperMounts::with(GONE);
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", Errno::EBUSY));
            let taken = take_off(&mounter(&mounts), &Location::trusted("/m/c/v"), which, UnmountStrategy::Strict);
            assert!(matches!(taken, Taken::Not(TearDownOutcome::Busy { .. })), "{taken:?}");
            assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3]);
        }
    }

    #[test]
    fn what_covers_a_busy_mount_keeps_what_is_on_it() {
        let covered = format!(
            "{GONE}4 2 0:8 / /m/c/v rw - tmpfs ours rw\n5 4 0:7 / /m/c/v rw - tmpfs theirs rw\n6 5 0:6 / /m/c/v/x rw - tmpfs theirs rw\n"
        );
        let mounts = PaperMounts::with(&covered);
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", Errno::EBUSY));
        let only = Which::Only(MountKey::Reused(MountId(4)));
        let taken = take_off(&mounter(&mounts), &Location::trusted("/m/c/v"), only, UnmountStrategy::Strict);
        assert!(matches!(taken, Taken::Not(TearDownOutcome::Busy { .. })), "{taken:?}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3, 4, 5, 6]);
    }

    /// The results of the unmounts, in order.
    fn answers(all: &'static [Result<(), Errno>]) -> Taken {
        let mut mounter = crate::ports::MockMounter::new();
        let mut left = all.iter();
        mounter.expect_unmount().returning_st(move |request| {
            let refuse = |errno| OsError::new(Operation::Unmount, request.at().for_display(), errno);
            left.next().expect("an answer").map_err(refuse)
        });
        mounter
            .expect_mount_of()
            .returning(|at| Err(OsError::new(Operation::MountOf, at.for_display(), Errno::ENOENT)));
        take_off(&mounter, &Location::trusted("/m/c/v"), Which::All, UnmountStrategy::Lazy)
    }

    #[test]
    fn a_name_that_leads_elsewhere_after_a_layer_is_a_failure() {
        assert!(matches!(answers(&[Err(Errno::ENOENT)]), Taken::Not(TearDownOutcome::Missing)));
        assert!(matches!(answers(&[Err(Errno::ELOOP)]), Taken::Not(TearDownOutcome::RefusedSymlink)));
        let taken = answers(&[Ok(()), Err(Errno::ELOOP)]);
        let failed = |taken: &Taken| matches!(taken, Taken::Not(TearDownOutcome::Failed(error)) if error.errno() == Some(Errno::ELOOP));
        assert!(failed(&taken), "{taken:?}");
        assert!(matches!(answers(&[Ok(()), Err(Errno::ENOENT)]), Taken::Off(1)), "another process removed the name");
    }
}

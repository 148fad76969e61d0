//! Taking a stack of mounts off, and what is mounted on it.

use std::path::PathBuf;

use crate::values::mount_tree::MountTree;
use crate::{Errno, Location, MountKey, MountRow, Mounter, OsError, TearDownOutcome, UnmountMode, UnmountRequest};

/// How mounts are taken off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
pub enum TakeOff {
    /// Out of sight at once, with all that is mounted on them; they end when their last user lets go.
    #[default]
    Detach,
    /// Only what nobody uses; what is mounted on them first.
    Strict,
}

impl TakeOff {
    pub(crate) fn unmount_mode(self) -> UnmountMode {
        match self {
            Self::Detach => UnmountMode::Detach,
            Self::Strict => UnmountMode::Plain,
        }
    }
}

/// What is to be taken off at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Whatever is mounted there, every layer.
    All,
    /// This one mount.
    Only(MountKey),
}

/// How far taking off came.
#[derive(Debug)]
pub(crate) enum Taken {
    /// So many layers are off; what was to go is gone.
    Off(u32),
    /// It did not go, or not all of it.
    Not(TearDownOutcome),
}

pub(crate) fn take_off(mounter: &dyn Mounter, at: &Location, which: Which, how: TakeOff) -> Taken {
    let mut layers = 0;
    let mut emptied = false;
    loop {
        let request = UnmountRequest::new(at.clone()).with_mode(how.unmount_mode());
        let request = match which {
            Which::All => request,
            Which::Only(key) => request.only(key),
        };
        let error = match mounter.unmount(&request) {
            Ok(()) => {
                layers += 1;
                emptied = false;
                match which {
                    Which::All => continue,
                    Which::Only(_) => return Taken::Off(layers),
                }
            }
            Err(error) => error,
        };
        match error.errno() {
            Errno::EINVAL => return Taken::Off(layers),
            Errno::ENOENT | Errno::ENOTDIR if layers == 0 => return Taken::Not(TearDownOutcome::Missing),
            Errno::ELOOP if layers == 0 => return Taken::Not(TearDownOutcome::RefusedSymlink),
            Errno::ESTALE => return Taken::Not(TearDownOutcome::Covered),
            Errno::EBUSY if how == TakeOff::Strict && !emptied => match take_children_off(mounter, at, which) {
                Ok(()) => emptied = true,
                Err(by) => return Taken::Not(TearDownOutcome::Busy { by }),
            },
            Errno::EBUSY => return Taken::Not(TearDownOutcome::Busy { by: Vec::new() }),
            _ => return Taken::Not(TearDownOutcome::Failed(error.into())),
        }
    }
}

/// Takes off what is mounted on the mount at `at`, leaves first. Answers the mount points that stayed, if any did.
fn take_children_off(mounter: &dyn Mounter, at: &Location, which: Which) -> Result<(), Vec<PathBuf>> {
    let (Ok(found), Ok(table)) = (mounter.mount_of(at), mounter.mounts()) else { return Err(Vec::new()) };
    // It went meanwhile: then the name is on a mount that is anybody's, with everybody's mounts below it.
    if !found.is_root {
        return Ok(());
    }
    if matches!(which, Which::Only(key) if key != found.mount.key() && key != MountKey::Reused(found.mount.id)) {
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
            take_exactly(mounter, **row, Location::Trusted(row.mount_point().into()), UnmountMode::Plain).is_err()
        })
        .map(|row| row.mount_point().into_owned())
        .collect();
    if stayed.is_empty() { Ok(()) } else { Err(stayed) }
}

/// Takes off the mount of a row, if it is still that mount, and no other.
pub(crate) fn take_exactly(
    mounter: &dyn Mounter,
    row: MountRow<'_>,
    at: Location,
    mode: UnmountMode,
) -> Result<(), OsError> {
    let now = mounter.find_mount(MountKey::Reused(row.id()))?;
    if now.device != row.device() || now.root != row.root() || now.mount_point != row.mount_point() {
        return Err(OsError::new(crate::Operation::Unmount, at.for_display(), Errno::ESTALE));
    }
    mounter.unmount(&UnmountRequest::new(at).with_mode(mode).only(now.key()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequences::paper_mounts::{PaperMounts, mounter};
    use crate::{MountId, Operation};

    /// `/m/c/v` was a busy mount a moment ago: what is mounted below `/m` besides is somebody else's.
    const GONE: &str = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /m /m rw - ext4 a rw\n3 2 0:9 / /m/other rw - tmpfs t rw\n";

    #[test]
    fn a_mount_that_goes_between_two_looks_takes_nothing_with_it() {
        for which in [Which::All, Which::Only(MountKey::Reused(MountId(7)))] {
            let mounts = PaperMounts::with(GONE);
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", Errno::EBUSY));
            let taken = take_off(&mounter(&mounts), &Location::trusted("/m/c/v"), which, TakeOff::Strict);
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
        let taken = take_off(&mounter(&mounts), &Location::trusted("/m/c/v"), only, TakeOff::Strict);
        assert!(matches!(taken, Taken::Not(TearDownOutcome::Busy { .. })), "{taken:?}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3, 4, 5, 6]);
    }

    /// What unmounts answer, in order.
    fn answers(all: &'static [Result<(), Errno>]) -> Taken {
        let mut mounter = crate::MockMounter::new();
        let mut left = all.iter();
        mounter.expect_unmount().returning_st(move |request| {
            let refuse = |errno| OsError::new(Operation::Unmount, request.at().for_display(), errno);
            left.next().expect("an answer").map_err(refuse)
        });
        take_off(&mounter, &Location::trusted("/m/c/v"), Which::All, TakeOff::Detach)
    }

    #[test]
    fn a_name_that_leads_elsewhere_after_a_layer_is_a_failure() {
        assert!(matches!(answers(&[Err(Errno::ENOENT)]), Taken::Not(TearDownOutcome::Missing)));
        assert!(matches!(answers(&[Err(Errno::ELOOP)]), Taken::Not(TearDownOutcome::RefusedSymlink)));
        for errno in [Errno::ENOENT, Errno::ELOOP] {
            let all: &'static [_] =
                if errno == Errno::ENOENT { &[Ok(()), Err(Errno::ENOENT)] } else { &[Ok(()), Err(Errno::ELOOP)] };
            let taken = answers(all);
            assert!(
                matches!(&taken, Taken::Not(TearDownOutcome::Failed(error)) if error.errno() == Some(errno)),
                "{taken:?}"
            );
        }
    }

    #[test]
    fn a_mount_that_differs_in_one_thing_is_another() {
        let row = "4 2 0:8 /r /m/c/v rw - tmpfs ours rw\n";
        let table = crate::MountTable::parse(row);
        for now in
            [row, "4 2 0:7 /r /m/c/v rw - t o rw", "4 2 0:8 /x /m/c/v rw - t o rw", "4 2 0:8 /r /m/c/w rw - t o rw"]
        {
            let mounts = PaperMounts::with(&format!("{GONE}{now}"));
            let at = Location::trusted("/m/c/v");
            let taken = take_exactly(&mounter(&mounts), table.iter().next().unwrap(), at, UnmountMode::Detach);
            assert_eq!(
                taken.map_err(|error| error.errno()),
                if now == row { Ok(()) } else { Err(Errno::ESTALE) },
                "{now}"
            );
        }
    }
}

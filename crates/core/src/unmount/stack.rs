//! Unmount of the layers of one place, with the mounts below it.

use std::ffi::OsStr;

use crate::error::{Errno, Error, OsError};
use crate::mount::{MountInfo, MountKey, UnmountMode, UnmountRequest};
use crate::mount_table::tree::MountTree;
use crate::mount_table::{MountRow, MountTable};
use crate::path::Location;
use crate::ports::{Directory, Mounter};
use crate::unmount::placeholder::{NameRemoval, gone_in_or_kept};
use crate::unmount::removal::is_locked;
use crate::unmount::{Removal, UnmountStrategy};

/// The maximum number of layers that one call unmounts from a place on which another process mounts repeatedly.
pub(crate) const MOST_LAYERS: u32 = 4096;

/// The maximum number of attempts to remove a name on which another process mounts repeatedly.
pub(crate) const MOST_ATTEMPTS: u32 = 4;

/// The reason for which an unmount ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The mount was not unmounted, or not completely.
    Not(Removal),
    /// It failed.
    Failed(Error),
}

impl Stop {
    pub(crate) fn removal(self) -> Result<Removal, Error> {
        match self {
            Self::Not(removal) => Ok(removal),
            Self::Failed(error) => Err(error),
        }
    }

    fn of(removal: Result<Removal, Error>) -> Self {
        removal.map_or_else(Self::Failed, Self::Not)
    }
}

impl From<OsError> for Stop {
    fn from(error: OsError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The flags of an unmount, and the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    mode: UnmountMode,
    children_first: bool,
}

impl From<UnmountStrategy> for How {
    fn from(strategy: UnmountStrategy) -> Self {
        Self { mode: strategy.unmount_mode(), children_first: strategy == UnmountStrategy::Strict }
    }
}

impl From<UnmountMode> for How {
    fn from(mode: UnmountMode) -> Self {
        Self { mode, children_first: false }
    }
}

#[derive(Clone, Copy)]
enum Place<'a> {
    /// This name of an open directory.
    Name(&'a dyn Directory, &'a OsStr),
    /// The stack's path.
    Path,
    /// The mount that was just looked up.
    Found(&'a MountInfo),
}

/// The mounts on one place.
#[derive(Clone, Copy)]
pub(crate) struct Stack<'a> {
    mounter: &'a dyn Mounter,
    at: &'a Location,
    place: Place<'a>,
    only: Option<MountKey>,
    how: How,
}

/// The result of one unmount of a stack.
enum Step {
    Unmounted,
    /// No mount is there.
    NoMount,
    /// Another process removed the name once it was free.
    NameGone,
}

impl<'a> Stack<'a> {
    /// The layers at a path.
    pub(crate) fn at(mounter: &'a dyn Mounter, at: &'a Location, how: impl Into<How>) -> Self {
        Self { mounter, at, place: Place::Path, only: None, how: how.into() }
    }

    /// The layers on a name of an open directory, unmounted lazily; `at` is its path.
    pub(crate) fn named(
        mounter: &'a dyn Mounter,
        at: &'a Location,
        (directory, name): (&'a dyn Directory, &'a OsStr),
    ) -> Self {
        Self { place: Place::Name(directory, name), ..Self::at(mounter, at, UnmountMode::Detach) }
    }

    /// The one mount that was just looked up; `at` is its mount point.
    pub(crate) fn found(
        mounter: &'a dyn Mounter,
        at: &'a Location,
        (found, key): (&'a MountInfo, MountKey),
        how: How,
    ) -> Self {
        Self { place: Place::Found(found), only: Some(key), ..Self::at(mounter, at, how) }
    }

    /// Limits it to one mount.
    pub(crate) fn only(self, key: MountKey) -> Self {
        Self { only: Some(key), ..self }
    }

    /// Unmounts every layer, and returns their number. A mount that is in use is unmounted after the mounts below it.
    pub(crate) fn unmount(&self) -> Result<u32, Stop> {
        let (mut layers, mut emptied) = (0, false);
        while layers < MOST_LAYERS {
            match self.step(layers) {
                Ok(Step::Unmounted) => (layers, emptied) = (layers + 1, false),
                Ok(Step::NoMount | Step::NameGone) => return Ok(layers),
                Err(Stop::Not(Removal::Busy { .. })) if self.how.children_first && !emptied => {
                    self.unmount_children()?;
                    emptied = true;
                }
                Err(stop) => return Err(stop),
            }
            if self.only.is_some() && layers == 1 {
                return Ok(1);
            }
        }
        Err(self.unsettled(layers))
    }

    /// Unmounts every layer, and removes the name. A name that is still busy has another layer. Any other reason for
    /// which it stays does not show whether there are layers, so the loop unmounts until there is none.
    pub(crate) fn unmount_and_remove(
        &self,
        mut remove: impl FnMut() -> Result<NameRemoval, Error>,
    ) -> Result<(u32, NameRemoval), Stop> {
        let (mut layers, mut attempts) = (0, 0);
        while layers < MOST_LAYERS {
            let took_one = match self.step(layers)? {
                Step::Unmounted => true,
                Step::NoMount => false,
                Step::NameGone => return Ok((layers, NameRemoval::Removed)),
            };
            layers += u32::from(took_one);
            match remove()? {
                NameRemoval::Removed => return Ok((layers, NameRemoval::Removed)),
                kept if self.only.is_some() => return Ok((layers, kept)),
                NameRemoval::Kept(_) if took_one => {}
                // Nothing could be unmounted and yet it is a mount point: locked, or another process is mounting.
                NameRemoval::Kept(error) if error.errno() == Errno::EBUSY => {
                    attempts += 1;
                    if attempts == MOST_ATTEMPTS {
                        return Err(Stop::Not(Removal::StillMounted));
                    }
                }
                NameRemoval::Kept(error) => return self.seen_to_be_off(layers, error),
            }
        }
        Err(self.unsettled(layers))
    }

    /// One unmount, after this many layers. A name that leads elsewhere once a layer was unmounted is a failure.
    fn step(&self, layers: u32) -> Result<Step, Stop> {
        let Err(error) = self.unmount_once() else { return Ok(Step::Unmounted) };
        match error.errno() {
            Errno::EINVAL if matches!(self.place, Place::Found(_)) && is_locked(&error) => {
                Err(Stop::Not(Removal::StillMounted))
            }
            Errno::EINVAL if error.left().is_empty() => Ok(Step::NoMount),
            Errno::ENOENT if layers > 0 => {
                if self.is_gone(&error) {
                    Ok(Step::NameGone)
                } else {
                    Err(error.into())
                }
            }
            Errno::ELOOP | Errno::ENOTDIR if layers > 0 => Err(error.into()),
            _ => Err(Stop::of(Removal::of_unmount(error))),
        }
    }

    fn unmount_once(&self) -> Result<(), OsError> {
        let request = match self.place {
            Place::Name(directory, name) => return directory.unmount(name, self.how.mode, self.only),
            Place::Path => UnmountRequest::new(self.at.clone()),
            Place::Found(found) => UnmountRequest::of_mount(found),
        };
        let request = self.only.into_iter().fold(request, UnmountRequest::only);
        self.mounter.unmount(&request.with_mode(self.how.mode))
    }

    /// True where a second call reports too that the name does not exist.
    fn is_gone(&self, error: &OsError) -> bool {
        match self.place {
            Place::Name(directory, name) => {
                matches!(gone_in_or_kept(directory, name, error.clone()), NameRemoval::Removed)
            }
            _ => self.mounter.mount_of(self.at).is_err_and(|error| error.errno() == Errno::ENOENT),
        }
    }

    /// Checks a name that stays although nothing more could be unmounted. It may have led elsewhere at the moment of the
    /// unmount: where it is a symlink or a mount point now, it is not reported as unmounted.
    fn seen_to_be_off(&self, layers: u32, kept: OsError) -> Result<(u32, NameRemoval), Stop> {
        let elsewhere = match kept.errno() {
            Errno::ELOOP => kept,
            // Another file was removed: this one, and the mounts on it, have another name by now.
            Errno::ESTALE => return Err(kept.into()),
            _ => match self.mounter.mount_of(self.at) {
                Ok(found) if found.is_root => return Err(Stop::Not(Removal::StillMounted)),
                Err(error) if error.errno() != Errno::ENOENT => error,
                _ => return Ok((layers, NameRemoval::Kept(kept))),
            },
        };
        // A name that is being moved (`EXDEV`), or cannot be looked up, is not proven to be unmounted.
        Err(if layers == 0 { Stop::of(Removal::of_look(elsewhere)) } else { elsewhere.into() })
    }

    /// Unmounts the mounts below the stack's, leaves first. Fails with those that stayed.
    fn unmount_children(&self) -> Result<(), Stop> {
        let busy = |by| Err(Stop::Not(Removal::Busy { by }));
        let (found, table) = (self.mounter.mount_of(self.at)?, self.mounter.mounts()?);
        // The mount was unmounted in between: the name is now on another mount, whose children are not ours.
        if !found.is_root {
            return Ok(());
        }
        let is_ours = |key| key == found.mount.key() || key == MountKey::Reused(found.mount.id);
        if self.only.is_some_and(|key| !is_ours(key)) {
            return busy(Vec::new());
        }
        let children = below(&table, &found.mount);
        let stayed: Vec<_> = children.iter().filter(|child| self.child_stays(child)).collect();
        if children.is_empty() || !stayed.is_empty() {
            return busy(stayed.into_iter().map(|child| child.mount_point.clone()).collect());
        }
        Ok(())
    }

    /// True where a child is still mounted. Whatever errno its unmount has, another caller may have been faster.
    fn child_stays(&self, child: &MountInfo) -> bool {
        let request = UnmountRequest::of_mount(child).with_mode(UnmountMode::Plain);
        self.mounter.unmount(&request).is_err()
            && !self.mounter.find_mount(child.key()).is_err_and(|gone| gone.errno() == Errno::ENOENT)
    }

    fn unsettled(&self, attempts: u32) -> Stop {
        Stop::Failed(Error::Unsettled { mount: self.at.for_display().into(), attempts })
    }
}

/// The mounts below a mount, leaves first.
fn below(table: &MountTable, mount: &MountInfo) -> Vec<MountInfo> {
    let Some(top) = table.by_id(mount.id) else { return Vec::new() };
    let tree = MountTree::new(table).leaves_first(top);
    tree[..tree.len() - 1].iter().map(MountRow::to_info).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Leftover, Operation};
    use crate::mount::{MountId, UniqueMountId};
    use crate::ports::MockMounter;
    use crate::test_support::in_memory_mounts::{PaperMounts, SharedMounts, mounter};

    fn strictly(mounts: &SharedMounts, only: Option<MountKey>) -> Result<u32, Stop> {
        let (mounter, at) = (mounter(mounts), Location::trusted("/m/c/v"));
        Stack { only, ..Stack::at(&mounter, &at, UnmountStrategy::Strict) }.unmount()
    }

    /// `/m/c/v` was a busy mount a moment ago: the other mounts below `/m` belong to other processes.
    const GONE: &str = "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /m /m rw - ext4 a rw\n3 2 0:9 / /m/other rw - tmpfs t rw\n";

    #[test]
    fn mount_unmounted_between_two_looks_leaves_every_other_mount() {
        for only in [None, Some(MountKey::Reused(MountId(7)))] {
            let mounts = PaperMounts::with(GONE);
            mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", Errno::EBUSY));
            let taken = strictly(&mounts, only);
            assert!(matches!(taken, Err(Stop::Not(Removal::Busy { .. }))), "{taken:?}");
            assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3]);
        }
    }

    #[test]
    fn cover_of_a_busy_mount_keeps_its_children() {
        let covered = format!(
            "{GONE}4 2 0:8 / /m/c/v rw - tmpfs ours rw\n5 4 0:7 / /m/c/v rw - tmpfs theirs rw\n6 5 0:6 / /m/c/v/x rw - tmpfs theirs rw\n"
        );
        let mounts = PaperMounts::with(&covered);
        mounts.lock().unwrap().refuse = Some((Operation::Unmount, "/m/c/v", Errno::EBUSY));
        let taken = strictly(&mounts, Some(MountKey::Reused(MountId(4))));
        assert!(matches!(taken, Err(Stop::Not(Removal::Busy { .. }))), "{taken:?}");
        assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3, 4, 5, 6]);
    }

    /// A mounter whose unmounts end like this, in order; the last one again and again.
    fn answering(all: &'static [Result<(), Errno>]) -> MockMounter {
        let mut mounter = MockMounter::new();
        let mut next = 0;
        mounter.expect_unmount().returning(move |request| {
            let answer = all[next.min(all.len() - 1)];
            next += 1;
            answer.map_err(|errno| OsError::new(Operation::Unmount, request.at().for_display(), errno))
        });
        mounter
            .expect_mount_of()
            .returning(|at| Err(OsError::new(Operation::MountOf, at.for_display(), Errno::ENOENT)));
        mounter
    }

    fn lazily(all: &'static [Result<(), Errno>]) -> Result<u32, Stop> {
        Stack::at(&answering(all), &Location::trusted("/m/c/v"), UnmountStrategy::Lazy).unmount()
    }

    const ELOOP_AFTER_ONE: &[Result<(), Errno>] = &[Ok(()), Err(Errno::ELOOP)];
    const ENOTDIR_AFTER_ONE: &[Result<(), Errno>] = &[Ok(()), Err(Errno::ENOTDIR)];

    #[test]
    fn a_name_that_leads_elsewhere_after_a_layer_is_a_failure() {
        assert_eq!(lazily(&[Err(Errno::ENOENT)]), Err(Stop::Not(Removal::NotFound)));
        assert_eq!(lazily(&[Err(Errno::ELOOP)]), Err(Stop::Not(Removal::Symlink)));
        for (answers, errno) in [(ELOOP_AFTER_ONE, Errno::ELOOP), (ENOTDIR_AFTER_ONE, Errno::ENOTDIR)] {
            let after_one = lazily(answers);
            assert!(matches!(&after_one, Err(Stop::Failed(error)) if error.errno() == Some(errno)), "{after_one:?}");
        }
        assert_eq!(lazily(&[Ok(()), Err(Errno::ENOENT)]), Ok(1), "another process removed the name");
    }

    #[test]
    fn stack_that_grows_as_fast_as_it_is_unmounted_ends_in_an_error_that_names_it() {
        let unsettled = Error::Unsettled { mount: "/m/c/v".into(), attempts: MOST_LAYERS };
        assert_eq!(lazily(&[Ok(())]), Err(Stop::Failed(unsettled.clone())));
        let (mounter, at) = (answering(&[Ok(())]), Location::trusted("/m/c/v"));
        let busy = || Ok(NameRemoval::Kept(OsError::new(Operation::RemoveDir, "/m/c/v", Errno::EBUSY)));
        let stack = Stack::at(&mounter, &at, UnmountStrategy::Lazy);
        assert!(matches!(stack.unmount_and_remove(busy), Err(Stop::Failed(error)) if error == unsettled));
        assert!(unsettled.to_string().contains("/m/c/v"), "{unsettled}");
    }

    #[test]
    fn name_that_holds_no_mount_has_no_layers_and_an_error_with_a_leftover_is_a_failure() {
        let error = OsError::new(Operation::Unmount, "/m/c/v", Errno::EINVAL);
        for (error, layers) in [(error.clone(), Some(0)), (error.leaving(Leftover::Directory("/tmp/x".into())), None)] {
            let mut mounter = MockMounter::new();
            mounter.expect_unmount().return_once(move |_| Err(error));
            let stopped = Stack::at(&mounter, &Location::trusted("/m/c/v"), UnmountStrategy::Lazy).unmount();
            assert_eq!(stopped.as_ref().ok().copied(), layers, "{stopped:?}");
        }
    }

    #[test]
    fn busy_mount_is_known_by_each_of_its_ids() {
        let unique = UniqueMountId(std::num::NonZeroU64::new(77).unwrap());
        for only in [MountKey::Unique(unique), MountKey::Reused(MountId(4))] {
            let mounts = PaperMounts::with(&format!(
                "{GONE}4 2 0:8 / /m/c/v rw - tmpfs ours rw\n5 4 0:7 / /m/c/v/x rw - tmpfs ours rw\n"
            ));
            mounts.lock().unwrap().mounts[3].unique_id = Some(unique);
            assert_eq!(strictly(&mounts, Some(only)), Ok(1));
            assert_eq!(mounts.lock().unwrap().ids(), [1, 2, 3]);
        }
    }

    #[test]
    fn children_that_cannot_be_listed_are_an_error_and_not_a_busy_process() {
        let mut mounter = MockMounter::new();
        let refused = |errno| OsError::new(Operation::Unmount, "/m/c/v", errno);
        mounter.expect_unmount().returning(move |_| Err(refused(Errno::EBUSY)));
        mounter.expect_mount_of().returning(move |_| Err(refused(Errno::EIO)));
        let stopped = Stack::at(&mounter, &Location::trusted("/m/c/v"), UnmountStrategy::Strict).unmount();
        assert_eq!(stopped, Err(Stop::Failed(refused(Errno::EIO).into())));
    }

    #[test]
    fn child_that_another_caller_unmounts_first_does_not_make_the_mount_busy() {
        const TREE: &str =
            "1 0 8:1 / / rw - ext4 a rw\n2 1 8:1 /v /m/c/v rw - ext4 a rw\n3 2 0:9 / /m/c/v/x rw - tmpfs t rw\n";
        let table = MountTable::parse(TREE);
        let top = table.by_id(MountId(2)).unwrap().to_info();
        for (errno, is_gone) in
            [(Errno::EINVAL, true), (Errno::ESTALE, true), (Errno::EBUSY, false), (Errno::ENOENT, false)]
        {
            let (mut mounter, found, all) = (MockMounter::new(), top.clone(), table.clone());
            let mut tops = 0;
            mounter.expect_unmount().returning(move |request| {
                let at = request.at().for_display();
                let answer = match at.to_str() {
                    Some("/m/c/v") if tops == 0 => Err(Errno::EBUSY),
                    Some("/m/c/v") => Ok(()),
                    _ => Err(errno),
                };
                tops += usize::from(at.ends_with("v"));
                answer.map_err(|errno| OsError::new(Operation::Unmount, at, errno))
            });
            mounter
                .expect_mount_of()
                .returning(move |_| Ok(crate::mount::PathMount { mount: found.clone(), is_root: true }));
            mounter.expect_mounts().returning(move || Ok(all.clone()));
            let child = table.by_id(MountId(3)).unwrap().to_info();
            mounter.expect_find_mount().returning(move |key| {
                if is_gone { Err(OsError::new(Operation::FindMount, key, Errno::ENOENT)) } else { Ok(child.clone()) }
            });
            let at = Location::trusted("/m/c/v");
            let taken = Stack::at(&mounter, &at, UnmountStrategy::Strict).only(top.key()).unmount();
            let busy = Err(Stop::Not(Removal::Busy { by: vec!["/m/c/v/x".into()] }));
            assert_eq!(taken, if is_gone { Ok(1) } else { busy }, "{errno}");
        }
    }
}

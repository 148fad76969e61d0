//! Building a root by its plan.

use crate::error::{Errno, Operation, OsError};
use crate::mount::{BindRequest, MountKey, PinnedNamespace, Propagation, TreeForm};
use crate::path::Location;
use crate::ports::Backend;
use crate::rootfs::RootfsPlan;
use crate::rootfs::invalid::invalid;
use crate::rootfs::perform::Performer;
use crate::rootfs::place::Place;
use crate::rootfs::step::Preparation;

/// The number of builds that another process disturbs before the last error is returned.
const MOST_ATTEMPTS: u32 = 8;

/// The report of a root that was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RootfsReport {
    /// The mount of the root, on the image's directory.
    pub mount: MountKey,
    /// The form in which the tree was built, and so the guarantee: [`TreeForm::Detached`] until one call made the whole visible,
    /// or [`TreeForm::Staged`] on kernels that cannot (before 6.15).
    pub form: TreeForm,
    /// The number of builds that it took: more than one where another process changed names of the image.
    pub attempts: u32,
}

impl RootfsPlan {
    /// Gives the mounts of the namespace the propagation with which nothing that is mounted there reaches the host: the first call
    /// in the container's new mount namespace.
    ///
    /// `host` is the namespace that the process has left, pinned before `unshare(CLONE_NEWNS)`
    /// ([`ProcessRoot::pin_namespace`](crate::ports::ProcessRoot::pin_namespace)), and `backend` one that was made after it: the host's own
    /// mounts are never changed.
    ///
    /// # Errors
    ///
    /// `EPERM`: the process is still in that namespace, or the one that it is in is not known. Those of
    /// [`Mounter::set_propagation`](crate::ports::Mounter::set_propagation).
    pub fn prepare(&self, backend: &dyn Backend, host: &PinnedNamespace) -> Result<(), OsError> {
        must_have_left(host, backend)?;
        match self.prepare {
            Preparation::Every(word) => {
                backend.set_propagation(&Location::trusted("/"), word.propagation, word.recursion)
            }
            Preparation::ParentPrivate => {
                let holder = backend.mount_of(&Location::trusted(self.required_image()?))?.mount;
                let at = Location::trusted(&holder.mount_point);
                backend.set_propagation_of(&at, holder.key(), Propagation::Private)
            }
        }
    }

    /// Builds the root, and attaches it to the image's directory as the last step.
    ///
    /// * `terminal` is the terminal of the container, where the plan [needs one](Self::needs_terminal): its name in the host's devpts
    ///   (`/dev/pts/N`), and no name in a directory of the container (CVE-2025-52565). A descriptor of another mount namespace
    ///   cannot be bound (`EINVAL`).
    /// * Killed at any system call before the last: the host's mounts and files are as before, and of the names that
    ///   [`creates`](Self::creates) lists some are there. An error leaves the same.
    /// * A target whose name another process has changed during the build discards the whole, and the build begins anew, at
    ///   most 8 times.
    /// * Below 6.15 the tree is built in the backend's staging directory and moved; the report says so.
    ///
    /// # Errors
    ///
    /// `EINVAL`: no terminal was given for a plan that needs one; the source of a bind on `/proc` is no procfs; a device that
    /// is bound has another number, mode or owner on the host. `ENOTDIR`: `/proc` or `/sys` of the image is a symlink or a
    /// file. `EEXIST`: another file has the name of a device or of a link. `ESTALE`: names of the image were changed during each
    /// attempt. Those of [`DetachedTree`](crate::ports::DetachedTree).
    pub fn build(&self, backend: &dyn Backend, terminal: Option<&Location>) -> Result<RootfsReport, OsError> {
        let mut attempts = 1;
        loop {
            match self.build_once(backend, terminal) {
                Err(error) if error.errno() == Errno::ESTALE && error.left().is_empty() && attempts < MOST_ATTEMPTS => {
                    attempts += 1;
                }
                built => return built.map(|report| RootfsReport { attempts, ..report }),
            }
        }
    }

    fn build_once(&self, backend: &dyn Backend, terminal: Option<&Location>) -> Result<RootfsReport, OsError> {
        let at = || Ok(Location::trusted(self.required_image()?));
        if self.needs_terminal() && terminal.is_none() {
            return Err(invalid("/dev/console", "the plan needs a terminal, and none is given"));
        }
        let request = BindRequest::new(at()?, at()?).recursive().propagation(Propagation::Slave).stacking();
        let tree = backend.detached_tree(&request)?;
        let form = tree.form();
        let mut performer = Performer::new(Place::Tree(&*tree), backend, terminal, self);
        let done = self.build.iter().try_for_each(|step| performer.perform(step));
        drop(performer);
        match done {
            Ok(()) => tree.commit().map(|report| RootfsReport { mount: report.mount, form, attempts: 1 }),
            Err(error) => Err(match tree.discard() {
                Ok(()) => error,
                Err(discarded) => discarded.left().iter().cloned().fold(error, OsError::leaving),
            }),
        }
    }

    /// Finishes the root, once the process has entered it: mounts that had to be filled become read-only, the root gets
    /// its propagation, and of a plan [`with_hooks`](Self::with_hooks) the masks and the read-only root follow. Every path is one in
    /// the root of the calling process: in another root than the container's, that one would be changed.
    ///
    /// # Errors
    ///
    /// Those of the ports. What was finished before the error stays: the container must not run.
    pub fn finish(&self, backend: &dyn Backend) -> Result<(), OsError> {
        let mut performer = Performer::new(Place::Root(backend), backend, None, self);
        self.finish.iter().try_for_each(|step| performer.perform(step))
    }

    fn required_image(&self) -> Result<&str, OsError> {
        self.image().map(camino::Utf8Path::as_str).ok_or_else(|| invalid("/", "the plan has no image"))
    }
}

/// Refuses a change in the namespace that the process came from. Nothing is concluded from a namespace that is not known.
fn must_have_left(host: &PinnedNamespace, backend: &dyn Backend) -> Result<(), OsError> {
    let unknown = Some("the mount namespace of the process is not known");
    match backend.origin()?.namespace.map_or(unknown, |here| host.not_left(here)) {
        None => Ok(()),
        Some(reason) => {
            let error = OsError::new(Operation::SetPropagation, std::path::Path::new("/"), Errno::EPERM);
            Err(error.with_detail(reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mount::{BindReport, Guarantee, MountId};
    use crate::ports::{MockDetachedTree, MockFilesystem, MockMounter, Ports};
    use crate::rootfs::cases::plan_of;
    use crate::rootfs::step::Step;

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Bind, "/image", errno)
    }

    #[test]
    fn build_that_is_disturbed_begins_anew_a_bounded_number_of_times() {
        let most = MOST_ATTEMPTS;
        for (errno, lost, attempts) in [
            (Errno::ESTALE, 0, Ok(1)),
            (Errno::ESTALE, most - 1, Ok(most)),
            (Errno::ESTALE, most, Err(most)),
            (Errno::EIO, 1, Err(1)),
        ] {
            let (mut mounter, calls) = (MockMounter::new(), attempts.unwrap_or_else(|calls| calls));
            let mut call = 0;
            mounter.expect_detached_tree().times(calls as usize).returning(move |_| {
                call += 1;
                if call <= lost {
                    return Err(os(errno));
                }
                let mut tree = MockDetachedTree::new();
                tree.expect_form().return_const(TreeForm::Detached);
                tree.expect_commit().returning(|| Ok(BindReport::new(MountKey::Reused(MountId(7)), Guarantee::Atomic)));
                Ok(Box::new(tree))
            });
            let ports = Ports { filesystem: MockFilesystem::new(), mounter };
            let built = plan_of(vec![Step::Root { image: "/image".into() }]).build(&ports, None);
            assert_eq!(built.as_ref().ok().map(|report| report.attempts), attempts.ok(), "{lost} {errno}");
            assert_eq!(built.is_err_and(|error| error.errno() == errno), attempts.is_err(), "{lost} {errno}");
        }
    }

    #[test]
    fn finish_that_fails_is_an_error() {
        let mut mounter = MockMounter::new();
        mounter.expect_change_attributes().returning(|_| Err(os(Errno::EIO)));
        let ports = Ports { filesystem: MockFilesystem::new(), mounter };
        assert_eq!(plan_of(Vec::new()).finish(&ports).map_err(|error| error.errno()), Err(Errno::EIO));
    }
}

//! Histories of operations.

use std::ffi::OsString;

use proptest::prelude::*;

use super::{path, relative_path};
use crate::error::OsError;
use crate::file::FileMode;
use crate::mount::{
    AttributeChange, AttributesRequest, BindRequest, FilesystemOption, MountFlags, MountRequest, Propagation,
    Recursion, UnmountMode, UnmountRequest,
};
use crate::path::Location;
use crate::ports::Backend;

/// One change of a host, as a port makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// [`Mounter::bind`](crate::ports::Mounter::bind).
    Bind(BindRequest),
    /// [`Mounter::mount`](crate::ports::Mounter::mount).
    Mount(MountRequest),
    /// [`Mounter::move_mount`](crate::ports::Mounter::move_mount).
    MoveMount {
        /// The mount to move.
        from: Location,
        /// The new mount point.
        to: Location,
    },
    /// [`Mounter::change_attributes`](crate::ports::Mounter::change_attributes).
    ChangeAttributes(AttributesRequest),
    /// [`Mounter::set_propagation`](crate::ports::Mounter::set_propagation).
    SetPropagation {
        /// The mount.
        at: Location,
        /// The propagation type.
        propagation: Propagation,
        /// One mount or the tree.
        recursion: Recursion,
    },
    /// [`Mounter::unmount`](crate::ports::Mounter::unmount).
    Unmount(UnmountRequest),
    /// [`Filesystem::create_dir`](crate::ports::Filesystem::create_dir), mode 0755.
    CreateDir(Location),
    /// [`Filesystem::create_file`](crate::ports::Filesystem::create_file), mode 0644.
    CreateFile(Location),
    /// [`Filesystem::remove_dir`](crate::ports::Filesystem::remove_dir).
    RemoveDir(Location),
    /// [`Filesystem::remove_file`](crate::ports::Filesystem::remove_file).
    RemoveFile(Location),
}

impl Step {
    /// Performs the step.
    ///
    /// # Errors
    ///
    /// The errors of the port call, which are frequent in a random history.
    pub fn perform(&self, backend: &dyn Backend) -> Result<(), OsError> {
        match self {
            Self::Bind(request) => backend.bind(request).map(drop),
            Self::Mount(request) => backend.mount(request).map(drop),
            Self::MoveMount { from, to } => backend.move_mount(from, to),
            Self::ChangeAttributes(request) => backend.change_attributes(request).map(drop),
            Self::SetPropagation { at, propagation, recursion } => {
                backend.set_propagation(at, *propagation, *recursion)
            }
            Self::Unmount(request) => backend.unmount(request),
            Self::CreateDir(at) => backend.create_dir(at, FileMode::from_bits(0o755)).map(drop),
            Self::CreateFile(at) => backend.create_file(at, FileMode::from_bits(0o644)).map(drop),
            Self::RemoveDir(at) => backend.remove_dir(at),
            Self::RemoveFile(at) => backend.remove_file(at),
        }
    }
}

/// A place by its whole path, or below a root.
fn location() -> impl Strategy<Value = Location> {
    prop_oneof![
        3 => path().prop_map(Location::Trusted),
        1 => (path(), relative_path()).prop_map(|(root, path)| Location::Beneath { root, path }),
    ]
}

fn propagation() -> impl Strategy<Value = Propagation> {
    prop::sample::select(&[Propagation::Private, Propagation::Shared, Propagation::Slave, Propagation::Unbindable][..])
}

fn change() -> impl Strategy<Value = AttributeChange> {
    let flags = [MountFlags::READ_ONLY, MountFlags::NO_SUID, MountFlags::NO_EXEC];
    (prop::sample::select(flags.to_vec()), any::<bool>()).prop_map(|(flag, set)| {
        if set {
            AttributeChange::setting(flag)
        } else {
            AttributeChange::new(MountFlags::NONE, flag, None).expect("a flag is cleared and not set")
        }
    })
}

fn bind() -> impl Strategy<Value = Step> {
    let options = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), prop::option::of(propagation()));
    (location(), location(), options).prop_map(
        |(source, target, (recursive, read_only, creating, stacking, propagation))| {
            let mut request = BindRequest::new(source, target);
            if recursive {
                request = request.recursive();
            }
            if read_only {
                request = request.read_only();
            }
            if creating {
                request = request.creating_target(FileMode::from_bits(0o755));
            }
            if stacking {
                request = request.stacking();
            }
            if let Some(propagation) = propagation {
                request = request.propagation(propagation);
            }
            Step::Bind(request)
        },
    )
}

fn tmpfs() -> impl Strategy<Value = Step> {
    (location(), prop::option::of(propagation())).prop_map(|(target, propagation)| {
        let mut request = MountRequest::new("tmpfs", target);
        request.source = Some(OsString::from("tmpfs"));
        request.options = vec![FilesystemOption::with_value("size", "1m")];
        request.propagation = propagation;
        Step::Mount(request)
    })
}

/// One change of a host at places of [`path`]'s alphabet.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let recursion = prop::sample::select(&[Recursion::This, Recursion::Tree][..]);
    let mode = prop::sample::select(&[UnmountMode::Plain, UnmountMode::Detach][..]);
    prop_oneof![
        4 => bind(),
        2 => tmpfs(),
        1 => (location(), location()).prop_map(|(from, to)| Step::MoveMount { from, to }),
        1 => (location(), change()).prop_map(|(at, change)| Step::ChangeAttributes(AttributesRequest::new(at, change))),
        2 => (location(), propagation(), recursion)
            .prop_map(|(at, propagation, recursion)| Step::SetPropagation { at, propagation, recursion }),
        3 => (location(), mode).prop_map(|(at, mode)| Step::Unmount(UnmountRequest::new(at).with_mode(mode))),
        4 => location().prop_map(Step::CreateDir),
        1 => location().prop_map(Step::CreateFile),
        1 => location().prop_map(Step::RemoveDir),
        1 => location().prop_map(Step::RemoveFile),
    ]
}

/// Up to `longest` changes.
pub fn history(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 0..=longest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Errno, Operation};
    use crate::ports::{MockFilesystem, MockMounter, Ports};

    #[test]
    fn a_step_has_the_result_of_its_call() {
        for (errno, result) in [(None, Ok(())), (Some(Errno::EINVAL), Err(Errno::EINVAL))] {
            let mut mounter = MockMounter::new();
            mounter.expect_unmount().times(1).returning(move |request| match errno {
                Some(errno) => Err(OsError::new(Operation::Unmount, request.at().for_display(), errno)),
                None => Ok(()),
            });
            let step = Step::Unmount(UnmountRequest::new(Location::trusted("/m")));
            let performed = step.perform(&Ports { filesystem: &MockFilesystem::new(), mounter: &mounter });
            assert_eq!(performed.map_err(|error| error.errno()), result);
        }
    }
}

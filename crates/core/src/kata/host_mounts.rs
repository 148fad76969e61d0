//! Unmount of a container's mounts on the host.

use std::path::PathBuf;

use camino::Utf8Path;

use crate::error::{Errno, OsError};
use crate::kata::KataError;
use crate::path::{ContainerId, Location};
use crate::ports::{Filesystem, Mounter};
use crate::spec::Mount;
use crate::unmount::placeholder::{self, Above, NameRemoval};
use crate::unmount::stack::Stack;
use crate::unmount::{NameAfter, Removal};

/// Unmounts a mount of `container` on the host, lazily and without following a symlink. For a bind, it also removes the
/// empty file or directory that was its target.
///
/// Only the container's own mounts are unmounted: the mount whose id was recorded, or the mounts on a name below
/// `<mounts>/<id>` or on a name `<mounts>/<id>-<16 hex digits>-<name>`, the layout of the original. Any other name that
/// begins with the id may be a directory or a volume of another container with a longer id.
pub(crate) fn unmount_host_mount(
    fs: &dyn Filesystem,
    mounter: &dyn Mounter,
    mounts_dir: &Utf8Path,
    container: &ContainerId,
    mount: &Mount,
    host_path: &Utf8Path,
) -> Result<Removal, KataError> {
    let at = match (own_location(mounts_dir, container, host_path), mount.host_mount) {
        (Some(at), _) => at,
        (None, Some(_)) => Location::trusted(PathBuf::from(host_path)),
        (None, None) => {
            let (container, mounts_dir) = (container.clone(), mounts_dir.to_owned());
            return Err(KataError::NotOurs { container, mounts_dir, host_path: host_path.to_owned() });
        }
    };
    let above = match Above::open(fs, &at) {
        Ok(above) => above,
        Err(error) => return Ok(Removal::of_look(error)?),
    };
    let (directory, name) = (&*above.directory, above.name.as_os_str());
    let remove = || if mount.is_bind() { placeholder::remove(directory, name) } else { Ok(kept_by_type(&at)) };
    let stack = mount.host_mount.into_iter().fold(Stack::named(mounter, &at, (directory, name)), Stack::only);
    Ok(match stack.unmount_and_remove(remove) {
        Ok((layers, NameRemoval::Removed)) => Removal::of_layers(layers, NameAfter::Removed),
        Ok((layers, NameRemoval::Kept(_))) => Removal::of_layers(layers, NameAfter::Kept),
        Err(stop) => stop.removal()?,
    })
}

/// The location of a host path that the container owns by its name.
fn own_location(mounts_dir: &Utf8Path, container: &ContainerId, host_path: &Utf8Path) -> Option<Location> {
    let below = host_path.strip_prefix(mounts_dir).ok().filter(|_| !mounts_dir.as_str().is_empty())?;
    let mut components = below.as_str().splitn(2, '/');
    let (first, rest) = (components.next()?, components.next());
    let own = match rest {
        Some(_) => first == container.as_str(),
        None => is_volume_of(container, first),
    };
    if own { Location::beneath(mounts_dir.as_std_path(), below.as_std_path()).ok() } else { None }
}

/// The number of hexadecimal digits of the random number in a volume's name.
const RANDOM_DIGITS: usize = 16;

fn is_volume_of(container: &ContainerId, name: &str) -> bool {
    let behind_id = name.strip_prefix(container.as_str()).and_then(|rest| rest.strip_prefix('-'));
    behind_id.and_then(|rest| rest.split_once('-')).is_some_and(|(random, name)| {
        random.len() == RANDOM_DIGITS && random.bytes().all(|digit| digit.is_ascii_hexdigit()) && !name.is_empty()
    })
}

/// Keeps the name: only a bind has a placeholder that the runtime created.
fn kept_by_type(at: &Location) -> NameRemoval {
    NameRemoval::Kept(OsError::new(crate::error::Operation::RemoveDir, at.for_display(), Errno::EPERM))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;
    use crate::file::{DeviceNumber, FileKind, Metadata};
    use crate::mount::UnmountMode;
    use crate::mount::{MountId, MountInfo, MountKey, PathMount, UniqueMountId};
    use crate::ports::{MockDirectory, MockFilesystem, MockMounter, MockOpenEntry};
    use crate::unmount::Refusal;
    use std::num::NonZeroU64;

    const KEY: MountKey = MountKey::Unique(UniqueMountId(NonZeroU64::new(5).unwrap()));

    const VOLUME: &str = "/m/c-0123456789abcdef-hosts";

    fn id() -> ContainerId {
        ContainerId::new("c").unwrap()
    }

    fn os(errno: Errno) -> OsError {
        OsError::new(Operation::Unmount, VOLUME, errno)
    }

    fn run(mounter: &MockMounter, fs: &MockFilesystem, mount: &Mount, path: &str) -> Result<Removal, KataError> {
        unmount_host_mount(fs, mounter, "/m".into(), &id(), mount, path.into())
    }

    #[test]
    fn own_names_are_below_the_container_or_begin_with_it() {
        let own = |path: &str| own_location("/m".into(), &id(), path.into());
        assert_eq!(own("/m/c/etc/hosts"), Location::beneath("/m", "c/etc/hosts").ok());
        assert_eq!(own(VOLUME), Location::beneath("/m", "c-0123456789abcdef-hosts").ok());
        for foreign in ["/m/c", "/m/d/rootfs", "/m/c-1f/rootfs", "/m/cc-hosts", "/m", "/mm/c/x", "/etc/hosts", "m/c/x"]
        {
            assert_eq!(own(foreign), None, "{foreign}");
        }
        for of_a_longer_id in
            ["c-b", "c-1f-hosts", "c-b-0123456789abcdef-hosts", "c-0123456789abcdef", "c-0123456789abcdef-"]
        {
            assert_eq!(own(&format!("/m/{of_a_longer_id}")), None, "{of_a_longer_id}");
        }
        for escape in ["/m/c/../d/rootfs", "/m/../etc/c/x"] {
            assert_eq!(own(escape), None, "{escape}");
        }
        assert_eq!(own_location("".into(), &id(), "c/x".into()), None);
    }

    #[test]
    fn what_is_not_proven_ours_is_left_alone() {
        let (fs, mounter) = (MockFilesystem::new(), MockMounter::new());
        let error = run(&mounter, &fs, &Mount::new("/s", "/d", "bind"), "/var/lib/data").unwrap_err();
        assert!(matches!(error, KataError::NotOurs { .. }));
        assert!(error.to_string().contains("/var/lib/data"), "{error}");
    }

    type Unmounts = &'static [Result<(), Errno>];

    /// A directory in which unmounts end like this, in order, and whose names are empty or hold this many bytes.
    fn above(at: Location, unmounts: Unmounts, only: Option<MountKey>, size: u64) -> MockFilesystem {
        let next = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let mut fs = MockFilesystem::new();
        fs.expect_open_dir().withf(move |above| *above == at).returning(move |_| {
            let next = next.clone();
            let mut directory = MockDirectory::new();
            directory.expect_unmount().returning(move |_, mode, key| {
                assert_eq!((mode, key), (UnmountMode::Detach, only));
                let turn = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                unmounts.get(turn).expect("a result for every call").map_err(os)
            });
            directory.expect_remove_dir().returning(|_| Err(os(Errno::ENOTDIR)));
            directory.expect_open_entry().returning(move |_| {
                let mut entry = MockOpenEntry::new();
                let found = Metadata::new(FileKind::Regular, DeviceNumber::new(0, 1), 5);
                entry.expect_metadata().returning(move || Ok(Metadata { size, links: 0, ..found.clone() }));
                Ok(Box::new(entry))
            });
            directory.expect_remove_file().returning(|_| Ok(()));
            Ok(Box::new(directory))
        });
        fs
    }

    fn recorded() -> Mount {
        let mut mount = Mount::new("/s", "/d", "tmpfs");
        mount.host_mount = Some(KEY);
        mount
    }

    #[test]
    fn recorded_mount_is_unmounted_at_any_path_and_no_other_is() {
        let fs = above(Location::trusted("/var"), &[Ok(())], Some(KEY), 0);
        let done = Removal::Unmounted { layers: 1, target: NameAfter::Kept };
        assert_eq!(run(&MockMounter::new(), &fs, &recorded(), "/var/x"), Ok(done));
        let fs = above(Location::trusted("/var"), &[Err(Errno::ESTALE)], Some(KEY), 0);
        assert_eq!(run(&MockMounter::new(), &fs, &recorded(), "/var/x"), Ok(Removal::Covered));
    }

    #[test]
    fn placeholder_is_removed_for_a_bind_alone_and_only_if_empty() {
        let fs = |size| above(Location::trusted("/m"), &[Ok(()), Err(Errno::EINVAL)], None, size);
        let shown = || {
            let mut mounter = MockMounter::new();
            mounter.expect_mount_of().returning(|_| {
                let mount = MountInfo::new(MountId(7), MountId(1), DeviceNumber::new(0, 1));
                Ok(PathMount { mount, is_root: false })
            });
            mounter
        };
        let bind = Mount::new("/s", "/d", "bind");
        let outcome = |name| Ok(Removal::Unmounted { layers: 1, target: name });
        assert_eq!(run(&shown(), &fs(0), &bind, VOLUME), outcome(NameAfter::Removed));
        assert_eq!(run(&shown(), &fs(9), &bind, VOLUME), outcome(NameAfter::Kept));
        let tmpfs = Mount::new("/s", "/d", "tmpfs");
        assert_eq!(run(&shown(), &fs(0), &tmpfs, VOLUME), outcome(NameAfter::Kept));
    }

    #[test]
    fn links_and_missing_names_and_mounts_on_the_path_are_outcomes() {
        const ELOOP: Unmounts = &[Err(Errno::ELOOP)];
        const ENOENT: Unmounts = &[Err(Errno::ENOENT)];
        const ENOTDIR: Unmounts = &[Err(Errno::ENOTDIR)];
        const EXDEV: Unmounts = &[Err(Errno::EXDEV)];
        let refused = Removal::Refused { reason: Refusal::MountOnPath };
        let all =
            [(ELOOP, Removal::Symlink), (ENOENT, Removal::NotFound), (ENOTDIR, Removal::NotFound), (EXDEV, refused)];
        for (unmounts, outcome) in all {
            for key in [None, Some(MountKey::Reused(MountId(3)))] {
                let mut mount = Mount::new("/s", "/d", "bind");
                mount.host_mount = key;
                let fs = above(Location::trusted("/m"), unmounts, key, 0);
                assert_eq!(run(&MockMounter::new(), &fs, &mount, VOLUME), Ok(outcome.clone()));
                let errno = unmounts[0].unwrap_err();
                let mut fs = MockFilesystem::new();
                fs.expect_open_dir().returning(move |_| Err(os(errno)));
                assert_eq!(run(&MockMounter::new(), &fs, &mount, VOLUME), Ok(outcome.clone()), "the directory above");
            }
        }
    }

    #[test]
    fn recorded_mount_that_another_caller_unmounted_is_not_mounted() {
        let fs = above(Location::trusted("/var"), &[Err(Errno::EINVAL)], Some(KEY), 0);
        let outcome = Removal::NotMounted { target: NameAfter::Kept };
        assert_eq!(run(&MockMounter::new(), &fs, &recorded(), "/var/x"), Ok(outcome));
    }
}

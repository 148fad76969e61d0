//! The cases among locked mounts.

use std::fs;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::mount::{AtimeMode, FilesystemOption, MountAttributes, UnmountMode};
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::{NameAfter, Removal};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, ContainerId, Errno, FileMode, MountFlags, MountRequest, Mounter,
    Propagation, UnmountRequest,
};
use mountwright_linux::{Call, LinuxBackend};
use mountwright_tests::machine::{at, below};

use crate::place::{INNER, LOCKED, TARGET};

type Case = (&'static str, fn(&LinuxBackend));

const THEIRS: MountFlags = MountFlags::NO_SUID.union(MountFlags::NO_DEV).union(MountFlags::NO_EXEC);

fn attributes(backend: &LinuxBackend, path: &str) -> MountAttributes {
    let found = backend.mount_of(&at(path)).unwrap();
    assert!(found.is_root, "nothing is mounted on {path}");
    found.mount.attributes
}

fn table(backend: &LinuxBackend) -> Vec<String> {
    backend.mounts().unwrap().iter().map(|row| row.to_info().to_string()).collect()
}

pub(crate) const CASES: &[Case] = &[
    ("a read-only bind of a mount with locked flags has them too", |b| {
        let request = BindRequest::new(at("/tmp/locked/sub"), below("/tmp", "target/made"));
        fs::create_dir("/tmp/locked/sub").unwrap();
        let request = request.creating_target(FileMode::from_bits(0o755)).read_only();
        b.bind(&request.propagation(Propagation::Private)).unwrap();
        let found = attributes(b, "/tmp/target/made");
        assert_eq!((found.flags, found.atime), (THEIRS | MountFlags::READ_ONLY, AtimeMode::Never));
    }),
    ("a flag is added to a copy with locked flags, and taken away again", |b| {
        b.bind(&BindRequest::new(at(LOCKED), at(TARGET)).recursive()).unwrap();
        let change = |change| b.change_attributes(&AttributesRequest::new(at(TARGET), change)).unwrap();
        change(AttributeChange::READ_ONLY);
        assert_eq!(attributes(b, TARGET).flags, THEIRS | MountFlags::READ_ONLY);
        change(AttributeChange::new(MountFlags::NONE, MountFlags::READ_ONLY, None).unwrap());
        let found = attributes(b, TARGET);
        assert_eq!((found.flags, found.atime), (THEIRS, AtimeMode::Never));
    }),
    ("a locked flag is not taken away, of a mount or of a copy: EPERM, and nothing is left", |b| {
        fs::create_dir("/tmp/locked/sub").unwrap();
        let before = table(b);
        for flag in [MountFlags::NO_SUID, MountFlags::NO_DEV, MountFlags::NO_EXEC] {
            let change = AttributeChange::new(MountFlags::NONE, flag, None).unwrap();
            let error = b.change_attributes(&AttributesRequest::new(at(LOCKED), change)).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EPERM, &[][..]), "{error}");
            let locked = format!("one of {flag} is locked by a user namespace and cannot be cleared");
            assert_eq!((error.detail(), error.advice()), (Some(locked.as_str()), None));
            let request = BindRequest::new(at("/tmp/locked/sub"), below("/tmp", "target")).attributes(change);
            let error = b.bind(&request).unwrap_err();
            assert_eq!((error.errno(), error.left()), (Errno::EPERM, &[][..]), "{error}");
            assert_eq!(error.detail(), Some(locked.as_str()));
        }
        assert_eq!(table(b), before);
    }),
    ("a refused option is named in the words of the kernel", |b| {
        let mut request = MountRequest::new("tmpfs", at(TARGET));
        request.options = vec![FilesystemOption::with_value("size", "64k"), FilesystemOption::flag("nosuch")];
        let error = b.mount(&request).unwrap_err();
        let named = b.uses(Call::Fsopen).then_some("tmpfs: Unknown parameter 'nosuch'");
        assert_eq!((error.errno(), error.detail()), (Errno::EINVAL, named), "{error}");
    }),
    ("mounts that were there before are bound as a tree only: EINVAL else", |b| {
        let before = table(b);
        let error = b.bind(&BindRequest::new(at(LOCKED), at(TARGET))).unwrap_err();
        assert_eq!((error.errno(), error.left()), (Errno::EINVAL, &[][..]), "{error}");
        assert_eq!(table(b), before);
        b.bind(&BindRequest::new(at(LOCKED), at(TARGET)).recursive()).unwrap();
        assert!(b.mount_of(&at("/tmp/target/inner")).unwrap().is_root);
        // The copy as a whole belongs to this process.
        b.unmount(&UnmountRequest::new(at(TARGET)).with_mode(UnmountMode::Detach)).unwrap();
        assert_eq!(table(b), before);
    }),
    ("a mount that was there before does not come off, and does not move: EINVAL", |b| {
        let before = table(b);
        for mount in [LOCKED, INNER] {
            for mode in [UnmountMode::Plain, UnmountMode::Detach] {
                let error = b.unmount(&UnmountRequest::new(at(mount)).with_mode(mode)).unwrap_err();
                assert_eq!(error.errno(), Errno::EINVAL, "{error}");
            }
            assert_eq!(b.move_mount(&at(mount), &at(TARGET)).unwrap_err().errno(), Errno::EINVAL);
        }
        assert_eq!(table(b), before);
    }),
    ("a rootfs is shared and taken off, with locked flags", |b| {
        let (mounts, id) = (Utf8Path::new("/tmp/mounts"), ContainerId::new("box").unwrap());
        fs::create_dir("/tmp/locked/sub").unwrap();
        Share::rootfs(mounts, &id, at("/tmp/locked/sub")).unwrap().read_only().create(b).unwrap();
        assert_eq!(attributes(b, "/tmp/mounts/box/rootfs").flags, THEIRS | MountFlags::READ_ONLY);
        let outcome = ShareName::Rootfs.unshare(b, mounts, &id).unwrap();
        assert_eq!(outcome, Removal::Unmounted { layers: 1, target: NameAfter::Removed });
        assert!(!Path::new("/tmp/mounts/box").exists());
    }),
];

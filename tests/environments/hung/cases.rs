//! The cases: calls that must return at once, and the proof that the server is really dead.

use std::path::Path;

use camino::Utf8Path;
use mountwright_core::device::{BackingDevice, PathDevice};
use mountwright_core::file::FinalSymlink;
use mountwright_core::kubernetes::EmptyDirMedium;
use mountwright_core::mount::UnmountMode;
use mountwright_core::sandbox::{IfNotShared, SandboxSetup, TearDown};
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::{NameAfter, Removal, UnmountStrategy};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, ContainerId, Errno, Filesystem, MountRequest, Mounter,
    Propagation, Recursion, UnmountRequest,
};
use mountwright_linux::{Call, LinuxBackend, SyscallSet};
use mountwright_tests::kernel_trials::KernelCase;
use mountwright_tests::machine::{at, below, furnish};

use crate::server::{at_once, hung, waits};

pub(crate) const ROOT: &str = "/w/dead";

pub(crate) fn syscall_sets() -> [LinuxBackend; 4] {
    let without_statmount = SyscallSet::ALL.without(Call::Statmount).without(Call::OpenTreeAttr);
    let old = without_statmount.without(Call::MountSetattr).without(Call::Openat2);
    [SyscallSet::ALL, without_statmount, old, SyscallSet::NONE]
        .map(|syscalls| LinuxBackend::new().with_syscalls(syscalls))
}

pub(crate) const CASES: &[KernelCase] = &[
    KernelCase::new("a question at the root of a dead mount returns at once, with every kernel's calls", || {
        let _server = hung(ROOT);
        for backend in syscall_sets() {
            for place in [at(ROOT), below("/w", "dead")] {
                let b = backend.clone();
                let (mount, filesystem, found) = at_once("a question", move || {
                    let mount = b.mount_of(&place).unwrap();
                    let found = b.find_mount(mount.mount.key()).unwrap();
                    (mount, b.filesystem_of(&place).unwrap(), found)
                });
                assert!(mount.is_root && filesystem.is_mount_root);
                assert_eq!((mount.mount.source.to_str(), found.fs_type.to_str()), (Some("dead"), Some("fuse")));
                assert_eq!(filesystem.magic.0, 0x6573_5546);
            }
        }
    }),
    KernelCase::new("the device behind the root of a dead mount is found at once", || {
        let _server = hung(ROOT);
        for backend in syscall_sets() {
            let b = backend.clone();
            let found = at_once("a device", move || BackingDevice::of(&b, Path::new(ROOT)));
            assert!(matches!(found.unwrap(), BackingDevice::Anonymous { .. }));
            // Without openat2 the kind of the file is asked of the file.
            if backend.uses(Call::Openat2) {
                let found = at_once("a device", move || PathDevice::of(&backend, Path::new(ROOT))).unwrap();
                assert_eq!(found.mount_point(), Some(Path::new(ROOT)));
            }
        }
    }),
    KernelCase::new("below it the kernel waits for the server, and the cached forms return EAGAIN at once", || {
        let server = hung(ROOT);
        let waiting = waits("a look-up below", || LinuxBackend::new().mount_of(&at("/w/dead/below/it")));
        for place in [at("/w/dead/below"), at("/w/dead/below/it"), below("/w", "dead/below")] {
            let answers = at_once("a cached form", move || {
                let b = LinuxBackend::new();
                let metadata = b.metadata_cached(&place, FinalSymlink::Itself).map(drop);
                [b.mount_of_cached(&place).map(drop), b.filesystem_of_cached(&place).map(drop), metadata]
            });
            for answer in answers {
                let errno = answer.unwrap_err().errno();
                // A dead mount in the middle of a path below a root is refused before it is asked.
                assert!(matches!(errno, Errno::EAGAIN | Errno::EXDEV), "{errno}");
            }
        }
        let trusted = at_once("a cached form", || LinuxBackend::new().mount_of_cached(&at("/w/dead/below")));
        assert_eq!(trusted.unwrap_err().errno(), Errno::EAGAIN);
        drop(server);
        assert!(at_once("a look-up after the end of the server", move || waiting.recv().unwrap()).is_err());
    }),
    KernelCase::new("the cached forms answer at the root of a dead mount and everywhere that is known", || {
        let _server = hung(ROOT);
        furnish("file /w/file text");
        at_once("a cached form", || {
            let b = LinuxBackend::new();
            for place in [at(ROOT), below("/w", "dead"), at("/w/dead/")] {
                assert!(b.mount_of_cached(&place).unwrap().is_root);
                assert_eq!(b.filesystem_of_cached(&place).unwrap().magic.0, 0x6573_5546);
                assert!(b.metadata_cached(&place, FinalSymlink::Follow).is_ok());
            }
            assert_eq!(b.metadata_cached(&at("/w/file"), FinalSymlink::Follow).unwrap().size, 4);
            assert_eq!(b.metadata_cached(&below("/w", "file"), FinalSymlink::Itself).unwrap().size, 4);
            // The caches need not know that a name is not there.
            let missing = b.mount_of_cached(&at("/w/none")).unwrap_err().errno();
            assert!(matches!(missing, Errno::EAGAIN | Errno::ENOENT), "{missing}");
            assert_eq!(b.mount_of_cached(&at("")).unwrap_err().errno(), Errno::ENOENT);
            assert_eq!(b.mount_of_cached(&at("/w/\0")).unwrap_err().errno(), Errno::EINVAL);
            let without = b.clone().with_syscalls(SyscallSet::ALL.without(Call::Openat2));
            assert_eq!(without.mount_of_cached(&at(ROOT)).unwrap_err().errno(), Errno::EOPNOTSUPP);
        });
    }),
    KernelCase::new("the files of a dead mount's root are not to be had, and that is said of them", || {
        let server = hung(ROOT);
        let metadata = waits("its metadata", || LinuxBackend::new().metadata(&at(ROOT), FinalSymlink::Follow));
        let entries = waits("its listing", || LinuxBackend::new().open_dir(&at(ROOT)).map(drop));
        drop(server);
        assert!(at_once("its metadata, afterwards", move || metadata.recv().unwrap()).is_err());
        assert!(at_once("its listing, afterwards", move || entries.recv().unwrap()).is_err());
    }),
    KernelCase::new("a dead mount is mounted upon, and both are taken off, in every mode", || {
        let modes = [UnmountMode::Plain, UnmountMode::Detach, UnmountMode::Force, UnmountMode::ForceDetach];
        for backend in syscall_sets() {
            for mode in modes {
                let _server = hung(ROOT);
                let b = backend.clone();
                at_once("mounting on a dead mount", move || {
                    furnish("dir /w/source");
                    let mount = MountRequest::new("tmpfs", at(ROOT));
                    let bind = BindRequest::new(at("/w/source"), below("/w", "dead")).stacking().read_only();
                    let first = b.mount(&mount).unwrap().mount;
                    assert_eq!(b.mount_of(&at(ROOT)).unwrap().mount.fs_type, "tmpfs");
                    b.unmount(&UnmountRequest::new(at(ROOT)).with_mode(mode).only(first)).unwrap();
                    let second = b.bind(&bind.propagation(Propagation::Private)).unwrap().mount;
                    assert!(b.mount_of(&below("/w", "dead")).unwrap().mount.attributes.is_read_only());
                    b.unmount(&UnmountRequest::new(below("/w", "dead")).with_mode(mode).only(second)).unwrap();
                    let dead = b.mount_of(&at(ROOT)).unwrap().mount;
                    assert_eq!(dead.fs_type, "fuse");
                    b.unmount(&UnmountRequest::new(below("/w", "dead")).with_mode(mode).only(dead.key())).unwrap();
                    assert!(!b.mount_of(&at(ROOT)).unwrap().is_root);
                });
            }
        }
    }),
    KernelCase::new("a dead mount is bound, moved and changed as any other", || {
        for backend in syscall_sets() {
            let _server = hung(ROOT);
            at_once("changing a dead mount", move || {
                furnish("dir /w/target /w/moved");
                backend.bind(&BindRequest::new(at(ROOT), at("/w/target")).read_only()).unwrap();
                assert!(backend.mount_of(&at("/w/target")).unwrap().mount.attributes.is_read_only());
                backend.move_mount(&below("/w", "target"), &at("/w/moved")).unwrap();
                let change = AttributesRequest::new(at("/w/moved"), AttributeChange::READ_ONLY);
                backend.change_attributes(&change).unwrap();
                backend.set_propagation(&below("/w", "moved"), Propagation::Shared, Recursion::This).unwrap();
                backend.unmount(&UnmountRequest::new(at("/w/moved"))).unwrap();
            });
            furnish("clear /w/dead");
        }
    }),
    KernelCase::new("a sandbox with a dead mount in it is taken down", || {
        for backend in syscall_sets() {
            let _server = hung(ROOT);
            at_once("a share of a dead mount", move || {
                furnish("dir /w/mounts");
                let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
                Share::rootfs(mounts, &id, at(ROOT)).unwrap().read_only().create(&backend).unwrap();
                ShareName::Rootfs.unshare(&backend, mounts, &id).unwrap();
                assert!(!Path::new("/w/mounts/box").exists());
            });
            furnish("clear /w/dead");
        }
    }),
    KernelCase::new("a sandbox is torn down by its records with a dead mount shared in it", || {
        for (backend, how) in
            syscall_sets().into_iter().zip([UnmountStrategy::Lazy, UnmountStrategy::Strict].into_iter().cycle())
        {
            let _server = hung(ROOT);
            at_once("a tear-down", move || {
                let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
                let setup = SandboxSetup::new("/w/mounts", "/w/shared").unwrap().unshared(IfNotShared::MakeShared);
                let dirs = setup.run(&backend).unwrap();
                let record = Share::rootfs(mounts, &id, at(ROOT)).unwrap().create(&backend).unwrap();
                assert_eq!(backend.mount_of(&at("/w/shared/box/rootfs")).unwrap().mount.fs_type, "fuse");
                let report = TearDown::sandbox(&dirs, &[record]).how(how).run(&backend);
                assert!(report.is_clean(), "{report}");
                assert!(!Path::new("/w/mounts").exists() && !Path::new("/w/shared").exists());
            });
            furnish("clear /w/dead");
        }
    }),
    KernelCase::new("a dead mount that came up inside a share goes with it", || {
        for backend in syscall_sets() {
            furnish("dir /w/image/inner /w/mounts");
            let (mounts, id) = (Utf8Path::new("/w/mounts"), ContainerId::new("box").unwrap());
            Share::rootfs(mounts, &id, at("/w/image")).unwrap().create(&backend).unwrap();
            let _server = hung("/w/mounts/box/rootfs/inner");
            at_once("taking a share off", move || {
                let outcome = ShareName::Rootfs.unshare(&backend, mounts, &id).unwrap();
                assert_eq!(outcome, Removal::Unmounted { layers: 1, target: NameAfter::Removed });
            });
        }
    }),
    KernelCase::new("an emptyDir with a dead mount on it is told from memory at once", || {
        let volume = "/w/pods/1-2/volumes/kubernetes.io~empty-dir/cache";
        let _server = hung(volume);
        for backend in syscall_sets() {
            let medium = at_once("the question", move || EmptyDirMedium::of(&backend, Utf8Path::new(volume)).unwrap());
            assert_eq!(medium, Some(EmptyDirMedium::Disk));
        }
    }),
];

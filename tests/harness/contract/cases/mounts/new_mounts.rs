//! Mounting new filesystems.

use std::path::Path;

use mountwright_core::mount::{AtimeMode, FilesystemOption, MountAttributes};
use mountwright_core::{Errno, Location, MountFlags, MountRequest, Propagation};

use crate::contract::case::Case;
use crate::contract::scene::{at, below};

fn tmpfs(target: Location) -> MountRequest {
    MountRequest::new("tmpfs", target)
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a new filesystem covers its target, and is empty and writable", |s| {
        s.does("file /w/target/f covered");
        let key = s.mounter().mount(&tmpfs(at("/w/target"))).unwrap().mount;
        assert_eq!(s.world().names(Path::new("/w/target")).unwrap(), [""; 0]);
        assert_eq!(s.try_write("/w/target"), Ok(()));
        let mount = s.mount("/w/target");
        assert_eq!((mount.fs_type.to_str(), mount.root.as_path()), (Some("tmpfs"), Path::new("/")));
        assert_ne!(mount.device, s.mount("/w").device);
        assert_eq!(mount.attributes, MountAttributes::default());
        assert_eq!(s.mounter().find_mount(key).unwrap().id, mount.id);
        s.does("detach /w/target");
        assert_eq!(s.text("/w/target/f"), b"covered");
    }),
    Case::new("a new filesystem below a root is mounted there", |s| {
        s.does("dir /w/root/a/target");
        s.mounter().mount(&tmpfs(below("/w/root", "a/target"))).unwrap();
        assert_eq!(s.mount_points(), ["/w/root/a/target"]);
        s.does("link a/target /w/root/link");
        s.refuses(Errno::ELOOP, || s.mounter().mount(&tmpfs(below("/w/root", "link"))));
    }),
    Case::new("a trusted target may be a symlink", |s| {
        s.does("dir /w/target; link target /w/link");
        s.mounter().mount(&tmpfs(at("/w/link"))).unwrap();
        assert_eq!(s.mount_points(), ["/w/target"]);
    }),
    Case::new("a new filesystem covers what is mounted on its target", |s| {
        s.does("tmpfs /w/target; file /w/target/f covered");
        for place in [at("/w/target"), below("/w", "target")] {
            s.mounter().mount(&tmpfs(place)).unwrap();
            assert!(!s.exists("/w/target/f"));
        }
        assert_eq!(s.mount_points(), ["/w/target"; 3]);
        let mounts = s.mounts();
        assert_eq!((mounts[1].parent, mounts[2].parent), (mounts[0].id, mounts[1].id));
    }),
    Case::new("a source is what the table shows, and none is none", |s| {
        for (source, shown) in [(None, "none"), (Some("some where"), "some where"), (Some("a#b\\c"), "a#b\\c")] {
            s.does("dir /w/target");
            let mut request = tmpfs(at("/w/target"));
            request.source = source.map(Into::into);
            s.mounter().mount(&request).unwrap();
            assert_eq!(s.mount("/w/target").source, shown);
            s.does("detach /w/target");
        }
    }),
    Case::new("an option that the filesystem refuses is named, where the kernel names it", |s| {
        s.does("dir /w/target");
        for (key, value, cause) in [
            ("nosuch", None, "tmpfs: Unknown parameter 'nosuch'"),
            ("nosuch", Some("secret"), "tmpfs: Unknown parameter 'nosuch'"),
            ("size", Some("secret"), "tmpfs: Bad value for 'size'"),
            ("mode", Some("secret"), "tmpfs: Bad value for 'mode'"),
        ] {
            let mut request = tmpfs(at("/w/target"));
            request.options = vec![match value {
                Some(value) => FilesystemOption::with_value(key, value),
                None => FilesystemOption::flag(key),
            }];
            let error = s.mounter().mount(&request).unwrap_err();
            assert_eq!(error.errno(), Errno::EINVAL);
            assert!(error.detail().is_none_or(|detail| detail == cause), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }),
    Case::new("words of a superblock that only mount(2) takes are served too", |s| {
        for place in [at("/w/target"), below("/w", "target")] {
            s.does("dir /w/target");
            let mut request = tmpfs(place);
            let words = ["silent", "sync", "iversion"].map(FilesystemOption::flag);
            request.options = words.into_iter().chain([FilesystemOption::with_value("mode", "0700")]).collect();
            request.attributes.flags = MountFlags::READ_ONLY;
            s.mounter().mount(&request).unwrap();
            let mount = s.mount("/w/target");
            assert_eq!((s.mode("/w/target"), mount.attributes.flags), (0o700, MountFlags::READ_ONLY));
            assert!(mount.option("sync").is_some() && mount.option("rw").is_some());
            s.does("detach /w/target");
        }
    }),
    Case::new("a source and an option may be as long as mount(2) takes them, and no longer", |s| {
        for place in [at("/w/target"), below("/w", "target")] {
            for length in [255, 256, 400, 4095] {
                s.does("dir /w/target");
                let mut request = tmpfs(place.clone());
                request.source = Some("s".repeat(length).into());
                request.attributes.flags = MountFlags::READ_ONLY | MountFlags::NO_EXEC;
                request.propagation = Some(Propagation::Private);
                let key = s.mounter().mount(&request).unwrap().mount;
                let mount = s.mount("/w/target");
                assert_eq!((mount.source.len(), mount.attributes), (length, request.attributes));
                assert_eq!(s.mounter().find_mount(key).unwrap().id, mount.id);
                s.does("detach /w/target");
                let mut request = tmpfs(place.clone());
                let mode = format!("{:0>1$}", 700, length - "mode=".len());
                request.options = vec![FilesystemOption::with_value("mode", mode)];
                s.mounter().mount(&request).unwrap();
                assert_eq!(s.mode("/w/target"), 0o700);
                s.does("detach /w/target");
            }
            let mut request = tmpfs(place.clone());
            request.source = Some("s".repeat(4096).into());
            s.refuses(Errno::E2BIG, || s.mounter().mount(&request));
            let mut request = tmpfs(place);
            let mode = |length: usize| FilesystemOption::with_value("mode", format!("{:0>length$}", 700));
            request.options = vec![mode(200), mode(4000)];
            s.refuses(Errno::E2BIG, || s.mounter().mount(&request));
        }
    }),
    Case::new("below a shared parent a mount with a long option has the propagation asked for", |s| {
        s.does("tmpfs /w/parent; dir /w/parent/target; shared /w/parent");
        let mut request = tmpfs(at("/w/parent/target"));
        request.source = Some("s".repeat(1000).into());
        request.propagation = Some(Propagation::Private);
        s.mounter().mount(&request).unwrap();
        assert!(s.mount("/w/parent/target").propagation.peers.is_none());
    }),
    Case::new("a new mount has the attributes asked for; read-only is the mount's, never the superblock's", |s| {
        for atime in [AtimeMode::Relative, AtimeMode::Never, AtimeMode::Strict] {
            s.does("dir /w/target");
            let mut request = tmpfs(at("/w/target"));
            let flags = MountFlags::READ_ONLY | MountFlags::NO_SUID | MountFlags::NO_DEV | MountFlags::NO_EXEC;
            request.attributes = MountAttributes { flags, atime };
            s.mounter().mount(&request).unwrap();
            let mount = s.mount("/w/target");
            assert_eq!(mount.attributes, request.attributes);
            assert!(mount.option("rw").is_some() && mount.option("ro").is_none(), "{mount}");
            assert_eq!(s.try_write("/w/target"), Err(Errno::EROFS));
            s.does("detach /w/target");
        }
    }),
    Case::new("a new mount has every flag that there is, where it is asked for", |s| {
        s.does("dir /w/target");
        let mut request = tmpfs(at("/w/target"));
        request.attributes = MountAttributes { flags: MountFlags::ALL, atime: AtimeMode::Never };
        s.mounter().mount(&request).unwrap();
        assert_eq!(s.mount("/w/target").attributes, request.attributes);
    }),
    Case::new("options reach the filesystem", |s| {
        s.does("dir /w/target");
        let mut request = tmpfs(at("/w/target"));
        request.options =
            vec![FilesystemOption::with_value("mode", "1750"), FilesystemOption::with_value("size", "64k")];
        s.mounter().mount(&request).unwrap();
        assert_eq!(s.mode("/w/target"), 0o1750);
        assert_eq!(s.mount("/w/target").option("size").as_deref(), Some("64k".as_ref()));
    }),
    Case::new("a new mount has the propagation asked for, below a shared parent too", |s| {
        s.does("tmpfs /w/parent; dir /w/parent/target; shared /w/parent");
        for (propagation, shared, unbindable) in [
            (None, true, false),
            (Some(Propagation::Private), false, false),
            (Some(Propagation::Shared), true, false),
            (Some(Propagation::Unbindable), false, true),
        ] {
            let mut request = tmpfs(at("/w/parent/target"));
            request.propagation = propagation;
            s.mounter().mount(&request).unwrap();
            let state = s.mount("/w/parent/target").propagation;
            assert_eq!((state.peers.is_some(), state.unbindable), (shared, unbindable), "{propagation:?}");
            s.does("detach /w/parent/target");
        }
    }),
    Case::new("a type that the kernel does not know is ENODEV", |s| {
        s.does("dir /w/target");
        s.refuses(Errno::ENODEV, || s.mounter().mount(&MountRequest::new("nosuchfs", at("/w/target"))));
    }),
    Case::new("an option that the filesystem does not know is EINVAL", |s| {
        s.does("dir /w/target");
        for option in [FilesystemOption::flag("nosuchoption"), FilesystemOption::with_value("size", "lots")] {
            let mut request = tmpfs(at("/w/target"));
            request.options = vec![option];
            s.refuses(Errno::EINVAL, || s.mounter().mount(&request));
        }
    }),
    Case::new("a target that is no directory is ENOTDIR, one that is not there ENOENT", |s| {
        s.does("file /w/file");
        s.refuses(Errno::ENOTDIR, || s.mounter().mount(&tmpfs(at("/w/file"))));
        s.refuses(Errno::ENOTDIR, || s.mounter().mount(&tmpfs(below("/w", "file"))));
        s.refuses(Errno::ENOENT, || s.mounter().mount(&tmpfs(at("/w/missing"))));
        s.refuses(Errno::ENOENT, || s.mounter().mount(&tmpfs(below("/w", "missing"))));
    }),
];

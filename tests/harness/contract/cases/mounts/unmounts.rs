//! Unmounting.

use mountwright_core::mount::UnmountMode;
use mountwright_core::{Errno, UnmountRequest};

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below, detach, unmount};
use crate::contract::world::Hold;

fn off(s: &Scene<'_>, path: &str) {
    s.mounter().unmount(&unmount(path)).unwrap();
}

const MODES: [UnmountMode; 4] = [UnmountMode::Plain, UnmountMode::Detach, UnmountMode::Force, UnmountMode::ForceDetach];

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("an unmount takes off the mount at the path, in every mode", |s| {
        for mode in MODES {
            for place in [at("/w/m"), below("/w", "m")] {
                s.does("tmpfs /w/m");
                s.mounter().unmount(&UnmountRequest::new(place).with_mode(mode)).unwrap();
                assert_eq!(s.mount_points(), [""; 0], "{mode:?}");
            }
        }
    }),
    Case::new("an unmount takes one layer off a stack, the topmost, in every mode", |s| {
        for mode in MODES {
            s.does("tmpfs /w/m; file /w/m/lowest; tmpfs /w/m; file /w/m/middle; tmpfs /w/m");
            for left in ["/w/m/middle", "/w/m/lowest"] {
                s.mounter().unmount(&unmount("/w/m").with_mode(mode)).unwrap();
                assert!(s.exists(left), "{mode:?}");
            }
            s.mounter().unmount(&unmount("/w/m").with_mode(mode)).unwrap();
            assert!(!s.is_mounted("/w/m"));
        }
    }),
    Case::new("a mount of a file is taken off", |s| {
        s.does("file /w/source mounted; file /w/target beneath");
        for place in [at("/w/target"), below("/w", "target")] {
            s.does("bind /w/source /w/target");
            s.mounter().unmount(&UnmountRequest::new(place)).unwrap();
            assert_eq!(s.text("/w/target"), b"beneath");
        }
    }),
    Case::new("a symlink at the end is never followed: ELOOP, in every mode", |s| {
        s.does("tmpfs /w/m; link m /w/link; link /w/m /w/absolute; link nowhere /w/dangles");
        for mode in MODES {
            for name in ["link", "absolute", "dangles"] {
                for place in [at(format!("/w/{name}")), below("/w", name)] {
                    s.refuses(Errno::ELOOP, || s.mounter().unmount(&UnmountRequest::new(place).with_mode(mode)));
                }
            }
        }
    }),
    Case::new("a symlink at the end is not followed for a slash behind it", |s| {
        s.does("tmpfs /w/m; link m /w/link");
        for path in ["/w/link/", "/w/link//"] {
            s.refuses(Errno::ELOOP, || s.mounter().unmount(&detach(path)));
        }
        off(s, "/w/m/");
        assert!(!s.is_mounted("/w/m"));
    }),
    Case::new("a trusted path follows symlinks before its end", |s| {
        s.does("tmpfs /w/real/m; link real /w/link");
        off(s, "/w/link/m");
        assert!(!s.is_mounted("/w/real/m"));
    }),
    Case::new("where no mount has its root, an unmount is EINVAL", |s| {
        s.does("tmpfs /w/m; dir /w/m/inner; file /w/m/file");
        for mode in MODES {
            for place in [at("/w/m/inner"), at("/w/m/file"), below("/w/m", "inner"), below("/w/m", "file")] {
                s.refuses(Errno::EINVAL, || s.mounter().unmount(&UnmountRequest::new(place).with_mode(mode)));
            }
        }
    }),
    Case::new("a missing path is ENOENT", |s| {
        s.refuses(Errno::ENOENT, || s.mounter().unmount(&unmount("/w/missing")));
        s.refuses(Errno::ENOENT, || s.mounter().unmount(&UnmountRequest::new(below("/w", "missing"))));
    }),
    Case::new("a mount with a mount below it is EBUSY, and goes with it when detached", |s| {
        s.does("tmpfs /w/m /w/m/a");
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&unmount("/w/m")));
        s.mounter().unmount(&detach("/w/m")).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
    }),
    Case::new("a mount in use is EBUSY, and can be detached: whoever uses it goes on", |s| {
        s.does("tmpfs /w/m; file /w/m/f text");
        let held = s.hold("/w/m/f", Hold::Read);
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&unmount("/w/m")));
        s.mounter().unmount(&detach("/w/m")).unwrap();
        assert!(!s.is_mounted("/w/m") && !s.exists("/w/m/f"));
        drop(held);
    }),
    Case::new("a mount with a current directory in it is EBUSY, and that goes on after a detach", |s| {
        s.does("tmpfs /w/m; file /w/m/f text; chdir /w/m");
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&unmount("/w/m")));
        s.mounter().unmount(&detach("/w/m")).unwrap();
        assert!(!s.is_mounted("/w/m"));
        assert_eq!(s.text("f"), b"text");
    }),
    Case::new("an unmount below a shared mount is one at its peers too", |s| {
        s.does("tmpfs /w/m; dir /w/m/a; shared /w/m; bind /w/m /w/peer; tmpfs /w/m/a");
        assert!(s.is_mounted("/w/peer/a"));
        off(s, "/w/peer/a");
        assert_eq!(s.mount_points(), ["/w/m", "/w/peer"]);
    }),
    Case::new("only the mount asked for is taken off", |s| {
        s.does("tmpfs /w/m");
        let first = s.key("/w/m");
        for place in [at("/w/m"), below("/w", "m")] {
            s.does("tmpfs /w/m");
            s.mounter().unmount(&UnmountRequest::new(place).only(s.key("/w/m"))).unwrap();
            assert_eq!(s.key("/w/m"), first);
        }
        s.mounter().unmount(&detach("/w/m").only(first)).unwrap();
        assert!(!s.is_mounted("/w/m"));
    }),
    Case::new("another mount than the one asked for stays: ESTALE, in every mode", |s| {
        s.does("tmpfs /w/m");
        let covered = s.key("/w/m");
        s.does("tmpfs /w/m /w/other");
        let elsewhere = s.key("/w/other");
        for mode in MODES {
            for key in [covered, elsewhere] {
                for place in [at("/w/m"), below("/w", "m")] {
                    let request = UnmountRequest::new(place).with_mode(mode).only(key);
                    s.refuses(Errno::ESTALE, || s.mounter().unmount(&request));
                }
            }
        }
    }),
    Case::new("where nothing is mounted it is EINVAL, whichever mount was asked for", |s| {
        s.does("dir /w/dir; tmpfs /w/m");
        let elsewhere = s.key("/w/m");
        s.refuses(Errno::EINVAL, || s.mounter().unmount(&unmount("/w/dir").only(elsewhere)));
        let request = UnmountRequest::new(below("/w", "dir")).only(elsewhere);
        s.refuses(Errno::EINVAL, || s.mounter().unmount(&request));
        s.refuses(Errno::ELOOP, || {
            s.does("link m /w/link");
            let result = s.mounter().unmount(&unmount("/w/link").only(elsewhere));
            s.does("unlink /w/link");
            result
        });
    }),
    Case::new("the mount asked for is taken off where it is busy only by being detached", |s| {
        s.does("tmpfs /w/m /w/m/a");
        let mount = s.key("/w/m");
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&unmount("/w/m").only(mount)));
        s.mounter().unmount(&detach("/w/m").only(mount)).unwrap();
        assert_eq!(s.mount_points(), [""; 0]);
    }),
    Case::new("a mount that was looked at is unmounted where it is, and another at its place stays: ESTALE", |s| {
        for mode in MODES {
            s.does("tmpfs /w/m");
            let seen = s.mount("/w/m");
            s.mounter().unmount(&UnmountRequest::of_mount(&seen).with_mode(mode)).unwrap();
            assert!(!s.is_mounted("/w/m"));
            s.refuses(Errno::EINVAL, || s.mounter().unmount(&UnmountRequest::of_mount(&seen).with_mode(mode)));
            s.does("tmpfs /w/m");
            let mut other = seen.clone();
            other.id = s.mount("/w/m").id;
            let mut keyed = s.mounter().mount_of(&at("/w/m")).unwrap().mount;
            if keyed.unique_id.is_some() && keyed.device != other.device {
                let request = UnmountRequest::of_mount(&other).with_mode(mode);
                s.refuses(Errno::ESTALE, || s.mounter().unmount(&request));
                keyed.root = "/x".into();
                let request = UnmountRequest::of_mount(&keyed).with_mode(mode);
                s.refuses(Errno::ESTALE, || s.mounter().unmount(&request));
            }
            s.does("detach /w/m; rename /w/m /w/real; tmpfs /w/real; link /w/real /w/m");
            let mut through_a_link = s.mount("/w/real");
            through_a_link.mount_point = "/w/m".into();
            s.refuses(Errno::ELOOP, || s.mounter().unmount(&UnmountRequest::of_mount(&through_a_link).with_mode(mode)));
            s.does("detach /w/real; unlink /w/m; rmdir /w/real");
        }
    }),
    Case::new("a mount whose path is longer than a path can be is unmounted by its identity", |s| {
        let name = "d".repeat(200);
        for mode in MODES {
            s.does("tmpfs /w/base /w/base/m; chdir /w/base");
            for _ in 0..24 {
                s.does(&format!("dir {name}; chdir {name}"));
            }
            s.does("dir /w/base/box/m; tmpfs /w/base/box/m; rename /w/base/box box; chdir /");
            let deep = s.mounts().into_iter().find(|mount| mount.mount_point.ends_with("box/m")).unwrap();
            assert!(deep.mount_point.as_os_str().len() > 4096);
            s.mounter().unmount(&UnmountRequest::of_mount(&deep).with_mode(mode)).unwrap();
            assert_eq!(s.mount_points(), ["/w/base", "/w/base/m"]);
            s.does("detach /w/base");
        }
    }),
    Case::new("a mount is made private before its unmount only if it is the one asked for", |s| {
        s.does("tmpfs /w/m; dir /w/m/a; shared /w/m; bind /w/m /w/peer; tmpfs /w/m/a");
        let seen = s.mount("/w/peer");
        let mut wrong = s.mount("/w/m");
        wrong.mount_point = "/w/peer".into();
        s.refuses(Errno::ESTALE, || {
            s.mounter().unmount(&UnmountRequest::of_mount(&wrong).with_mode(UnmountMode::Detach).apart())
        });
        s.refuses(Errno::EOPNOTSUPP, || s.mounter().unmount(&UnmountRequest::of_mount(&seen).apart()));
        s.mounter().unmount(&UnmountRequest::of_mount(&seen).with_mode(UnmountMode::Detach).apart()).unwrap();
        assert_eq!(s.mount_points(), ["/w/m", "/w/m/a"], "nothing is unmounted at the peers");
    }),
    Case::new("an expiring mount is marked first: EAGAIN, and taken off the next time", |s| {
        s.does("tmpfs /w/m");
        let expire = unmount("/w/m").with_mode(UnmountMode::Expire);
        s.refuses(Errno::EAGAIN, || s.mounter().unmount(&expire));
        // The query counted as use: the mount has to be marked again.
        let marked = s.mounter().unmount(&expire).unwrap_err();
        assert_eq!(marked.errno(), Errno::EAGAIN);
        s.mounter().unmount(&expire).unwrap();
        assert!(!s.is_mounted("/w/m"));
    }),
    Case::new("an expiring mount that was used in between is marked again", |s| {
        s.does("tmpfs /w/m");
        let expire = unmount("/w/m").with_mode(UnmountMode::Expire);
        for _ in 0..2 {
            assert_eq!(s.mounter().unmount(&expire).unwrap_err().errno(), Errno::EAGAIN);
            s.does("file /w/m/f use");
        }
        assert!(s.is_mounted("/w/m"));
    }),
    Case::new("an expiring mount in use is EBUSY", |s| {
        s.does("tmpfs /w/m /w/m/a");
        s.refuses(Errno::EBUSY, || s.mounter().unmount(&unmount("/w/m").with_mode(UnmountMode::Expire)));
    }),
    Case::new("one given mount cannot be asked to expire: EOPNOTSUPP", |s| {
        s.does("tmpfs /w/m");
        let expire = unmount("/w/m").with_mode(UnmountMode::Expire).only(s.key("/w/m"));
        s.refuses(Errno::EOPNOTSUPP, || s.mounter().unmount(&expire));
    }),
];

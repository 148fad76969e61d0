//! Moving mounts.

use mountwright_core::Errno;

use crate::contract::case::Case;
use crate::contract::scene::{Scene, at, below};

fn moves(s: &Scene<'_>, from: &str, to: &str) {
    s.mounter().move_mount(&at(from), &at(to)).unwrap();
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a mount moves with all that is mounted on it, and stays the same mount", |s| {
        s.does("tmpfs /w/from /w/from/inner; file /w/from/inner/f text; dir /w/to");
        let before = s.mounter().mount_of(&at("/w/from")).unwrap().mount;
        moves(s, "/w/from", "/w/to");
        assert_eq!(s.mount_points(), ["/w/to", "/w/to/inner"]);
        assert_eq!(s.text("/w/to/inner/f"), b"text");
        let after = s.mounter().mount_of(&at("/w/to")).unwrap().mount;
        assert_eq!((after.id, after.key(), after.device), (before.id, before.key(), before.device));
    }),
    Case::new("a mount moves below a root, and from there", |s| {
        s.does("tmpfs /w/root/a; dir /w/root/b/c");
        s.mounter().move_mount(&below("/w/root", "a"), &below("/w/root", "b/c")).unwrap();
        assert_eq!(s.mount_points(), ["/w/root/b/c"]);
        s.mounter().move_mount(&below("/w/root", "b/c"), &at("/w/root/a")).unwrap();
        assert_eq!(s.mount_points(), ["/w/root/a"]);
    }),
    Case::new("a mount of a file moves onto a file", |s| {
        s.does("file /w/source text; file /w/from; file /w/to; bind /w/source /w/from");
        moves(s, "/w/from", "/w/to");
        assert_eq!((s.mount_points(), s.text("/w/to")), (vec!["/w/to".to_owned()], b"text".to_vec()));
    }),
    Case::new("of a stack the topmost mount moves", |s| {
        s.does("tmpfs /w/from; file /w/from/lower; tmpfs /w/from; file /w/from/upper; dir /w/to");
        moves(s, "/w/from", "/w/to");
        assert!(s.exists("/w/from/lower") && s.exists("/w/to/upper"));
    }),
    Case::new("a mount may move below a shared mount, and appears at its peers", |s| {
        s.does("tmpfs /w/shared; dir /w/shared/to; shared /w/shared; bind /w/shared /w/peer; tmpfs /w/from");
        moves(s, "/w/from", "/w/shared/to");
        assert!(s.is_mounted("/w/shared/to") && s.is_mounted("/w/peer/to"));
    }),
    Case::new("where no mount has its root, moving is EINVAL", |s| {
        s.does("dir /w/dir; file /w/file; tmpfs /w/m; dir /w/m/inner /w/to");
        for from in ["/w/dir", "/w/m/inner"] {
            s.refuses(Errno::EINVAL, || s.mounter().move_mount(&at(from), &at("/w/to")));
        }
        s.refuses(Errno::EINVAL, || s.mounter().move_mount(&below("/w", "dir"), &at("/w/to")));
    }),
    Case::new("a mount below a shared mount does not move: EINVAL", |s| {
        s.does("tmpfs /w/shared /w/shared/from; shared /w/shared; dir /w/to");
        s.refuses(Errno::EINVAL, || s.mounter().move_mount(&at("/w/shared/from"), &at("/w/to")));
    }),
    Case::new("an unbindable mount, or one with such a mount on it, does not move below a shared mount: EINVAL", |s| {
        s.does("tmpfs /w/shared; dir /w/shared/to; shared /w/shared; tmpfs /w/one; unbindable /w/one");
        s.does("tmpfs /w/two /w/two/inner; unbindable /w/two/inner");
        for from in ["/w/one", "/w/two"] {
            s.refuses(Errno::EINVAL, || s.mounter().move_mount(&at(from), &at("/w/shared/to")));
        }
        s.does("dir /w/plain");
        moves(s, "/w/one", "/w/plain");
        assert!(s.mount("/w/plain").propagation.unbindable);
    }),
    Case::new("a directory does not move onto something else, nor the reverse: EINVAL", |s| {
        s.does("tmpfs /w/dir; file /w/source; file /w/file; bind /w/source /w/file; dir /w/to; file /w/empty");
        s.refuses(Errno::EINVAL, || s.mounter().move_mount(&at("/w/dir"), &at("/w/empty")));
        s.refuses(Errno::EINVAL, || s.mounter().move_mount(&at("/w/file"), &at("/w/to")));
    }),
    Case::new("a mount does not move into itself: ELOOP", |s| {
        s.does("tmpfs /w/from; dir /w/from/inner; tmpfs /w/from/child");
        for to in ["/w/from/inner", "/w/from/child"] {
            s.refuses(Errno::ELOOP, || s.mounter().move_mount(&at("/w/from"), &at(to)));
        }
    }),
    Case::new("moving does not follow a symlink at the end, of either path: ELOOP", |s| {
        s.does("tmpfs /w/from; dir /w/to; link from /w/from-link; link to /w/to-link");
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&at("/w/from-link"), &at("/w/to")));
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&at("/w/from"), &at("/w/to-link")));
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&below("/w", "from-link"), &at("/w/to")));
        s.refuses(Errno::ELOOP, || s.mounter().move_mount(&at("/w/from"), &below("/w", "to-link")));
    }),
    Case::new("moving onto what is not there is ENOENT", |s| {
        s.does("tmpfs /w/from");
        s.refuses(Errno::ENOENT, || s.mounter().move_mount(&at("/w/from"), &at("/w/missing")));
        s.refuses(Errno::ENOENT, || s.mounter().move_mount(&at("/w/missing"), &at("/w/from")));
    }),
];

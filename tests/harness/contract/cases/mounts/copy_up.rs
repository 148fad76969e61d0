//! New tmpfs with the contents of their target.

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::FilesystemOption;
use mountwright_core::{Errno, Location, MountFlags, MountRequest, OpenEntry, Propagation};

use crate::contract::case::{Case, Needs};
use crate::contract::scene::{Scene, at, below, mode, within};

fn copying(target: Location) -> MountRequest {
    MountRequest::new("tmpfs", target).copying_up()
}

/// A directory with a file of every kind, below it a second one with the same names.
fn furnished(s: &Scene<'_>) {
    s.does("dir /w/t/empty; dir:1750 /w/t/sub; file:0640 /w/t/file some text; file:4755 /w/t/sub/program x");
    s.does("link ../outside /w/t/link; link file /w/t/sub/dangling; file /w/outside text");
    s.does("hardlink /w/t/file /w/t/sub/same /w/t/again; fifo /w/t/fifo; socket /w/t/socket; char 1:3 /w/t/sub/null");
    s.does("block 7:9 /w/t/block; chmod 0620 /w/t/block; hardlink /w/t/fifo /w/t/sub/fifo");
    s.does("chown 1:2 /w/t/file /w/t/link /w/t/sub; chmod 1750 /w/t/sub; chown 3:4 /w/t; chmod 0711 /w/t");
}

const NAMES: [&str; 14] = [
    "",
    "empty",
    "sub",
    "file",
    "sub/program",
    "link",
    "sub/dangling",
    "sub/same",
    "again",
    "fifo",
    "socket",
    "sub/null",
    "block",
    "sub/fifo",
];

/// Everything about a file that a copy has too.
fn shown(s: &Scene<'_>, root: &str, name: &str) -> String {
    let path = format!("{root}/{name}");
    let found = s.stat(&path);
    let contents = match found.kind {
        FileKind::Regular => String::from_utf8(s.text(&path)).unwrap(),
        FileKind::Symlink => s.fs().read_link(&at(&path)).unwrap().display().to_string(),
        _ => String::new(),
    };
    let links = if found.is_dir() { 0 } else { found.links };
    let (mode, device) = (found.mode.bits(), found.represents);
    format!("{} {mode:o} {}:{} {links} {device:?} {contents}", found.kind, found.uid, found.gid)
}

pub(in crate::contract::cases) const CASES: &[Case] = &[
    Case::new("a tmpfs that copies up has what was in its target, with modes, owners, links and nodes", |s| {
        furnished(s);
        let before = NAMES.map(|name| shown(s, "/w/t", name));
        for (place, read_only) in
            [(at("/w/t"), false), (below("/w", "t"), true), (within("/w", "/t"), false), (at("/w/t"), true)]
        {
            let request = copying(place).propagation(Propagation::Private);
            s.mounter().mount(&if read_only { request.read_only() } else { request }).unwrap();
            assert_eq!(NAMES.map(|name| shown(s, "/w/t", name)), before);
            let mount = s.mount("/w/t");
            assert_eq!((mount.fs_type.to_str(), mount.attributes.is_read_only()), (Some("tmpfs"), read_only));
            assert_eq!(s.stat("/w/t/file").inode, s.stat("/w/t/sub/same").inode);
            assert_ne!(s.stat("/w/t/file").device, s.stat("/w").device);
            if !read_only {
                s.try_overwrite("/w/t/file").unwrap();
            }
            s.does("detach /w/t");
            assert_eq!(NAMES.map(|name| shown(s, "/w/t", name)), before, "the target itself is as it was");
        }
    })
    .needing(Needs::DeviceNodes),
    Case::new("a mode and an owner among the options are the root's, whatever the target has", |s| {
        furnished(s);
        let option = FilesystemOption::with_value;
        let request = copying(at("/w/t")).option(option("mode", "0700")).option(option("uid", "7"));
        s.mounter().mount(&request).unwrap();
        let root = s.stat("/w/t");
        assert_eq!((root.mode.bits(), root.uid, root.gid), (0o700, 7, 4));
        assert_eq!((s.stat("/w/t/file").uid, s.mode("/w/t/sub")), (1, 0o1750));
    })
    .needing(Needs::DeviceNodes),
    Case::new("a copy has the capabilities of its file", |s| {
        s.does("file /w/t/program x");
        let capabilities = [0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let open = || s.fs().open_dir(&at("/w/t")).unwrap().open_entry("program".as_ref()).unwrap();
        if open().set_capabilities(&capabilities).is_err() {
            // Only the machine's own root may.
            return;
        }
        s.mounter().mount(&copying(at("/w/t"))).unwrap();
        assert_eq!(open().capabilities().unwrap().as_deref(), Some(&capabilities[..]));
    }),
    Case::new("no symlink is followed by a copy, and no mount is entered", |s| {
        s.does("file /w/outside/secret text; link /w/outside /w/t/link; dir /w/t/sub");
        s.mounter().mount(&copying(at("/w/t"))).unwrap();
        assert_eq!(s.kind("/w/t/link"), Some(FileKind::Symlink));
        s.fs().metadata(&at("/w/t/link/secret"), FinalSymlink::Follow).unwrap();
        s.does("detach /w/t; tmpfs /w/t/sub");
        let error = s.refuses(Errno::EXDEV, || s.mounter().mount(&copying(at("/w/t"))));
        assert_eq!(error.detail(), Some("the copy of sub in the target"));
    }),
    Case::new("what does not fit, and another type than tmpfs, is refused, and nothing is mounted", |s| {
        let deep = ["d"; 70].join("/");
        s.does(&format!("dir /w/deep/{deep}; dir /w/t"));
        let error = s.refuses(Errno::E2BIG, || s.mounter().mount(&copying(at("/w/deep"))));
        assert!(error.to_string().contains("more than 64 levels"), "{error}");
        s.refuses(Errno::EINVAL, || s.mounter().mount(&MountRequest::new("ramfs", at("/w/t")).copying_up()));
        let request = copying(at("/w/missing/t")).creating_target(mode(0o751));
        s.mounter().mount(&request).unwrap();
        assert_eq!((s.mode("/w/missing/t"), s.mount("/w/missing/t").attributes.flags), (0o751, MountFlags::NONE));
    }),
];

//! A read-only private bind, and its end.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;

use mountwright_core::{BindRequest, Location, Mounter, Propagation, UnmountRequest};
use mountwright_linux::abi;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::{MoveMountFlags, UnmountFlags};

use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made};
use crate::{raw, three_calls};

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    let stage = Path::new(STAGE);
    made(stage.join("share/box/vol")).expect("the stage is ours");
    made(stage.join("image/rootfs")).expect("the stage is ours");
    for world in worlds {
        world.namespace.enter();
        beneath(report, world);
        trusted(report, world);
    }
}

fn beneath(report: &mut Report, world: &World) {
    let (backend, mounts) = (&world.backend, world.mounts);
    let target = || Location::beneath(Path::new(STAGE).join("share"), "box/vol").expect("a relative path");
    let source = Location::beneath(Path::new(STAGE).join("image"), "rootfs").expect("a relative path");
    let bind = BindRequest::new(source, target()).read_only().propagation(Propagation::Private);
    let unmount = UnmountRequest::new(target());
    Group::new(format!("read-only private bind and unmount below a root, {mounts} mounts"))
        .variant("bind + unmount", || {
            backend.bind(&bind).expect("bound");
            backend.unmount(&unmount).expect("unmounted");
        })
        .variant("the same calls raw", || {
            recipe_bind().expect("bound");
            recipe_unmount().expect("unmounted");
        })
        .variant("three calls by path + umount2", by_path)
        .at_most_times("bind + unmount", "the same calls raw", 1.15)
        .at_most_times("bind + unmount", "three calls by path + umount2", 1.5)
        .run(report);
}

fn trusted(report: &mut Report, world: &World) {
    let (backend, mounts) = (&world.backend, world.mounts);
    let (from, to) = (Path::new(STAGE).join("image/rootfs"), Path::new(STAGE).join("share/box/vol"));
    let bind =
        BindRequest::new(Location::trusted(from), Location::trusted(&to)).read_only().propagation(Propagation::Private);
    let unmount = UnmountRequest::new(Location::trusted(&to));
    Group::new(format!("read-only private bind and unmount of trusted paths, {mounts} mounts"))
        .variant("bind + unmount", || {
            backend.bind(&bind).expect("bound");
            backend.unmount(&unmount).expect("unmounted");
        })
        .variant("the same calls raw", || {
            trusted_calls().expect("bound");
            three_calls::unmount(&to).expect("unmounted");
        })
        .variant("three calls by path + umount2", by_path)
        .at_most_times("bind + unmount", "the same calls raw", 1.15)
        .at_most_times("bind + unmount", "three calls by path + umount2", 1.5)
        .run(report);
}

fn by_path() {
    let (from, to) = (Path::new("/mnt/image/rootfs"), Path::new("/mnt/share/box/vol"));
    three_calls::bind(from, to).expect("bound");
    three_calls::unmount(to).expect("unmounted");
}

const PATH: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
const BENEATH: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
pub(crate) const CLONE: u32 = abi::OPEN_TREE_CLONE | abi::OPEN_TREE_CLOEXEC;

pub(crate) fn root(path: &std::ffi::CStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat(CWD, path, PATH | OFlags::DIRECTORY, Mode::empty())?)
}

pub(crate) fn below(dir: &OwnedFd, path: &std::ffi::CStr, flags: OFlags, resolve: ResolveFlags) -> io::Result<OwnedFd> {
    Ok(rustix::fs::openat2(dir, path, PATH | flags, Mode::empty(), BENEATH | resolve)?)
}

pub(crate) fn attach(tree: &OwnedFd, target: &OwnedFd) -> io::Result<()> {
    let both = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(rustix::mount::move_mount(tree, c"", target, c"", both)?)
}

/// Source and target pinned below their roots, a copy that is read-only before anybody sees it, attached by descriptors,
/// made private, and a check that the name shows it.
fn recipe_bind() -> io::Result<()> {
    let images = root(c"/mnt/image")?;
    let source = below(&images, c"rootfs", OFlags::empty(), ResolveFlags::empty())?;
    let tree = raw::read_only_tree(source.as_raw_fd(), c"", CLONE | abi::AT_EMPTY_PATH)?;
    let share = root(c"/mnt/share")?;
    let parent = below(&share, c"box", OFlags::DIRECTORY, ResolveFlags::NO_XDEV)?;
    let target = below(&parent, c"vol", OFlags::empty(), ResolveFlags::NO_XDEV)?;
    let mount = raw::mount_id(tree.as_raw_fd(), c"", abi::AT_EMPTY_PATH)?;
    attach(&tree, &target)?;
    raw::mount_setattr(&tree, 0, abi::MS_PRIVATE)?;
    let seen = raw::mount_id(parent.as_raw_fd(), c"vol", abi::AT_SYMLINK_NOFOLLOW)?;
    assert_eq!(seen, mount, "nobody else is here");
    Ok(())
}

/// Through the pinned parent, whatever its name is by now.
fn recipe_unmount() -> io::Result<()> {
    let share = root(c"/mnt/share")?;
    let parent = below(&share, c"box", OFlags::DIRECTORY, ResolveFlags::NO_XDEV)?;
    let path = format!("/proc/thread-self/fd/{}/vol", parent.as_raw_fd());
    Ok(rustix::mount::unmount(path, UnmountFlags::NOFOLLOW)?)
}

fn trusted_calls() -> io::Result<()> {
    let tree = raw::read_only_tree(CWD.as_raw_fd(), c"/mnt/image/rootfs", CLONE)?;
    let target = rustix::fs::openat(CWD, c"/mnt/share/box/vol", PATH, Mode::empty())?;
    // Looks whether something is mounted there, and which mount the new one is.
    raw::mount_id(target.as_raw_fd(), c"", abi::AT_EMPTY_PATH)?;
    raw::mount_id(tree.as_raw_fd(), c"", abi::AT_EMPTY_PATH)?;
    attach(&tree, &target)?;
    raw::mount_setattr(&tree, 0, abi::MS_PRIVATE)
}

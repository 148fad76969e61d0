//! The share of a container's rootfs, and its end.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;

use camino::Utf8Path;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::{ContainerId, Location};
use mountwright_linux::abi;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags};
use rustix::mount::UnmountFlags;

use crate::binds::{CLONE, attach, below, root};
use crate::paired::{Group, Report};
use crate::stage::{STAGE, World, made};
use crate::{raw, three_calls};

const MOUNTS: &str = "/mnt/sandbox/mounts";
const ROOTFS: &str = "/mnt/image/rootfs";

pub(crate) fn run(report: &mut Report, worlds: &[World]) {
    made(Path::new(STAGE).join("sandbox/mounts")).expect("the stage is ours");
    made(Path::new(ROOTFS).into()).expect("the stage is ours");
    for world in worlds {
        world.namespace.enter();
        let (backend, mounts) = (&world.backend, world.mounts);
        let (at, id) = (Utf8Path::new(MOUNTS), ContainerId::new("c1").expect("an id"));
        let image = Location::trusted(ROOTFS);
        Group::new(format!("share and unshare of a rootfs, {mounts} mounts"))
            .variant("Share::create + ShareName::unshare", || {
                Share::rootfs(at, &id, image.clone()).unwrap().read_only().create(backend).expect("shared");
                ShareName::Rootfs.unshare(backend, at, &id).expect("unshared");
            })
            .variant("the least calls by descriptor", || {
                least_share().expect("shared");
                least_unshare().expect("unshared");
            })
            .variant("by path", || by_path().expect("shared and unshared"))
            .times("Share::create + ShareName::unshare", "the least calls by descriptor")
            .times("Share::create + ShareName::unshare", "by path")
            .run(report);
    }
}

/// Creates a directory for the container and one for its rootfs, and a private bind that is read-only before it is
/// visible. Nothing checks for an earlier mount, for the device, or for the final position.
fn least_share() -> io::Result<()> {
    let mounts = root(c"/mnt/sandbox/mounts")?;
    rustix::fs::mkdirat(&mounts, c"c1", Mode::from_raw_mode(0o755))?;
    let container = below(&mounts, c"c1", OFlags::DIRECTORY, ResolveFlags::NO_XDEV)?;
    rustix::fs::mkdirat(&container, c"rootfs", Mode::from_raw_mode(0o755))?;
    let target = below(&container, c"rootfs", OFlags::empty(), ResolveFlags::NO_XDEV)?;
    let tree = raw::read_only_tree(CWD.as_raw_fd(), c"/mnt/image/rootfs", CLONE)?;
    attach(&tree, &target)?;
    raw::mount_setattr(&tree, 0, abi::MS_PRIVATE)
}

fn least_unshare() -> io::Result<()> {
    let mounts = root(c"/mnt/sandbox/mounts")?;
    let container = below(&mounts, c"c1", OFlags::DIRECTORY, ResolveFlags::NO_XDEV)?;
    let path = format!("/proc/thread-self/fd/{}/rootfs", container.as_raw_fd());
    rustix::mount::unmount(path, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH)?;
    rustix::fs::unlinkat(&container, c"rootfs", AtFlags::REMOVEDIR)?;
    Ok(rustix::fs::unlinkat(&mounts, c"c1", AtFlags::REMOVEDIR)?)
}

fn by_path() -> io::Result<()> {
    let container = Path::new(MOUNTS).join("c1");
    let target = container.join("rootfs");
    fs::create_dir_all(&target)?;
    three_calls::bind(Path::new(ROOTFS), &target)?;
    rustix::mount::unmount(&target, UnmountFlags::NOFOLLOW | UnmountFlags::DETACH)?;
    fs::remove_dir(&target)?;
    fs::remove_dir(&container)
}

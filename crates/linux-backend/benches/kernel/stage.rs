//! The setting of the benches: a tmpfs over `/mnt`, and three namespaces with increasing numbers of mounts.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use mountwright_linux::LinuxBackend;
use rustix::mount::MountFlags;

use crate::namespace::Namespace;

/// Everything is below it.
pub(crate) const STAGE: &str = "/mnt";
/// The number of mounts in each world.
pub(crate) const CROWDS: [usize; 3] = [40, 1_000, 10_000];
/// Path depths of the look-ups.
pub(crate) const DEPTHS: [usize; 3] = [2, 8, 32];

/// A namespace with so many mounts, and the backend for it: one that has not seen another namespace.
pub(crate) struct World {
    pub(crate) mounts: usize,
    pub(crate) namespace: Namespace,
    pub(crate) backend: LinuxBackend,
}

/// A world for each of [`CROWDS`].
pub(crate) fn set_up() -> io::Result<Vec<World>> {
    let base = Namespace::new()?;
    tmpfs(Path::new(STAGE))?;
    for depth in DEPTHS {
        tmpfs(&made(mount_point(depth))?)?;
    }
    tmpfs(&made(memory_volume())?)?;
    let crowd = made(Path::new(STAGE).join("crowd"))?;
    tmpfs(&crowd)?;
    made(crowd.join("volume"))?;
    for at in 0..CROWDS[2] {
        made(crowd_place(at))?;
    }
    let own = count()?;
    if own > CROWDS[0] {
        println!("this machine has {own} mounts of its own: that many are meant by {}", CROWDS[0]);
    }
    let mut worlds = Vec::new();
    for mounts in CROWDS {
        base.enter();
        let namespace = Namespace::new()?;
        for at in 0..mounts.saturating_sub(own) {
            rustix::mount::mount_bind(crowd.join("volume"), crowd_place(at))?;
        }
        worlds.push(World { mounts, namespace, backend: LinuxBackend::new() });
    }
    Ok(worlds)
}

fn crowd_place(at: usize) -> PathBuf {
    Path::new(STAGE).join(format!("crowd/pods/{at:08x}-97d1-4f2b-8a3e-3c2d7b6f9e01/volumes/kubernetes.io~secret/token"))
}

/// A mount point so many components deep.
pub(crate) fn mount_point(depth: usize) -> PathBuf {
    let mut path = Path::new(STAGE).join(format!("depth{depth}"));
    path.extend((2..depth).map(|at| format!("d{at}")));
    path
}

/// An emptyDir volume in memory.
pub(crate) fn memory_volume() -> PathBuf {
    let pod = "kubelet/pods/5f0861a0-97d1-4f2b-8a3e-3c2d7b6f9e01";
    Path::new(STAGE).join(pod).join("volumes/kubernetes.io~empty-dir/cache")
}

/// The path, as a directory.
pub(crate) fn made(path: PathBuf) -> io::Result<PathBuf> {
    fs::create_dir_all(&path)?;
    Ok(path)
}

pub(crate) fn tmpfs(at: &Path) -> io::Result<()> {
    // Without a limit on inodes: each name of a file costs one.
    rustix::mount::mount("tmpfs", at, "tmpfs", MountFlags::empty(), Some(c"mode=0755,size=90%,nr_inodes=0"))?;
    Ok(())
}

fn count() -> io::Result<usize> {
    Ok(fs::read("/proc/thread-self/mountinfo")?.split(|&b| b == b'\n').filter(|line| !line.is_empty()).count())
}

/// For the raw calls.
pub(crate) fn c_path(path: &Path) -> std::ffi::CString {
    std::ffi::CString::new(path.as_os_str().as_bytes()).expect("no NUL in it")
}

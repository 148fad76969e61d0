//! Mounts of every kind for the queries.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use mountwright_core::DeviceNumber;
use mountwright_tests::namespace::{self, Privilege};
use rustix::fs::{CWD, FileType, Mode};
use rustix::mount::UnmountFlags;

use super::have::Thing;
use super::machine::{bind, bind_recursively, mount, run, step};

/// The scene, which is the root of this process.
pub(crate) struct Scene {
    /// Device numbers of the places in it, from stat(2)
    devices: HashMap<&'static str, String>,
    lacking: HashMap<Thing, String>,
    _socket: UnixListener,
}

/// A name that is no UTF-8.
pub(crate) const BYTES: &[u8] = b"/mnt/\xff\xfe";

/// The directory for images and the root, mounted in this namespace alone.
const WORKSHOP: &str = "/tmp";

impl Scene {
    /// Builds it in a mount namespace of this process's own and makes it the root; the error is the reason if that
    /// fails.
    pub(crate) fn build() -> Result<Self, String> {
        let privilege = namespace::enter().map_err(|none| none.to_string())?;
        let workshop = Path::new(WORKSHOP);
        mount("tmpfs", "workshop", workshop, "")?;
        let root = workshop.join("root");
        let mut lacking = HashMap::new();
        if let Err(reason) = disk_root(privilege, &root) {
            lacking.insert(Thing::Disk, reason);
            mount("tmpfs", "root", &root, "mode=755")?;
        }
        let socket = furnish(privilege, &root, &mut lacking)?;
        if let Err(reason) = btrfs(privilege, &root) {
            lacking.insert(Thing::Btrfs, reason);
        }
        if let Err(reason) = overlay(&root) {
            lacking.insert(Thing::Overlay, reason);
        }
        enter(&root)?;
        let mut devices = HashMap::new();
        for (name, place) in [("root", "/"), ("other", "/mnt/other"), ("top", "/mnt/stack"), ("dev", "/dev")] {
            let found = step(place.as_ref(), fs::metadata(place))?;
            devices.insert(name, DeviceNumber::from_raw(found.dev()).to_string());
        }
        Ok(Self { devices, lacking, _socket: socket })
    }

    /// Returns the reason why it lacks the thing.
    pub(crate) fn lacks(&self, thing: Thing) -> Option<&str> {
        self.lacking.get(&thing).map(String::as_str)
    }

    /// The device number of a place: `root`, `other`, `top` or `dev`.
    pub(crate) fn device(&self, place: &str) -> &str {
        &self.devices[place]
    }
}

/// Loop devices are global; mount(8) sets them up so that they are freed with the last mount of the namespace.
fn loop_mount(privilege: Privilege, image: &Path, size: u64, at: &Path, make: &[&str]) -> Result<(), String> {
    if privilege != Privilege::Root {
        return Err("not root: loop devices need the machine's root".to_owned());
    }
    let file = step(image, fs::File::create(image))?;
    step(image, file.set_len(size))?;
    let (image, target) = (image.to_string_lossy(), at.to_string_lossy());
    let (program, options) = make.split_first().ok_or("nothing to make it with")?;
    run(program, &[options, &[&*image]].concat())?;
    step(at, fs::create_dir_all(at))?;
    run("mount", &["-o", "loop", &image, &target])
}

fn disk_root(privilege: Privilege, root: &Path) -> Result<(), String> {
    let image = Path::new(WORKSHOP).join("root.img");
    loop_mount(privilege, &image, 32 << 20, root, &["mkfs.ext4", "-q", "-F"])
}

fn btrfs(privilege: Privilege, root: &Path) -> Result<(), String> {
    let at = root.join("mnt/btrfs");
    loop_mount(privilege, &Path::new(WORKSHOP).join("btrfs.img"), 128 << 20, &at, &["mkfs.btrfs", "-q"])?;
    run("btrfs", &["-q", "subvolume", "create", &at.join("sub").to_string_lossy()])?;
    let mounted = root.join("mnt/subvolume");
    step(&mounted, fs::create_dir_all(&mounted))?;
    bind(&at.join("sub"), &mounted)?;
    step(&at, fs::write(at.join("sub/file"), "in a subvolume"))
}

fn overlay(root: &Path) -> Result<(), String> {
    let layers = root.join("srv/layers");
    let layer = |name: &str| layers.join(name);
    for name in ["lower", "upper", "work"] {
        step(&layers, fs::create_dir_all(layer(name)))?;
    }
    step(&layers, fs::write(layer("lower").join("file"), "below"))?;
    let path = |name: &str| layer(name).to_string_lossy().into_owned();
    let options = format!("lowerdir={},upperdir={},workdir={}", path("lower"), path("upper"), path("work"));
    mount("overlay", "overlay", &root.join("mnt/overlay"), &options)
}

/// Makes everything that needs no more than a mount namespace.
fn furnish(privilege: Privilege, root: &Path, lacking: &mut HashMap<Thing, String>) -> Result<UnixListener, String> {
    let at = |path: &str| root.join(path);
    for dir in ["proc", "mnt", "etc", "srv/dir", "srv/gone", "act"] {
        step(root, fs::create_dir_all(at(dir)))?;
    }
    bind_recursively("/proc".as_ref(), &at("proc"))?;
    step(root, fs::write(at("etc/hostname"), "scene\n"))?;
    step(root, fs::write(at("srv/file"), "text\n"))?;
    step(root, fs::write(at("mnt/file"), ""))?;
    bind(&at("srv/file"), &at("mnt/file"))?;
    step(root, fs::create_dir(at("mnt/dir")))?;
    bind(&at("srv/dir"), &at("mnt/dir"))?;
    for (name, source) in [("mnt/other", "other"), ("mnt/stack", "below"), ("mnt/stack", "top"), ("mnt/a b", "spaces")]
    {
        mount("tmpfs", source, &at(name), "")?;
    }
    let bytes = root.join(OsStr::from_bytes(&BYTES[1..]));
    mount("tmpfs", "bytes", &bytes, "")?;
    mount("tmpfs", "", &at("mnt/no-source"), "")?;
    step(root, symlink("/mnt/other", at("link")))?;
    step(root, fs::remove_dir(at("srv/gone")))?;
    volumes(root)?;
    device_nodes(privilege, root, lacking)
}

/// Makes `/dev` for the queries: device nodes are created if that is permitted, else the machine's are bound.
fn device_nodes(
    privilege: Privilege,
    root: &Path,
    lacking: &mut HashMap<Thing, String>,
) -> Result<UnixListener, String> {
    let dev = root.join("dev");
    mount("tmpfs", "dev", &dev, "")?;
    let null = node(privilege, &dev.join("null"), FileType::CharacterDevice, (1, 3));
    null.map_err(|reason| format!("no /dev/null: {reason}"))?;
    if let Err(reason) = node(privilege, &dev.join("loop0"), FileType::BlockDevice, (7, 0)) {
        lacking.insert(Thing::LoopNode, reason);
    }
    step(&dev, fs::write(dev.join("regular"), ""))?;
    step(&dev, UnixListener::bind(dev.join("log")))
}

fn node(privilege: Privilege, path: &Path, kind: FileType, (major, minor): (u32, u32)) -> Result<(), String> {
    if privilege == Privilege::Root {
        let device = rustix::fs::makedev(major, minor);
        return step(
            path,
            rustix::fs::mknodat(CWD, path, kind, Mode::from_raw_mode(0o600), device).map_err(Into::into),
        );
    }
    let machines = Path::new("/dev").join(path.file_name().unwrap_or_default());
    if !machines.exists() {
        return Err(format!("there is no {} on this machine, and only root can make one", machines.display()));
    }
    step(path, fs::write(path, ""))?;
    bind(&machines, path)
}

/// Kubernetes volumes below `/kubelet`: emptyDirs of two media, and a configMap as the kubelet lays it out.
fn volumes(root: &Path) -> Result<(), String> {
    let volumes = root.join("kubelet/pods/1/volumes");
    mount("tmpfs", "tmpfs", &volumes.join("kubernetes.io~empty-dir/memory"), "")?;
    step(root, fs::create_dir_all(volumes.join("kubernetes.io~empty-dir/disk")))?;
    let config = volumes.join("kubernetes.io~configmap/config");
    step(root, fs::create_dir_all(config.join("..2026_01_01")))?;
    step(root, symlink("..2026_01_01", config.join("..data")))?;
    for key in ["a", "b", "c"] {
        step(root, fs::write(config.join("..2026_01_01").join(key), "four"))?;
        step(root, symlink(Path::new("..data").join(key), config.join(key)))?;
    }
    Ok(())
}

/// Makes `root` the root of this process, and detaches the machine's.
fn enter(root: &Path) -> Result<(), String> {
    let machine: PathBuf = root.join("machine");
    step(root, fs::create_dir(&machine))?;
    step(root, rustix::process::pivot_root(root, &machine).map_err(Into::into))?;
    step("/".as_ref(), std::env::set_current_dir("/"))?;
    step("/machine".as_ref(), rustix::mount::unmount("/machine", UnmountFlags::DETACH).map_err(Into::into))?;
    step("/machine".as_ref(), fs::remove_dir("/machine"))
}

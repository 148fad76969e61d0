//! A host on the kernel: a scratch tmpfs that is the root of a mount namespace of its own.

use std::ffi::CString;
use std::fmt;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::path::{Path, PathBuf};

use mountwright_core::file::FileKind;
use mountwright_core::{DeviceNumber, Errno, MountFlags, MountInfo, MountTable};
use mountwright_linux::LinuxBackend;
use mountwright_tests::namespace::{self, NoNamespace, Privilege};
use rustix::mount::{
    MountFlags as Flags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    unmount,
};

use super::super::plant::{Plant, Planted};
use super::super::runtime_spec::RuntimeSpec;
use super::super::unbuilt::Unbuilt;
use super::Host;

/// The mount point of the machine's own root while the host is being built.
const MACHINE: &str = "/.machine";

/// Directories of which one exists on any machine, for the scratch root. Only this process sees it there.
const PLACES_FOR_ROOT: [&str; 4] = ["/tmp", "/mnt", "/run", "/var"];

/// The reason why there is no host on this kernel.
#[derive(Debug)]
pub(crate) enum CannotBuild {
    /// Nowhere to put it
    NoNamespace(NoNamespace),
    /// Something cannot be planted
    Plant { path: PathBuf, error: io::Error },
    /// A step of building it failed
    Step { step: String, error: io::Error },
}

impl From<NoNamespace> for CannotBuild {
    fn from(none: NoNamespace) -> Self {
        Self::NoNamespace(none)
    }
}

impl fmt::Display for CannotBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNamespace(none) => write!(f, "cannot build a host on this kernel: {none}"),
            Self::Plant { path, error } => write!(f, "cannot plant {}: {error}", path.display()),
            Self::Step { step, error } => write!(f, "could not {step}: {error}"),
        }
    }
}

/// Adds the step to an error.
trait AtStep<T> {
    fn at(self, step: impl Into<String>) -> Result<T, CannotBuild>;
}

impl<T, E: Into<io::Error>> AtStep<T> for Result<T, E> {
    fn at(self, step: impl Into<String>) -> Result<T, CannotBuild> {
        self.map_err(|error| CannotBuild::Step { step: step.into(), error: error.into() })
    }
}

/// Builds the host of the captured mounts, as far as the specification needs it, for this process alone: it is gone with the
/// process, and the machine's own mounts never change.
pub(crate) fn linux_host(captured: &MountTable, plant: &Plant, spec: &RuntimeSpec) -> Result<Host, CannotBuild> {
    let privilege = namespace::enter()?;
    let mut unbuilt = Unbuilt::default();
    enter_scratch_root()?;
    let nodes = spec.mounts.iter().flat_map(|mount| [Path::new(&mount.source), mount.destination.as_std_path()]);
    for path in nodes.chain(["/dev/null".as_ref()]).filter(|path| path.starts_with("/dev")) {
        bring_from_machine(path).at(format!("bring {}", path.display()))?;
    }
    build_mounts(captured, spec, &mut unbuilt)?;
    for (path, planted) in plant.things() {
        put(path, planted, &mut unbuilt).map_err(|error| CannotBuild::Plant { path: path.to_owned(), error })?;
    }
    fs::create_dir_all(&spec.rootfs).at("make the container's root")?;
    unmount(MACHINE, UnmountFlags::DETACH).at("let go of the machine's root")?;
    fs::remove_dir(MACHINE).at("let go of the machine's root")?;
    let description = match privilege {
        Privilege::Root => "a scratch root on this kernel, in a mount namespace of its own, as root",
        Privilege::UserNamespace => {
            "a scratch root on this kernel, in a mount and user namespace of its own, without root"
        }
    };
    Ok(Host { backend: Box::new(LinuxBackend::new()), unbuilt, description: description.to_owned() })
}

/// Makes an empty tmpfs the root, with the machine's old root at [`MACHINE`] and its procfs.
fn enter_scratch_root() -> Result<(), CannotBuild> {
    let place = PLACES_FOR_ROOT.iter().find(|place| Path::new(place).is_dir()).unwrap_or(&PLACES_FOR_ROOT[0]);
    mount("scratch", *place, "tmpfs", Flags::empty(), Some(c"mode=755")).at("mount a scratch tmpfs")?;
    let machine = format!("{place}{MACHINE}");
    fs::create_dir(&machine).at("make a directory in the scratch root")?;
    rustix::process::pivot_root(*place, &machine).at("make the scratch tmpfs the root")?;
    std::env::set_current_dir("/").at("enter the scratch root")?;
    // Without root only the whole tree may be bound: the kernel hides nothing that lies below a mount.
    fs::create_dir("/proc").at("make /proc")?;
    mount_bind_recursive(format!("{MACHINE}/proc"), "/proc").at("bring /proc")?;
    mount_change("/", MountPropagationFlags::SHARED).at("share the scratch root")
}

/// Binds the machine's file at a path below `/dev`, or makes a directory for a directory; does nothing if there is
/// none.
fn bring_from_machine(path: &Path) -> io::Result<()> {
    let machines = machines(path);
    match fs::metadata(&machines) {
        Ok(found) if found.is_dir() => fs::create_dir_all(path),
        // It may be there by now, from an earlier mount of the specification.
        Ok(_) if path.exists() => Ok(()),
        Ok(_) => {
            make_file(path, b"")?;
            Ok(mount_bind(&machines, path)?)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(()),
        Err(error) => Err(error),
    }
}

fn machines(path: &Path) -> PathBuf {
    Path::new(MACHINE).join(path.strip_prefix("/").unwrap_or(path))
}

/// The captured mounts that a path of the specification is on.
fn build_mounts(captured: &MountTable, spec: &RuntimeSpec, unbuilt: &mut Unbuilt) -> Result<(), CannotBuild> {
    let sources = spec.mounts.iter().filter(|mount| mount.is_bind()).map(|mount| Path::new(&mount.source));
    let wanted: Vec<&Path> = sources.chain([spec.rootfs.as_std_path()]).collect();
    for info in captured.iter().map(|row| row.to_info()) {
        let at = info.mount_point.as_path();
        let is_own = at == Path::new("/") || ["/proc", "/sys", "/dev"].iter().any(|own| at.starts_with(own));
        if is_own || !wanted.iter().any(|path| path.starts_with(at)) {
            continue;
        }
        fs::create_dir_all(at).at(format!("make {}", at.display()))?;
        if let Err(why) = build_mount(&info) {
            unbuilt.add(at, why);
        }
    }
    Ok(())
}

/// Mounts the same as the captured mount, or says why there cannot be one here.
fn build_mount(info: &MountInfo) -> Result<(), String> {
    let fs_type = info.fs_type.to_string_lossy();
    if !info.device.is_anonymous() {
        return Err(format!("{fs_type} on block device {}, which is not here", info.device));
    }
    if info.root != Path::new("/") {
        return Err(format!("a part of a {fs_type} that is not here"));
    }
    let kept: &[&str] = match &*fs_type {
        "tmpfs" => &["size", "mode"],
        "hugetlbfs" => &["pagesize", "size"],
        "overlay" => &["lowerdir", "upperdir", "workdir"],
        _ => return Err(format!("{fs_type}, which cannot be made here")),
    };
    let mut options = Vec::new();
    for key in kept {
        let Some(value) = info.option(key) else { continue };
        if fs_type == "overlay" {
            make_layers(value.as_bytes()).map_err(|error| format!("overlay, whose {key} cannot be made: {error}"))?;
        }
        options.push([key.as_bytes(), b"=", value.as_bytes()].concat());
    }
    let options = CString::new(options.join(&b',')).map_err(|_| format!("{fs_type}, with a NUL in its options"))?;
    mount(&info.source, &info.mount_point, &*info.fs_type, flags(info), Some(options.as_c_str()))
        .map_err(|errno| format!("{fs_type}: the kernel refuses it here, {}", errno_name(errno)))
}

fn errno_name(errno: rustix::io::Errno) -> String {
    Errno::from_raw(errno.raw_os_error()).map_or_else(|| errno.to_string(), |errno| errno.to_string())
}

fn make_layers(paths: &[u8]) -> io::Result<()> {
    paths.split(|&b| b == b':').try_for_each(|path| fs::create_dir_all(Path::new(std::ffi::OsStr::from_bytes(path))))
}

fn flags(info: &MountInfo) -> Flags {
    [(MountFlags::NO_SUID, Flags::NOSUID), (MountFlags::NO_DEV, Flags::NODEV), (MountFlags::NO_EXEC, Flags::NOEXEC)]
        .into_iter()
        .filter(|(ours, _)| info.attributes.flags.contains(*ours))
        .fold(Flags::empty(), |flags, (_, theirs)| flags | theirs)
}

fn put(path: &Path, planted: &Planted, unbuilt: &mut Unbuilt) -> io::Result<()> {
    match planted {
        Planted::Directory => fs::create_dir_all(path),
        Planted::File(contents) => make_file(path, contents),
        Planted::Link(target) => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            symlink(target, path)
        }
        Planted::Node(kind, device) => {
            if has_node(&machines(path), *kind, *device) {
                bring_from_machine(path)?;
            } else {
                unbuilt.add(path, format!("device {device}, which this machine does not have there"));
            }
            Ok(())
        }
    }
}

fn make_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, contents)
}

fn has_node(path: &Path, kind: FileKind, device: DeviceNumber) -> bool {
    fs::metadata(path).is_ok_and(|found| {
        let is_kind = match kind {
            FileKind::BlockDevice => found.file_type().is_block_device(),
            _ => found.file_type().is_char_device(),
        };
        is_kind && DeviceNumber::from_raw(found.rdev()) == device
    })
}

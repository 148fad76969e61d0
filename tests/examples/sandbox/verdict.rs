//! Classification of a mount of the specification.

use std::fmt;

use camino::Utf8Path;
use mountwright_core::device::PathDevice;
use mountwright_core::file::FinalSymlink;
use mountwright_core::kata::{DOCKER_DATA_ROOT, is_docker_volume};
use mountwright_core::kubernetes::{EmptyDirMedium, Watchability};
use mountwright_core::path::clean_path;
use mountwright_core::spec::Mount;
use mountwright_core::{Errno, Error, Filesystem, Location, Mounter, kubernetes};

use super::unbuilt::Unbuilt;

/// The treatment of a mount by the runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The guest's own kernel has it
    System,
    /// The guest has the block device already
    Attached,
    /// The guest makes it in its memory
    MemoryEmptyDir,
    /// The guest makes it from its own huge pages
    HugePagesEmptyDir { page_size: Option<u64> },
    /// The guest makes it on its own disk
    DiskEmptyDir,
    /// The guest's own kernel mounts it
    NotABind { fs_type: String },
    /// The guest has its own
    Shm,
    /// The device is passed on, not its node
    HostDevice,
    /// The guest gets it; `watched` if it is also notified of changes
    Share { read_only: bool, watched: Watchability },
    /// There is nothing to share
    SourceMissing,
    /// The host could not be built there, so that there is no verdict
    NotBuilt { why: String },
    /// A question failed
    Failed(Error),
}

impl Verdict {
    /// Classifies a mount, in the order in which a runtime does.
    pub(crate) fn of(fs: &dyn Filesystem, mounter: &dyn Mounter, mount: &Mount, unbuilt: &Unbuilt) -> Self {
        ask(fs, mounter, mount, unbuilt).unwrap_or_else(|error| match error.errno() {
            Some(Errno::ENOENT | Errno::ENOTDIR) => Self::SourceMissing,
            _ => Self::Failed(error),
        })
    }

    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Share { .. })
    }

    /// One word for programs.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::System => "skip-system",
            Self::Attached => "skip-block-device",
            Self::MemoryEmptyDir => "memory-empty-dir",
            Self::HugePagesEmptyDir { .. } => "huge-pages-empty-dir",
            Self::DiskEmptyDir => "disk-empty-dir",
            Self::NotABind { .. } => "skip-not-a-bind",
            Self::Shm => "skip-dev-shm",
            Self::HostDevice => "skip-host-device",
            Self::Share { watched: Watchability::Watchable { .. }, .. } => "watchable",
            Self::Share { read_only: true, .. } => "share-read-only",
            Self::Share { read_only: false, .. } => "share-writable",
            Self::SourceMissing => "source-missing",
            Self::NotBuilt { .. } => "not-built",
            Self::Failed(_) => "error",
        }
    }

    /// Why, in words.
    pub(crate) fn reason(&self, mount: &Mount) -> String {
        match self {
            Self::System | Self::Shm => "the guest has its own".to_owned(),
            Self::Attached => "its block device is attached already".to_owned(),
            Self::MemoryEmptyDir => "a tmpfs, made anew in the guest".to_owned(),
            Self::HugePagesEmptyDir { page_size } => {
                let medium = EmptyDirMedium::HugePages { page_size: *page_size };
                format!("{medium}, made anew in the guest")
            }
            Self::DiskEmptyDir => "a directory, made anew in the guest".to_owned(),
            Self::NotABind { fs_type } if fs_type.is_empty() => "it has no type".to_owned(),
            Self::NotABind { fs_type } => format!("{fs_type}, mounted in the guest"),
            Self::HostDevice => "passed on as a device".to_owned(),
            Self::Share { watched, .. } => share_reason(mount, *watched),
            Self::SourceMissing if mount.source.is_empty() => "it names no source".to_owned(),
            Self::SourceMissing => format!("nothing at {}; --plant can put it there", mount.source),
            Self::NotBuilt { why } => why.clone(),
            Self::Failed(error) => error.to_string(),
        }
    }
}

fn share_reason(mount: &Mount, watched: Watchability) -> String {
    let source = Utf8Path::new(&mount.source);
    let what = match kubernetes::VolumeKind::of(source) {
        Some(kind) => format!("{kind} volume"),
        None if is_docker_volume(source, DOCKER_DATA_ROOT) => "docker volume".to_owned(),
        None => "no volume".to_owned(),
    };
    let access = if mount.read_only { "read-only" } else { "writable" };
    match watched {
        Watchability::Watchable { entries, bytes, .. } => format!("{what}, {access}: entries {entries}, bytes {bytes}"),
        Watchability::NotAVolume => format!("{what}: not watched"),
        Watchability::KindNotWatched(_) => format!("{what}: this kind is not watched"),
        why => format!("{what}: not watched, {why}"),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "skip: system",
            Self::Attached => "skip: block device",
            Self::MemoryEmptyDir => "memory emptyDir",
            Self::HugePagesEmptyDir { .. } => "huge-page emptyDir",
            Self::DiskEmptyDir => "disk emptyDir",
            Self::NotABind { .. } => "skip: not a bind",
            Self::Shm => "skip: /dev/shm",
            Self::HostDevice => "skip: host device",
            Self::Share { watched: Watchability::Watchable { keys, .. }, .. } => {
                return write!(f, "watchable, {keys} key{}", if *keys == 1 { "" } else { "s" });
            }
            Self::Share { read_only: true, .. } => "share read-only",
            Self::Share { read_only: false, .. } => "share writable",
            Self::SourceMissing => "source missing",
            Self::NotBuilt { .. } => "cannot be built here",
            Self::Failed(_) => "error",
        })
    }
}

fn ask(fs: &dyn Filesystem, mounter: &dyn Mounter, mount: &Mount, unbuilt: &Unbuilt) -> Result<Verdict, Error> {
    let source = Utf8Path::new(&mount.source);
    if Mount::is_system_mount(source) {
        return Ok(Verdict::System);
    }
    if mount.block_device_id.is_some() {
        return Ok(Verdict::Attached);
    }
    if !mount.is_bind() {
        return Ok(Verdict::NotABind { fs_type: mount.fs_type.clone() });
    }
    let cannot_say = |path: &Utf8Path| unbuilt.reason(path.as_std_path()).map(str::to_owned);
    // At this point a runtime has changed the type of emptyDirs, which then are no binds.
    if kubernetes::VolumeKind::of(source) == Some(kubernetes::VolumeKind::EmptyDir) {
        if let Some(why) = cannot_say(source) {
            return Ok(Verdict::NotBuilt { why });
        }
        match EmptyDirMedium::of(mounter, source)? {
            Some(EmptyDirMedium::Memory) => return Ok(Verdict::MemoryEmptyDir),
            Some(EmptyDirMedium::HugePages { page_size }) => return Ok(Verdict::HugePagesEmptyDir { page_size }),
            Some(EmptyDirMedium::Disk) => return Ok(Verdict::DiskEmptyDir),
            None => {}
        }
    }
    if clean_path(mount.destination.as_std_path()).as_os_str() == "/dev/shm" {
        return Ok(Verdict::Shm);
    }
    if let Some(why) = cannot_say(source) {
        return Ok(Verdict::NotBuilt { why });
    }
    // By the source: the host's names at the destination say nothing about the container.
    if PathDevice::is_host_device(fs, source)? {
        return Ok(Verdict::HostDevice);
    }
    fs.metadata(&Location::trusted(source), FinalSymlink::Follow)?;
    Ok(Verdict::Share { read_only: mount.read_only, watched: Watchability::of(fs, source)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mountwright_core::ports::{MockFilesystem, MockMounter};
    use mountwright_core::{Operation, OsError};

    const EMPTY_DIR: &str = "/k/pods/1/volumes/kubernetes.io~empty-dir/v";

    fn mount(source: &str, destination: &str) -> Mount {
        Mount::new(source, destination, "bind")
    }

    /// The verdict, with mocks that panic at every call that is not expected.
    fn verdict(fs: &MockFilesystem, mounter: &MockMounter, mount: &Mount) -> Verdict {
        Verdict::of(fs, mounter, mount, &Unbuilt::default())
    }

    #[test]
    fn texts_decide_before_anybody_looks() {
        let (fs, mounter) = (MockFilesystem::new(), MockMounter::new());
        let ask = |mount: &Mount| verdict(&fs, &mounter, mount);
        assert_eq!(ask(&mount("/sys/fs/cgroup", "/dev/shm")), Verdict::System);
        let mut attached = mount("/v", "/dev/shm");
        attached.block_device_id = Some("drive-1".to_owned());
        assert_eq!(ask(&attached), Verdict::Attached);
        let tmpfs = Mount::new("tmpfs", "/dev/shm", "tmpfs");
        assert_eq!(ask(&tmpfs), Verdict::NotABind { fs_type: "tmpfs".to_owned() });
        assert_eq!(ask(&mount("/v", "/dev/./shm/")), Verdict::Shm);
    }

    #[test]
    fn the_source_decides_and_not_the_hosts_names_at_the_destination() {
        let host = mountwright_fake::HostBuilder::new().dir("/dev/data").dir("/srv/data").build().unwrap();
        let found = |source, destination| Verdict::of(&host, &host, &mount(source, destination), &Unbuilt::default());
        assert!(matches!(found("/srv/data", "/dev/data"), Verdict::Share { .. }));
        assert_eq!(found("/dev/data", "/data"), Verdict::HostDevice);
    }

    #[test]
    fn a_look_that_fails_is_a_verdict() {
        let mounter = MockMounter::new();
        let mut forbidden = MockFilesystem::new();
        let error = OsError::new(Operation::Metadata, "/none", Errno::EACCES);
        forbidden.expect_metadata().return_once(move |_, _| Err(error));
        assert!(matches!(verdict(&forbidden, &mounter, &mount("/none", "/a")), Verdict::Failed(_)));
    }

    #[test]
    fn nobody_looks_at_what_could_not_be_built() {
        let (fs, mounter) = (MockFilesystem::new(), MockMounter::new());
        let mut unbuilt = Unbuilt::default();
        for place in ["/k/pods", "/dev/kvm", "/nfs"] {
            unbuilt.add(place, "why");
        }
        for (source, destination) in [(EMPTY_DIR, "/a"), ("/dev/kvm", "/dev/kvm"), ("/nfs/v", "/a")] {
            let found = Verdict::of(&fs, &mounter, &mount(source, destination), &unbuilt);
            assert_eq!(found, Verdict::NotBuilt { why: "why".to_owned() });
        }
        // A mount that needs no query has its verdict all the same.
        assert_eq!(Verdict::of(&fs, &mounter, &mount("/nfs/v", "/dev/shm"), &unbuilt), Verdict::Shm);
    }

    #[test]
    fn the_reason_names_the_kind_of_volume() {
        let shared = |watched| Verdict::Share { read_only: true, watched };
        let mut config = mount("/k/pods/1/volumes/kubernetes.io~configmap/c", "/c");
        config.read_only = true;
        let too_many = shared(Watchability::TooMany { limit: 8 });
        assert_eq!(too_many.reason(&config), "configMap volume: not watched, more than 8 entries");
        let plain = mount("/srv", "/c");
        assert_eq!(shared(Watchability::NotAVolume).reason(&plain), "no volume: not watched");
    }
}

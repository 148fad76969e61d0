//! The object `linux` of a specification, but for its devices and namespaces.

use camino::Utf8PathBuf;

use crate::mount::{Propagation, PropagationWord, Recursion};
use crate::rootfs::BadConfig;
use crate::rootfs::fields::{At, Fields};
use crate::rootfs::step::{Preparation, Step};

/// The fields of `linux` that are about other things than the root.
pub(crate) const NOT_MINE: [&str; 8] =
    ["sysctl", "resources", "seccomp", "intelRdt", "personality", "timeOffsets", "memoryPolicy", "netDevices"];

/// Values of `linux` that shape the root.
pub(crate) struct Shape {
    pub(crate) propagation: Option<PropagationWord>,
    pub(crate) masked: Vec<Utf8PathBuf>,
    pub(crate) read_only: Vec<Utf8PathBuf>,
    pub(crate) cgroups_path: Option<String>,
    /// The `SELinux` label of the new filesystems.
    pub(crate) label: Option<String>,
}

impl Shape {
    pub(crate) fn read(linux: &mut Fields<'_>) -> Result<Self, BadConfig> {
        let masked = inner_paths(linux, "maskedPaths")?;
        let read_only = inner_paths(linux, "readonlyPaths")?;
        let cgroups_path = linux.take("cgroupsPath").as_ref().map(At::text).transpose()?;
        let label = linux.take("mountLabel").as_ref().map(At::text).transpose()?;
        let label = label.filter(|label| !label.is_empty()).map(str::to_owned);
        let propagation = read_propagation(linux)?;
        let cgroups_path = cgroups_path.filter(|path| !path.is_empty()).map(str::to_owned);
        Ok(Self { propagation, masked, read_only, cgroups_path, label })
    }

    /// The propagation of the namespace before the build: nothing that is mounted there reaches the host.
    pub(crate) fn preparation(&self) -> Preparation {
        let every = |propagation| Preparation::Every(PropagationWord { propagation, recursion: Recursion::Tree });
        match self.propagation.map(|word| word.propagation) {
            None | Some(Propagation::Slave) => every(Propagation::Slave),
            Some(Propagation::Private | Propagation::Unbindable) => every(Propagation::Private),
            Some(Propagation::Shared) => Preparation::ParentPrivate,
        }
    }

    /// The step that gives the root its propagation once the process has entered it.
    pub(crate) fn finish(&self) -> Option<Step> {
        self.propagation.map(Step::Propagation)
    }
}

fn inner_paths(linux: &mut Fields<'_>, name: &str) -> Result<Vec<Utf8PathBuf>, BadConfig> {
    linux.list(name)?.iter().map(At::inner_path).collect()
}

fn read_propagation(linux: &mut Fields<'_>) -> Result<Option<PropagationWord>, BadConfig> {
    let Some(entry) = linux.take("rootfsPropagation") else { return Ok(None) };
    match entry.text()? {
        "" => Ok(None),
        word => word.parse().map(Some).map_err(|error: crate::mount::WrongPropagation| entry.bad(error.to_string())),
    }
}

//! Files of procfs.

use std::sync::Arc;

use crate::abi;
use crate::model::filesystems::fixed_names::{FixedName, PROC, PROCESS};
use crate::model::keys::DentryKey;
use crate::model::objects::dentry::Name;
use crate::model::objects::path::Place;
use crate::model::objects::pid::Pid;
use crate::model::store::sorted_map::SortedMap;

/// A file of procfs.
#[derive(Clone, Debug)]
pub(crate) struct ProcNode {
    pub(crate) what: ProcFile,
    /// The names that were looked up so far; each use checks that they are still valid.
    pub(crate) names: SortedMap<Name, DentryKey>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcFile {
    Root {
        /// `subset=pid`
        processes_alone: bool,
    },
    SelfLink,
    ThreadSelfLink,
    /// A symlink into `/proc/self`.
    LinkToOwn(&'static str),
    /// One of [`PROC`].
    Fixed(&'static FixedName),
    Process(Pid),
    /// One of [`PROCESS`].
    OfProcess(Pid, &'static FixedName),
    /// The magic link to the root of the process.
    RootOf(Pid),
    /// The magic link to the working directory of the process.
    DirectoryOf(Pid),
    /// The magic link to its program, which no modelled process has.
    ProgramOf(Pid),
    Namespaces(Pid),
    Namespace(Pid, &'static str),
    Tasks(Pid),
    Descriptors(Pid),
    Descriptor(Pid, i32),
    DescriptorInfos(Pid),
    DescriptorInfo(Pid, i32),
    MountInfo(Pid),
}

/// The target of a symlink in procfs: a text, or a place for magic links.
pub(crate) enum LinkEnd {
    Text(Arc<[u8]>),
    Jump(Place),
}

/// The namespaces of a process, by the names of their links.
pub(crate) const NAMESPACES: [&str; 10] =
    ["cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"];

impl ProcNode {
    pub(crate) fn new(what: ProcFile) -> Self {
        Self { what, names: SortedMap::default() }
    }

    pub(crate) const fn file_type(&self) -> u32 {
        match self.what {
            ProcFile::Root { .. }
            | ProcFile::Process(_)
            | ProcFile::Namespaces(_)
            | ProcFile::Tasks(_)
            | ProcFile::Descriptors(_)
            | ProcFile::DescriptorInfos(_) => abi::S_IFDIR,
            ProcFile::SelfLink
            | ProcFile::ThreadSelfLink
            | ProcFile::LinkToOwn(_)
            | ProcFile::RootOf(_)
            | ProcFile::DirectoryOf(_)
            | ProcFile::ProgramOf(_)
            | ProcFile::Namespace(..)
            | ProcFile::Descriptor(..) => abi::S_IFLNK,
            ProcFile::Fixed(name) | ProcFile::OfProcess(_, name) if name.is_directory => abi::S_IFDIR,
            _ => abi::S_IFREG,
        }
    }
}

impl ProcFile {
    pub(crate) const fn mode(self) -> u16 {
        match self {
            Self::Fixed(name) | Self::OfProcess(_, name) => name.mode,
            Self::Namespaces(_) => 0o511,
            Self::Descriptors(_) => 0o500,
            Self::Descriptor(..) => 0o700,
            Self::DescriptorInfo(..) => 0o400,
            Self::MountInfo(_) => 0o444,
            Self::Root { .. } | Self::Process(_) | Self::Tasks(_) | Self::DescriptorInfos(_) => 0o555,
            _ => 0o777,
        }
    }

    /// The process whose file it is.
    pub(crate) const fn process(self) -> Option<Pid> {
        match self {
            Self::Process(pid)
            | Self::OfProcess(pid, _)
            | Self::RootOf(pid)
            | Self::DirectoryOf(pid)
            | Self::ProgramOf(pid)
            | Self::Namespaces(pid)
            | Self::Namespace(pid, _)
            | Self::Tasks(pid)
            | Self::Descriptors(pid)
            | Self::Descriptor(pid, _)
            | Self::DescriptorInfos(pid)
            | Self::DescriptorInfo(pid, _)
            | Self::MountInfo(pid) => Some(pid),
            Self::Root { .. } | Self::SelfLink | Self::ThreadSelfLink | Self::LinkToOwn(_) | Self::Fixed(_) => None,
        }
    }

    /// Returns true for a name that ends with the descriptor behind it: nothing is mounted on it.
    pub(crate) const fn is_ephemeral(self) -> bool {
        matches!(self, Self::Descriptor(..) | Self::DescriptorInfo(..))
    }

    /// The names that never change in the directory.
    pub(crate) fn fixed_names(self) -> Vec<(&'static str, Self)> {
        let below = |names: &'static [FixedName], above: &'static str| {
            names.iter().filter_map(move |name| {
                let (parent, last) = name.path.rsplit_once('/').unwrap_or(("", name.path));
                (parent == above).then_some((last, name))
            })
        };
        match self {
            Self::Root { processes_alone: false } => {
                let links = [("mounts", "self/mounts"), ("net", "self/net")];
                let links = links.into_iter().map(|(name, target)| (name, Self::LinkToOwn(target)));
                below(&PROC, "").map(|(last, name)| (last, Self::Fixed(name))).chain(links).collect()
            }
            Self::Fixed(directory) => {
                below(&PROC, directory.path).map(|(last, name)| (last, Self::Fixed(name))).collect()
            }
            Self::Process(pid) => below(&PROCESS, "").map(|(last, name)| (last, Self::OfProcess(pid, name))).collect(),
            Self::OfProcess(pid, directory) => {
                below(&PROCESS, directory.path).map(|(last, name)| (last, Self::OfProcess(pid, name))).collect()
            }
            Self::Namespaces(pid) => NAMESPACES.into_iter().map(|name| (name, Self::Namespace(pid, name))).collect(),
            _ => Vec::new(),
        }
    }
}

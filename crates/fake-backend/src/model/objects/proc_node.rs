//! Files of procfs.

use std::sync::Arc;

use crate::abi;
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
    Root,
    SelfLink,
    ThreadSelfLink,
    Process(Pid),
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

impl ProcNode {
    pub(crate) fn new(what: ProcFile) -> Self {
        Self { what, names: SortedMap::default() }
    }

    pub(crate) const fn file_type(&self) -> u32 {
        match self.what {
            ProcFile::Root
            | ProcFile::Process(_)
            | ProcFile::Tasks(_)
            | ProcFile::Descriptors(_)
            | ProcFile::DescriptorInfos(_) => abi::S_IFDIR,
            ProcFile::SelfLink | ProcFile::ThreadSelfLink | ProcFile::Descriptor(..) => abi::S_IFLNK,
            ProcFile::DescriptorInfo(..) | ProcFile::MountInfo(_) => abi::S_IFREG,
        }
    }

    pub(crate) const fn mode(what: ProcFile) -> u16 {
        match what {
            ProcFile::SelfLink | ProcFile::ThreadSelfLink => 0o777,
            ProcFile::Descriptors(_) | ProcFile::DescriptorInfos(_) => 0o500,
            ProcFile::Descriptor(..) => 0o700,
            ProcFile::DescriptorInfo(..) => 0o400,
            ProcFile::MountInfo(_) => 0o444,
            ProcFile::Root | ProcFile::Process(_) | ProcFile::Tasks(_) => 0o555,
        }
    }
}

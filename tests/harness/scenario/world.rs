//! The world that a scenario runs on.

use std::collections::BTreeMap;
use std::fmt;

use mountwright_core::Errno;
use serde::{Deserialize, Serialize};

use super::kernel_version::KernelVersion;
use super::step::Step;
use super::value::AttributesValue;

/// The mount tables of all live namespaces, in the order of the kernel's table.
pub type Tables = BTreeMap<u32, Vec<MountRow>>;

/// A fresh sandbox that performs the steps of one scenario.
///
/// * It begins with namespace 0 and one mount in it: a private, empty tmpfs at `/`, filesystem 0.
/// * A place at a descriptor that is not open in the present namespace is EBADF, without a call; so is closing it.
/// * An errno is a result. [`CannotRun`] means that there is none, and that the scenario is over.
pub trait World {
    /// Performs one step in the present namespace.
    fn perform(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun>;

    /// The tables, or `None` where nothing has changed since they were asked for last.
    fn changed_tables(&mut self) -> Result<Option<Tables>, CannotRun>;

    /// The number of the present namespace.
    fn present(&self) -> u32;
}

/// The value of a successful step, before it is normalised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Nothing but success
    Done,
    /// Of `stat`
    Stat(StatAnswer),
    /// Of `readdir` and `tree`, in the form's order
    Names(Vec<String>),
    /// Of `readlink`, `read`, `statfs` and `umask`
    Text(String),
    /// Of `attributes`
    Attributes(AttributesValue),
}

/// The result of `stat`, in the world's own numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatAnswer {
    /// dir, file, symlink, char, block, fifo or socket
    pub kind: String,
    /// The filesystem: 0 for the sandbox root, k for the k-th mounted tmpfs
    pub filesystem: u64,
    /// The inode number
    pub inode: u64,
    /// The mount, as in [`MountRow::id`]
    pub mount: u64,
    /// True if it is the root of that mount
    pub mount_root: bool,
}

/// One mount, in the world's own numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MountRow {
    /// Identity of the mount
    pub id: u64,
    /// Identity of the parent mount; that of the root's parent is in no row
    pub parent: u64,
    /// The filesystem: 0 for the sandbox root, k for the k-th mounted one
    pub filesystem: u64,
    /// The device of the superblock, while it lives
    pub device: (u32, u32),
    /// The filesystem type
    pub kind: String,
    /// Root inside the filesystem, as the kernel prints it
    pub root: String,
    /// Mount point, as the kernel prints it
    pub mount_point: String,
    /// Per-mount options, as the kernel prints them
    pub options: String,
    /// Peer group
    pub shared: Option<u64>,
    /// Peer group of the master
    pub master: Option<u64>,
    /// Nearest dominating peer group
    pub propagate_from: Option<u64>,
    /// Cannot be bound
    pub unbindable: bool,
    /// The superblock is read-only
    pub superblock_read_only: bool,
    /// Options of the superblock after `rw` or `ro`
    pub superblock_options: String,
}

/// The reason why a scenario has no outcome on a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotRun {
    /// A step of the set-up failed.
    SetupFailed {
        /// Index in the set-up
        index: usize,
        /// The step
        step: String,
        /// Its errno
        errno: Errno,
    },
    /// The history names a namespace that was never created, or has ended.
    NoSuchNamespace(u32),
    /// This machine does not permit it: not run, which is neither agreement nor difference.
    NeedsRoot(&'static str),
    /// The running kernel is outside the range of kernels with this known outcome: not run.
    OtherKernel {
        /// The running kernel
        running: KernelVersion,
        /// The first kernel with this outcome
        since: Option<KernelVersion>,
        /// The last kernel with this outcome
        until: Option<KernelVersion>,
    },
    /// The world does not implement this operation.
    NotSupported(String),
    /// The world itself failed.
    Broken(String),
}

impl fmt::Display for CannotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SetupFailed { index, step, errno } => {
                write!(f, "step {index} of the set-up, {step}, answers {errno}")
            }
            Self::NoSuchNamespace(ns) => write!(f, "there is no namespace {ns}"),
            Self::NeedsRoot(what) => write!(f, "{what} needs root on this machine"),
            Self::OtherKernel { running, since, until } => {
                f.write_str("the rule holds")?;
                if let Some(since) = since {
                    write!(f, " since Linux {since}")?;
                }
                if let Some(until) = until {
                    write!(f, " until Linux {until}")?;
                }
                write!(f, ", and this is {running}")
            }
            Self::NotSupported(what) => write!(f, "not supported here: {what}"),
            Self::Broken(what) => write!(f, "the test bench failed: {what}"),
        }
    }
}

impl std::error::Error for CannotRun {}

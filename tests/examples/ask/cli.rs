//! The command line.

use std::ffi::OsString;

use camino::Utf8PathBuf;
use clap::{Args, Parser, Subcommand};
use mountwright_core::ContainerId;
use mountwright_core::kubernetes::WATCHABLE_ENTRIES_MAX;
use mountwright_core::mount::PropagationWord;

/// Queries about mounts, run by the Linux backend on this machine.
///
/// Exit status: 0 with the result, 1 with an error on standard error, 2 for misuse.
#[derive(Debug, Parser)]
#[command(name = "ask", disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// Print one JSON object, for errors too
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Repeat the query this often in one process; the last result is printed
    #[arg(long, global = true, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    #[command(subcommand)]
    pub(crate) question: Question,
}

// Paths are OsStrings: clap's own parser refuses the empty path, which has its own error here.
#[derive(Debug, Subcommand)]
pub(crate) enum Question {
    /// The device that a path is on, or is, by its device number
    Device { path: OsString },
    /// The device behind a path, by the identity of its mount
    Backing { path: OsString },
    /// The mount that holds a path
    Mount { path: OsString },
    /// The kind of Kubernetes or docker volume that a path is, and the medium of an emptyDir
    Volume { path: OsString },
    /// The number of files in a directory
    Count {
        /// Do not count further than this
        #[arg(long, value_name = "N", default_value_t = WATCHABLE_ENTRIES_MAX)]
        limit: u64,
        path: OsString,
    },
    /// Check that a volume is small enough to be watched
    Watchable { path: OsString },
    /// Check for a path that every kernel has of its own
    System { path: OsString },
    /// Check for a device of the host
    HostDevice { path: OsString },
    /// Every mount that this process sees
    Table {
        /// As a tree
        #[arg(long)]
        tree: bool,
    },
    /// Bind one place onto another; with --repeat each bind is made on top of the one before
    Bind(Bind),
    /// Make a mount read-only
    RemountRo { path: OsString },
    /// Share the root filesystem of a container below a directory
    Share {
        /// The directory that shares are made in
        #[arg(long, value_name = "DIR")]
        mounts: Utf8PathBuf,
        /// The container's id
        #[arg(long, value_name = "ID")]
        id: ContainerId,
        rootfs: OsString,
    },
    /// Unmount the root filesystem of a container
    Unshare {
        /// The directory that shares are made in
        #[arg(long, value_name = "DIR")]
        mounts: Utf8PathBuf,
        /// The container's id
        #[arg(long, value_name = "ID")]
        id: ContainerId,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Bind {
    /// Nothing can be written through it
    #[arg(long)]
    pub(crate) read_only: bool,
    /// private, shared, slave or unbindable; with a leading r the mounts below the source are bound too
    #[arg(long, value_name = "WORD", default_value = "private")]
    pub(crate) propagation: PropagationWord,
    #[arg(value_name = "SRC")]
    pub(crate) source: OsString,
    #[arg(value_name = "DST")]
    pub(crate) destination: OsString,
}

impl Question {
    /// The word for it on the command line and in JSON.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Device { .. } => "device",
            Self::Backing { .. } => "backing",
            Self::Mount { .. } => "mount",
            Self::Volume { .. } => "volume",
            Self::Count { .. } => "count",
            Self::Watchable { .. } => "watchable",
            Self::System { .. } => "system",
            Self::HostDevice { .. } => "host-device",
            Self::Table { .. } => "table",
            Self::Bind(_) => "bind",
            Self::RemountRo { .. } => "remount-ro",
            Self::Share { .. } => "share",
            Self::Unshare { .. } => "unshare",
        }
    }
}

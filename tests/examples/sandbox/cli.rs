//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use super::plant::PLANT_FORM;

/// The mounts of a container: classified, shared with its guest, and unmounted.
///
/// Reads an OCI runtime-spec config.json and a captured /proc/<pid>/mountinfo (samples are built in), builds the host
/// that they describe, and runs the sandbox on it from set-up to tear-down. Nothing on this machine changes.
///
/// Exit status: 0 when the story ends with the mount table as it began, 1 when a step failed, 2 for bad input.
#[derive(Debug, Parser)]
#[command(name = "sandbox", after_help = PLANT_FORM)]
pub(crate) struct Cli {
    /// The kernel to build the host on
    #[arg(long, value_enum, default_value_t = BackendName::Fake)]
    pub(crate) backend: BackendName,
    /// The container's OCI runtime-spec config.json [default: a built-in sample]
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    /// The host's captured mountinfo, for the fake [default: a built-in sample]
    #[arg(long, value_name = "FILE")]
    pub(crate) mountinfo: Option<PathBuf>,
    /// More files for the host: see the end of --help
    #[arg(long, value_name = "FILE")]
    pub(crate) plant: Option<PathBuf>,
    /// The container's id [default: the name in the spec's cgroupsPath]
    #[arg(long, value_name = "ID", visible_alias = "container-id")]
    pub(crate) id: Option<String>,
    /// The same for programs: one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// A backend by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// In memory: the whole of the captured host, without any privilege
    Fake,
    /// On this kernel, in a private mount namespace; without root in a user namespace
    Linux,
}

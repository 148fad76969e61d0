//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Runs the process of an OCI bundle in new namespaces, in a root that the library has built.
///
/// A demonstration and a test subject, no runtime: it sets no capabilities, resources, seccomp filter or hooks, and joins no
/// namespace. Without root the bundle needs a user namespace with one mapped id, as `runc spec --rootless` writes it.
///
/// Exit status: that of the process; 2 for a bundle that cannot be run, with one line that says why.
#[derive(Debug, Parser)]
#[command(name = "container")]
pub(crate) struct Cli {
    /// The directory with config.json
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,
    /// Print the steps, what they create on the host and what they leave to a runtime, and do nothing
    #[arg(long)]
    pub(crate) plan: bool,
    /// The kernel to build the root on
    #[arg(long, value_enum, default_value_t = BackendName::Linux)]
    pub(crate) backend: BackendName,
    /// The command to run in the place of process.args
    #[arg(last = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

/// A backend by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// In memory: the root is built and entered, and its mounts are printed; no program runs
    Fake,
    /// On this kernel
    Linux,
}

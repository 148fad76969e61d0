//! The programs that run a bundle.

use std::path::Path;
use std::process::Command;

use crate::bundle::Bundle;
use crate::outcome::{OUTCOME, Rows, rows};

/// A run that takes longer is ended, and counts as refused.
const SECONDS: &str = "20";
/// The directory of the bundles: a tmpfs.
const BUNDLES: &str = "/run/bundles";

/// The programs, in the order of their columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Runc,
    Crun,
    Library,
}

impl Runtime {
    pub(crate) const ALL: [Self; 3] = [Self::Runc, Self::Crun, Self::Library];

    fn command(self, bundle: &Path, id: &str) -> Command {
        let mut command = Command::new("/bin/busybox");
        command.args(["timeout", SECONDS]);
        match self {
            Self::Runc => {
                command.args(["/usr/sbin/runc", "--root", "/run/runc", "run", "--bundle"]).arg(bundle).arg(id)
            }
            Self::Crun => command.args(["/usr/bin/crun", "--root", "/run/crun", "run", "--bundle"]).arg(bundle).arg(id),
            Self::Library => command.args(["/usr/bin/container", "--bundle"]).arg(bundle),
        };
        command
    }

    /// Runs a bundle in a new directory, and removes nothing: the whole root is a mount namespace's own.
    pub(crate) fn run(self, bundle: &Bundle) -> Rows {
        let name: String = bundle.name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        // Of equal length for each: some filesystems print a path.
        let directory = Path::new(BUNDLES).join(match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
            Self::Library => "ours",
        });
        let directory = directory.join(&name);
        std::fs::create_dir_all(&directory).unwrap();
        bundle.make(&directory);
        let output = self.command(&directory, &format!("mw-{name}")).output().expect("busybox starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut rows = rows(&text, &directory);
        let said = String::from_utf8_lossy(&output.stderr);
        if !rows.keys().any(|key| key.starts_with("write ")) {
            rows.clear();
            println!("  {} | {self:?}: {}", bundle.name(), said.lines().next_back().unwrap_or("no message"));
        }
        rows.insert(OUTCOME.into(), if rows.is_empty() { "refused" } else { "runs" }.into());
        rows
    }
}

//! The plan of a container's root filesystem.

use std::fmt;

use camino::Utf8Path;
use serde::{Deserialize, Serialize};

use crate::rootfs::difference::lines_that_differ;
use crate::rootfs::identities::Identities;
use crate::rootfs::step::{Preparation, Step};

/// The plan of a container's root filesystem: a value that changes nothing by itself.
///
/// It has three groups of steps: the preparation of the mount namespace, the build of the root, and those that finish it once
/// the process has entered it (a shared root cannot be entered, and a tmpfs that becomes read-only is filled first).
/// `Display` numbers them, one on each line. Equal plans do the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootfsPlan {
    pub(crate) prepare: Preparation,
    pub(crate) build: Vec<Step>,
    pub(crate) finish: Vec<Step>,
    pub(crate) not_mine: Vec<String>,
    pub(crate) cgroups_path: Option<String>,
    pub(crate) identities: Identities,
}

impl RootfsPlan {
    /// The JSON paths of what the specification has and no plan acts on: hooks, the process, resources, seccomp.
    pub fn not_mine(&self) -> &[String] {
        &self.not_mine
    }

    /// The directory on the host that becomes the root.
    pub fn image(&self) -> Option<&Utf8Path> {
        self.build.iter().find_map(|step| if let Step::Root { image } = step { Some(image.as_path()) } else { None })
    }

    /// True where the build needs the terminal of the container (`process.terminal`).
    pub fn needs_terminal(&self) -> bool {
        self.build.iter().any(|step| matches!(step, Step::Console { .. }))
    }

    /// Leaves the root writable and without masks until [the steps that finish it](Self), for hooks that run between the mounts and
    /// the entry into the root and write to it.
    pub fn with_hooks(mut self) -> Self {
        let is_late = |step: &Step| matches!(step, Step::Mask { .. } | Step::ReadOnlyPath { .. } | Step::ReadOnlyRoot);
        let (late, now): (Vec<_>, Vec<_>) = self.build.into_iter().partition(is_late);
        self.build = now;
        self.finish.splice(0..0, late);
        self
    }

    /// The lines that differ in another plan: `- ` before a step that is here alone, `+ ` before one that is there alone.
    /// Empty exactly if both plans have the same steps.
    pub fn difference(&self, other: &Self) -> Vec<String> {
        lines_that_differ(&self.lines(), &other.lines())
    }

    /// The steps as values to compare, with the text of each.
    fn lines(&self) -> Vec<Line<'_>> {
        let prepare = std::iter::once(Line {
            step: Comparable::Prepare(self.prepare),
            text: format!("prepare: {}", self.prepare),
        });
        let build =
            self.build.iter().map(|step| Line { step: Comparable::Build(step), text: format!("build: {step}") });
        let finish =
            self.finish.iter().map(|step| Line { step: Comparable::Finish(step), text: format!("finish: {step}") });
        prepare.chain(build).chain(finish).collect()
    }
}

/// A step with its group: two that are equal do the same, although secrets are left out of the text of both.
#[derive(PartialEq)]
enum Comparable<'a> {
    Prepare(Preparation),
    Build(&'a Step),
    Finish(&'a Step),
}

/// A step, and its line.
struct Line<'a> {
    step: Comparable<'a>,
    text: String,
}

impl PartialEq for Line<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.step == other.step
    }
}

impl AsRef<str> for Line<'_> {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RootfsPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "prepare the mount namespace")?;
        writeln!(f, "  {}", self.prepare)?;
        writeln!(f, "build the root")?;
        let width = (self.build.len() + self.finish.len()).to_string().len();
        for (number, step) in (1..).zip(&self.build) {
            writeln!(f, "  {number:width$}. {step}")?;
        }
        if !self.finish.is_empty() {
            writeln!(f, "finish it, once the process is in it")?;
        }
        for (number, step) in (self.build.len() + 1..).zip(&self.finish) {
            writeln!(f, "  {number:width$}. {step}")?;
        }
        Ok(())
    }
}

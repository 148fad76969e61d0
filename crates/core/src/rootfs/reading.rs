//! Plans from specifications.

use camino::Utf8Path;

use crate::mount::FilesystemOption;
use crate::rootfs::BadConfig;
use crate::rootfs::config::{RuntimeConfig, Value};
use crate::rootfs::devices;
use crate::rootfs::fields::{At, Fields};
use crate::rootfs::identities::Identities;
use crate::rootfs::linux::{NOT_MINE, Shape};
use crate::rootfs::mounts;
use crate::rootfs::places::cleaned;
use crate::rootfs::plan::RootfsPlan;
use crate::rootfs::step::{LABEL, NewFilesystem, Step};

/// The fields of the whole that a plan reads.
const MINE: [&str; 4] = ["root", "mounts", "linux", "process"];

impl RootfsPlan {
    /// Makes the plan of a specification. `bundle` is the directory that holds it, an absolute path: `root.path` and the
    /// sources of binds are relative to it.
    ///
    /// * Read are `root`, `mounts`, of `linux` the `devices`, `maskedPaths`, `readonlyPaths`, `rootfsPropagation`,
    ///   `mountLabel`, `uidMappings`, `gidMappings`, `namespaces` and `cgroupsPath`, and `process.terminal`.
    ///   [`not_mine`](Self::not_mine) lists the others that are there.
    /// * Refused are a field of those objects that the specification does not know, and a field whose name differs from one that
    ///   is read in its letters' case alone.
    /// * Refused are a destination that is no absolute path or is `/`; one inside `/proc` that is not one of the files that runc
    ///   and crun allow; an option word that is not served; a filesystem, an id or a device that the container's user namespace
    ///   cannot have; mounts with id maps; and a specification without a mount namespace.
    /// * `mountLabel` is the option `context` of each new filesystem that has labels of its own files: not of procfs, sysfs and
    ///   cgroups, nor of mqueue, whose superblock is the ipc namespace's. An option `context` of a mount comes before it.
    /// * `null` counts as absent. Mounts keep their order, but those on `/proc` and inside it come after the others: a symlink that
    ///   another process exchanges during the build leads no other mount over a file of procfs (CVE-2025-52881).
    ///
    /// # Errors
    ///
    /// [`BadConfig`]: the first value that cannot be used, with its JSON path.
    ///
    /// ```
    /// use mountwright_core::rootfs::{RootfsPlan, RuntimeConfig};
    ///
    /// let config: RuntimeConfig = serde_json::from_str(
    ///     r#"{"root": {"path": "rootfs"}, "linux": {"namespaces": [{"type": "mount"}]}, "mounts": [
    ///         {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "nosiud"]}]}"#,
    /// )?;
    /// let plan = RootfsPlan::from_config(&config, "/bundle".into())?;
    /// assert!(plan.to_string().contains("2. /proc: new proc (nosuid,nosiud)"), "{plan}");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_config(config: &RuntimeConfig, bundle: &Utf8Path) -> Result<Self, BadConfig> {
        let whole = At { path: String::new(), value: &config.0 };
        let mut fields = match &config.0 {
            Value::Object(_) => whole.fields()?,
            other => return Err(BadConfig::new("(whole)", format!("expected an object, found {}", other.kind()))),
        };
        if !bundle.is_absolute() {
            return Err(BadConfig::new("root.path", format!("the bundle {bundle:?} is not an absolute path")));
        }
        let (root, read_only) = read_root(&mut fields, bundle)?;
        let process = fields.take("process");
        let (terminal, not_of_process) = process.as_ref().map_or_else(|| Ok((false, Vec::new())), read_process)?;
        let linux = fields.required("linux")?;
        let mut linux = linux.fields()?;
        let identities = Identities::read(&mut linux)?;
        let shape = Shape::read(&mut linux)?;
        let entries = fields.list("mounts")?;
        let step = |entry| mounts::step(entry, bundle, &identities).map(|step| labelled(step, shape.label.as_ref()));
        let mounts = entries.iter().map(step);
        let mounts = procfs_last(mounts.collect::<Result<Vec<_>, _>>()?);
        let dev = devices::steps(&mut linux, &mounts, &identities)?;
        let mut not_mine = fields.others(&MINE)?;
        not_mine.extend(not_of_process);
        not_mine.extend(others_of_linux(&mut linux));
        linux.nothing_left()?;
        let mut plan = Self {
            prepare: shape.preparation(),
            build: vec![Step::Root { image: root }],
            finish: mounts.iter().filter_map(made_read_only_later).collect(),
            not_mine,
            cgroups_path: shape.cgroups_path.clone(),
            identities,
        };
        plan.finish.extend(shape.finish());
        plan.build.extend(mounts.into_iter().chain(dev));
        plan.build.extend(terminal.then(|| Step::Console { at: "/dev/console".into() }));
        plan.build.extend(shape.masked.into_iter().map(|at| Step::Mask { at, label: shape.label.clone() }));
        plan.build.extend(shape.read_only.into_iter().map(|at| Step::ReadOnlyPath { at }));
        plan.build.extend(read_only.then_some(Step::ReadOnlyRoot));
        Ok(plan)
    }
}

fn read_root(fields: &mut Fields<'_>, bundle: &Utf8Path) -> Result<(camino::Utf8PathBuf, bool), BadConfig> {
    let mut root = fields.required("root")?.fields()?;
    let path = root.required("path")?;
    let read_only = root.take("readonly").map_or(Ok(false), |value| value.bool())?;
    root.nothing_left()?;
    Ok((bundle.join(path.name()?), read_only))
}

/// `process.terminal`, and the paths of the other fields.
fn read_process(process: &At<'_>) -> Result<(bool, Vec<String>), BadConfig> {
    let mut fields = process.fields()?;
    let terminal = fields.take("terminal").map_or(Ok(false), |value| value.bool())?;
    Ok((terminal, fields.others(&["terminal"])?))
}

fn others_of_linux(linux: &mut Fields<'_>) -> Vec<String> {
    NOT_MINE.iter().filter_map(|name| linux.take(name)).map(|other| other.path).collect()
}

/// The mounts in their order, those on `/proc` and inside it last.
fn procfs_last(mounts: Vec<Step>) -> Vec<Step> {
    let is_inside = |step: &Step| step.place().is_some_and(|at| cleaned(at).starts_with("/proc"));
    let (inside, mut all): (Vec<_>, Vec<_>) = mounts.into_iter().partition(is_inside);
    all.extend(inside);
    all
}

/// Filesystems whose files have the labels of the policy, whatever the mount says.
const LABELLED_BY_POLICY: [&str; 3] = ["proc", "sysfs", "mqueue"];

/// The step with the label of the container's files, where it mounts a filesystem that takes one.
fn labelled(mut step: Step, label: Option<&String>) -> Step {
    if let (Step::Filesystem(new), Some(label)) = (&mut step, label)
        && !LABELLED_BY_POLICY.contains(&new.fs_type.as_str())
        && !new.options.filesystem.iter().any(|option| option.key == LABEL)
    {
        new.options.filesystem.push(FilesystemOption::with_value(LABEL, label));
    }
    step
}

/// A read-only tmpfs is filled first: targets of mounts, devices and links are created in it. So is the tmpfs that holds the
/// hierarchies of cgroups on a host of version 1.
fn made_read_only_later(step: &Step) -> Option<Step> {
    match step {
        Step::Filesystem(NewFilesystem { at, fs_type, options, .. })
            if fs_type == "tmpfs" && options.is_read_only() =>
        {
            Some(Step::ReadOnlyMount { at: at.clone() })
        }
        Step::Cgroups { at, options } if options.is_read_only() => Some(Step::ReadOnlyMount { at: at.clone() }),
        _ => None,
    }
}

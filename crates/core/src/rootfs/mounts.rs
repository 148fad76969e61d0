//! Mounts of a specification as steps.

use camino::{Utf8Path, Utf8PathBuf};

use crate::rootfs::BadConfig;
use crate::rootfs::fields::At;
use crate::rootfs::identities::Identities;
use crate::rootfs::options::Options;
use crate::rootfs::owner_map::{self, Owners};
use crate::rootfs::places::refusal;
use crate::rootfs::step::{NewFilesystem, Step};

/// The filesystems of which a user namespace mounts the one of a namespace that it owns, with that namespace.
const OF_A_NAMESPACE: [(&str, &str); 3] = [("proc", "pid"), ("sysfs", "network"), ("mqueue", "ipc")];

/// The step of an entry.
pub(crate) fn step(entry: &At<'_>, bundle: &Utf8Path, identities: &Identities) -> Result<Step, BadConfig> {
    let mut fields = entry.fields()?;
    let destination = fields.required("destination")?;
    let (fs_type, source) = (fields.take("type"), fields.take("source"));
    let mut options = Options::read(&fields.list("options")?)?;
    let owners = owner_map::take(&mut fields, &mut options, identities)?;
    fields.nothing_left()?;
    let at = destination.inner_path()?;
    if let Some(reason) = refusal(&at) {
        return Err(destination.bad(format!("{at:?}: {reason}")));
    }
    let type_name = fs_type.as_ref().map(At::text).transpose()?.unwrap_or_default();
    if options.read.bind.is_some() {
        return bind(entry, at, source.as_ref(), (options, owners), bundle);
    }
    if type_name == "bind" {
        let path = format!("{}.options", entry.path);
        return Err(BadConfig::new(path, "the type is bind, and no option is bind or rbind"));
    }
    if type_name.is_empty() {
        let path = format!("{}.type", entry.path);
        return Err(BadConfig::new(path, "it is missing, and no option is bind or rbind"));
    }
    new_filesystem(fs_type.as_ref().unwrap_or(entry), at, source.as_ref(), &options, identities)
}

fn bind(
    entry: &At<'_>,
    at: Utf8PathBuf,
    source: Option<&At<'_>>,
    (options, owners): (Options<'_>, Owners),
    bundle: &Utf8Path,
) -> Result<Step, BadConfig> {
    let source =
        source.ok_or_else(|| BadConfig::new(format!("{}.source", entry.path), "it is missing: a bind has one"))?;
    let source = bundle.join(source.name()?);
    options.must_suit_a_bind()?;
    Ok(Step::Bind { at, source, options: options.read, owners })
}

fn new_filesystem(
    fs_type: &At<'_>,
    at: Utf8PathBuf,
    source: Option<&At<'_>>,
    options: &Options<'_>,
    identities: &Identities,
) -> Result<Step, BadConfig> {
    let name = fs_type.text()?;
    options.must_suit_a_filesystem(name)?;
    if identities.has("user") {
        must_suit_a_user_namespace(fs_type, name, options, identities)?;
    }
    let source = source.map(At::text).transpose()?.filter(|source| !source.is_empty()).map(str::to_owned);
    if ["cgroup", "cgroup2"].contains(&name) {
        return match options.read.filesystem.first() {
            Some(option) => Err(options.refuse(&option.key.to_string_lossy(), "the host decides on the hierarchies")),
            None => Ok(Step::Cgroups { at, options: options.read.clone() }),
        };
    }
    Ok(Step::Filesystem(NewFilesystem { at, fs_type: name.to_owned(), source, options: options.read.clone() }))
}

fn must_suit_a_user_namespace(
    fs_type: &At<'_>,
    name: &str,
    options: &Options<'_>,
    identities: &Identities,
) -> Result<(), BadConfig> {
    if let Some((_, kind)) = OF_A_NAMESPACE.iter().find(|(of, kind)| *of == name && !identities.has(kind)) {
        return Err(fs_type.bad(format!("a user namespace mounts {name} with a {kind} namespace of its own alone")));
    }
    for option in &options.read.filesystem {
        let id = option.value.as_ref().and_then(|value| value.to_str()?.parse().ok());
        let is_mapped = match (option.key.to_str(), id) {
            (Some("uid"), Some(id)) => identities.maps_uid(id),
            (Some("gid"), Some(id)) => identities.maps_gid(id),
            _ => true,
        };
        if !is_mapped {
            let word = format!("{}={}", option.key.display(), id.unwrap_or_default());
            return Err(
                options.refuse(&word, &format!("{} has no mapping in the user namespace", id.unwrap_or_default()))
            );
        }
    }
    Ok(())
}

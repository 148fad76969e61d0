//! Namespaces of a container and its id maps.

use serde::{Deserialize, Serialize};

use crate::rootfs::BadConfig;
use crate::rootfs::fields::{At, Fields};

/// The types of namespaces that a specification knows.
const TYPES: [&str; 8] = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];

/// A namespace of the container: a new one, or the one at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Namespace {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) path: Option<String>,
}

/// A range of ids, inside and outside the container's user namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdRange {
    pub(crate) inside: u32,
    pub(crate) outside: u32,
    pub(crate) size: u32,
}

/// The namespaces of a container, and the id maps of its user namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identities {
    pub(crate) namespaces: Vec<Namespace>,
    pub(crate) uids: Vec<IdRange>,
    pub(crate) gids: Vec<IdRange>,
}

impl Identities {
    pub(crate) fn read(linux: &mut Fields<'_>) -> Result<Self, BadConfig> {
        let path = linux.path_of("namespaces");
        let mut namespaces: Vec<Namespace> = Vec::new();
        for entry in linux.list("namespaces")? {
            let namespace = read_namespace(&entry)?;
            if namespaces.iter().any(|other| other.kind == namespace.kind) {
                return Err(entry.bad(format!("a second namespace of type {:?}", namespace.kind)));
            }
            namespaces.push(namespace);
        }
        let uids = linux.list("uidMappings")?.iter().map(read_range).collect::<Result<Vec<_>, _>>()?;
        let gids = linux.list("gidMappings")?.iter().map(read_range).collect::<Result<Vec<_>, _>>()?;
        let identities = Self { namespaces, uids, gids };
        if !identities.has("mount") {
            return Err(BadConfig::new(path, "no \"mount\": a root is built in a mount namespace of its own"));
        }
        let maps = [("uidMappings", &identities.uids), ("gidMappings", &identities.gids)];
        for (name, map) in maps {
            let reason = match (identities.new_user_namespace(), identities.has("user"), map.is_empty()) {
                (true, _, true) => "it is missing: the container has a new user namespace",
                (_, false, false) => "the container has no user namespace",
                _ => continue,
            };
            return Err(BadConfig::new(linux.path_of(name), reason));
        }
        Ok(identities)
    }

    /// True where the container has a namespace of this type of its own or joins one.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.namespaces.iter().any(|namespace| namespace.kind == kind)
    }

    fn new_user_namespace(&self) -> bool {
        self.namespaces.iter().any(|namespace| namespace.kind == "user" && namespace.path.is_none())
    }

    /// False of a user id that is known to have no mapping.
    pub(crate) fn maps_uid(&self, id: u32) -> bool {
        maps(&self.uids, id)
    }

    /// False of a group id that is known to have no mapping.
    pub(crate) fn maps_gid(&self, id: u32) -> bool {
        maps(&self.gids, id)
    }
}

fn maps(ranges: &[IdRange], id: u32) -> bool {
    ranges.is_empty() || ranges.iter().any(|range| id.checked_sub(range.inside).is_some_and(|at| at < range.size))
}

fn read_namespace(entry: &At<'_>) -> Result<Namespace, BadConfig> {
    let mut fields = entry.fields()?;
    let kind = fields.required("type")?;
    let path = fields.take("path").map(|path| path.text()).transpose()?.filter(|path| !path.is_empty());
    fields.nothing_left()?;
    let name = kind.text()?;
    if !TYPES.contains(&name) {
        return Err(kind.bad(format!("{name:?} is no type of namespace: expected one of {}", TYPES.join(", "))));
    }
    Ok(Namespace { kind: name.to_owned(), path: path.map(str::to_owned) })
}

pub(crate) fn read_range(entry: &At<'_>) -> Result<IdRange, BadConfig> {
    let mut fields = entry.fields()?;
    let inside = fields.required("containerID")?.number(u32::MAX - 1)?;
    let outside = fields.required("hostID")?.number(u32::MAX - 1)?;
    let size = fields.required("size")?;
    let count = size.number(u32::MAX)?;
    fields.nothing_left()?;
    match count {
        0 => Err(size.bad("the range is empty")),
        _ if inside.max(outside).checked_add(count).is_none() => Err(size.bad("the range ends above the last id")),
        size => Ok(IdRange { inside, outside, size }),
    }
}

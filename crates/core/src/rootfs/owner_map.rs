//! The map of owners of a mount.

use crate::mount::{IdMap, IdRange, Recursion};
use crate::rootfs::BadConfig;
use crate::rootfs::fields::{At, Fields};
use crate::rootfs::identities::{Identities, read_range};
use crate::rootfs::options::Options;

/// The map of a mount, and the mounts that get it.
pub(crate) type Owners = Option<(IdMap, Recursion)>;

const NAMES: [&str; 2] = ["uidMappings", "gidMappings"];

/// Takes `uidMappings`, `gidMappings` and the words `idmap` and `ridmap` of an entry.
pub(crate) fn take(
    fields: &mut Fields<'_>,
    options: &mut Options<'_>,
    identities: &Identities,
) -> Result<Owners, BadConfig> {
    let given = NAMES.map(|name| fields.take(name).map(|list| Ok((list.list()?, list))).transpose());
    let [uids, gids] = given.map(|list| list.map(|list| list.filter(|(ranges, _)| !ranges.is_empty())));
    let reach = options.read.id_map.take();
    let word = if reach == Some(Recursion::Tree) { "ridmap" } else { "idmap" };
    match (uids?, gids?) {
        (None, None) if reach.is_none() => Ok(None),
        (None, None) => Err(options.refuse(word, "no ranges: uidMappings and gidMappings are missing")),
        (Some(_), None) => {
            Err(BadConfig::new(fields.path_of(NAMES[1]), "it is missing: users are mapped, and no groups"))
        }
        (None, Some(_)) => {
            Err(BadConfig::new(fields.path_of(NAMES[0]), "it is missing: groups are mapped, and no users"))
        }
        (Some((_, at)), Some(_)) if identities.has("user") => {
            Err(at.bad("a container with a user namespace maps no owners of the host's filesystems"))
        }
        (Some((uids, _)), Some((gids, _))) if options.read.bind.is_some() => {
            let map = IdMap::Ranges { uids: ranges(&uids)?, gids: ranges(&gids)? };
            Ok(Some((map, reach.unwrap_or(Recursion::This))))
        }
        (Some((_, at)), Some(_)) => Err(at.bad("owners are mapped by a bind alone")),
    }
}

fn ranges(list: &[At<'_>]) -> Result<Vec<IdRange>, BadConfig> {
    let range = |entry| {
        let read = read_range(entry)?;
        Ok(IdRange { stored: read.inside, shown: read.outside, count: read.size })
    };
    list.iter().map(range).collect()
}

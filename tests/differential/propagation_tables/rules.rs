//! The rules of `Documentation/filesystems/sharedsubtree.rst`, section 5, as functions.
//!
//! Nothing here queries a model or a kernel.

use mountwright_tests::scenario::PropagationBit;

use crate::kind::Kind;
use crate::picture::{Picture, Relation};
use crate::scene::related;

/// The mounts that receive the events of `/b`, if it is shared.
pub(crate) const RECEIVERS: [&str; 5] = ["/p", "/s", "/t", "/u", "/v"];

/// 5b, 5d, 5e: what a mount (or the copy of it) is once it is on the destination. `fresh` names the group of one that had
/// none.
///
/// |                | shared | private | slave          | unbindable             |
/// |----------------|--------|---------|----------------|------------------------|
/// | **shared**     | shared | shared  | shared & slave | invalid                |
/// | **not shared** | shared | private | slave          | unbindable (move only) |
pub(crate) fn landed(source: &Relation, destination: Kind, fresh: &str) -> Relation {
    if !destination.is_shared() {
        return source.clone();
    }
    let group = source.group.clone().unwrap_or_else(|| fresh.to_owned());
    Relation { group: Some(group), master: source.master.clone(), unbindable: false }
}

/// The mount at this place below `/b`, and its copies at every receiver of `/b`'s events: "a propagation tree that has
/// exactly the same configuration as the propagation tree for B".
pub(crate) fn with_copies(landed: &Relation, destination: Kind, below: &str, fresh: &str) -> Picture {
    let mut picture = Picture::default();
    picture.put(format!("/b{below}"), landed.clone());
    if destination.is_shared() {
        let group = landed.group.as_deref();
        let slave_group = format!("{fresh}, of /t");
        picture.put(format!("/p{below}"), landed.clone());
        picture.put(format!("/s{below}"), related(None, group));
        picture.put(format!("/t{below}"), related(Some(&slave_group), group));
        picture.put(format!("/u{below}"), related(Some(&slave_group), group));
        picture.put(format!("/v{below}"), related(None, Some(&slave_group)));
    }
    picture
}

/// 5a: what a mount becomes. `has_peers`: others are in its group.
///
/// |                    | shared         | slave         | private | unbindable |
/// |--------------------|----------------|---------------|---------|------------|
/// | **shared**         | shared         | slave/private | private | unbindable |
/// | **slave**          | shared & slave | slave         | private | unbindable |
/// | **shared & slave** | shared & slave | slave         | private | unbindable |
/// | **private**        | shared         | private       | private | unbindable |
/// | **unbindable**     | shared         | unbindable    | private | unbindable |
///
/// "If the shared mount is the only mount in its peer group, making it slave makes it private automatically."
pub(crate) fn changed(before: &Relation, to: PropagationBit, has_peers: bool, fresh: &str) -> Relation {
    let Relation { group, master, .. } = before.clone();
    match to {
        PropagationBit::Shared => {
            Relation { group: group.or_else(|| Some(fresh.to_owned())), master, unbindable: false }
        }
        PropagationBit::Slave if group.is_some() => {
            Relation { group: None, master: if has_peers { group } else { master }, unbindable: false }
        }
        PropagationBit::Slave => before.clone(),
        PropagationBit::Private => Relation::default(),
        PropagationBit::Unbindable => Relation { unbindable: true, ..Relation::default() },
        other => unreachable!("{other:?} is no propagation type"),
    }
}

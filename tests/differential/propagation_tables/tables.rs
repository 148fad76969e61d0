//! Every cell of every table, made from the types that its row and its column stand for.

use mountwright_core::Errno;
use mountwright_tests::scenario::PropagationBit;

use crate::cell::Cell;
use crate::kind::Kind;
use crate::picture::{Picture, Relation};
use crate::rules::{RECEIVERS, changed, landed, with_copies};
use crate::scene::{Scene, related};

/// All cells of all tables.
pub(crate) fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for destination in Kind::ALL {
        cells.push(mounted(destination));
        for source in Kind::ALL {
            cells.push(bound(source, None, destination));
            cells.push(moved(source, None, destination));
            for child in Kind::ALL {
                cells.push(bound(source, Some(child), destination));
                cells.push(moved(source, Some(child), destination));
            }
        }
        cells.push(unmounted(destination, None));
        for to in TYPES {
            cells.push(unmounted(destination, Some(to)));
        }
        if destination.is_slave() {
            cells.push(unmounted_at_master(destination));
        }
        if destination.is_shared() {
            for keeper in RECEIVERS.into_iter().chain(["/b"]) {
                cells.push(unmounted_with_a_child(destination, keeper));
            }
        }
    }
    for kind in Kind::ALL {
        for to in TYPES {
            cells.push(retyped(kind, to, true));
            if kind.is_shared() {
                cells.push(retyped(kind, to, false));
            }
        }
    }
    cells
}

const TYPES: [PropagationBit; 4] =
    [PropagationBit::Shared, PropagationBit::Slave, PropagationBit::Private, PropagationBit::Unbindable];

fn word(to: PropagationBit) -> String {
    format!("{to:?}").to_lowercase()
}

/// 5e
fn mounted(destination: Kind) -> Cell {
    let mut scene = Scene::default();
    scene.destination(destination);
    let mut after = scene.picture.clone();
    after.add(with_copies(&landed(&Relation::default(), destination, "new"), destination, "/x", "new"));
    scene.cell(format!("mount on {}", destination.name()), "tmpfs /b/x", Ok(after))
}

fn arrived(source: &Relation, destination: Kind, below: &str, fresh: &str) -> Picture {
    with_copies(&landed(source, destination, fresh), destination, below, fresh)
}

/// 5b and, with a child, 5c: each mount of the tree as 5b says; what is unbindable is left out.
fn bound(source: Kind, child: Option<Kind>, destination: Kind) -> Cell {
    let scene = Scene::of(source, child, destination);
    let after = if source == Kind::Unbindable {
        Err(Errno::EINVAL)
    } else {
        let mut after = scene.picture.clone();
        after.add(arrived(&scene.picture.at("/a"), destination, "/x", "new"));
        if child.is_some_and(|child| child != Kind::Unbindable) {
            after.add(arrived(&scene.picture.at("/a/k"), destination, "/x/k", "new child"));
        }
        Ok(after)
    };
    let bind = if child.is_some() { "rbind" } else { "bind" };
    scene.cell(of_tree(bind, source, child, destination), &format!("{bind} /a /b/x"), after)
}

/// The name of a cell about a tree.
fn of_tree(call: &str, source: Kind, child: Option<Kind>, destination: Kind) -> String {
    let with = child.map(|child| format!(" with {}", child.name())).unwrap_or_default();
    format!("{call} {}{with} on {}", source.name(), destination.name())
}

/// 5d
fn moved(source: Kind, child: Option<Kind>, destination: Kind) -> Cell {
    let scene = Scene::of(source, child, destination);
    let some_unbindable = source == Kind::Unbindable || child == Some(Kind::Unbindable);
    let after = if some_unbindable && destination.is_shared() {
        Err(Errno::EINVAL)
    } else {
        let mut after = scene.picture.clone();
        let top = after.take("/a");
        after.add(arrived(&top, destination, "/x", "new"));
        if child.is_some() {
            let below = after.take("/a/k");
            after.add(arrived(&below, destination, "/x/k", "new child"));
        }
        Ok(after)
    };
    scene.cell(of_tree("move", source, child, destination), "move /a /b/x", after)
}

/// A mount on `/b/x` (by way of the master of a slave), with its copies.
fn mounted_scene(destination: Kind, by_master: bool) -> Scene {
    let mut scene = Scene::default();
    scene.destination(destination);
    if by_master {
        scene.does("tmpfs /m/x");
        scene.picture.put("/m/x", related(Some("new M"), None));
        let group = destination.is_shared().then_some("new B");
        scene.picture.add(with_copies(&related(group, Some("new M")), destination, "/x", "new"));
    } else {
        scene.does("tmpfs /b/x");
        scene.picture.add(arrived(&Relation::default(), destination, "/x", "new"));
    }
    scene
}

/// 5f: an unmount there propagates to all receivers of `/b`, whatever the type of the unmounted mount is.
fn unmounted(destination: Kind, child: Option<PropagationBit>) -> Cell {
    let mut scene = mounted_scene(destination, destination == Kind::Slave);
    if let Some(to) = child {
        scene.does(&format!("{} /b/x", word(to)));
        let has_peers = destination.is_shared();
        let relation = changed(&scene.picture.at("/b/x"), to, has_peers, "made shared");
        scene.picture.put("/b/x", relation);
    }
    let mut after = scene.picture.clone();
    after.take("/b/x");
    if destination.is_shared() {
        for receiver in RECEIVERS {
            after.take(&format!("{receiver}/x"));
        }
    }
    scene.cell(
        format!("unmount {} from {}", child.map_or("it".to_owned(), |to| format!("{to:?}")), destination.name()),
        "umount /b/x",
        Ok(after),
    )
}

/// 5f, seen from the slave: it receives the events of its master.
fn unmounted_at_master(destination: Kind) -> Cell {
    let scene = mounted_scene(destination, true);
    let mut after = scene.picture.clone();
    for at in ["/m", "/b"].into_iter().chain(RECEIVERS) {
        after.take(&format!("{at}/x"));
    }
    scene.cell(format!("unmount at the master of {}", destination.name()), "umount /m/x", Ok(after))
}

/// 5f: "if any of these mounts has some sub-mounts, then that mount is not unmounted, but all others are", and one that is to
/// be unmounted itself is busy.
fn unmounted_with_a_child(destination: Kind, keeper: &str) -> Cell {
    let mut scene = mounted_scene(destination, false);
    let (kept, child) = (format!("{keeper}/x"), format!("{keeper}/x/y"));
    // Private, so that the child is on this one alone.
    scene.does(&format!("mkdir /b/x/y; private {kept}; tmpfs {child}"));
    scene.picture.put(&kept, Relation::default());
    scene.picture.put(&child, Relation::default());
    let after = if keeper == "/b" {
        Err(Errno::EBUSY)
    } else {
        let mut after = scene.picture.clone();
        for at in ["/b"].into_iter().chain(RECEIVERS).filter(|at| *at != keeper) {
            after.take(&format!("{at}/x"));
        }
        Ok(after)
    };
    scene.cell(format!("unmount from {}, a child at {keeper}", destination.name()), "umount /b/x", after)
}

/// 5a
fn retyped(kind: Kind, to: PropagationBit, has_peers: bool) -> Cell {
    let mut scene = Scene::default();
    scene.source(kind, None);
    if kind.is_shared() && !has_peers {
        scene.does("umount /aq");
        scene.picture.take("/aq");
    }
    let mut after = scene.picture.clone();
    let relation = changed(&scene.picture.at("/a"), to, has_peers && kind.is_shared(), "new");
    after.put("/a", relation);
    let alone = if kind.is_shared() && !has_peers { " alone" } else { "" };
    scene.cell(format!("make {}{alone} {to:?}", kind.name()), &format!("{} /a", word(to)), Ok(after))
}

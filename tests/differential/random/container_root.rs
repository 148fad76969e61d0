//! Operations of a container's root, without places.

use mountwright_tests::scenario::{Attribute, DeviceNumber, IdRanges, MountFlag, NodeKind, Octal, Operation, Place};
use proptest::prelude::*;
use proptest::sample::select;

/// A place that a pick replaces.
fn here() -> Place {
    Place::Path(String::new())
}

/// New filesystems with their options. The machine's control groups and procfs, whose names are each machine's own, are not
/// among them.
const FILESYSTEMS: [(&str, &str); 9] = [
    ("tmpfs", "mode=755"),
    ("tmpfs", "mode=1777,uid=5,gid=6,size=64k"),
    ("tmpfs", "nosuch"),
    ("ramfs", "mode=700"),
    ("devpts", "newinstance,ptmxmode=0666,mode=0620,gid=5"),
    ("devpts", "uid=1000,max=7"),
    ("devpts", "ptmxmode=x"),
    ("mqueue", ""),
    ("mqueue", "ro"),
];

/// Nodes whose opening harms no machine.
const NODES: [(NodeKind, u32, u32); 7] = [
    (NodeKind::Char, 1, 3),
    (NodeKind::Char, 1, 5),
    (NodeKind::Char, 1, 7),
    (NodeKind::Char, 0, 0),
    (NodeKind::Block, 0, 0),
    (NodeKind::Fifo, 0, 0),
    (NodeKind::Socket, 0, 0),
];

const MODES: [u32; 7] = [0o777, 0o755, 0o700, 0o666, 0o1777, 0o2775, 0o6755];
const IDS: [u32; 8] = [0, 5, 6, 1000, 1005, 1006, 65534, u32::MAX];
const MASKS: [u32; 4] = [0, 0o022, 0o027, 0o077];
const TREES: [&str; 3] = ["t", "u", "v"];

/// Maps that have root, lack it, exchange owners, and none.
fn id_map() -> BoxedStrategy<IdRanges> {
    let maps: Vec<Vec<(u32, u32, u32)>> = vec![
        vec![(0, 1000, 100), (65534, 65534, 1)],
        vec![(1000, 0, 100)],
        vec![(0, 0, 1), (65534, 65534, 1)],
        vec![(0, 65534, 1), (65534, 0, 1)],
        vec![(0, 0, 70000)],
        vec![(5, 6, 1), (6, 5, 1), (0, 0, 1)],
        vec![],
    ];
    select(maps).prop_map(IdRanges).boxed()
}

fn idmap_words() -> BoxedStrategy<(Vec<Attribute>, Vec<Attribute>)> {
    use Attribute::{Idmap, Nosuid, Rdonly};
    prop_oneof![
        10 => Just((vec![Idmap], vec![])),
        2 => Just((vec![Idmap, Rdonly], vec![])),
        2 => Just((vec![Idmap], vec![Idmap])),
        2 => Just((vec![], vec![Idmap])),
        1 => Just((vec![Idmap, Nosuid], vec![])),
    ]
    .boxed()
}

fn set_id_map() -> BoxedStrategy<Operation> {
    (idmap_words(), proptest::option::weighted(0.95, id_map()), any::<bool>())
        .prop_map(|((set, clear), id_map, recursive)| Operation::Setattr {
            target: here(),
            set,
            clear,
            propagation: None,
            recursive,
            nofollow: false,
            id_map,
        })
        .boxed()
}

fn open_tree_attr() -> BoxedStrategy<Operation> {
    let depth = prop_oneof![4 => Just((true, false)), 4 => Just((true, true)), 1 => Just((false, false))];
    (proptest::option::weighted(0.9, select(TREES.to_vec())), depth, idmap_words(), id_map())
        .prop_map(|(fd, (clone, recursive), (set, clear), id_map)| Operation::OpenTreeAttr {
            fd: fd.map(str::to_owned),
            path: here(),
            clone,
            recursive,
            set,
            clear,
            id_map: Some(id_map),
        })
        .boxed()
}

fn detached_filesystem() -> BoxedStrategy<Operation> {
    let attributes = prop_oneof![3 => Just(vec![]), 1 => Just(vec![Attribute::Nosuid, Attribute::Nodev])];
    (select(TREES.to_vec()), select(FILESYSTEMS.to_vec()), attributes)
        .prop_map(|(fd, (kind, data), set)| Operation::Fsmount {
            fd: Some(fd.to_owned()),
            kind: kind.to_owned(),
            options: data.split(',').filter(|option| !option.is_empty()).map(str::to_owned).collect(),
            set,
        })
        .boxed()
}

pub(crate) fn container_operations() -> Vec<(u32, BoxedStrategy<Operation>)> {
    let octal = |all: &[u32]| select(all.to_vec()).prop_map(Octal).boxed();
    let flags = prop_oneof![4 => Just(vec![]), 1 => Just(vec![MountFlag::Ro]), 1 => Just(vec![MountFlag::Nodev, MountFlag::Nosuid])];
    vec![
        (
            8,
            (select(FILESYSTEMS.to_vec()), flags)
                .prop_map(|((kind, data), flags)| Operation::MountNew {
                    target: here(),
                    kind: kind.to_owned(),
                    flags,
                    data: data.to_owned(),
                })
                .boxed(),
        ),
        (5, detached_filesystem()),
        (
            5,
            (select(NODES.to_vec()), octal(&MODES))
                .prop_map(|((kind, major, minor), mode)| Operation::Mknod {
                    path: here(),
                    kind,
                    device: Some(DeviceNumber(major, minor)),
                    mode: Some(mode),
                })
                .boxed(),
        ),
        (4, octal(&MODES).prop_map(|mode| Operation::Mkdir { path: here(), mode: Some(mode) }).boxed()),
        (4, octal(&MODES).prop_map(|mode| Operation::Create { path: here(), mode: Some(mode) }).boxed()),
        (3, octal(&MODES).prop_map(|mode| Operation::Chmod { path: here(), mode: mode.to_string() }).boxed()),
        (
            10,
            (select(IDS.to_vec()), select(IDS.to_vec()))
                .prop_map(|(uid, gid)| Operation::Chown { path: here(), uid, gid })
                .boxed(),
        ),
        (2, octal(&MASKS).prop_map(|mask| Operation::Umask { mask }).boxed()),
        (16, any::<bool>().prop_map(|nofollow| Operation::Attributes { path: here(), nofollow }).boxed()),
        (2, Just(Operation::Statfs { path: here() }).boxed()),
        (14, set_id_map()),
        (8, open_tree_attr()),
        (1, Just(Operation::PivotRoot { new_root: here(), put_old: here() }).boxed()),
    ]
}

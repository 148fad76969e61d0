//! Operations without places.

use mountwright_tests::scenario::{
    AccessMode, Attribute, MountFlag, NodeKind, OneOrMany, OpenMode, Operation, Place, PropagationBit, ResolveFlag,
    UnmountFlag,
};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::Union;

use crate::container_root::container_operations;
use crate::kind::Kind;

/// One operation to come. Its places are chosen when the tables before it are known.
#[derive(Clone, Debug)]
pub(crate) struct Intent {
    pub(crate) what: What,
    /// One for each place of the operation
    pub(crate) picks: [Pick; 2],
    /// Below a threshold: another user than root performs it
    pub(crate) who: u8,
}

impl Intent {
    /// Above every threshold.
    pub(crate) const ROOT: u8 = u8::MAX;
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    /// This, at places to be picked
    Operation(Operation),
    /// The same step once more
    Again,
}

/// A pick of a place. Shrinking moves to the first kind of place and the first of its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    /// Which kind of place, 0 to 99
    pub(crate) class: u8,
    /// Which of them
    pub(crate) index: u16,
    /// By descriptor if below a threshold, 0 to 99
    pub(crate) by_descriptor: u8,
}

fn pick() -> impl Strategy<Value = Pick> {
    (0u8..100, any::<u16>(), 0u8..100).prop_map(|(class, index, by_descriptor)| Pick { class, index, by_descriptor })
}

pub(crate) fn intent(kind: Kind) -> impl Strategy<Value = Intent> {
    let what = prop_oneof![24 => operation(kind).prop_map(What::Operation), 1 => Just(What::Again)];
    (what, [pick(), pick()], 0u8..100).prop_map(|(what, picks, who)| Intent { what, picks, who })
}

/// A place that a pick replaces.
fn here() -> Place {
    Place::Path(String::new())
}

fn some_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> BoxedStrategy<Vec<T>> {
    // Two draws in three out: sets are mostly small.
    proptest::collection::vec(0u8..3, all.len())
        .prop_map(move |draws| draws.iter().zip(all).filter(|(draw, _)| **draw == 2).map(|(_, one)| *one).collect())
        .boxed()
}

const MOUNT_FLAGS: &[MountFlag] = &[
    MountFlag::Ro,
    MountFlag::Nosuid,
    MountFlag::Nodev,
    MountFlag::Noexec,
    MountFlag::Noatime,
    MountFlag::Nodiratime,
    MountFlag::Relatime,
    MountFlag::Strictatime,
    MountFlag::Nosymfollow,
];

const ATTRIBUTES: &[Attribute] = &[
    Attribute::Rdonly,
    Attribute::Nosuid,
    Attribute::Nodev,
    Attribute::Noexec,
    Attribute::Nodiratime,
    Attribute::Nosymfollow,
];

fn mount_flags() -> BoxedStrategy<Vec<MountFlag>> {
    prop_oneof![3 => some_of(MOUNT_FLAGS), 2 => select(MOUNT_FLAGS).prop_map(|flag| vec![flag])].boxed()
}

fn propagation_bits() -> BoxedStrategy<OneOrMany<PropagationBit>> {
    use PropagationBit::{Nosuid, Private, Ro, Shared, Slave, Unbindable};
    prop_oneof![
        12 => Just(OneOrMany::from(Shared)),
        8 => Just(OneOrMany::from(Slave)),
        6 => Just(OneOrMany::from(Private)),
        3 => Just(OneOrMany::from(Unbindable)),
        1 => select(vec![vec![Shared, Slave], vec![Private, Unbindable], vec![Shared, Ro], vec![Private, Nosuid]])
            .prop_map(|bits| bits.into_iter().collect()),
    ]
    .boxed()
}

fn unmount_flags() -> BoxedStrategy<Vec<UnmountFlag>> {
    use UnmountFlag::{Bogus, Detach, Expire, Force, Nofollow};
    let words: Vec<(u32, Vec<UnmountFlag>)> = vec![
        (40, vec![]),
        (24, vec![Detach]),
        (12, vec![Expire]),
        (6, vec![Nofollow]),
        (5, vec![Detach, Nofollow]),
        (3, vec![Force]),
        (1, vec![Expire, Detach]),
        (1, vec![Expire, Force]),
        (1, vec![Bogus]),
    ];
    Union::new_weighted(words.into_iter().map(|(weight, flags)| (weight, Just(flags))).collect()).boxed()
}

fn attribute_change() -> BoxedStrategy<Operation> {
    let atime = prop_oneof![
        6 => Just((vec![], vec![])),
        2 => select(vec![Attribute::Noatime, Attribute::Strictatime, Attribute::Relatime])
            .prop_map(|class| (vec![class], vec![Attribute::AtimeField])),
        // Not the whole field: EINVAL, but for `relatime`, which is no bit at all.
        1 => select(vec![Attribute::Noatime, Attribute::Relatime]).prop_map(|class| (vec![class], vec![])),
        1 => select(vec![Attribute::Noatime, Attribute::Bogus]).prop_map(|class| (vec![], vec![class])),
    ];
    let propagation = prop_oneof![5 => Just(None), 1 => propagation_bits().prop_map(Some)];
    (some_of(ATTRIBUTES), some_of(ATTRIBUTES), atime, propagation, any::<bool>(), 0u8..8)
        .prop_map(|(mut set, mut clear, (class, field), propagation, recursive, nofollow)| {
            set.extend(class);
            clear.extend(field);
            Operation::Setattr {
                target: here(),
                set,
                clear,
                propagation,
                recursive,
                nofollow: nofollow == 0,
                id_map: None,
            }
        })
        .boxed()
}

fn resolve_flags() -> BoxedStrategy<Option<Vec<ResolveFlag>>> {
    use ResolveFlag::{Beneath, InRoot, NoMagiclinks, NoSymlinks, NoXdev};
    prop_oneof![
        2 => Just(None),
        1 => some_of(&[Beneath, InRoot, NoMagiclinks, NoSymlinks, NoXdev]).prop_map(Some),
        1 => select(vec![vec![Beneath], vec![Beneath, NoXdev], vec![Beneath, NoSymlinks], vec![NoXdev]]).prop_map(Some),
    ]
    .boxed()
}

fn open_mode() -> BoxedStrategy<OpenMode> {
    prop_oneof![4 => Just(OpenMode::Path), 2 => Just(OpenMode::R), 2 => Just(OpenMode::W), 2 => Just(OpenMode::Dir)]
        .boxed()
}

/// Names of descriptors that open(2) gives, and close(2) takes.
const DESCRIPTORS: [&str; 3] = ["d", "e", "w"];
/// Names of descriptors that `open_tree` gives.
const TREES: [&str; 3] = ["t", "u", "v"];

fn name_of(names: &[&'static str]) -> BoxedStrategy<Option<String>> {
    select(names.to_vec()).prop_map(|name| Some(name.to_owned())).boxed()
}

fn open() -> BoxedStrategy<Operation> {
    let fd = prop_oneof![1 => Just(None), 2 => name_of(&DESCRIPTORS)];
    (fd, open_mode(), 0u8..6, resolve_flags())
        .prop_map(|(fd, mode, nofollow, resolve)| Operation::Open {
            fd,
            path: here(),
            mode,
            nofollow: nofollow == 0,
            resolve,
        })
        .boxed()
}

fn open_tree() -> BoxedStrategy<Operation> {
    let fd = prop_oneof![1 => Just(None), 6 => name_of(&TREES)];
    let depth = prop_oneof![4 => Just((true, false)), 4 => Just((true, true)), 4 => Just((false, false)), 1 => Just((false, true))];
    (fd, depth, 0u8..5)
        .prop_map(|(fd, (clone, recursive), nofollow)| Operation::OpenTree {
            fd,
            path: here(),
            clone,
            recursive,
            nofollow: nofollow == 0,
        })
        .boxed()
}

fn move_mount() -> BoxedStrategy<Operation> {
    (0u8..8, 0u8..12, 0u8..4, 0u8..4)
        .prop_map(|(beneath, set_group, source_follow, target_follow)| Operation::MoveMount {
            source: here(),
            target: here(),
            beneath: beneath == 0,
            set_group: set_group == 0,
            source_follow: source_follow == 0,
            target_follow: target_follow == 0,
        })
        .boxed()
}

fn mount_operations() -> Vec<(u32, BoxedStrategy<Operation>)> {
    vec![
        (16, any::<bool>().prop_map(|recursive| Operation::Bind { source: here(), target: here(), recursive }).boxed()),
        (
            9,
            prop_oneof![3 => Just(vec![]), 1 => mount_flags()]
                .prop_map(|flags| Operation::MountTmpfs { target: here(), flags })
                .boxed(),
        ),
        (5, Just(Operation::Move { source: here(), target: here() }).boxed()),
        (
            9,
            (propagation_bits(), any::<bool>())
                .prop_map(|(kind, recursive)| Operation::Propagation { target: here(), kind, recursive })
                .boxed(),
        ),
        (12, unmount_flags().prop_map(|flags| Operation::Umount { target: here(), flags }).boxed()),
        (
            6,
            prop_oneof![3 => mount_flags(), 1 => Just(vec![MountFlag::Ro])]
                .prop_map(|flags| Operation::RemountBind { target: here(), flags })
                .boxed(),
        ),
        (
            3,
            prop_oneof![2 => Just(vec![MountFlag::Ro]), 1 => Just(vec![])]
                .prop_map(|flags| Operation::Remount { target: here(), flags })
                .boxed(),
        ),
        (5, attribute_change()),
    ]
}

fn name_operations() -> Vec<(u32, BoxedStrategy<Operation>)> {
    let path = here;
    let link_text = select(vec!["a", "..", "../b", "/a", "/b/a", "f", "/nx"]);
    let node = prop_oneof![1 => Just(NodeKind::Char), 2 => Just(NodeKind::Fifo)];
    vec![
        (5, Just(Operation::Mkdir { path: path(), mode: None }).boxed()),
        (5, Just(Operation::Rmdir { path: path() }).boxed()),
        (4, Just(Operation::Unlink { path: path() }).boxed()),
        (3, Just(Operation::Create { path: path(), mode: None }).boxed()),
        (4, link_text.prop_map(move |text| Operation::Symlink { target: text.to_owned(), path: path() }).boxed()),
        (2, node.prop_map(move |kind| Operation::Mknod { path: path(), kind, device: None, mode: None }).boxed()),
        (
            2,
            select(vec!["0600", "0700", "0755"])
                .prop_map(move |mode| Operation::Chmod { path: path(), mode: mode.to_owned() })
                .boxed(),
        ),
        (2, Just(Operation::Link { from: path(), to: path() }).boxed()),
        (5, Just(Operation::Rename { from: path(), to: path() }).boxed()),
        (6, Just(Operation::RenameExchange { from: path(), to: path() }).boxed()),
    ]
}

fn questions() -> Vec<(u32, BoxedStrategy<Operation>)> {
    let mode = select(vec![AccessMode::F, AccessMode::R, AccessMode::W, AccessMode::W, AccessMode::X]);
    vec![
        (6, any::<bool>().prop_map(|nofollow| Operation::Stat { path: here(), nofollow }).boxed()),
        (2, Just(Operation::Readdir { path: here() }).boxed()),
        (1, Just(Operation::Tree { path: here() }).boxed()),
        (4, Just(Operation::Write { path: here() }).boxed()),
        (4, mode.prop_map(|mode| Operation::Access { path: here(), mode }).boxed()),
        (2, Just(Operation::Readlink { path: here() }).boxed()),
    ]
}

fn descriptor_operations(weight: u32) -> Vec<(u32, BoxedStrategy<Operation>)> {
    let closed = select([DESCRIPTORS, TREES].concat()).prop_map(|fd| Operation::Close { fd: fd.to_owned() });
    vec![
        (2 * weight, open()),
        (weight, closed.boxed()),
        (1, Just(Operation::Chdir { path: here() }).boxed()),
        (3 * weight, open_tree()),
        (4 * weight, move_mount()),
        (weight, attribute_change()),
    ]
}

fn namespace_operations(user: bool) -> Vec<(u32, BoxedStrategy<Operation>)> {
    // Numbers are taken modulo what there is.
    vec![
        (7, Just(Operation::CloneNs { user }).boxed()),
        (14, any::<u32>().prop_map(|ns| Operation::SwitchNs { ns }).boxed()),
        (1, any::<u32>().prop_map(|ns| Operation::DestroyNs { ns }).boxed()),
    ]
}

/// An operation of the kind's mixture.
fn operation(kind: Kind) -> BoxedStrategy<Operation> {
    let mut mixture = mount_operations();
    mixture.extend(name_operations());
    mixture.extend(questions());
    match kind {
        Kind::SingleNamespace => mixture.extend(descriptor_operations(1)),
        Kind::SeveralNamespaces => {
            mixture.extend(namespace_operations(false));
            mixture.push((4, open()));
        }
        Kind::UserNamespaces => {
            mixture.extend(namespace_operations(true));
            mixture.push((1, Just(Operation::CloneNs { user: false }).boxed()));
            mixture.push((4, attribute_change()));
            mixture.push((4, open()));
        }
        Kind::Descriptors => mixture.extend(descriptor_operations(6)),
        Kind::ContainerRoot => {
            mixture.extend(descriptor_operations(4));
            mixture.extend(container_operations());
        }
    }
    Union::new_weighted(mixture).boxed()
}

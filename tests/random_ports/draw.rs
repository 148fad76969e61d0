//! Histories at the ports, drawn over a small alphabet.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::Union;

use crate::call::{Atime, Bind, Call, Change, InDirectory, Mode, NewMount, Outside, Propagation};
use crate::place::{At, Spot};
use crate::theme::theme;

/// The number of steps of a history after its beginning, which opens three directories: about 20 calls in all.
const LENGTH: usize = 18;

const DIRECTORIES: [&str; 7] = ["/w/a", "/w/a/x", "/w/b", "/w/b/x", "/w/c", "/w/b/y", "/w/a/x/z"];
/// The directories that are opened at the beginning: they have names in them.
const OPENED: [&str; 4] = ["/w", "/w/a", "/w/b", "/w/b/x"];
const FILES: [&str; 3] = ["/w/f", "/w/a/f", "/w/b/x/f"];
const LINKS: [&str; 4] = ["/w/l", "/w/a/l", "/w/n", "/w/b/u"];
const MISSING: [&str; 4] = ["/w/a/q", "/w/c/q", "/w/b/q", "/w/q/q"];
const NAMES: [&str; 10] = ["a", "b", "c", "f", "l", "p", "q", "u", "x", "y"];

/// The paths of a careless caller.
fn odd_path() -> BoxedStrategy<String> {
    let long_name = format!("/w/{}", "n".repeat(256));
    let long_path = format!("/w{}", "/.".repeat(2048));
    let odd =
        ["", "/w/f/x", "/w/l/x", "/w/a/", "/w/l/", "/w/a/.", "/w/a/..", "/w/a/../b", "a", "./b/x", "/w/f/", "/w/loop"];
    select(odd.map(str::to_owned).into_iter().chain([long_name, long_path]).collect::<Vec<_>>()).boxed()
}

fn path() -> BoxedStrategy<String> {
    let of = |paths: &'static [&'static str]| select(paths).prop_map(str::to_owned).boxed();
    prop_oneof![
        14 => of(&DIRECTORIES),
        4 => of(&FILES),
        2 => of(&LINKS),
        2 => of(&MISSING),
        1 => odd_path(),
    ]
    .boxed()
}

fn spot() -> BoxedStrategy<Spot> {
    prop_oneof![
        6 => path().prop_map(Spot::Path),
        3 => (0usize..32).prop_map(Spot::MountPoint),
        1 => (0usize..32, select(&NAMES[..])).prop_map(|(row, name)| Spot::OnMount(row, name.to_owned())),
    ]
    .boxed()
}

fn mounted_spot() -> BoxedStrategy<Spot> {
    prop_oneof![5 => (0usize..32).prop_map(Spot::MountPoint), 1 => spot()].boxed()
}

fn fresh_spot() -> BoxedStrategy<Spot> {
    let named = (select(&DIRECTORIES[..]), select(&NAMES[..]))
        .prop_map(|(directory, name)| Spot::Path(format!("{directory}/{name}")));
    prop_oneof![4 => named, 1 => spot()].boxed()
}

fn located(spot: BoxedStrategy<Spot>) -> BoxedStrategy<At> {
    let root = prop_oneof![3 => Just(None), 1 => select(vec!["/w/a", "/w/b"]).prop_map(|root| Some(root.to_owned()))];
    (0u8..3, root, spot)
        .prop_map(|(way, root, spot)| if way == 0 { At::Beneath(root, spot) } else { At::Trusted(spot) })
        .boxed()
}

fn at() -> BoxedStrategy<At> {
    located(spot())
}

fn mounted() -> BoxedStrategy<At> {
    located(mounted_spot())
}

fn fresh() -> BoxedStrategy<At> {
    located(fresh_spot())
}

fn mode() -> BoxedStrategy<u16> {
    select(vec![0o755, 0o700, 0o644, 0o1777, 0o0]).boxed()
}

fn words() -> BoxedStrategy<Vec<String>> {
    let all: Vec<String> = ["ro", "nosuid", "nodev", "noexec", "nodiratime", "nosymfollow"].map(str::to_owned).to_vec();
    prop_oneof![2 => Just(Vec::new()), 2 => Just(vec!["ro".to_owned()]), 3 => subsequence(all, 0..=3)].boxed()
}

fn atime() -> BoxedStrategy<Option<Atime>> {
    prop_oneof![4 => Just(None), 1 => select(vec![Atime::Relative, Atime::Never, Atime::Strict]).prop_map(Some)].boxed()
}

fn change() -> BoxedStrategy<Change> {
    (words(), words(), atime())
        .prop_map(|(set, mut clear, atime)| {
            clear.retain(|word| !set.contains(word));
            Change { set, clear, atime }
        })
        .boxed()
}

fn propagation() -> BoxedStrategy<Propagation> {
    use Propagation::{Private, Shared, Slave, Unbindable};
    prop_oneof![4 => Just(Shared), 3 => Just(Slave), 2 => Just(Private), 1 => Just(Unbindable)].boxed()
}

fn bind() -> BoxedStrategy<Call> {
    let attributes = prop_oneof![2 => Just(Change::default()), 1 => change()];
    let kind = prop_oneof![3 => Just(None), 1 => propagation().prop_map(Some)];
    let creating = prop_oneof![3 => Just(None), 1 => mode().prop_map(Some)];
    let target = prop_oneof![4 => at(), 1 => fresh()];
    (at(), target, any::<bool>(), attributes, kind, creating, 0u8..3, 0u8..6)
        .prop_map(|(source, target, recursive, change, propagation, creating, stacking, atomic)| {
            let (stacking, atomic) = (stacking == 0, atomic == 0);
            Call::Bind(Bind { source, target, recursive, change, propagation, creating, stacking, atomic })
        })
        .boxed()
}

fn new_mount() -> BoxedStrategy<Call> {
    let fs_type = prop_oneof![9 => Just("tmpfs"), 2 => Just("ramfs"), 1 => Just("nosuchfs")];
    let source = prop_oneof![2 => Just(Some("s")), 1 => Just(None), 1 => Just(Some("a b#c"))];
    let some_options = select(vec![
        "size=64k",
        "mode=700",
        "mode=755",
        "nr_inodes=50",
        "uid=0",
        "ro",
        "huge=sometimes",
        "bogus",
        "size=x",
    ]);
    let options = prop_oneof![3 => Just(vec![]), 1 => proptest::collection::vec(some_options, 1..=2)];
    let kind = prop_oneof![4 => Just(None), 1 => propagation().prop_map(Some)];
    (located(spot()), fs_type, source, words(), atime(), options, kind)
        .prop_map(|(target, fs_type, source, flags, atime, options, propagation)| {
            Call::Mount(NewMount {
                target,
                fs_type: fs_type.to_owned(),
                source: source.map(str::to_owned),
                flags,
                atime,
                options: options.into_iter().map(str::to_owned).collect(),
                propagation,
            })
        })
        .boxed()
}

fn unmount() -> BoxedStrategy<Call> {
    let mode = prop_oneof![
        6 => Just(Mode::Plain),
        4 => Just(Mode::Detach),
        2 => Just(Mode::Expire),
        1 => Just(Mode::Force),
        1 => Just(Mode::ForceDetach),
    ];
    let only = prop_oneof![5 => Just(None), 1 => (0usize..8).prop_map(Some)];
    (mounted(), mode, only).prop_map(|(at, mode, only)| Call::Unmount { at, mode, only }).boxed()
}

fn mounter() -> Vec<(u32, BoxedStrategy<Call>)> {
    vec![
        (14, bind()),
        (7, new_mount()),
        (6, (mounted(), at()).prop_map(|(from, to)| Call::MoveMount { from, to }).boxed()),
        (
            6,
            (mounted(), change(), any::<bool>())
                .prop_map(|(at, change, recursive)| Call::ChangeAttributes { at, change, recursive })
                .boxed(),
        ),
        (
            2,
            (mounted(), any::<bool>())
                .prop_map(|(at, read_only)| Call::SetSuperblockReadOnly { at, read_only })
                .boxed(),
        ),
        (
            8,
            (mounted(), propagation(), any::<bool>())
                .prop_map(|(at, propagation, recursive)| Call::SetPropagation { at, propagation, recursive })
                .boxed(),
        ),
        (10, unmount()),
        (4, at().prop_map(|at| Call::MountOf { at }).boxed()),
        (3, at().prop_map(|at| Call::FilesystemOf { at }).boxed()),
        (3, (0usize..8).prop_map(|mount| Call::FindMount { mount }).boxed()),
        (1, Just(Call::Mounts).boxed()),
    ]
}

fn filesystem() -> Vec<(u32, BoxedStrategy<Call>)> {
    let slot = || 0usize..3;
    vec![
        (4, (at(), any::<bool>()).prop_map(|(at, follow)| Call::Metadata { at, follow }).boxed()),
        (3, spot().prop_map(|path| Call::Canonicalize { path }).boxed()),
        (1, Just(Call::CurrentDir).boxed()),
        (4, (at(), slot()).prop_map(|(at, slot)| Call::OpenDir { at, slot }).boxed()),
        (
            2,
            located(prop_oneof![select(&LINKS[..]).prop_map(|path| Spot::Path(path.to_owned())), spot()].boxed())
                .prop_map(|at| Call::ReadLink { at })
                .boxed(),
        ),
        (4, (fresh(), mode()).prop_map(|(at, mode)| Call::CreateDir { at, mode }).boxed()),
        (3, (fresh(), mode()).prop_map(|(at, mode)| Call::CreateFile { at, mode }).boxed()),
        (4, at().prop_map(|at| Call::RemoveDir { at }).boxed()),
        (3, at().prop_map(|at| Call::RemoveFile { at }).boxed()),
        (14, (slot(), in_directory()).prop_map(|(slot, call)| Call::In { slot, call }).boxed()),
    ]
}

/// A name in a directory, now and then one that cannot be.
fn name() -> BoxedStrategy<String> {
    let odd = vec![String::new(), ".".to_owned(), "..".to_owned(), "a/b".to_owned(), "n".repeat(256)];
    prop_oneof![12 => select(&NAMES[..]).prop_map(str::to_owned), 1 => select(odd)].boxed()
}

fn in_directory() -> BoxedStrategy<InDirectory> {
    use InDirectory as D;
    let id = || prop_oneof![1 => Just(None), 2 => (0u32..3).prop_map(Some)];
    prop_oneof![
        1 => Just(D::OwnMetadata),
        2 => Just(D::Entries),
        2 => name().prop_map(|name| D::Metadata { name }),
        2 => (name(), 0usize..3).prop_map(|(name, slot)| D::OpenDir { name, slot }),
        1 => name().prop_map(|name| D::ReadLink { name }),
        2 => (name(), select(vec![0, 3, 100])).prop_map(|(name, limit)| D::ReadFile { name, limit }),
        2 => (name(), mode()).prop_map(|(name, mode)| D::CreateDir { name, mode }),
        2 => (name(), mode()).prop_map(|(name, mode)| D::CreateFile { name, mode }),
        2 => (name(), select(vec!["", "abc", "longer"]), mode())
            .prop_map(|(name, contents, mode)| D::ReplaceFile { name, contents: contents.to_owned(), mode }),
        1 => name().prop_map(|name| D::RemoveDir { name }),
        1 => name().prop_map(|name| D::RemoveFile { name }),
        1 => (name(), id(), id()).prop_map(|(name, uid, gid)| D::SetOwner { name, uid, gid }),
        1 => (name(), mode()).prop_map(|(name, mode)| D::SetMode { name, mode }),
        1 => (id(), id()).prop_map(|(uid, gid)| D::SetOwnOwner { uid, gid }),
        1 => mode().prop_map(|mode| D::SetOwnMode { mode }),
        1 => Just(D::Close),
    ]
    .boxed()
}

fn outside() -> BoxedStrategy<Call> {
    let text = select(vec!["a", "../b", "/w/b/x", "f", "q"]).prop_map(str::to_owned);
    prop_oneof![
        3 => (spot(), fresh_spot()).prop_map(|(from, to)| Outside::Rename { from, to }),
        1 => (spot(), fresh_spot()).prop_map(|(existing, path)| Outside::Link { existing, path }),
        1 => (text, fresh_spot()).prop_map(|(target, path)| Outside::Symlink { target, path }),
        1 => fresh_spot().prop_map(|path| Outside::Fifo { path }),
        1 => (select(&DIRECTORIES[..])).prop_map(|path| Outside::Tmpfs { path: Spot::Path(path.to_owned()) }),
        2 => (spot(), any::<bool>()).prop_map(|(path, writing)| Outside::Hold { path, writing }),
        2 => Just(Outside::Release),
        1 => spot().prop_map(|path| Outside::ChangeDir { path }),
    ]
    .prop_map(Call::Outside)
    .boxed()
}

/// A history: how it begins, and what follows.
pub(crate) fn history(is_root: bool) -> impl Strategy<Value = Vec<Call>> {
    let mut mixture = mounter();
    mixture.extend(filesystem());
    mixture.push((6, outside()));
    let calls = proptest::collection::vec(Union::new_weighted(mixture), LENGTH);
    let opened = proptest::collection::vec(select(&OPENED[..]), 3);
    (theme(), opened, calls).prop_map(move |(beginning, opened, calls)| {
        let open = |(slot, path): (usize, &str)| Call::OpenDir { at: At::Trusted(Spot::Path(path.to_owned())), slot };
        let mut history: Vec<Call> = opened.into_iter().enumerate().map(open).collect();
        history.extend(beginning.calls());
        history.extend(calls.into_iter().map(|call| if is_root { call } else { for_one_user(call) }));
        history
    })
}

/// The same in a user namespace, which maps one user.
fn for_one_user(mut call: Call) -> Call {
    if let Call::In { call: InDirectory::SetOwner { uid, gid, .. } | InDirectory::SetOwnOwner { uid, gid }, .. } =
        &mut call
    {
        *uid = uid.map(|_| 0);
        *gid = gid.map(|_| 0);
    }
    call
}

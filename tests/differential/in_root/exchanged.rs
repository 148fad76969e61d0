//! On the model, names exchanged at every component of a path in a root, before every system call.

use std::path::Path;

use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::UnmountMode;
use mountwright_core::{
    Backend, BindRequest, Errno, FileMode, Filesystem, Location, MountInfo, MountRequest, Mounter, OsError,
    Propagation, Recursion, UnmountRequest,
};
use mountwright_fake::test_kit::{Exchange, Level, Run, Tried, every_exchange};
use mountwright_fake::{FakeBackend, HostBuilder, KernelVersion};

/// The image is `/image`; `/outside` has the same names, and `/evil` links that lead there and directories to be put in the
/// image.
const HOST: &str = "\
    mount / ext4 /dev/vda1\nmount /proc proc proc\ndir /run\ndir /src\nmount /stage tmpfs stage\n\
    dir /image/a/b/c/t\ndir /image/a/b/c/empty\nmount /image/a/b/c/m tmpfs inside\nlink /image/l a/b\n\
    dir /outside/a/b/c/t\ndir /outside/a/b/c/empty\nmount /outside/a/b/c/m tmpfs victim\n\
    link /evil/a /outside/a\nlink /evil/b ../../outside/a/b\nlink /evil/c /outside/a/b/c\nlink /evil/t /outside/a/b/c/t\n\
    link /evil/l /outside/a/b\nlink /evil/m /outside/a/b/c/m\nlink /evil/empty /outside/a/b/c/empty\n\
    dir /evil/da/b/c/t\ndir /evil/db/c/t\ndir /evil/dc/t\ndir /evil/dt";

type Act = fn(&dyn Backend, &dyn Fn(&str) -> Location) -> Result<(), OsError>;

/// Each call on a place, by a path that needs every component.
const ACTS: [(&str, Act); 11] = [
    ("bind", |b, at| b.bind(&BindRequest::new(Location::trusted("/src"), at("a/b/c/t"))).map(drop)),
    ("bind that creates", |b, at| {
        let request = BindRequest::new(Location::trusted("/src"), at("l/../b/c/new/t"));
        b.bind(&request.read_only().creating_target(FileMode::from_bits(0o755))).map(drop)
    }),
    ("mount", |b, at| b.mount(&MountRequest::new("tmpfs", at("l/c/../c/t"))).map(drop)),
    ("move", |b, at| b.move_mount(&Location::trusted("/stage"), &at("a/b/c/t"))),
    ("unmount", |b, at| b.unmount(&UnmountRequest::new(at("l/c/m")).with_mode(UnmountMode::Detach))),
    ("propagation", |b, at| b.set_propagation(&at("l/c/m"), Propagation::Shared, Recursion::This)),
    ("create", |b, at| b.create_dir(&at("a/b/../b/c/made"), FileMode::from_bits(0o755)).map(drop)),
    ("create a symlink", |b, at| b.create_symlink(&at("l/../b/c/made"), Path::new("/outside")).map(drop)),
    ("create a node", |b, at| {
        b.create_node(&at("a/b/../b/c/made"), FileKind::Fifo, None, FileMode::from_bits(0o666)).map(drop)
    }),
    ("remove", |b, at| b.remove_dir(&at("l/c/empty"))),
    ("source", |b, at| {
        let target = Location::trusted("/src");
        b.bind(&BindRequest::new(at("a/b/../b/c"), target)).map(drop)
    }),
];

fn exchanges() -> Vec<Exchange> {
    let names = [
        ("/image/a", "/evil/a"),
        ("/image/a/b", "/evil/b"),
        ("/image/a/b/c", "/evil/c"),
        ("/image/a/b/c/t", "/evil/t"),
        ("/image/a/b/c/m", "/evil/m"),
        ("/image/a/b/c/empty", "/evil/empty"),
        ("/image/l", "/evil/l"),
        ("/image/a", "/evil/da"),
        ("/image/a/b", "/evil/db"),
        ("/image/a/b/c", "/evil/dc"),
        ("/image/a/b/c/t", "/evil/dt"),
        ("/image/a/b", "/outside/a"),
        ("/image/a/b/c", "/outside/a/b"),
    ];
    names.into_iter().map(|(one, other)| Exchange::of_names(one, other)).collect()
}

fn rows(host: &FakeBackend) -> Vec<MountInfo> {
    host.mounts().expect("the table").iter().map(|row| row.to_info()).collect()
}

/// Nothing of others is touched, and an error leaves no mount. A directory that the attacker moves out of the image takes
/// with it what is mounted there.
fn law(run: &Run<'_, Result<(), OsError>>) -> Result<(), String> {
    let (before, after) = (rows(run.before), rows(&run.after));
    let victim =
        |rows: &[MountInfo]| rows.iter().find(|row| row.source == "victim").map(|row| (row.id, row.propagation));
    if victim(&before) != victim(&after) {
        return Err("the mount outside was changed".to_owned());
    }
    if run.result.as_ref().is_err_and(|error| error.left().is_empty()) && after.len() != before.len() {
        return Err(format!("an error leaves a mount: {:?}", run.result));
    }
    // The two exchanges with a directory outside.
    if run.point.contains(" exchanged with /outside/") {
        return Ok(());
    }
    if let Some(row) = after.iter().find(|row| row.mount_point.starts_with("/outside") && row.source != "victim") {
        return Err(format!("mounted outside: {row}"));
    }
    let kept = |path: &str| run.after.metadata(&Location::trusted(path), FinalSymlink::Itself).map_err(|e| e.errno());
    for path in ["/outside/a/b/c/new", "/outside/a/b/c/made"] {
        if kept(path) != Err(Errno::ENOENT) {
            return Err(format!("{path} was made"));
        }
    }
    kept("/outside/a/b/c/empty").map(drop).map_err(|errno| format!("a directory outside was removed: {errno}"))?;
    // The source of a bind is never the directory outside.
    let of_outside = |row: &MountInfo| row.mount_point == Path::new("/src") && row.root.starts_with("/outside");
    if after.iter().any(of_outside) { Err("the directory outside was bound".to_owned()) } else { Ok(()) }
}

fn tried(version: KernelVersion, name: &str, act: Act, at: fn(&str) -> Location) -> Tried {
    let host = HostBuilder::from_text(HOST).and_then(|host| host.kernel(version).build()).expect("the host");
    let result = act(&host.snapshot(), &at);
    assert!(result.is_ok(), "{name} with nobody beside it: {result:?}");
    every_exchange(Level::SystemCalls, &host, &exchanges(), |backend| act(backend, &at), law)
}

/// The attacks reach what a path resolves by itself, and nothing that a root confines.
pub(crate) fn on_the_model() {
    let (mut runs, mut naive) = (0, 0);
    for version in [KernelVersion::V6_18, KernelVersion::V5_10, KernelVersion::V4_18] {
        for (name, act) in ACTS {
            let confined = tried(version, name, act, |path| Location::in_root("/image", path));
            runs += confined.runs();
            confined.check();
            let trusting = tried(version, name, act, |path| Location::trusted(Path::new("/image").join(path)));
            naive += trusting.violations().len();
        }
    }
    println!("exchanges at every component, on the model: {runs} runs, escapes: 0; by paths: {naive}");
    assert!(naive > 100, "the attack does not bite: {naive}");
}

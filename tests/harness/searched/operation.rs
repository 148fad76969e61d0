//! The operations that are searched.

use std::ffi::OsStr;

use camino::Utf8Path;
use mountwright_core::error::Leftover;
use mountwright_core::file::{FileKind, FinalSymlink};
use mountwright_core::mount::{Guarantee, SuperblockAccess, UnmountMode};
use mountwright_core::path::Crossing;
use mountwright_core::ports::DetachedTree;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::{NameAfter, Removal};
use mountwright_core::{
    AttributeChange, AttributesRequest, Backend, BindRequest, ContainerId, Directory, Error, FileMode, Location,
    MountFlags, MountRequest, OsError, Propagation, Recursion, UnmountRequest,
};

use super::Answer;
use super::layout::{mounted, stacked};

/// One operation: the setup before it, the function, and the attacked path.
#[derive(Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Facts; each operation in the list names those that are true of it.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// More than the scene has, in lines.
    pub prepare: fn() -> String,
    act: Act,
    /// The path below `/shared` that it works on, whose components are attacked; `None` for trusted paths.
    pub below: Option<&'static str>,
    /// It must make no mount that can be written through.
    pub read_only: bool,
    /// After a death, the preparation of a second run.
    pub before_again: Option<fn(&dyn Backend) -> Answer>,
    /// It unmounts or moves mounts.
    pub takes_off: bool,
    /// A failure leaves what was done by then; a repeated call continues there.
    pub resumable: bool,
    /// A repeated operation makes a second mount.
    pub stacking: bool,
    /// It changes the file that the name leads to, whichever that is.
    pub whatever: bool,
}

/// The code under test.
#[derive(Clone, Copy)]
enum Act {
    Calls(fn(&dyn Backend) -> Answer),
    /// A private bind of this source below the root, with more asked for.
    Binds(&'static str, fn(BindRequest) -> BindRequest),
    /// Calls of the open directory `box`.
    InBox(fn(&dyn Directory) -> Result<(), OsError>),
}

const fn operation(name: &'static str, below: &'static str, run: fn(&dyn Backend) -> Answer) -> Operation {
    acting(name, below, Act::Calls(run))
}

const fn binding(
    name: &'static str,
    source: &'static str,
    below: &'static str,
    more: fn(BindRequest) -> BindRequest,
) -> Operation {
    acting(name, below, Act::Binds(source, more))
}

const fn in_box(name: &'static str, below: &'static str, run: fn(&dyn Directory) -> Result<(), OsError>) -> Operation {
    acting(name, below, Act::InBox(run))
}

const fn acting(name: &'static str, below: &'static str, act: Act) -> Operation {
    let below = if below.is_empty() { None } else { Some(below) };
    Operation {
        name,
        prepare: String::new,
        act,
        below,
        read_only: false,
        before_again: None,
        takes_off: false,
        resumable: false,
        stacking: false,
        whatever: false,
    }
}

impl Operation {
    /// Runs the code under test.
    pub fn run(&self, backend: &dyn Backend) -> Answer {
        match self.act {
            Act::Calls(calls) => calls(backend),
            Act::Binds(source, more) => bind(backend, source, below(self.below.unwrap_or_default()), more),
            Act::InBox(calls) => answer(backend.open_dir(&below("box")).and_then(|directory| calls(&*directory))),
        }
    }

    const fn read_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    const fn taking_off(self) -> Self {
        Self { takes_off: true, ..self }
    }

    const fn resumable(self) -> Self {
        Self { resumable: true, ..self.taking_off() }
    }

    const fn stacking(self) -> Self {
        Self { stacking: true, ..self }
    }

    const fn of_whatever_is_there(self) -> Self {
        Self { whatever: true, ..self }
    }

    const fn after(self, prepare: fn() -> String) -> Self {
        Self { prepare, ..self }
    }

    const fn again_after(self, before: fn(&dyn Backend) -> Answer) -> Self {
        Self { before_again: Some(before), ..self }
    }
}

fn below(path: &str) -> Location {
    Location::beneath("/shared", path).expect("the paths below are relative")
}

fn name(name: &str) -> &OsStr {
    OsStr::new(name)
}

fn answer<T>(result: Result<T, OsError>) -> Answer {
    result.map_or_else(Answer::from, |_| Answer::done())
}

fn bind(backend: &dyn Backend, source: &str, target: Location, more: impl Fn(BindRequest) -> BindRequest) -> Answer {
    let request = more(BindRequest::new(Location::trusted(source), target).propagation(Propagation::Private));
    match backend.bind(&request) {
        Ok(report) => Answer::Done { kept: Vec::new(), guarantee: report.guarantee },
        Err(error) => error.into(),
    }
}

fn atomic(request: BindRequest) -> BindRequest {
    request.read_only().require(Guarantee::Atomic)
}

fn making(request: BindRequest) -> BindRequest {
    request.creating_target(FileMode::from_bits(0o755))
}

/// Builds a tree of the attacked directory, with members at names of it and in a filesystem of its own.
fn tree(backend: &dyn Backend) -> Answer {
    let root = BindRequest::new(Location::trusted(MOUNTS), Location::trusted("/run")).stacking();
    let tree = match backend.detached_tree(&root) {
        Ok(tree) => tree,
        Err(error) => return error.into(),
    };
    let Err(error) = parts_of(&*tree) else { return answer(tree.commit()) };
    let stays = tree.discard().err();
    // A mount that a member has left in the tree is gone with it.
    let is_in_it = |left: &Leftover| matches!(left, Leftover::Mount { at, .. } if at.is_relative());
    let of_parts = error.left().iter().filter(|left| !is_in_it(left));
    let left = of_parts.chain(stays.iter().flat_map(OsError::left)).cloned().collect();
    Answer::Failed { errno: Some(error.errno()), left }
}

fn parts_of(tree: &dyn DetachedTree) -> Result<(), OsError> {
    let onto = |source, path| BindRequest::new(Location::trusted(source), Location::in_tree(path));
    tree.bind(&onto("/src/tree", "box/plain").recursive().read_only())?;
    tree.bind(&making(onto("/src/file", "box/fresh")))?;
    tree.mount(&MountRequest::new("tmpfs", Location::in_tree("/other/plain")))?;
    tree.open_dir("other/plain/new".as_ref(), Some(MODE))?.create_file(name("inside"), MODE).map(drop)
}

fn unmount(backend: &dyn Backend, at: Location, mode: UnmountMode) -> Answer {
    answer(backend.unmount(&UnmountRequest::new(at).with_mode(mode)))
}

const MOUNTS: &str = "/shared";

fn share(backend: &dyn Backend, id: &str, read_only: bool) -> Answer {
    let id = ContainerId::new(id).expect("a valid id");
    let share = Share::rootfs(Utf8Path::new(MOUNTS), &id, Location::trusted("/src/tree"));
    shared(backend, share.map(|share| if read_only { share.read_only() } else { share }))
}

fn share_file(backend: &dyn Backend) -> Answer {
    let id = ContainerId::new("box").expect("a valid id");
    let share = Share::volume(Utf8Path::new(MOUNTS), &id, "volume", Location::trusted("/src/file"));
    shared(backend, share.map(Share::read_only))
}

fn shared(backend: &dyn Backend, share: Result<Share, Error>) -> Answer {
    match share.and_then(|share| share.create(backend)) {
        // The sequence does not require more, and its record does not report it.
        Ok(_) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
        Err(error) => error.into(),
    }
}

/// Unshares from a container; the name may be kept.
fn unshare_name(backend: &dyn Backend, name: &ShareName, id: &str) -> Answer {
    let container = ContainerId::new(id).expect("a valid id");
    let outcome = match name.unshare(backend, Utf8Path::new(MOUNTS), &container) {
        Ok(outcome) => outcome,
        Err(error) => return error.into(),
    };
    let path = format!("{MOUNTS}/{id}/{name}");
    let kept = match outcome {
        Removal::Unmounted { target: NameAfter::Kept, .. } | Removal::NotMounted { target: NameAfter::Kept } => {
            vec![Leftover::Directory(path.clone().into()), Leftover::File(path.into())]
        }
        other if !other.is_off() => return Answer::Failed { errno: None, left: Vec::new() },
        _ => Vec::new(),
    };
    Answer::Done { kept, guarantee: Guarantee::Atomic }
}

fn unshare(backend: &dyn Backend) -> Answer {
    unshare_name(backend, &ShareName::Rootfs, "box")
}

fn unshare_file(backend: &dyn Backend) -> Answer {
    unshare_name(backend, &ShareName::volume("volume"), "box")
}

fn writable_only_by_window() -> AttributeChange {
    AttributeChange::setting(MountFlags::READ_ONLY)
}

const MODE: FileMode = FileMode::from_bits(0o755);
/// No usual umask permits it.
const EVERY_BIT: FileMode = FileMode::from_bits(0o7777);

/// Every operation.
#[allow(clippy::too_many_lines)] // A list, one line or two each.
pub fn all() -> Vec<Operation> {
    let mut all = binds();
    all.extend(changes());
    all.extend(files());
    all.extend(questions());
    all.extend(sequences());
    all
}

fn binds() -> Vec<Operation> {
    vec![
        binding("bind onto a directory", "/src/tree", "box/plain", |r| r),
        binding("bind read-only", "/src/tree", "box/plain", atomic).read_only(),
        binding("bind read-only, weakest guarantee", "/src/tree", "box/plain", BindRequest::read_only).read_only(),
        binding("bind read-only, target made", "/src/tree", "box/rootfs", |r| making(atomic(r))).read_only(),
        binding("bind, way made", "/src/tree", "new/way/rootfs", making),
        binding("bind a tree", "/src/tree", "box/plain", BindRequest::recursive),
        binding("bind a tree read-only", "/src/tree", "box/plain", |r| atomic(r).recursive()).read_only(),
        binding("bind as slave", "/src/tree", "box/plain", |r| r.propagation(Propagation::Slave)),
        binding("bind as shared", "/src/tree", "box/plain", |r| r.propagation(Propagation::Shared)),
        binding("bind as unbindable", "/src/tree", "box/plain", |r| r.propagation(Propagation::Unbindable)),
        binding("bind a file", "/src/file", "box/file", |r| r),
        binding("bind a file read-only, target made", "/src/file", "box/fresh", |r| making(atomic(r))).read_only(),
        binding("bind onto a mount", "/src/tree/sub", "box/taken", BindRequest::stacking).stacking(),
        binding("bind, refused: occupied", "/src/tree", "box/taken", |r| r),
        binding("bind, refused: a file onto a directory", "/src/file", "box/plain", |r| r),
        operation("bind onto a trusted path, made", "", |b| {
            bind(b, "/src/tree", Location::trusted("/made/here"), |r| making(atomic(r)))
        })
        .read_only(),
        operation("bind from below a root", "box/full", |b| {
            let request = BindRequest::new(below("box/full"), Location::trusted("/run")).stacking();
            answer(b.bind(&request))
        })
        .stacking(),
    ]
}

fn changes() -> Vec<Operation> {
    vec![
        operation("unmount", "box/taken", |b| unmount(b, below("box/taken"), UnmountMode::Plain)).taking_off(),
        operation("detach", "box/taken", |b| unmount(b, below("box/taken"), UnmountMode::Detach)).taking_off(),
        operation("unmount a file", "box/taken-file", |b| unmount(b, below("box/taken-file"), UnmountMode::Plain))
            .taking_off(),
        operation("unmount a trusted path", "", |b| {
            unmount(b, Location::trusted("/shared/box/taken"), UnmountMode::Plain)
        })
        .taking_off(),
        operation("unmount exactly this", "box/taken", |b| {
            let found = match b.mount_of(&below("box/taken")) {
                Ok(found) => found,
                Err(error) => return error.into(),
            };
            if !found.is_root {
                return Answer::Failed { errno: None, left: Vec::new() };
            }
            let request = UnmountRequest::new(below("box/taken")).with_mode(UnmountMode::Detach);
            answer(b.unmount(&request.only(found.mount.key())))
        })
        .taking_off(),
        operation("make read-only", "box/taken", |b| {
            answer(b.change_attributes(&AttributesRequest::new(below("box/taken"), writable_only_by_window())))
        }),
        operation("make a tree read-only", "box/taken", |b| {
            let request = AttributesRequest::new(below("box/taken"), AttributeChange::READ_ONLY).recursive();
            answer(b.change_attributes(&request))
        }),
        operation("make a trusted path read-only", "", |b| {
            let at = Location::trusted("/src/tree/inner");
            answer(b.change_attributes(&AttributesRequest::new(at, AttributeChange::READ_ONLY)))
        }),
        operation("make shared", "box/taken", |b| {
            answer(b.set_propagation(&below("box/taken"), Propagation::Shared, Recursion::This))
        }),
        operation("make a trusted tree slave", "", |b| {
            answer(b.set_propagation(&Location::trusted("/src"), Propagation::Slave, Recursion::Tree))
        }),
        operation("make a superblock read-only", "", |b| {
            answer(b.set_superblock(&Location::trusted("/src/tree/inner"), SuperblockAccess::ReadOnly))
        }),
        operation("mount a tmpfs", "box/plain", |b| {
            let mut request = MountRequest::new("tmpfs", below("box/plain"));
            request.propagation = Some(Propagation::Private);
            request.attributes.flags = MountFlags::NO_SUID | MountFlags::READ_ONLY;
            answer(b.mount(&request))
        })
        .stacking(),
        operation("build a tree of mounts", "box/plain", |b| tree(b)).stacking(),
        operation("move a mount", "box/plain", |b| {
            answer(b.move_mount(&Location::trusted("/src/tree/inner"), &below("box/plain")))
        })
        .taking_off(),
    ]
}

fn files() -> Vec<Operation> {
    vec![
        operation("create a directory", "box/fresh", |b| answer(b.create_dir(&below("box/fresh"), MODE).map(drop))),
        operation("create a file", "box/fresh", |b| answer(b.create_file(&below("box/fresh"), MODE).map(drop))),
        operation("create a symlink", "box/fresh", |b| {
            answer(b.create_symlink(&below("box/fresh"), "../nowhere".as_ref()).map(drop))
        }),
        operation("create a pipe", "box/fresh", |b| {
            answer(b.create_node(&below("box/fresh"), FileKind::Fifo, None, EVERY_BIT).map(drop))
        }),
        operation("remove a directory", "box/plain", |b| answer(b.remove_dir(&below("box/plain")))),
        operation("remove a directory, refused: not empty", "box/full", |b| answer(b.remove_dir(&below("box/full")))),
        operation("remove a file", "box/file", |b| answer(b.remove_file(&below("box/file")))),
        in_box("create in an open directory", "box", |directory| directory.create_dir(name("fresh"), MODE).map(drop)),
        in_box("create a file in an open directory", "box", |directory| {
            directory.create_file(name("fresh"), MODE).map(drop)
        }),
        in_box("create a symlink in an open directory", "box", |directory| {
            directory.create_symlink(name("fresh"), "../nowhere".as_ref()).map(drop)
        }),
        in_box("create a socket in an open directory", "box", |directory| {
            directory.create_node(name("fresh"), FileKind::Socket, None, EVERY_BIT).map(drop)
        }),
        in_box("replace a file", "box/text", |directory| directory.replace_file(name("text"), b"new", MODE)),
        in_box("replace a missing file", "box/fresh", |directory| directory.replace_file(name("fresh"), b"new", MODE)),
        in_box("replace, refused: a mount point", "box/taken-file", |directory| {
            directory.replace_file(name("taken-file"), b"new", MODE)
        }),
        in_box("remove in an open directory", "box/plain", |directory| directory.remove_dir(name("plain"))),
        in_box("remove a file in an open directory", "box/file", |directory| directory.remove_file(name("file"))),
        in_box("give away", "box/text", |directory| directory.set_owner(name("text"), Some(5), Some(6)))
            .of_whatever_is_there(),
        in_box("change a mode", "box/text", |directory| directory.set_mode(name("text"), FileMode::from_bits(0o600)))
            .of_whatever_is_there(),
        in_box("give the directory away", "box", |directory| directory.set_own_owner(Some(5), None))
            .of_whatever_is_there(),
        in_box("change the directory's mode", "box", |directory| directory.set_own_mode(FileMode::from_bits(0o700)))
            .of_whatever_is_there(),
    ]
}

fn questions() -> Vec<Operation> {
    vec![
        operation("which mount", "box/taken", |b| answer(b.mount_of(&below("box/taken")))),
        operation("which mount, trusted", "", |b| answer(b.mount_of(&Location::trusted("/shared/box/taken/data")))),
        operation("which filesystem", "box/taken", |b| answer(b.filesystem_of(&below("box/taken")))),
        operation("find a mount again", "", |b| {
            let found = b.mount_of(&Location::trusted("/shared/box/taken"));
            answer(found.and_then(|found| b.find_mount(found.mount.key())))
        }),
        operation("the table", "", |b| answer(b.mounts())),
        operation("metadata", "box/link", |b| answer(b.metadata(&below("box/link"), FinalSymlink::Itself))),
        operation("canonical path", "", |b| answer(b.canonicalize("/shared/box/link".as_ref()))),
        operation("current directory", "", |b| answer(b.current_dir())),
        operation("where a link points", "box/link", |b| answer(b.read_link(&below("box/link")))),
        in_box("list", "box", |directory| directory.entries()?.try_for_each(|entry| entry.map(drop))),
        in_box("read a file", "box/text", |directory| directory.read_file(name("text"), 1 << 10).map(drop)),
        in_box("a directory in a directory", "box/plain", |directory| {
            directory.open_dir(name("plain"), Crossing::Enter)?.own_metadata().map(drop)
        }),
    ]
}

fn sequences() -> Vec<Operation> {
    let shared = || mounted("/src/tree", "box/rootfs");
    let shared_file = || mounted("/src/file", "box/volume");
    vec![
        operation("share a rootfs", "box/rootfs", |b| share(b, "box", false)).again_after(unshare),
        operation("share a rootfs read-only", "box/rootfs", |b| share(b, "box", true)).read_only().again_after(unshare),
        operation("share a rootfs, container new", "fresh/rootfs", |b| share(b, "fresh", true))
            .read_only()
            .again_after(|b| unshare_name(b, &ShareName::Rootfs, "fresh")),
        operation("share a file", "box/volume", share_file).read_only().again_after(unshare_file),
        operation("unshare a rootfs", "box/rootfs", unshare).after(shared).resumable(),
        operation("unshare a rootfs, container's last name", "last/rootfs", |b| {
            unshare_name(b, &ShareName::Rootfs, "last")
        })
        .after(|| "dir /shared/last\n".to_owned() + &mounted("/src/tree", "last/rootfs"))
        .resumable(),
        operation("unshare a stack", "box/rootfs", unshare)
            .after(|| mounted("/src/tree", "box/rootfs") + &stacked("/src/tree/sub", "box/rootfs"))
            .resumable(),
        operation("unshare what is not mounted", "box/plain", |b| unshare_name(b, &ShareName::volume("plain"), "box"))
            .resumable(),
        operation("unshare a file", "box/volume", unshare_file).after(shared_file).resumable(),
    ]
}

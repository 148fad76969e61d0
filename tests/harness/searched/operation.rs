//! The operations that are searched.

use std::ffi::OsStr;

use camino::Utf8Path;
use mountwright_core::error::Leftover;
use mountwright_core::file::FinalSymlink;
use mountwright_core::mount::{Guarantee, SuperblockAccess, UnmountMode};
use mountwright_core::path::Crossing;
use mountwright_core::share::{Share, ShareName};
use mountwright_core::unmount::{NameAfter, Removal};
use mountwright_core::{
    AttributeChange, AttributesRequest, Backend, BindRequest, ContainerId, FileMode, Location, MountFlags,
    MountRequest, OsError, Propagation, Recursion, UnmountRequest,
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
    /// The function under test.
    pub run: fn(&dyn Backend) -> Answer,
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

const fn operation(name: &'static str, below: &'static str, run: fn(&dyn Backend) -> Answer) -> Operation {
    let below = if below.is_empty() { None } else { Some(below) };
    Operation {
        name,
        prepare: String::new,
        run,
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

fn unmount(backend: &dyn Backend, at: Location, mode: UnmountMode) -> Answer {
    answer(backend.unmount(&UnmountRequest::new(at).with_mode(mode)))
}

fn container() -> ContainerId {
    ContainerId::new("box").expect("a valid id")
}

const MOUNTS: &str = "/shared";

fn share(backend: &dyn Backend, id: &str, read_only: bool) -> Answer {
    let id = ContainerId::new(id).expect("a valid id");
    let source = Location::trusted("/src/tree");
    match Share::rootfs(Utf8Path::new(MOUNTS), &id, source.clone()).and_then(|share| {
        let share = if read_only { share.read_only() } else { share };
        share.create(backend)
    }) {
        // The sequence does not require more, and its record does not report it.
        Ok(_) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
        Err(error) => error.into(),
    }
}

fn share_file(backend: &dyn Backend) -> Answer {
    let source = Location::trusted("/src/file");
    match Share::volume(Utf8Path::new(MOUNTS), &container(), "volume", source.clone())
        .and_then(|share| share.read_only().create(backend))
    {
        Ok(_) => Answer::Done { kept: Vec::new(), guarantee: Guarantee::Window },
        Err(error) => error.into(),
    }
}

fn outcome(outcome: Removal, path: &str) -> Answer {
    let placeholder = || vec![Leftover::Directory(path.into()), Leftover::File(path.into())];
    let kept = match outcome {
        Removal::Unmounted { target: NameAfter::Kept, .. } | Removal::NotMounted { target: NameAfter::Kept } => {
            placeholder()
        }
        other if !other.is_off() => return Answer::Failed { errno: None, left: Vec::new() },
        _ => Vec::new(),
    };
    Answer::Done { kept, guarantee: Guarantee::Atomic }
}

fn unshare(backend: &dyn Backend) -> Answer {
    match ShareName::Rootfs.unshare(backend, Utf8Path::new(MOUNTS), &container()) {
        Ok(done) => outcome(done, "/shared/box/rootfs"),
        Err(error) => error.into(),
    }
}

fn unshare_file(backend: &dyn Backend) -> Answer {
    match ShareName::volume("volume").unshare(backend, Utf8Path::new(MOUNTS), &container()) {
        Ok(done) => outcome(done, "/shared/box/volume"),
        Err(error) => error.into(),
    }
}

fn in_box(backend: &dyn Backend, act: impl FnOnce(&dyn mountwright_core::Directory) -> Result<(), OsError>) -> Answer {
    answer(backend.open_dir(&below("box")).and_then(|directory| act(&*directory)))
}

fn writable_only_by_window() -> AttributeChange {
    AttributeChange::setting(MountFlags::READ_ONLY)
}

const MODE: FileMode = FileMode::from_bits(0o755);

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
        operation("bind onto a directory", "box/plain", |b| bind(b, "/src/tree", below("box/plain"), |r| r)),
        operation("bind read-only", "box/plain", |b| bind(b, "/src/tree", below("box/plain"), atomic)).read_only(),
        operation("bind read-only, weakest guarantee", "box/plain", |b| {
            bind(b, "/src/tree", below("box/plain"), BindRequest::read_only)
        })
        .read_only(),
        operation("bind read-only, target made", "box/rootfs", |b| {
            bind(b, "/src/tree", below("box/rootfs"), |r| making(atomic(r)))
        })
        .read_only(),
        operation("bind, way made", "new/way/rootfs", |b| bind(b, "/src/tree", below("new/way/rootfs"), making)),
        operation("bind a tree", "box/plain", |b| bind(b, "/src/tree", below("box/plain"), BindRequest::recursive)),
        operation("bind a tree read-only", "box/plain", |b| {
            bind(b, "/src/tree", below("box/plain"), |r| atomic(r).recursive())
        })
        .read_only(),
        operation("bind as slave", "box/plain", |b| {
            bind(b, "/src/tree", below("box/plain"), |r| r.propagation(Propagation::Slave))
        }),
        operation("bind as shared", "box/plain", |b| {
            bind(b, "/src/tree", below("box/plain"), |r| r.propagation(Propagation::Shared))
        }),
        operation("bind as unbindable", "box/plain", |b| {
            bind(b, "/src/tree", below("box/plain"), |r| r.propagation(Propagation::Unbindable))
        }),
        operation("bind a file", "box/file", |b| bind(b, "/src/file", below("box/file"), |r| r)),
        operation("bind a file read-only, target made", "box/fresh", |b| {
            bind(b, "/src/file", below("box/fresh"), |r| making(atomic(r)))
        })
        .read_only(),
        operation("bind onto a mount", "box/taken", |b| {
            bind(b, "/src/tree/sub", below("box/taken"), BindRequest::stacking)
        })
        .stacking(),
        operation("bind, refused: occupied", "box/taken", |b| bind(b, "/src/tree", below("box/taken"), |r| r)),
        operation("bind, refused: a file onto a directory", "box/plain", |b| {
            bind(b, "/src/file", below("box/plain"), |r| r)
        }),
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
        operation("remove a directory", "box/plain", |b| answer(b.remove_dir(&below("box/plain")))),
        operation("remove a directory, refused: not empty", "box/full", |b| answer(b.remove_dir(&below("box/full")))),
        operation("remove a file", "box/file", |b| answer(b.remove_file(&below("box/file")))),
        operation("create in an open directory", "box", |b| {
            in_box(b, |directory| directory.create_dir(name("fresh"), MODE).map(drop))
        }),
        operation("create a file in an open directory", "box", |b| {
            in_box(b, |directory| directory.create_file(name("fresh"), MODE).map(drop))
        }),
        operation("replace a file", "box/text", |b| {
            in_box(b, |directory| directory.replace_file(name("text"), b"new", MODE))
        }),
        operation("replace a missing file", "box/fresh", |b| {
            in_box(b, |directory| directory.replace_file(name("fresh"), b"new", MODE))
        }),
        operation("replace, refused: a mount point", "box/taken-file", |b| {
            in_box(b, |directory| directory.replace_file(name("taken-file"), b"new", MODE))
        }),
        operation("remove in an open directory", "box/plain", |b| {
            in_box(b, |directory| directory.remove_dir(name("plain")))
        }),
        operation("remove a file in an open directory", "box/file", |b| {
            in_box(b, |directory| directory.remove_file(name("file")))
        }),
        operation("give away", "box/text", |b| {
            in_box(b, |directory| directory.set_owner(name("text"), Some(5), Some(6)))
        })
        .of_whatever_is_there(),
        operation("change a mode", "box/text", |b| {
            in_box(b, |directory| directory.set_mode(name("text"), FileMode::from_bits(0o600)))
        })
        .of_whatever_is_there(),
        operation("give the directory away", "box", |b| in_box(b, |directory| directory.set_own_owner(Some(5), None)))
            .of_whatever_is_there(),
        operation("change the directory's mode", "box", |b| {
            in_box(b, |directory| directory.set_own_mode(FileMode::from_bits(0o700)))
        })
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
        operation("list", "box", |b| in_box(b, |directory| directory.entries()?.try_for_each(|entry| entry.map(drop)))),
        operation("read a file", "box/text", |b| {
            in_box(b, |directory| directory.read_file(name("text"), 1 << 10).map(drop))
        }),
        operation("a directory in a directory", "box/plain", |b| {
            in_box(b, |directory| directory.open_dir(name("plain"), Crossing::Enter)?.own_metadata().map(drop))
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
            .again_after(|b| {
                let id = ContainerId::new("fresh").expect("a valid id");
                match ShareName::Rootfs.unshare(b, Utf8Path::new(MOUNTS), &id) {
                    Ok(done) => outcome(done, "/shared/fresh/rootfs"),
                    Err(error) => error.into(),
                }
            }),
        operation("share a file", "box/volume", share_file).read_only().again_after(unshare_file),
        operation("unshare a rootfs", "box/rootfs", unshare).after(shared).resumable(),
        operation("unshare a rootfs, container's last name", "last/rootfs", |b| {
            let id = ContainerId::new("last").expect("a valid id");
            match ShareName::Rootfs.unshare(b, Utf8Path::new(MOUNTS), &id) {
                Ok(done) => outcome(done, "/shared/last/rootfs"),
                Err(error) => error.into(),
            }
        })
        .after(|| "dir /shared/last\n".to_owned() + &mounted("/src/tree", "last/rootfs"))
        .resumable(),
        operation("unshare a stack", "box/rootfs", unshare)
            .after(|| mounted("/src/tree", "box/rootfs") + &stacked("/src/tree/sub", "box/rootfs"))
            .resumable(),
        operation("unshare what is not mounted", "box/plain", |b| {
            match ShareName::volume("plain").unshare(b, Utf8Path::new(MOUNTS), &container()) {
                Ok(done) => outcome(done, "/shared/box/plain"),
                Err(error) => error.into(),
            }
        })
        .resumable(),
        operation("unshare a file", "box/volume", unshare_file).after(shared_file).resumable(),
    ]
}

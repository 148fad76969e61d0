//! A history on one world: the result of each call, and the table after it.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;

use mountwright_core::error::Leftover;
use mountwright_core::file::{DirectoryEntry, FinalSymlink};
use mountwright_core::mount::{AtimeMode, FilesystemOption, Guarantee, MountAttributes, UnmountMode};
use mountwright_core::{
    AttributeChange, AttributesRequest, BindRequest, DeviceNumber, Directory, Errno, FileMode, MountFlags,
    MountRequest, MountTable, OsError, Recursion, UnmountRequest,
};
use mountwright_tests::contract::{Held, Hold, NodeKind, World};
use serde::{Deserialize, Serialize};

use crate::call::{Atime, Bind, Call, Change, InDirectory, Mode, NewMount, Outside, Propagation};
use crate::labels::{Labels, Sight};

/// The result of a step without a call.
pub(crate) const NO_CALL: &str = "-";

/// The outcome of one call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// In words that are the same in every world; an errno's name stands alone
    pub(crate) answer: String,
    /// The errno's name, `OK`, or [`NO_CALL`]
    pub(crate) result: String,
    pub(crate) table: Vec<String>,
}

/// Plays the whole history.
pub(crate) fn play(world: &dyn World, history: &[Call]) -> Result<Vec<Outcome>, String> {
    furnish(world).map_err(|errno| format!("the world cannot be furnished: {errno}"))?;
    let mut player = Player { world, labels: Labels::default(), open: [None, None, None], held: Vec::new() };
    Ok(history.iter().map(|call| player.perform(call)).collect())
}

fn furnish(world: &dyn World) -> Result<(), Errno> {
    for directory in ["/w/a", "/w/a/x", "/w/a/x/z", "/w/b", "/w/b/x", "/w/b/y", "/w/c"] {
        world.make_dir(directory.as_ref(), 0o755)?;
    }
    for file in ["/w/f", "/w/a/f", "/w/b/x/f"] {
        world.make_file(file.as_ref(), b"text", 0o644)?;
    }
    for (target, path) in [("a", "/w/l"), ("f", "/w/a/l"), ("nothing", "/w/n"), ("../c", "/w/b/u"), ("loop", "/w/loop")]
    {
        world.make_symlink(target.as_ref(), path.as_ref())?;
    }
    world.make_node("/w/b/p".as_ref(), NodeKind::Fifo)
}

struct Player<'w> {
    world: &'w dyn World,
    labels: Labels,
    open: [Option<Box<dyn Directory>>; 3],
    held: Vec<Held>,
}

impl Player<'_> {
    fn perform(&mut self, call: &Call) -> Outcome {
        let before = self.table();
        let said = self.call(call, &before);
        let after = self.table();
        let sight = Sight::of(&after);
        let (answer, result) = match said {
            Ok(Answer::NoCall) => ("no call".to_owned(), NO_CALL.to_owned()),
            Ok(answer) => (self.in_words(answer, &sight), "OK".to_owned()),
            Err(error) => (self.error_in_words(&error), error.errno().to_string()),
        };
        let table = sight.rows();
        Outcome { answer, result, table }
    }

    fn table(&self) -> MountTable {
        MountTable::parse(self.world.mountinfo())
    }

    fn error_in_words(&mut self, error: &OsError) -> String {
        let mut text = format!("{:?}: {}", error.operation(), error.errno());
        for left in error.left() {
            let _ = match left {
                Leftover::Mount { mount, at } => {
                    write!(text, ", left {} at {}", self.labels.mount(*mount), at.display())
                }
                other => write!(text, ", left {other}"),
            };
        }
        text
    }

    fn in_words(&mut self, answer: Answer, sight: &Sight) -> String {
        match answer {
            Answer::Done | Answer::NoCall => "done".to_owned(),
            Answer::Text(text) => text,
            Answer::Metadata(of) => sight.metadata(&of),
            Answer::Entries(device, entries) => {
                let in_words = |entry: DirectoryEntry| {
                    format!("{} {:?} {}", entry.name.display(), entry.kind, sight.inode(device, entry.inode))
                };
                // Their order depends on the filesystem.
                let mut entries: Vec<String> = entries.into_iter().map(in_words).collect();
                entries.sort();
                entries.join("\n")
            }
            Answer::Bound(report) => {
                format!("{}, {}, created {:?}", self.labels.mount(report.mount), report.guarantee, report.created)
            }
            Answer::Mounted(key) => self.labels.mount(key),
            Answer::Info(info) => self.labels.info(&info, sight),
            Answer::PathMount(of) => format!("{}, root: {}", self.labels.info(&of.mount, sight), of.is_root),
            Answer::FilesystemOf(of) => {
                format!("{:?} {} root: {}", of.magic, sight.device(of.device), of.is_mount_root)
            }
            Answer::Mounts(table) => Sight::of(&table).rows().join("\n"),
        }
    }

    fn call(&mut self, call: &Call, table: &MountTable) -> Result<Answer, OsError> {
        let backend = self.world.backend();
        Ok(match call {
            Call::Metadata { at, follow } => {
                let link = if *follow { FinalSymlink::Follow } else { FinalSymlink::Itself };
                Answer::Metadata(backend.metadata(&at.location(table), link)?)
            }
            Call::Canonicalize { path } => Answer::path(&backend.canonicalize(&path.path(table))?),
            Call::CurrentDir => Answer::path(&backend.current_dir()?),
            Call::OpenDir { at, slot } => {
                self.open[*slot] = Some(backend.open_dir(&at.location(table))?);
                Answer::Done
            }
            Call::ReadLink { at } => Answer::path(&backend.read_link(&at.location(table))?),
            Call::CreateDir { at, mode } => {
                done(backend.create_dir(&at.location(table), FileMode::from_bits(*mode)).map(drop))?
            }
            Call::CreateFile { at, mode } => {
                done(backend.create_file(&at.location(table), FileMode::from_bits(*mode)).map(drop))?
            }
            Call::RemoveDir { at } => done(backend.remove_dir(&at.location(table)))?,
            Call::RemoveFile { at } => done(backend.remove_file(&at.location(table)))?,
            Call::In { slot, call } => self.in_directory(*slot, call)?,
            Call::Bind(bind) => Answer::Bound(backend.bind(&bind_request(bind, table))?),
            Call::Mount(mount) => Answer::Mounted(backend.mount(&mount_request(mount, table))?.mount),
            Call::MoveMount { from, to } => done(backend.move_mount(&from.location(table), &to.location(table)))?,
            Call::ChangeAttributes { at, change, recursive } => {
                let mut request = AttributesRequest::new(at.location(table), attribute_change(change));
                if *recursive {
                    request = request.recursive();
                }
                Answer::Text(backend.change_attributes(&request)?.guarantee.to_string())
            }
            Call::SetSuperblockReadOnly { at, read_only } => {
                done(backend.set_superblock_read_only(&at.location(table), *read_only))?
            }
            Call::SetPropagation { at, propagation, recursive } => {
                done(backend.set_propagation(&at.location(table), (*propagation).into(), recursion(*recursive)))?
            }
            Call::Unmount { at, mode, only } => {
                let mut request = UnmountRequest::new(at.location(table)).with_mode((*mode).into());
                if let Some(key) = only.and_then(|number| self.labels.named(number)) {
                    request = request.only(key);
                }
                done(backend.unmount(&request))?
            }
            Call::MountOf { at } => Answer::PathMount(backend.mount_of(&at.location(table))?),
            Call::FilesystemOf { at } => Answer::FilesystemOf(backend.filesystem_of(&at.location(table))?),
            Call::FindMount { mount } => match self.labels.named(*mount) {
                Some(key) => Answer::Info(backend.find_mount(key)?),
                None => Answer::NoCall,
            },
            Call::Mounts => Answer::Mounts(backend.mounts()?),
            Call::Outside(outside) => self.outside(outside, table),
        })
    }

    fn in_directory(&mut self, slot: usize, call: &InDirectory) -> Result<Answer, OsError> {
        if *call == InDirectory::Close {
            self.open[slot] = None;
            return Ok(Answer::NoCall);
        }
        let Some(directory) = &self.open[slot] else { return Ok(Answer::NoCall) };
        let mode = |bits: &u16| FileMode::from_bits(*bits);
        let answer = match call {
            InDirectory::OwnMetadata => Answer::Metadata(directory.own_metadata()?),
            InDirectory::Entries => {
                let entries = directory.entries()?.collect::<Result<Vec<_>, _>>()?;
                Answer::Entries(directory.own_metadata()?.device, entries)
            }
            InDirectory::Metadata { name } => Answer::Metadata(directory.metadata(name.as_ref())?),
            InDirectory::OpenDir { name, slot } => {
                self.open[*slot] = Some(directory.open_dir(name.as_ref(), mountwright_core::path::Crossing::Enter)?);
                Answer::Done
            }
            InDirectory::ReadLink { name } => Answer::path(&directory.read_link(name.as_ref())?),
            InDirectory::ReadFile { name, limit } => {
                Answer::Text(String::from_utf8_lossy(&directory.read_file(name.as_ref(), *limit)?).into_owned())
            }
            InDirectory::CreateDir { name, mode: bits } => {
                done(directory.create_dir(name.as_ref(), mode(bits)).map(drop))?
            }
            InDirectory::CreateFile { name, mode: bits } => {
                done(directory.create_file(name.as_ref(), mode(bits)).map(drop))?
            }
            InDirectory::ReplaceFile { name, contents, mode: bits } => {
                done(directory.replace_file(name.as_ref(), contents.as_bytes(), mode(bits)))?
            }
            InDirectory::RemoveDir { name } => done(directory.remove_dir(name.as_ref()))?,
            InDirectory::RemoveFile { name } => done(directory.remove_file(name.as_ref()))?,
            InDirectory::SetOwner { name, uid, gid } => done(directory.set_owner(name.as_ref(), *uid, *gid))?,
            InDirectory::SetMode { name, mode: bits } => done(directory.set_mode(name.as_ref(), mode(bits)))?,
            InDirectory::SetOwnOwner { uid, gid } => done(directory.set_own_owner(*uid, *gid))?,
            InDirectory::SetOwnMode { mode: bits } => done(directory.set_own_mode(mode(bits)))?,
            InDirectory::Close => Answer::NoCall,
        };
        Ok(answer)
    }

    /// The result is compared too: both worlds must agree on it.
    fn outside(&mut self, outside: &Outside, table: &MountTable) -> Answer {
        let world = self.world;
        let result = match outside {
            Outside::Rename { from, to } => world.rename(&from.path(table), &to.path(table)),
            Outside::Link { existing, path } => world.make_link(&existing.path(table), &path.path(table)),
            Outside::Symlink { target, path } => world.make_symlink(target.as_ref(), &path.path(table)),
            Outside::Fifo { path } => world.make_node(&path.path(table), NodeKind::Fifo),
            Outside::Tmpfs { path } => world.mount_tmpfs(&path.path(table), "o".as_ref()),
            Outside::Bind { source, target, recursive } => {
                world.bind(&source.path(table), &target.path(table), recursion(*recursive))
            }
            Outside::Propagation { path, propagation, recursive } => {
                world.set_propagation(&path.path(table), (*propagation).into(), recursion(*recursive))
            }
            Outside::Hold { path, writing } => self.hold(&path.path(table), *writing),
            Outside::Release => {
                self.held.clear();
                Ok(())
            }
            Outside::ChangeDir { path } => world.change_dir(&path.path(table)),
        };
        Answer::Text(match result {
            Ok(()) => "done".to_owned(),
            Err(errno) => errno.to_string(),
        })
    }

    fn hold(&mut self, path: &std::path::Path, writing: bool) -> Result<(), Errno> {
        // A fifo waits for its other end.
        if self.world.stat(path, FinalSymlink::Follow)?.kind == mountwright_core::file::FileKind::Fifo {
            return Ok(());
        }
        let how = if writing { Hold::Write } else { Hold::Read };
        self.held.push(self.world.hold(path, how)?);
        Ok(())
    }
}

enum Answer {
    Done,
    /// No call was made: no directory is open there, or no mount was named yet
    NoCall,
    Text(String),
    Metadata(mountwright_core::file::Metadata),
    Entries(DeviceNumber, Vec<DirectoryEntry>),
    Bound(mountwright_core::mount::BindReport),
    Mounted(mountwright_core::MountKey),
    Info(mountwright_core::MountInfo),
    PathMount(mountwright_core::mount::PathMount),
    FilesystemOf(mountwright_core::mount::FilesystemOf),
    Mounts(MountTable),
}

impl Answer {
    fn path(path: &std::path::Path) -> Self {
        Self::Text(path.display().to_string())
    }
}

fn done(result: Result<(), OsError>) -> Result<Answer, OsError> {
    result.map(|()| Answer::Done)
}

fn recursion(tree: bool) -> Recursion {
    if tree { Recursion::Tree } else { Recursion::This }
}

fn flags(words: &[String]) -> MountFlags {
    let flag = |word: &String| MountFlags::from_word(word.as_bytes()).unwrap_or_else(|| panic!("no such flag: {word}"));
    words.iter().map(flag).fold(MountFlags::NONE, |all, flag| all | flag)
}

fn attribute_change(change: &Change) -> AttributeChange {
    AttributeChange::new(flags(&change.set), flags(&change.clear), change.atime.map(Into::into))
        .expect("nothing is drawn that is both set and cleared")
}

fn bind_request(bind: &Bind, table: &MountTable) -> BindRequest {
    let mut request = BindRequest::new(bind.source.location(table), bind.target.location(table))
        .attributes(attribute_change(&bind.change));
    if bind.recursive {
        request = request.recursive();
    }
    if let Some(propagation) = bind.propagation {
        request = request.propagation(propagation.into());
    }
    if let Some(mode) = bind.creating {
        request = request.creating_target(FileMode::from_bits(mode));
    }
    if bind.stacking {
        request = request.stacking();
    }
    if bind.atomic {
        request = request.require(Guarantee::Atomic);
    }
    request
}

fn mount_request(mount: &NewMount, table: &MountTable) -> MountRequest {
    let mut request = MountRequest::new(mount.fs_type.as_str(), mount.target.location(table));
    request.source = mount.source.as_ref().map(Into::into);
    request.attributes =
        MountAttributes { flags: flags(&mount.flags), atime: mount.atime.map_or(AtimeMode::Relative, Into::into) };
    request.options = mount
        .options
        .iter()
        .map(|option| match option.split_once('=') {
            Some((key, value)) => FilesystemOption::with_value(key, value),
            None => FilesystemOption::flag(OsStr::from_bytes(option.as_bytes())),
        })
        .collect();
    request.propagation = mount.propagation.map(Into::into);
    request
}

impl From<Atime> for AtimeMode {
    fn from(atime: Atime) -> Self {
        match atime {
            Atime::Relative => Self::Relative,
            Atime::Never => Self::Never,
            Atime::Strict => Self::Strict,
        }
    }
}

impl From<Propagation> for mountwright_core::Propagation {
    fn from(propagation: Propagation) -> Self {
        match propagation {
            Propagation::Private => Self::Private,
            Propagation::Shared => Self::Shared,
            Propagation::Slave => Self::Slave,
            Propagation::Unbindable => Self::Unbindable,
        }
    }
}

impl From<Mode> for UnmountMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Plain => Self::Plain,
            Mode::Detach => Self::Detach,
            Mode::Force => Self::Force,
            Mode::ForceDetach => Self::ForceDetach,
            Mode::Expire => Self::Expire,
        }
    }
}

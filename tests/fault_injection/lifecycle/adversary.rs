//! An adversary that swaps, deletes and renames names between any two calls, and puts links, files and directories in
//! their place.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mountwright_core::Errno;
use mountwright_core::kata::MOUNT_INFO_FILE;
use mountwright_fake::abi::{
    AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, O_CREAT, O_EXCL, O_WRONLY, RENAME_EXCHANGE, STATX_BASIC_STATS,
};
use mountwright_fake::test_kit::Exchange;
use mountwright_fake::{At, FakeBackend, Machine, Pid};

use crate::model::Model;

/// The directories in which sequences create and remove names, with those names: every component of every path.
const COMPONENTS: [(&str, &[&str]); 4] = [
    (
        "/w/sb/mounts",
        &[
            "c1",
            "c1/rootfs",
            "c1/config",
            "c1/data",
            "c1/snapshotdir",
            "c1-0123456789abcdef-hosts",
            "sandbox-mounts",
            "sandbox-mounts/config",
            "sandbox-mounts/data",
        ],
    ),
    ("/w/sb/private", &["c1:config", "c1:data", "c1:snapshotdir", "sandbox-mounts:config", "sandbox-mounts:data"]),
    ("/w/sb/volume", &["a", "a/b", "a/b/f", "f", "z"]),
    // The volume that is mounted at `/data`, by the encoding of its path.
    ("/w/sb/records", &["L2RhdGE=", "L2RhdGE=/mountInfo.json"]),
];

/// The content of another user's file; it must not be lost.
const DECOY: &[u8] = b"somebody else's";

/// The actions on one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// It is removed.
    Remove,
    /// It gets another name in the same place.
    CarryOff,
    /// That, and a symlink to another user's files takes its place.
    PutLink,
    /// It changes places with a directory or file that holds something.
    SwapWithDecoy,
    /// It changes places with this other name of the sandbox.
    SwapWith(&'static str),
    /// Nothing is there, and a directory is made.
    MakeDirectory,
    /// Nothing is there, and a file that holds something is made.
    MakeFile,
    /// Nothing is there, and a symlink to another user's files is made.
    MakeLink,
}

/// An action on one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deed {
    root: &'static str,
    name: &'static str,
    act: Act,
}

impl Deed {
    /// Returns every action on a name with one of these prefixes.
    pub(crate) fn all(about: &[&str]) -> Vec<Self> {
        const ALONE: [Act; 7] = [
            Act::Remove,
            Act::CarryOff,
            Act::PutLink,
            Act::SwapWithDecoy,
            Act::MakeDirectory,
            Act::MakeFile,
            Act::MakeLink,
        ];
        let mut deeds = Vec::new();
        for (root, names) in COMPONENTS {
            for &name in names.iter().filter(|name| about.iter().any(|about| name.starts_with(about))) {
                // One that comes after it, and is not in it.
                let others = names.iter().filter(|other| **other > name && !other.starts_with(name));
                let acts = ALONE.into_iter().chain(others.map(|other| Act::SwapWith(other)));
                deeds.extend(acts.map(|act| Self { root, name, act }));
            }
        }
        deeds
    }

    /// The action by a process that has the permission.
    pub(crate) fn exchange(self, model: &Model) -> Exchange {
        let (Self { root, name, act }, actors) = (self, model.actors());
        let exchange = Exchange::new(format!("{act:?} {root}/{name}"), move |host| {
            if host.machine(|machine| self.is_possible(machine)) {
                return tried(host, actors, |machine, actor| self.done_by(machine, actor));
            }
            Err(Errno::ENOENT)
        });
        if act == Act::Remove {
            return exchange;
        }
        exchange.undone_by(move |host| tried(host, actors, |machine, actor| self.undone_by(machine, actor)))
    }

    fn is_possible(self, machine: &mut Machine) -> bool {
        let is_there = exists(machine, self.root, self.name);
        match self.act {
            Act::Remove | Act::CarryOff | Act::PutLink | Act::SwapWithDecoy => is_there,
            Act::SwapWith(other) => is_there && exists(machine, self.root, other),
            Act::MakeDirectory | Act::MakeFile | Act::MakeLink => {
                !is_there && exists(machine, self.root, self.name.rsplit_once('/').map_or(".", |(above, _)| above))
            }
        }
    }

    /// Names that belong to the adversary from then on, with all below them.
    pub(crate) fn touched(self) -> Vec<PathBuf> {
        let other = match self.act {
            Act::CarryOff | Act::PutLink => Some("away"),
            Act::SwapWithDecoy | Act::MakeFile => Some("decoy"),
            Act::SwapWith(other) => Some(other),
            _ => None,
        };
        let below = |name: &str| Path::new(self.root).join(name);
        other.into_iter().chain([self.name]).map(below).collect()
    }

    /// Returns the bytes it has written that must not be lost. A record is there to be replaced. A file that takes the
    /// place of an empty one right between check and removal is lost with the name: Linux has no call that removes a
    /// file only if it is a certain one, and a process that can do this can remove the file itself.
    pub(crate) fn text(self) -> Option<&'static [u8]> {
        let is_placeholder = ["config", "hosts"].iter().any(|end| self.name.ends_with(end));
        if self.name.ends_with(MOUNT_INFO_FILE) || is_placeholder && self.act == Act::SwapWithDecoy {
            return None;
        }
        [Act::SwapWithDecoy, Act::MakeFile].contains(&self.act).then_some(DECOY)
    }

    fn path(self, name: &str) -> Vec<u8> {
        format!("{}/{name}", self.root).into_bytes()
    }

    /// Returns another user's file of the same name: a mount, an empty file, an empty directory.
    fn link_target(self) -> Vec<u8> {
        match self.name.rsplit_once('/') {
            Some((_, last)) => format!("/w/victim/{last}").into_bytes(),
            None => b"/w/victim".to_vec(),
        }
    }

    fn done_by(self, machine: &mut Machine, actor: Pid) -> Result<(), Errno> {
        let (name, away, decoy) = (self.path(self.name), self.path("away"), self.path("decoy"));
        match self.act {
            Act::Remove => match machine.unlinkat(actor, At::Cwd, &name, AT_REMOVEDIR) {
                Err(Errno::ENOTDIR) => machine.unlinkat(actor, At::Cwd, &name, 0),
                other => other,
            },
            Act::CarryOff => machine.renameat2(actor, At::Cwd, &name, At::Cwd, &away, 0),
            Act::PutLink => {
                machine.renameat2(actor, At::Cwd, &name, At::Cwd, &away, 0)?;
                machine.symlinkat(actor, &self.link_target(), At::Cwd, &name)
            }
            Act::SwapWithDecoy => {
                let stat = machine.statx(actor, At::Cwd, &name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS)?;
                if u32::from(stat.mode) & mountwright_fake::abi::S_IFMT == mountwright_fake::abi::S_IFDIR {
                    machine.mkdirat(actor, At::Cwd, &decoy, 0o755)?;
                    for inner in ["rootfs", "data"] {
                        machine.mkdirat(actor, At::Cwd, &[&decoy[..], b"/", inner.as_bytes()].concat(), 0o755)?;
                    }
                    make_file(machine, actor, &[&decoy[..], b"/config"].concat())?;
                } else {
                    make_file(machine, actor, &decoy)?;
                }
                machine.renameat2(actor, At::Cwd, &name, At::Cwd, &decoy, RENAME_EXCHANGE)
            }
            Act::SwapWith(other) => {
                machine.renameat2(actor, At::Cwd, &name, At::Cwd, &self.path(other), RENAME_EXCHANGE)
            }
            Act::MakeDirectory => machine.mkdirat(actor, At::Cwd, &name, 0o755),
            Act::MakeFile => make_file(machine, actor, &name),
            Act::MakeLink => machine.symlinkat(actor, &self.link_target(), At::Cwd, &name),
        }
    }

    fn undone_by(self, machine: &mut Machine, actor: Pid) -> Result<(), Errno> {
        let (name, away) = (self.path(self.name), self.path("away"));
        match self.act {
            Act::Remove => Ok(()),
            Act::CarryOff => machine.renameat2(actor, At::Cwd, &away, At::Cwd, &name, 0),
            Act::PutLink => {
                machine.unlinkat(actor, At::Cwd, &name, 0)?;
                machine.renameat2(actor, At::Cwd, &away, At::Cwd, &name, 0)
            }
            Act::SwapWithDecoy | Act::SwapWith(_) => self.swapped_back(machine, actor),
            Act::MakeDirectory => machine.unlinkat(actor, At::Cwd, &name, AT_REMOVEDIR),
            // The other user's bytes stay.
            Act::MakeFile => machine.renameat2(actor, At::Cwd, &name, At::Cwd, &self.path("decoy"), 0),
            Act::MakeLink => machine.unlinkat(actor, At::Cwd, &name, 0),
        }
    }

    fn swapped_back(self, machine: &mut Machine, actor: Pid) -> Result<(), Errno> {
        let other = if let Act::SwapWith(other) = self.act { other } else { "decoy" };
        machine.renameat2(actor, At::Cwd, &self.path(self.name), At::Cwd, &self.path(other), RENAME_EXCHANGE)
    }
}

fn exists(machine: &mut Machine, root: &str, name: &str) -> bool {
    let path = format!("{root}/{name}");
    machine.statx(Machine::INIT, At::Cwd, path.as_bytes(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS).is_ok()
}

fn make_file(machine: &mut Machine, actor: Pid, path: &[u8]) -> Result<(), Errno> {
    let file = machine.openat(actor, At::Cwd, path, O_CREAT | O_EXCL | O_WRONLY, 0o644)?;
    machine.write(actor, file, DECOY)?;
    machine.close(actor, file)
}

fn tried(
    host: &FakeBackend,
    [near, stranger]: [Pid; 2],
    act: impl Fn(&mut Machine, Pid) -> Result<(), Errno>,
) -> Result<(), Errno> {
    host.machine(|machine| {
        // A process that sees a mount on a name may neither remove nor rename it; one that sees none may.
        let before = machine.clone();
        act(machine, near).or_else(|_| {
            *machine = before;
            act(machine, stranger)
        })
    })
}

/// Returns the names that only the adversary can have left: their contents belong to it.
pub(crate) fn touched(deeds: &[Deed]) -> BTreeSet<PathBuf> {
    deeds.iter().flat_map(|deed| deed.touched()).collect()
}

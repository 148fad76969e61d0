//! The actions of a guest on the names below the root, from the same mount namespace or from another.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use mountwright_core::Errno;
use mountwright_fake::abi::{AT_REMOVEDIR, O_CREAT, O_EXCL, O_WRONLY, RENAME_EXCHANGE};
use mountwright_fake::test_kit::{Between, Moment};
use mountwright_fake::{At, Machine, Pid, SharedMachine};

use mountwright_tests::searched::{DIRECTORIES, FILES, verdict::ATTACKERS_MODE};

/// The targets of the links that are ready in `/shared/links`.
const OUTSIDE: [&str; 3] = ["empty", "busy", "bare"];

/// An action on one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The name and another change places: a symlink out of the root, another directory, a file, a mount.
    Exchange { name: String, with: String },
    /// The name is removed.
    Remove(String),
    /// It gets another name.
    Rename { from: String, to: String },
    /// It is renamed, and a symlink out of the root takes its place.
    ReplaceByLink { name: String, target: String },
    /// It is removed, and a symlink out of the root takes its place.
    RemoveForLink { name: String, target: String },
    /// A directory is made there.
    MakeDirectory(String),
    /// A file is made there.
    MakeFile(String),
    /// A symlink out of the root is made there.
    MakeLink { name: String, target: String },
}

impl Deed {
    /// Returns every action on every component of a path below `/shared`.
    pub(crate) fn all(below: &str) -> Vec<Self> {
        let mut deeds = Vec::new();
        let mut end = 0;
        loop {
            end = below[end..].find('/').map_or(below.len(), |slash| end + slash);
            deeds.extend(Self::to_name(&below[..end]));
            if end == below.len() {
                return deeds;
            }
            end += 1;
        }
    }

    fn to_name(below: &str) -> Vec<Self> {
        let name = format!("/shared/{below}");
        let last = below.rsplit('/').next().unwrap_or_default();
        let known = DIRECTORIES.into_iter().chain(FILES).any(|known| known == last);
        let mut deeds = vec![
            Self::Remove(name.clone()),
            Self::Rename { from: name.clone(), to: "/shared/away".into() },
            Self::MakeDirectory(name.clone()),
            Self::MakeFile(name.clone()),
        ];
        for with in ["other", "other/rootfs", "other/plain", "box/full", "box/text", "box/link"] {
            deeds.push(Self::Exchange { name: name.clone(), with: format!("/shared/{with}") });
        }
        for outside in OUTSIDE {
            // An exchanged parent directory leads to one with the same names; the exchanged last name to the same name.
            let ends =
                if known { vec![format!("-{last}")] } else { vec![String::new(), "-rootfs".into(), "-file".into()] };
            for end in ends {
                let target = format!("/outside/{outside}{}", end.replacen('-', "/", 1));
                let name = name.clone();
                deeds.push(Self::Exchange { name: name.clone(), with: format!("/shared/links/to-{outside}{end}") });
                deeds.push(Self::ReplaceByLink { name: name.clone(), target: target.clone() });
                deeds.push(Self::RemoveForLink { name: name.clone(), target: target.clone() });
                deeds.push(Self::MakeLink { name, target });
            }
        }
        deeds
    }

    /// Returns true if it puts a link to a mount in the way.
    pub(crate) fn leads_out(&self) -> bool {
        match self {
            Self::Exchange { with, .. } => with.contains("to-busy"),
            Self::RemoveForLink { target, .. } => target.contains("busy"),
            _ => false,
        }
    }

    pub(crate) fn can_be_undone(&self) -> bool {
        matches!(self, Self::Exchange { .. } | Self::Rename { .. })
    }

    /// Returns the action that undoes it.
    pub(crate) fn undone(&self) -> Self {
        match self {
            Self::Rename { from, to } => Self::Rename { from: to.clone(), to: from.clone() },
            other => other.clone(),
        }
    }

    fn act(&self, machine: &mut Machine, pid: Pid) -> Result<(), Errno> {
        let cwd = At::Cwd;
        match self {
            Self::Exchange { name, with } => {
                machine.renameat2(pid, cwd, name.as_bytes(), cwd, with.as_bytes(), RENAME_EXCHANGE)
            }
            Self::Remove(name) => remove(machine, pid, name),
            Self::Rename { from, to } => machine.renameat2(pid, cwd, from.as_bytes(), cwd, to.as_bytes(), 0),
            Self::ReplaceByLink { name, target } => {
                machine.renameat2(pid, cwd, name.as_bytes(), cwd, b"/shared/away", 0)?;
                machine.symlinkat(pid, target.as_bytes(), cwd, name.as_bytes())
            }
            Self::RemoveForLink { name, target } => {
                remove(machine, pid, name)?;
                machine.symlinkat(pid, target.as_bytes(), cwd, name.as_bytes())
            }
            Self::MakeDirectory(name) => machine.mkdirat(pid, cwd, name.as_bytes(), ATTACKERS_MODE),
            Self::MakeFile(name) => {
                let fd = machine.openat(pid, cwd, name.as_bytes(), O_CREAT | O_EXCL | O_WRONLY, ATTACKERS_MODE)?;
                machine.close(pid, fd)
            }
            Self::MakeLink { name, target } => machine.symlinkat(pid, target.as_bytes(), cwd, name.as_bytes()),
        }
    }
}

fn remove(machine: &mut Machine, pid: Pid, name: &str) -> Result<(), Errno> {
    match machine.unlinkat(pid, At::Cwd, name.as_bytes(), AT_REMOVEDIR) {
        Err(Errno::ENOTDIR) => machine.unlinkat(pid, At::Cwd, name.as_bytes(), 0),
        other => other,
    }
}

/// An action before a certain call.
#[derive(Clone, Debug)]
pub(crate) struct Strike {
    before: usize,
    deed: Deed,
    attacker: Pid,
}

impl Strike {
    pub(crate) fn new(before: usize, deed: Deed, attacker: Pid) -> Self {
        Self { before, deed, attacker }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} by {:?} before call {}", self.deed, self.attacker, self.before)
    }
}

/// The strikes between the calls of a run.
pub(crate) struct Adversary {
    machine: SharedMachine,
    strikes: Vec<Strike>,
    hit: AtomicBool,
}

impl Adversary {
    pub(crate) fn new(machine: SharedMachine, strikes: Vec<Strike>) -> Self {
        Self { machine, strikes, hit: AtomicBool::new(false) }
    }

    /// Returns true if the kernel permitted any of them; otherwise the run was undisturbed.
    pub(crate) fn has_hit(&self) -> bool {
        self.hit.load(Ordering::Relaxed)
    }
}

impl Between for Adversary {
    fn before(&self, moment: Moment) -> Result<(), Errno> {
        for strike in self.strikes.iter().filter(|strike| strike.before == moment.number) {
            // A refused action is a miss, unless it is the second half of a pair.
            let halves = matches!(strike.deed, Deed::ReplaceByLink { .. } | Deed::RemoveForLink { .. });
            if strike.deed.act(&mut self.machine.lock(), strike.attacker).is_ok() || halves {
                self.hit.store(true, Ordering::Relaxed);
            }
        }
        Ok(())
    }
}

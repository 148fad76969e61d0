//! The actions of a guest on the names below the root, from the same mount namespace or from another.

use mountwright_core::Errno;
use mountwright_fake::abi::{AT_REMOVEDIR, O_CREAT, O_EXCL, O_WRONLY, RENAME_EXCHANGE};
use mountwright_fake::test_kit::Exchange;
use mountwright_fake::{At, Machine, Pid};

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

    /// Returns the action that undoes it, if there is one.
    pub(crate) fn undone(&self) -> Option<Self> {
        match self {
            Self::Rename { from, to } => Some(Self::Rename { from: to.clone(), to: from.clone() }),
            Self::Exchange { .. } => Some(self.clone()),
            _ => None,
        }
    }

    /// The action by this process.
    pub(crate) fn exchange(&self, attacker: Pid) -> Exchange {
        let (deed, undone) = (self.clone(), self.undone());
        // The second half of a pair may be refused.
        let halves = matches!(self, Self::ReplaceByLink { .. } | Self::RemoveForLink { .. });
        let exchange = Exchange::new(format!("{self:?} by {attacker:?}"), move |host| {
            host.machine(|machine| deed.act(machine, attacker))
                .or_else(|errno| if halves { Ok(()) } else { Err(errno) })
        });
        match undone {
            Some(undone) => exchange.undone_by(move |host| host.machine(|machine| undone.act(machine, attacker))),
            None => exchange,
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

//! A sandbox on the kernel.

use std::collections::BTreeMap;
use std::fs::File;

use mountwright_core::Errno;
use rustix::fs::{Mode, OFlags};

use super::helper::{Helper, Origin};
use super::mountinfo::TableFile;
use super::performer::Performer;
use super::stage::Stage;
use crate::scenario::returned::Devices;
use crate::scenario::{Answer, CannotRun, Credentials, NodeKind, Operation, Step, Tables, World};

/// A fresh sandbox on the stage: a tmpfs as the real root of a mount namespace of its own.
///
/// The process is in it as long as the value lives, and back on the stage afterwards; the sandbox and all namespaces that the
/// scenario made end then.
#[derive(Debug)]
pub struct KernelWorld<'s> {
    stage: &'s mut Stage,
    namespaces: BTreeMap<u32, Namespace>,
    present: u32,
    /// The number of the next namespace
    next: u32,
    /// The number of tmpfs mounted so far
    filesystems: u64,
    devices: Devices,
    /// A namespace was created or ended since the last query of the tables
    namespaces_changed: bool,
}

#[derive(Debug)]
struct Namespace {
    // Dropped first: the open file keeps the namespace alive.
    table: TableFile,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Here(Performer),
    Helper(Helper),
}

fn broken(what: &str, error: impl std::fmt::Display) -> CannotRun {
    CannotRun::Broken(format!("{what}: {error}"))
}

impl<'s> KernelWorld<'s> {
    /// A fresh sandbox; one at a time on a stage.
    ///
    /// # Errors
    ///
    /// [`CannotRun::Broken`] where the kernel refuses the namespace or the tmpfs.
    pub fn new(stage: &'s mut Stage) -> Result<Self, CannotRun> {
        Stage::fresh_sandbox().map_err(|error| broken("a fresh sandbox", error))?;
        let performer = Performer::new(stage.proc()).map_err(|errno| broken("open(/proc/self/fd)", errno))?;
        let table = table_of(stage, "self")?;
        let namespaces = BTreeMap::from([(0, Namespace { table, home: Home::Here(performer) })]);
        Ok(Self {
            stage,
            namespaces,
            present: 0,
            next: 1,
            filesystems: 0,
            devices: Devices::default(),
            namespaces_changed: true,
        })
    }

    fn namespace(&mut self, number: u32) -> Result<&mut Namespace, CannotRun> {
        self.namespaces.get_mut(&number).ok_or(CannotRun::NoSuchNamespace(number))
    }

    fn clone_namespace(&mut self, user: bool) -> Result<Result<Answer, Errno>, CannotRun> {
        if user && !self.stage.is_root() {
            return Err(CannotRun::NeedsRoot("a user namespace that maps two users"));
        }
        let origin = match &self.namespace(self.present)?.home {
            Home::Here(_) => Origin::Here,
            Home::Helper(helper) => helper.origin(),
        };
        let helper = match Helper::start(self.stage.proc(), origin, user)? {
            Ok(helper) => helper,
            Err(errno) => return Ok(Err(errno)),
        };
        let table = table_of(self.stage, &helper.pid().as_raw_pid().to_string())?;
        self.namespaces.insert(self.next, Namespace { table, home: Home::Helper(helper) });
        self.next += 1;
        self.namespaces_changed = true;
        Ok(Ok(Answer::Done))
    }

    fn destroy_namespace(&mut self, number: u32) -> Result<Result<Answer, Errno>, CannotRun> {
        let namespace = self.namespaces.remove(&number).ok_or(CannotRun::NoSuchNamespace(number))?;
        let is_ours = matches!(namespace.home, Home::Here(_));
        drop(namespace);
        if is_ours {
            self.stage.return_to().map_err(|error| broken("leaving a namespace", error))?;
        }
        self.namespaces_changed = true;
        Ok(Ok(Answer::Done))
    }

    fn perform_there(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun> {
        if !self.stage.is_root() {
            if step.credentials != Credentials::Root {
                return Err(CannotRun::NeedsRoot("other credentials"));
            }
            if matches!(step.operation, Operation::Mknod { kind: NodeKind::Char | NodeKind::Block, .. }) {
                return Err(CannotRun::NeedsRoot("a device node"));
            }
        }
        let filesystem = self.filesystems + 1;
        let answer = match &mut self.namespace(self.present)?.home {
            Home::Here(performer) => performer.perform(step, filesystem)?,
            Home::Helper(helper) => helper.perform(step, filesystem)?,
        };
        match answer {
            Err(errno) => Ok(Err(errno)),
            Ok(returned) => {
                if matches!(step.operation, Operation::MountTmpfs { .. }) {
                    self.filesystems += 1;
                }
                self.devices.answer(returned).map(Ok)
            }
        }
    }
}

impl World for KernelWorld<'_> {
    fn perform(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun> {
        let about_namespaces = matches!(
            step.operation,
            Operation::CloneNs { .. } | Operation::SwitchNs { .. } | Operation::DestroyNs { .. }
        );
        if about_namespaces && step.credentials != Credentials::Root {
            return Err(CannotRun::NotSupported(format!("other credentials for {}", step.operation.name())));
        }
        match step.operation {
            Operation::CloneNs { user } => self.clone_namespace(user),
            Operation::SwitchNs { ns } => {
                self.namespace(ns)?;
                self.present = ns;
                Ok(Ok(Answer::Done))
            }
            Operation::DestroyNs { ns } => self.destroy_namespace(ns),
            _ => self.perform_there(step),
        }
    }

    fn changed_tables(&mut self) -> Result<Option<Tables>, CannotRun> {
        let mut changed = std::mem::take(&mut self.namespaces_changed);
        for namespace in self.namespaces.values_mut() {
            changed |= namespace.table.refresh()?;
        }
        if !changed {
            return Ok(None);
        }
        let mut tables = Tables::new();
        for (&number, namespace) in &self.namespaces {
            let rows = &namespace.table.rows;
            self.devices.learn(rows);
            tables.insert(number, rows.iter().map(|row| row.row.clone()).collect());
        }
        Ok(Some(tables))
    }

    fn present(&self) -> u32 {
        self.present
    }
}

impl Drop for KernelWorld<'_> {
    fn drop(&mut self) {
        // Descriptors and helpers first. If the stage cannot be reached, the next sandbox reports it.
        self.namespaces.clear();
        let _ = self.stage.return_to();
    }
}

fn table_of(stage: &Stage, process: &str) -> Result<TableFile, CannotRun> {
    let path = format!("{process}/mountinfo");
    let file = rustix::fs::openat(stage.proc(), path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|errno| broken("open(mountinfo)", errno))?;
    Ok(TableFile::new(File::from(file)))
}

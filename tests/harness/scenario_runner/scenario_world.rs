//! The namespaces of a scenario, each with a process, on the kernel or on the model.

use std::collections::BTreeMap;

use mountwright_core::Errno;

use crate::scenario::returned::{Devices, Returned};
use crate::scenario::table_text::parse;
use crate::scenario::{Answer, CannotRun, Credentials, MountRow, Operation, Step, Tables, World};

/// A machine whose processes are in the namespaces of a scenario.
pub trait Sandbox {
    /// A process, in a mount namespace of its own.
    type Process;

    /// Starts a process in a copy of the namespace of another one, and in a user namespace of its own for `user`. The errno
    /// is that of unshare(2).
    fn start(&mut self, of: &Self::Process, user: bool) -> Result<Result<Self::Process, Errno>, CannotRun>;

    /// Ends a process.
    fn end(&mut self, process: Self::Process) -> Result<(), CannotRun>;

    /// Performs a step in a process; `filesystem` is the number that a new tmpfs gets.
    fn perform(
        &mut self,
        process: &mut Self::Process,
        step: &Step,
        filesystem: u64,
    ) -> Result<Result<Returned, Errno>, CannotRun>;

    /// The mountinfo of a process.
    fn table(&mut self, process: &mut Self::Process) -> Result<Vec<u8>, CannotRun>;
}

/// The world of a scenario on a sandbox.
#[derive(Clone, Debug)]
pub struct ScenarioWorld<S: Sandbox> {
    // Dropped first: its processes are in the sandbox.
    namespaces: BTreeMap<u32, Namespace<S::Process>>,
    pub(super) sandbox: S,
    present: u32,
    /// The number of the next namespace
    next: u32,
    /// The number of tmpfs mounted so far
    filesystems: u64,
    devices: Devices,
    /// A namespace was created or ended since the last query of the tables
    namespaces_changed: bool,
}

#[derive(Clone, Debug)]
struct Namespace<P> {
    process: P,
    /// Its table at the last query
    text: Vec<u8>,
    rows: Vec<MountRow>,
}

impl<P> Namespace<P> {
    fn of(process: P) -> Self {
        Self { process, text: Vec::new(), rows: Vec::new() }
    }
}

pub(super) fn broken(what: &str, error: impl std::fmt::Display) -> CannotRun {
    CannotRun::Broken(format!("{what}: {error}"))
}

impl<S: Sandbox> ScenarioWorld<S> {
    /// A world with namespace 0, which the process is in.
    pub(super) fn over(sandbox: S, process: S::Process) -> Self {
        Self {
            namespaces: BTreeMap::from([(0, Namespace::of(process))]),
            sandbox,
            present: 0,
            next: 1,
            filesystems: 0,
            devices: Devices::default(),
            namespaces_changed: true,
        }
    }

    /// The process of the present namespace.
    pub(super) fn present_process(&self) -> Option<&S::Process> {
        self.namespaces.get(&self.present).map(|namespace| &namespace.process)
    }

    fn clone_namespace(&mut self, user: bool) -> Result<Result<Answer, Errno>, CannotRun> {
        let present = self.namespaces.get(&self.present).ok_or(CannotRun::NoSuchNamespace(self.present))?;
        let process = match self.sandbox.start(&present.process, user)? {
            Ok(process) => process,
            Err(errno) => return Ok(Err(errno)),
        };
        self.namespaces.insert(self.next, Namespace::of(process));
        self.next += 1;
        self.namespaces_changed = true;
        Ok(Ok(Answer::Done))
    }

    fn perform_there(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun> {
        let filesystem = self.filesystems + 1;
        let namespace = self.namespaces.get_mut(&self.present).ok_or(CannotRun::NoSuchNamespace(self.present))?;
        match self.sandbox.perform(&mut namespace.process, step, filesystem)? {
            Err(errno) => Ok(Err(errno)),
            Ok(returned) => {
                if step.operation.mounts_a_new_filesystem() {
                    self.filesystems += 1;
                }
                self.devices.answer(returned, filesystem).map(Ok)
            }
        }
    }
}

impl<S: Sandbox> World for ScenarioWorld<S> {
    fn perform(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun> {
        let operation = &step.operation;
        let about_namespaces =
            matches!(operation, Operation::CloneNs { .. } | Operation::SwitchNs { .. } | Operation::DestroyNs { .. });
        if about_namespaces && step.credentials != Credentials::Root {
            return Err(CannotRun::NotSupported(format!("other credentials for {}", operation.name())));
        }
        match *operation {
            Operation::CloneNs { user } => self.clone_namespace(user),
            Operation::SwitchNs { ns } => {
                self.namespaces.get(&ns).ok_or(CannotRun::NoSuchNamespace(ns))?;
                self.present = ns;
                Ok(Ok(Answer::Done))
            }
            Operation::DestroyNs { ns } => {
                let namespace = self.namespaces.remove(&ns).ok_or(CannotRun::NoSuchNamespace(ns))?;
                self.sandbox.end(namespace.process)?;
                self.namespaces_changed = true;
                Ok(Ok(Answer::Done))
            }
            _ => self.perform_there(step),
        }
    }

    fn changed_tables(&mut self) -> Result<Option<Tables>, CannotRun> {
        let mut changed = std::mem::take(&mut self.namespaces_changed);
        for namespace in self.namespaces.values_mut() {
            let text = self.sandbox.table(&mut namespace.process)?;
            if text != namespace.text {
                changed = true;
                namespace.rows = parse(&String::from_utf8_lossy(&text))?;
                namespace.text = text;
            }
        }
        if !changed {
            return Ok(None);
        }
        let mut tables = Tables::new();
        for (&number, Namespace { rows, .. }) in &self.namespaces {
            self.devices.learn(rows);
            tables.insert(number, rows.clone());
        }
        Ok(Some(tables))
    }

    fn present(&self) -> u32 {
        self.present
    }
}

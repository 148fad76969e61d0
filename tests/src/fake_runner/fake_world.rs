//! A sandbox on the model.

use std::collections::BTreeMap;

use mountwright_core::Errno;
use mountwright_fake::{IdRange, Machine, Pid, abi};

use super::calls::Caller;
use crate::scenario::returned::Devices;
use crate::scenario::table_text::parse;
use crate::scenario::{Answer, CannotRun, Credentials, Operation, Step, Tables, World};

/// A machine of the model, fresh, with one process in each namespace of the scenario.
#[derive(Clone, Debug)]
pub struct FakeWorld {
    machine: Machine,
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

#[derive(Clone, Debug)]
struct Namespace {
    caller: Caller,
    /// Its table at the last query
    table: Vec<u8>,
}

impl Namespace {
    fn of(pid: Pid) -> Self {
        Self { caller: Caller::new(pid), table: Vec::new() }
    }
}

impl Default for FakeWorld {
    fn default() -> Self {
        Self::new()
    }
}

fn broken(what: &str, errno: Errno) -> CannotRun {
    CannotRun::Broken(format!("{what} of the model answers {errno}"))
}

impl FakeWorld {
    /// A fresh machine.
    pub fn new() -> Self {
        let mut machine = Machine::new();
        // The sandbox on the kernel is a tmpfs that was mounted without options, and the machine's root directory need not be.
        let made = machine.fchmodat(Machine::INIT, abi::AT_FDCWD, b"/", 0o1777, 0);
        debug_assert_eq!(made, Ok(()), "the first process owns the root");
        Self {
            machine,
            namespaces: BTreeMap::from([(0, Namespace::of(Machine::INIT))]),
            present: 0,
            next: 1,
            filesystems: 0,
            devices: Devices::default(),
            namespaces_changed: true,
        }
    }

    /// The machine as it is now.
    pub fn machine(&self) -> &Machine {
        &self.machine
    }

    /// The process of the present namespace.
    pub(super) fn present_process(&self) -> Option<Pid> {
        self.namespaces.get(&self.present).map(|namespace| namespace.caller.pid())
    }

    fn namespace(&mut self, number: u32) -> Result<&mut Namespace, CannotRun> {
        self.namespaces.get_mut(&number).ok_or(CannotRun::NoSuchNamespace(number))
    }

    fn clone_namespace(&mut self, user: bool) -> Result<Result<Answer, Errno>, CannotRun> {
        let parent = self.namespace(self.present)?.caller.pid();
        let pid = self.machine.fork(parent).map_err(|errno| broken("fork", errno))?;
        let descriptors = self.machine.descriptors(pid).map_err(|errno| broken("the list of descriptors", errno))?;
        for fd in descriptors {
            self.machine.close(pid, fd).map_err(|errno| broken("close", errno))?;
        }
        let flags = if user { abi::CLONE_NEWNS | abi::CLONE_NEWUSER } else { abi::CLONE_NEWNS };
        if let Err(errno) = self.machine.unshare(pid, flags) {
            self.machine.exit(pid).map_err(|errno| broken("exit", errno))?;
            return Ok(Err(errno));
        }
        if user {
            let one = |id| IdRange { inside: id, outside: id, count: 1 };
            self.machine.set_id_map(pid, vec![one(0), one(65534)]).map_err(|errno| broken("uid_map", errno))?;
        }
        self.machine.chdir(pid, abi::AT_FDCWD, b"/").map_err(|errno| broken("chdir", errno))?;
        self.namespaces.insert(self.next, Namespace::of(pid));
        self.next += 1;
        self.namespaces_changed = true;
        Ok(Ok(Answer::Done))
    }

    fn destroy_namespace(&mut self, number: u32) -> Result<Result<Answer, Errno>, CannotRun> {
        let namespace = self.namespaces.remove(&number).ok_or(CannotRun::NoSuchNamespace(number))?;
        self.machine.exit(namespace.caller.pid()).map_err(|errno| broken("exit", errno))?;
        self.namespaces_changed = true;
        Ok(Ok(Answer::Done))
    }

    fn perform_there(&mut self, step: &Step) -> Result<Result<Answer, Errno>, CannotRun> {
        let filesystem = self.filesystems + 1;
        let namespace = self.namespaces.get_mut(&self.present).ok_or(CannotRun::NoSuchNamespace(self.present))?;
        match namespace.caller.perform(&mut self.machine, step, filesystem)? {
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

impl World for FakeWorld {
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
            let table = self.machine.mountinfo(namespace.caller.pid()).map_err(|errno| broken("mountinfo", errno))?;
            if table != namespace.table {
                changed = true;
                namespace.table = table;
            }
        }
        if !changed {
            return Ok(None);
        }
        let mut tables = Tables::new();
        for (&number, namespace) in &self.namespaces {
            let rows = parse(&String::from_utf8_lossy(&namespace.table))?;
            self.devices.learn(&rows);
            tables.insert(number, rows.into_iter().map(|row| row.row).collect());
        }
        Ok(Some(tables))
    }

    fn present(&self) -> u32 {
        self.present
    }
}

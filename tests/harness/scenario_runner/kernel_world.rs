//! A sandbox on the kernel.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use mountwright_core::Errno;
use rustix::fs::{Mode, OFlags};

use super::helper::{Helper, Origin};
use super::kernel_calls::KernelCalls;
use super::performer::Performer;
use super::scenario_world::{Sandbox, ScenarioWorld, broken};
use super::stage::Stage;
use crate::scenario::returned::Returned;
use crate::scenario::{CannotRun, Credentials, NodeKind, Operation, Step};

/// A fresh sandbox on the stage: a tmpfs as the real root of a mount namespace of its own.
///
/// The process is in it as long as the value lives, and back on the stage afterwards; the sandbox and all namespaces that the
/// scenario made end then.
pub(super) type KernelWorld<'s> = ScenarioWorld<KernelSandbox<'s>>;

/// The stage that the sandbox is on.
#[derive(Debug)]
pub struct KernelSandbox<'s>(&'s mut Stage);

/// A process in a namespace of the scenario.
#[derive(Debug)]
pub struct KernelProcess {
    // Dropped first: the open file keeps the namespace alive.
    table: File,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Here(KernelCalls, Performer),
    Helper(Helper),
}

impl<'s> KernelWorld<'s> {
    /// A fresh sandbox; one at a time on a stage.
    pub(super) fn new(stage: &'s mut Stage, with_other_namespaces: bool) -> Result<Self, CannotRun> {
        Stage::fresh_sandbox(with_other_namespaces).map_err(|error| broken("a fresh sandbox", error))?;
        let calls = KernelCalls::new(stage.proc()).map_err(|errno| broken("open(/proc/self/fd)", errno))?;
        let home = Home::Here(calls, Performer::default());
        let process = KernelProcess { table: home.table(stage)?, home };
        Ok(Self::over(KernelSandbox(stage), process))
    }
}

impl Sandbox for KernelSandbox<'_> {
    type Process = KernelProcess;

    fn start(&mut self, of: &KernelProcess, user: bool) -> Result<Result<KernelProcess, Errno>, CannotRun> {
        if user && !self.0.is_root() {
            return Err(CannotRun::NeedsRoot("a user namespace that maps two users"));
        }
        let origin = match &of.home {
            Home::Here(..) => Origin::Here,
            Home::Helper(helper) => helper.origin(),
        };
        let helper = match Helper::start(self.0.proc(), origin, user)? {
            Ok(helper) => helper,
            Err(errno) => return Ok(Err(errno)),
        };
        let home = Home::Helper(helper);
        Ok(Ok(KernelProcess { table: home.table(self.0)?, home }))
    }

    fn end(&mut self, process: KernelProcess) -> Result<(), CannotRun> {
        let is_ours = matches!(process.home, Home::Here(..));
        drop(process);
        if is_ours {
            self.0.return_to().map_err(|error| broken("leaving a namespace", error))?;
        }
        Ok(())
    }

    fn perform(
        &mut self,
        process: &mut KernelProcess,
        step: &Step,
        filesystem: u64,
    ) -> Result<Result<Returned, Errno>, CannotRun> {
        if !self.0.is_root() {
            if step.credentials != Credentials::Root {
                return Err(CannotRun::NeedsRoot("other credentials"));
            }
            if matches!(step.operation, Operation::Mknod { kind: NodeKind::Char | NodeKind::Block, .. }) {
                return Err(CannotRun::NeedsRoot("a device node"));
            }
        }
        let answer = match &mut process.home {
            Home::Here(calls, performer) => performer.perform(calls, step, filesystem)?,
            Home::Helper(helper) => helper.perform(step, filesystem)?,
        };
        if matches!(step.operation, Operation::PivotRoot { .. } | Operation::Chroot { .. }) {
            // An open table is that of the root at its opening.
            process.table = process.home.table(self.0)?;
        }
        Ok(answer)
    }

    fn table(&mut self, process: &mut KernelProcess) -> Result<Vec<u8>, CannotRun> {
        let (file, mut text) = (&mut process.table, Vec::new());
        let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.read_to_end(&mut text));
        read.map(|_| text).map_err(|error| broken("reading mountinfo", error))
    }
}

impl Drop for KernelSandbox<'_> {
    fn drop(&mut self) {
        // Descriptors and helpers are gone by then. If the stage cannot be reached, the next sandbox reports it.
        let _ = self.0.return_to();
    }
}

impl Home {
    fn table(&self, stage: &Stage) -> Result<File, CannotRun> {
        let path = match self {
            Self::Here(..) => "self/mountinfo".to_owned(),
            Self::Helper(helper) => format!("{}/mountinfo", helper.pid().as_raw_pid()),
        };
        rustix::fs::openat(stage.proc(), path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
            .map(File::from)
            .map_err(|errno| broken("open(mountinfo)", errno))
    }
}

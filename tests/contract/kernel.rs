//! The Linux backend on this machine's kernel, with all calls and with those of older kernels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use mountwright_linux::{Call, Linux, LinuxBackend, SyscallSet};
use mountwright_tests::contract::{Case, Needs, can_play_on_kernel, play_on_kernel};
use mountwright_tests::kernel_required::not_run;
use mountwright_tests::namespace::{self, Privilege};

use crate::syscall_sets::{limited, syscall_sets};

/// The privilege on this kernel, and the counts of the cases.
pub(crate) struct Kernel {
    /// The reason why no case can run, or the privilege of the cases.
    privilege: Result<Privilege, String>,
    /// The caller asked for ignored cases, or for a list that marks them.
    flag_ignored: bool,
    count: Arc<Mutex<Count>>,
}

#[derive(Default)]
struct Count {
    ran: usize,
    could_not: BTreeMap<String, usize>,
}

impl Kernel {
    /// Takes this process, of one thread, into a namespace of its own.
    pub(crate) fn enter(arguments: &Arguments) -> Self {
        let privilege = namespace::enter().and_then(|privilege| can_play_on_kernel().map(|()| privilege));
        Self {
            privilege: privilege.map_err(|error| error.to_string()),
            flag_ignored: arguments.list || arguments.ignored || arguments.include_ignored,
            count: Arc::default(),
        }
    }

    /// The case on each backend.
    pub(crate) fn trials(&self, area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
        let on_proc = |syscalls: SyscallSet| !syscalls.allows(Call::Fsopen) || !syscalls.allows(Call::Openat2);
        let worlds = syscall_sets().map(|(name, syscalls)| (name, syscalls, on_proc(syscalls)));
        let worlds = worlds.into_iter().chain([(", procfs at /proc", SyscallSet::ALL, true)]);
        worlds.map(move |(name, syscalls, on_proc)| {
            let kernel = if on_proc { Linux::new().with_procfs_at_proc_only() } else { Linux::new() };
            self.trial(format!("kernel{name}: {area}: {}", case.rule()), case, syscalls, kernel)
        })
    }

    fn trial(&self, name: String, case: Case, syscalls: SyscallSet, kernel: Linux) -> Trial {
        let count = self.count.clone();
        let Some(reason) = self.cannot(case.needs()) else {
            return Trial::test(name, move || {
                locked(&count).ran += 1;
                Ok(play_on_kernel(case, move || limited(LinuxBackend::over(kernel), syscalls))?)
            });
        };
        let asked_for = self.flag_ignored;
        Trial::ignorable_test(name, move || -> Result<Completion, Failed> {
            *locked(&count).could_not.entry(reason.clone()).or_default() += 1;
            // Ignored cases that are run explicitly must not pass.
            if asked_for { Err(reason.into()) } else { not_run(&reason) }
        })
        .with_ignored_flag(asked_for && not_run("").is_ok())
    }

    fn cannot(&self, needs: Needs) -> Option<String> {
        match &self.privilege {
            Err(reason) => Some(reason.clone()),
            Ok(Privilege::UserNamespace) => needs.refused_in_user_namespace().map(str::to_owned),
            Ok(Privilege::Root) => None,
        }
    }
}

fn locked(count: &Mutex<Count>) -> std::sync::MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = locked(&self.count);
        write!(f, "kernel: {} ran, {} could not", count.ran, count.could_not.values().sum::<usize>())?;
        let mut separator = " (";
        for (reason, number) in &count.could_not {
            write!(f, "{separator}{number}: {reason}")?;
            separator = "; ";
        }
        f.write_str(if count.could_not.is_empty() { "" } else { ")" })
    }
}

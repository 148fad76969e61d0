//! Cases for the kernel alone, each on a thread and in a namespace of its own; shown as ignored, with the reason, where that
//! is not allowed.

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use mountwright_core::Backend;
use mountwright_core::ports::ProcessRoot;
use mountwright_linux::{Call, LinuxBackend};

use crate::contract::{Case, Needs, can_play_on_kernel, in_fresh_root, play_on_kernel, play_roots_on_kernel};
use crate::kernel_required::not_run;
use crate::namespace::{self, NoNamespace, Privilege};

/// A case by name.
#[derive(Clone, Copy, Debug)]
pub struct KernelCase {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// True if root in a user namespace is not enough.
    pub needs_root: bool,
    /// A call without which the rule does not hold, and is not claimed.
    pub needs_call: Option<Call>,
    /// Panics where the rule does not hold.
    pub run: fn(),
}

impl KernelCase {
    /// A case for every process that may have a mount namespace.
    pub const fn new(rule: &'static str, run: fn()) -> Self {
        Self { rule, needs_root: false, needs_call: None, run }
    }

    /// A rule that holds only where the kernel has this call.
    #[must_use]
    pub const fn needing(mut self, call: Call) -> Self {
        self.needs_call = Some(call);
        self
    }

    /// A case for the machine's own root.
    #[must_use]
    pub const fn for_root(mut self) -> Self {
        self.needs_root = true;
        self
    }
}

/// The privilege of this process.
#[derive(Clone, Debug)]
pub struct KernelTrials {
    privilege: Result<Privilege, String>,
    flag_ignored: bool,
}

impl KernelTrials {
    /// Takes this process, of one thread, into a namespace of its own.
    pub fn enter(arguments: &Arguments) -> Self {
        let privilege = namespace::enter().and_then(|privilege| can_play_on_kernel().map(|()| privilege));
        Self {
            privilege: privilege.map_err(|error| error.to_string()),
            flag_ignored: arguments.list || arguments.ignored || arguments.include_ignored,
        }
    }

    /// The case as a trial.
    pub fn trial(&self, case: KernelCase) -> Trial {
        match case.needs_call {
            Some(call) if !LinuxBackend::new().uses(call) => {
                let reason = format!("this kernel has no {call}");
                let ignored = move || -> Result<Completion, Failed> { Ok(Completion::ignored_with(reason)) };
                Trial::ignorable_test(case.rule, ignored)
            }
            _ => self.trial_of(case.rule.to_owned(), case.needs_root, case.run),
        }
    }

    /// The case as a trial, with what this machine lacks for it: then it is not run.
    pub fn trial_lacking(&self, case: KernelCase, lacking: Option<&str>) -> Trial {
        let Some(lacking) = lacking else { return self.trial(case) };
        self.cannot(case.rule.to_owned(), lacking.to_owned())
    }

    /// A trial that runs in a fresh root.
    pub fn trial_of(&self, name: String, needs_root: bool, run: impl FnOnce() + Send + 'static) -> Trial {
        let refused = needs_root.then_some("only the machine's own root may");
        let thread = name.clone();
        self.ignorable(name, refused, move || in_fresh_root(&thread, run))
    }

    /// A trial that takes threads of its own into fresh roots.
    pub fn trial_with_roots(
        &self,
        name: String,
        needs: Needs,
        run: impl FnOnce() -> Result<(), NoNamespace> + Send + 'static,
    ) -> Trial {
        self.ignorable(name, needs.refused_in_user_namespace(), run)
    }

    /// A case of the contract, with the backend that `make` makes on its thread.
    pub fn contract_trial<B: Backend + 'static>(
        &self,
        name: String,
        case: Case,
        make: impl FnOnce() -> (B, bool) + Send + 'static,
    ) -> Trial {
        self.ignorable(name, case.needs().refused_in_user_namespace(), move || play_on_kernel(case, make))
    }

    /// A case of the port to the root of the process, in the same way.
    pub fn root_trial<B: Backend + ProcessRoot + 'static>(
        &self,
        name: String,
        case: Case,
        make: impl FnOnce() -> (B, bool) + Send + 'static,
    ) -> Trial {
        self.ignorable(name, case.needs().refused_in_user_namespace(), move || play_roots_on_kernel(case, make))
    }

    fn ignorable(
        &self,
        name: String,
        refused_in_user_namespace: Option<&str>,
        run: impl FnOnce() -> Result<(), NoNamespace> + Send + 'static,
    ) -> Trial {
        let reason = match (&self.privilege, refused_in_user_namespace) {
            (Err(reason), _) => reason.clone(),
            (Ok(Privilege::UserNamespace), Some(reason)) => reason.to_owned(),
            (Ok(_), _) => return Trial::test(name, move || Ok(run()?)),
        };
        self.cannot(name, reason)
    }

    fn cannot(&self, name: String, reason: String) -> Trial {
        let asked_for = self.flag_ignored;
        Trial::ignorable_test(name, move || -> Result<Completion, Failed> {
            // Ignored cases that are run all the same must not pass.
            if asked_for { Err(reason.into()) } else { not_run(&reason) }
        })
        .with_ignored_flag(asked_for && not_run("").is_ok())
    }
}

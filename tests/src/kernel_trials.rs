//! Cases for the kernel alone, each on a thread and in a namespace of its own; shown as ignored, with the reason, where that
//! is not allowed.

use libtest_mimic::{Arguments, Completion, Failed, Trial};

use crate::contract::{can_play_on_kernel, in_fresh_root};
use crate::kernel_required::not_run;
use crate::namespace::{self, Privilege};

/// A case by name.
#[derive(Clone, Copy, Debug)]
pub struct KernelCase {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// Whether root in a user namespace is not enough.
    pub needs_root: bool,
    /// Panics where the rule does not hold.
    pub run: fn(),
}

impl KernelCase {
    /// A case for whoever may have a mount namespace.
    pub const fn new(rule: &'static str, run: fn()) -> Self {
        Self { rule, needs_root: false, run }
    }

    /// A case for the machine's own root.
    #[must_use]
    pub const fn for_root(mut self) -> Self {
        self.needs_root = true;
        self
    }
}

/// What this process may do here.
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
        self.trial_of(case.rule.to_owned(), case.needs_root, case.run)
    }

    /// A trial that runs in a fresh root.
    pub fn trial_of(&self, name: String, needs_root: bool, run: impl FnOnce() + Send + 'static) -> Trial {
        let Some(reason) = self.cannot(needs_root) else {
            return Trial::test(name.clone(), move || Ok(in_fresh_root(&name, run)?));
        };
        let asked_for = self.flag_ignored;
        Trial::ignorable_test(name, move || -> Result<Completion, Failed> {
            // Ignored cases that are run all the same must not pass.
            if asked_for { Err(reason.into()) } else { not_run(&reason) }
        })
        .with_ignored_flag(asked_for && not_run("").is_ok())
    }

    fn cannot(&self, needs_root: bool) -> Option<String> {
        match &self.privilege {
            Err(reason) => Some(reason.clone()),
            Ok(Privilege::UserNamespace) if needs_root => Some("only the machine's own root may".to_owned()),
            Ok(_) => None,
        }
    }
}

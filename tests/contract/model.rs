//! The model: the Linux backend making its calls there.

use libtest_mimic::Trial;
use mountwright_fake::FakeBackend;
use mountwright_linux::LinuxBackend;
use mountwright_tests::contract::{Case, play_on_model};
use mountwright_tests::model_kernel::ModelKernel;

use crate::ladders::{ladders, limited};

/// The case on each backend that needs no kernel.
pub(crate) fn trials(area: &'static str, case: Case) -> impl Iterator<Item = Trial> {
    let fake = Trial::test(format!("the fake: {area}: {}", case.rule()), move || {
        play_on_model(case, |machine, process| (FakeBackend::over(machine.shared(), process), true));
        Ok(())
    });
    let linux = ladders().into_iter().map(move |(name, ladder)| {
        Trial::test(format!("Linux on the model{name}: {area}: {}", case.rule()), move || {
            play_on_model(case, |machine, process| {
                limited(LinuxBackend::over(ModelKernel::new(machine.clone(), process)), ladder)
            });
            Ok(())
        })
    });
    std::iter::once(fake).chain(linux)
}

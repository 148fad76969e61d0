//! Paths in a root: random images and random paths, compared with the kernel's own `RESOLVE_IN_ROOT`; targets that are created
//! there; names exchanged at every component.
//!
//! 4,000 look-ups, with `MOUNTWRIGHT_LONG` 240,000.

mod exchanged;
mod look_ups;
mod race;
mod targets;
mod tree;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mountwright_fake::{Machine, ModelKernel, SharedMachine};
use mountwright_linux::Linux;
use mountwright_tests::kernel_trials::{KernelCase, KernelTrials};
use mountwright_tests::machine::{furnish, furnish_model};
use mountwright_tests::random::Random;
use mountwright_tests::settings::Settings;

use crate::look_ups::{Asked, LookUps};
use crate::targets::Targets;
use crate::tree::{OUTSIDE, ROOT, Tree};

/// The look-ups in one image.
const LOOK_UPS: usize = 100;
/// The targets that are created in one image.
const TARGETS: usize = 5;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each attack has a thread of its own, and needs the processors.
    arguments.test_threads.get_or_insert(1);
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let call = mountwright_linux::Call::Openat2;
    let mut trials = vec![
        kernel.trial(
            KernelCase::new("every look-up in a root is the kernel's own, with openat2 and without", look_ups)
                .needing(call),
        ),
        Trial::test("no exchange at any component leads out of a root on the model", || {
            exchanged::on_the_model();
            Ok(())
        }),
    ];
    trials.extend(race::ATTACKS.map(|attack| kernel.trial_of(attack.0.to_owned(), false, move || race::race(attack))));
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn model(tree: &Tree) -> Asked<ModelKernel> {
    let kernel = ModelKernel::new(SharedMachine::new(Machine::new()), Machine::INIT);
    furnish_model(&kernel, "dir /run; mount proc proc /proc; tmpfs:w /w");
    furnish_model(&kernel, OUTSIDE);
    furnish_model(&kernel, &tree.text());
    Asked::new(kernel)
}

fn look_ups() {
    let settings = Settings::read();
    let mut random = Random::new(settings.seed().into());
    let images: u64 = if settings.long { 2_400 } else { 40 };
    let (mut sum, mut targets) = (LookUps::default(), Targets::default());
    let kernel = Asked::new(Linux::new());
    furnish(OUTSIDE);
    for image in 0..images {
        let tree = Tree::random(&mut random, image % 3 == 0);
        furnish(&tree.text());
        let model = (!tree.has_procfs).then(|| model(&tree));
        sum.ask((&kernel, model.as_ref()), &tree, &mut random, LOOK_UPS);
        if let Some(model) = model {
            targets.create((&kernel, &model), &tree, &mut random, TARGETS);
        }
        furnish(&format!("detach {ROOT}"));
    }
    println!("look-ups in a root, each by 2 rungs: {}; differences: {}", sum.results, sum.different.len());
    println!(
        "targets created in a root, each by 2 rungs: {}; differences: {}",
        targets.results,
        targets.different.len()
    );
    assert!(targets.different.is_empty(), "{}", targets.different.iter().take(3).cloned().collect::<String>());
    assert!(targets.results.of("created") >= images / 4, "too few are created: {}", targets.results);
    assert!(sum.different.is_empty(), "{}", sum.different.iter().take(3).cloned().collect::<String>());
    for what in ["Directory", "Regular", "Symlink", "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"] {
        assert!(sum.results.of(what) >= if settings.long { 500 } else { 1 }, "{what} is too rare: {}", sum.results);
    }
}

//! Look-ups agree in every table: `MountTable`, the fake host that is built from the same text, and the kernel where the table
//! can be built there. Captured tables load into the fake, print back byte for byte, and are drawn.

mod corpus;
mod generated;
mod look_ups;
mod on_kernel;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use mountwright_tests::kernel_trials::KernelTrials;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    // Before the first thread starts.
    let kernel = KernelTrials::enter(&arguments);
    let mut trials =
        vec![Trial::test("look-ups in random tables are those of the host that is built from the text", || {
            look_ups::agree_with_the_fake();
            Ok(())
        })];
    trials.extend(on_kernel::trials(&kernel));
    trials.extend(corpus::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
